"""Answers in the words of a language model, whose text is data and never a fact.

The sentences of an answer stay the answer. A model is given them and the question, and may say the
same in other words; numbers and names that it says and that the sentences do not have are listed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from twin_gym.errors import ConfigError, without_controls
from twin_gym.twins.knowledge.answers import Answer
from twin_gym.twins.plain import shown, whole

MAX_LETTERS = 2_000

_WORD = re.compile(r"[^\s,;:!?()\"'`*]*[0-9/][^\s,;:!?()\"'`*]*")
"""What has a digit or a slash: numbers and ids."""


class LanguageModel(Protocol):
    """What writes text, such as a client of an endpoint."""

    def complete(self, prompt: str) -> str:
        """The text that follows a prompt."""


@dataclass(frozen=True)
class Rephrasing:
    """An answer, and the same in the words of a language model.

    Attributes:
        answer: the answer, whose sentences are the facts.
        text: what the model wrote, without control characters.
        unsupported: numbers and ids in the text that are in no sentence of the answer.
    """

    answer: Answer
    text: str
    unsupported: tuple[str, ...]

    @property
    def is_supported(self) -> bool:
        """Whether all numbers and ids of the text are in the answer. The words are not checked."""
        return not self.unsupported


def prompt_of(answer: Answer) -> str:
    """What a language model is given: facts with their ages, and the question.

    Args:
        answer: the answer.

    Returns:
        The prompt, equation (10) verbalised.
    """
    return (
        "Facts:\n"
        f"{answer.text}\n"
        f"Question: {answer.question}\n"
        "Answer in one or two sentences, from these facts alone, and say how old they are.\n"
        "Answer:"
    )


def rephrase(answer: Answer, model: LanguageModel, max_letters: int = MAX_LETTERS) -> Rephrasing:
    """Has a language model say an answer in its words.

    Args:
        answer: the answer.
        model: the language model.
        max_letters: letters of its text that are kept.

    Returns:
        The answer with the text. An answer that is unknown is not given to the model: its text is
        that of the answer.

    Raises:
        ConfigError: if the model gives something else than text.

    Example:
        >>> from twin_gym.twins.knowledge import Fact
        >>> class Liar:
        ...     def complete(self, prompt):
        ...         return "It is 7."
        >>> answer = Answer("how long is the queue", (Fact("gateway/3", "queue", 5, 1.0),), "", 1.0)
        >>> rephrase(answer, Liar()).unsupported
        ('7',)
    """
    most = whole(max_letters, "`max_letters`", 1)
    if not answer.is_known:
        return Rephrasing(answer, answer.text, ())
    told = model.complete(prompt_of(answer))
    if not isinstance(told, str):
        raise ConfigError(f"a language model gives text, got {shown(told)}")
    text = without_controls(told[:most]).strip()
    known = set(_words(answer.text)) | set(_words(answer.question))
    strange = (word for word in _words(text) if word not in known)
    return Rephrasing(answer, text, tuple(dict.fromkeys(strange)))


def _words(text: str) -> list[str]:
    return [word.rstrip(".") for word in _WORD.findall(text)]
