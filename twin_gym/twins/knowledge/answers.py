"""Answers: statements of a graph, in sentences that say how old each is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twin_gym.twins.knowledge.facts import Fact, Statement, is_known, oldest_s
from twin_gym.twins.knowledge.sentences import sentence


@dataclass(frozen=True)
class Answer:
    """The answer to a question: O of equation (10).

    Attributes:
        question: as it was asked.
        statements: what the graph says, or does not know.
        headline: a number or yes or no, where the question asks for one; else empty.
        now_s: the time at which it was asked, in seconds of the graph.
    """

    question: str
    statements: tuple[Statement, ...]
    headline: str
    now_s: float

    @property
    def is_known(self) -> bool:
        """Whether the graph has an answer."""
        return any(map(is_known, self.statements)) or bool(self.headline)

    @property
    def age_s(self) -> float:
        """The age of the oldest fact of the answer; infinite if something is unknown."""
        return oldest_s(self.statements)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The statements in words; `parse_sentence` gives each back."""
        return tuple(map(sentence, self.statements))

    @property
    def text(self) -> str:
        """Headline and sentences, one a line; of a number, how old its oldest fact is instead."""
        if self.headline and self.headline[0].isdigit():
            age = repr(self.age_s).removesuffix(".0")
            return f"{self.headline} (oldest fact {age} s old)" if self.statements else "0"
        return "\n".join((*((self.headline,) if self.headline else ()), *self.sentences))

    def document(self) -> dict[str, Any]:
        """The answer for JSON; an age that is infinite is None."""
        return {
            "question": self.question,
            "now_s": self.now_s,
            "is_known": self.is_known,
            "headline": self.headline,
            "facts": [{**_fields(one), "sentence": sentence(one)} for one in self.statements],
        }


def _fields(statement: Statement) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": type(statement).__name__.lower(), **statement._asdict()}
    if isinstance(statement, Fact) and statement.value is None:
        fields["age_s"] = None
    if "properties" in fields:
        fields["properties"] = dict(fields["properties"])
    return fields
