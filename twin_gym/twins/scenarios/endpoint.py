"""An endpoint that speaks OpenAI's protocol, asked within bounds of size and time."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twin_gym.errors import ConfigError, TwinGymError, missing_extra

if TYPE_CHECKING:
    from openai import OpenAI

KEY_VARIABLE = "TWIN_GYM_LLM_KEY"
URL_VARIABLE = "TWIN_GYM_LLM_URL"
MODEL_VARIABLE = "TWIN_GYM_LLM_MODEL"

MAX_ANSWER_BYTES = 2_000_000


class AnswerError(TwinGymError):
    """One request brought nothing; the message says why and holds nothing of the key."""


@dataclass(frozen=True)
class Endpoint:
    """Where the model is and how long one may wait for it.

    Attributes:
        model: its name there.
        base_url: of the endpoint, such as `http://localhost:8000/v1`.
        key: its API key; never shown, logged or written.
        timeout_s: for one whole answer.
    """

    model: str
    base_url: str
    key: str = field(default="", repr=False)
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        """Refuses an endpoint that cannot be asked."""
        if not self.base_url.startswith(("http://", "https://")):
            raise ConfigError(
                f"the base URL must begin with http:// or https://, got {self.base_url!r:.80}"
            )
        if not self.model or not 0.0 < self.timeout_s < math.inf:
            raise ConfigError("an endpoint needs the name of a model and a positive timeout")

    @classmethod
    def from_environment(cls, model: str | None = None, base_url: str | None = None) -> Endpoint:
        """The endpoint that the environment names.

        Args:
            model: instead of that of TWIN_GYM_LLM_MODEL.
            base_url: instead of that of TWIN_GYM_LLM_URL.

        Returns:
            It, with the key of TWIN_GYM_LLM_KEY if there is one.

        Raises:
            ConfigError: if there is no model or no URL.
        """
        found = {
            MODEL_VARIABLE: model or os.environ.get(MODEL_VARIABLE, ""),
            URL_VARIABLE: base_url or os.environ.get(URL_VARIABLE, ""),
        }
        for variable, value in found.items():
            if not value:
                raise ConfigError(f"no language model is named: set {variable}")
        key = os.environ.get(KEY_VARIABLE, "")
        return cls(found[MODEL_VARIABLE], found[URL_VARIABLE], key)

    def connected(self) -> OpenAI:
        """A client, which asks once and never by itself again.

        Raises:
            MissingExtraError: if it is not installed.
        """
        try:
            from openai import OpenAI
        except ImportError as error:
            raise missing_extra("the language model generator", "llm") from error
        return OpenAI(
            api_key=self.key or "none",
            base_url=self.base_url,
            timeout=self.timeout_s,
            max_retries=0,
        )

    def answer(
        self, client: OpenAI, messages: list[dict[str, str]], schema: dict[str, Any], seed: int
    ) -> str:
        """The text of one answer.

        Args:
            client: of `connected`.
            messages: of the chat.
            schema: JSON schema of the answer; a model may not obey it.
            seed: of the model's draws, where it obeys one.

        Returns:
            The text, whatever it is.

        Raises:
            AnswerError: if there is none within two megabytes and the timeout.
        """
        import openai

        asked: Any = {
            "model": self.model,
            "messages": messages,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "scenario_twins", "schema": schema, "strict": True},
            },
            "seed": seed,
        }
        try:
            with client.chat.completions.with_streaming_response.create(**asked) as response:
                return content_of(self._whole(response.iter_bytes()))  # parts as they come in
        except openai.APITimeoutError:
            reason = f"no answer within {self.timeout_s:g} s"
        except openai.APIStatusError as error:
            reason = f"the endpoint answered with status {error.status_code}"
        except openai.OpenAIError as error:
            reason = f"the endpoint cannot be reached: {type(error).__name__}"
        raise AnswerError(reason)

    def _whole(self, parts: Any) -> bytes:  # noqa: ANN401 - an iterator of bytes
        """All parts of a body, or an error once they are too many, too late, or break off."""
        deadline = time.monotonic() + self.timeout_s
        body = bytearray()
        for part in _until_it_breaks(parts):
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                raise AnswerError(f"the answer has more than {MAX_ANSWER_BYTES:,} bytes")
            if time.monotonic() > deadline:
                raise AnswerError(f"no whole answer within {self.timeout_s:g} s")
        return bytes(body)


def _until_it_breaks(parts: Any) -> Iterator[bytes]:  # noqa: ANN401 - an iterator of bytes
    """The parts; the client leaves errors of reading a body to the package that it reads with."""
    try:
        yield from parts
    except Exception as error:
        raise AnswerError(f"the answer broke off: {type(error).__name__}") from None


def content_of(body: bytes) -> str:
    """The text in the body of a chat completion.

    Args:
        body: as it came.

    Returns:
        The first choice's text.

    Raises:
        AnswerError: if it is no chat completion.
    """
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except RecursionError:
        raise AnswerError("the answer is nested too deeply") from None
    except (ValueError, KeyError, IndexError, TypeError):
        raise AnswerError("the answer is no chat completion") from None
    if not isinstance(content, str):
        raise AnswerError("the answer has no text")
    return content
