"""An endpoint with OpenAI's protocol; answers are limited in size and time."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from twin_gym.errors import ConfigError, missing_extra
from twin_gym.twins.scenarios.exchange import MAX_ANSWER_BYTES, AnswerError, answer_to

if TYPE_CHECKING:
    from openai import OpenAI

__all__ = ["MAX_ANSWER_BYTES", "AnswerError", "Endpoint", "content_of"]

KEY_VARIABLE = "TWIN_GYM_LLM_KEY"
URL_VARIABLE = "TWIN_GYM_LLM_URL"
MODEL_VARIABLE = "TWIN_GYM_LLM_MODEL"

MAX_TIMEOUT_S = 86_400.0

_MAX_NAME = 200
_MAX_URL = 2_000
_MAX_KEY = 4_096
_LONG = 12  # signs of a key that nobody would use for a model's name


@dataclass(frozen=True)
class Endpoint:
    """Address, model and timeout of a language model.

    Attributes:
        model: name of the model at the endpoint.
        base_url: URL of the endpoint, such as `http://localhost:8000/v1`.
        key: API key; never shown, logged or written.
        timeout_s: limit for a whole exchange, from name resolution to the last byte.

    Raises:
        ConfigError: if a value is invalid, or URL or model name contain the key.
    """

    model: str
    base_url: str
    key: str = field(default="", repr=False)
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        """Checks all values."""
        self._check_key()
        for name, value, most in (
            ("model", self.model, _MAX_NAME),
            ("URL", self.base_url, _MAX_URL),
        ):
            if not isinstance(value, str) or not value.isprintable() or len(value) > most:
                raise ConfigError(
                    f"the {name} of an endpoint is text of at most {most:,} printable signs"
                )
            if len(self.key) >= _LONG and self.key in value:
                raise ConfigError(
                    f"the {name} of an endpoint holds the key, which would be shown: give the key "
                    f"as {KEY_VARIABLE} alone"
                )
        self._check_url()
        is_number = isinstance(self.timeout_s, int | float) and self.timeout_s is not True
        if not self.model or not is_number or not 0.0 < self.timeout_s <= MAX_TIMEOUT_S:
            raise ConfigError(
                "an endpoint needs the name of a model and a positive timeout of at most "
                f"{MAX_TIMEOUT_S:g} s, got {self.timeout_s!r:.40}"
            )

    def _check_key(self) -> None:
        """Checks that a header can carry the key; the message does not show it."""
        key = self.key
        if not isinstance(key, str) or len(key) > _MAX_KEY or not _is_word(key):
            raise ConfigError(
                f"the key of an endpoint is at most {_MAX_KEY:,} letters, digits and signs of "
                "ASCII without blanks or line ends"
            )

    def _check_url(self) -> None:
        """Checks the URL; errors do not show a URL with a password."""
        try:
            parts = urlsplit(self.base_url)
            has_user, has_host = "@" in parts.netloc, bool(parts.hostname)
            is_port = parts.port is None or parts.port > 0
        except ValueError:  # a port that is no number, brackets that do not close
            has_user, has_host, is_port = "@" in self.base_url, False, False
        if has_user:
            raise ConfigError(
                f"the base URL holds a user or a password: give the key as {KEY_VARIABLE} alone"
            )
        if not self.base_url.startswith(("http://", "https://")):
            raise ConfigError(
                f"the base URL must begin with http:// or https://, got {self.base_url!r:.80}"
            )
        if not has_host or not is_port or not _is_word(self.base_url):
            raise ConfigError(
                "the base URL must be http:// or https://, a host, perhaps a port, and a path, "
                f"got {self.base_url!r:.80}"
            )

    @classmethod
    def from_environment(cls, model: str | None = None, base_url: str | None = None) -> Endpoint:
        """The endpoint from environment variables.

        Args:
            model: replaces TWIN_GYM_LLM_MODEL.
            base_url: replaces TWIN_GYM_LLM_URL.

        Returns:
            The endpoint, with the key from TWIN_GYM_LLM_KEY if it is set.

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
        """A client without automatic retries.

        Raises:
            MissingExtraError: if the package `openai` is not installed.
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
            client: client from `connected`.
            messages: chat messages.
            schema: JSON schema of the answer; a model may ignore it.
            seed: seed for the model, if it supports one.

        Returns:
            The text, not validated.

        Raises:
            AnswerError: if there is no answer within two megabytes and the timeout, or the
                endpoint redirects.
        """
        asked: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "scenario_twins", "schema": schema, "strict": True},
            },
            "seed": seed,
        }
        return content_of(answer_to(client, asked, self.timeout_s, self.key))


def _is_word(text: str) -> bool:
    """Whether all characters are printable ASCII and none is a space."""
    return all("!" <= sign <= "~" for sign in text)


def content_of(body: bytes) -> str:
    """The text in the body of a chat completion.

    Args:
        body: as it came.

    Returns:
        The first choice's text.

    Raises:
        AnswerError: if it is no chat completion.
    """
    found, reason = _parsed(body)
    try:
        content = found["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        content, reason = None, reason or "the answer is no chat completion"
    if reason:
        raise AnswerError(reason)  # not while another error is handled: that one holds the body
    if not isinstance(content, str):
        raise AnswerError("the answer has no text")
    return content


def _parsed(body: bytes) -> tuple[Any, str]:
    """The body as parsed JSON, and the error if it is invalid."""
    try:
        return json.loads(body), ""
    except RecursionError:
        return None, "the answer is nested too deeply"
    except ValueError:
        return None, "the answer is no chat completion"
