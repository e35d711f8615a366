"""Scenario twins from a language model behind any endpoint with OpenAI's protocol.

Answers of the model are untrusted data: they are parsed as JSON, validated against the scenario
models, and never executed. Names and provenances are not taken from answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.twins.scenarios.answers import entries_of, point_of
from twin_gym.twins.scenarios.blotting import blotted
from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.endpoint import AnswerError, Endpoint
from twin_gym.twins.scenarios.generator import MAX_COUNT, GenerationError
from twin_gym.twins.scenarios.parameter_history import CurrentState, ParameterHistory
from twin_gym.twins.scenarios.questions import ask_for, schema_of, summary_of

if TYPE_CHECKING:
    from openai import OpenAI

MAX_REQUESTS = 100

_MOST_AT_ONCE = 32
_MAX_QUOTE = 160
_MAX_REASON = 500
_REASONS_TOLD = 5


@dataclass(frozen=True)
class Rejection:
    """A part of an answer that was rejected.

    Attributes:
        request: number of the request, from 1.
        reason: reason of the rejection.
        quote: beginning of the rejected text, as a Python literal.
    """

    request: int
    reason: str
    quote: str


@dataclass
class _Order:
    """The inputs of `generate`, and the scenarios accepted so far."""

    criteria: Criteria
    history: ParameterHistory
    realtime: CurrentState | None
    made: list[Scenario]


class LlmGenerator:
    """H+R+GAI with a language model.

    Args:
        endpoint: endpoint of the model.
        max_requests: maximum number of requests.

    Attributes:
        rejections: rejected entries of the last call of `generate`, in order.
    """

    name = "llm"

    def __init__(self, endpoint: Endpoint, max_requests: int = 5) -> None:
        if not 1 <= max_requests <= MAX_REQUESTS:
            raise ConfigError(f"a model is asked 1 to {MAX_REQUESTS} times, got {max_requests}")
        self.endpoint = endpoint
        self.max_requests = max_requests
        self.rejections: list[Rejection] = []

    def generate(
        self,
        criteria: Criteria,
        history: ParameterHistory,
        realtime: CurrentState | None,
        count: int,
        rng: np.random.Generator,
    ) -> list[Scenario]:
        """See `Generator`. Randomness is the model's own; it gets a seed, which it may ignore.

        Raises:
            ConfigError: if the count is out of range.
            GenerationError: if too few scenarios are valid after all requests; the message has the
                last reasons.
            MissingExtraError: if the package `openai` is not installed.
        """
        if not 1 <= count <= MAX_COUNT:
            raise ConfigError(f"1 to {MAX_COUNT:,} scenarios are generated at once, got {count}")
        self.rejections = []
        client = self.endpoint.connected()
        order = _Order(criteria, history, realtime, [])
        for request in range(1, self.max_requests + 1):
            wanted = min(count - len(order.made), _MOST_AT_ONCE)
            for entry in self._asked(client, request, order, wanted, rng)[:wanted]:
                self._take(entry, request, order)
            if len(order.made) == count:
                return order.made
        reasons = "; ".join(one.reason for one in self.rejections[-3:]) or "it answered too little"
        raise GenerationError(
            f"the model {self.endpoint.model!r} gave {len(order.made)} valid scenarios of {count} "
            f"in {self.max_requests} requests: {reasons}"
        )

    def _asked(
        self, client: OpenAI, request: int, order: _Order, count: int, rng: np.random.Generator
    ) -> list[Any]:
        """The entries of the answer to one request, not validated yet."""
        space = order.history.space
        reasons = [one.reason for one in self.rejections[-_REASONS_TOLD:]]
        summary = summary_of(order.criteria, order.history, order.realtime)
        schema = schema_of(space, order.criteria.bounds(space), count)
        try:
            text = self.endpoint.answer(
                client, ask_for(count, summary, reasons), schema, int(rng.integers(2**31))
            )
        except AnswerError as error:
            self._reject(request, str(error), "")
            return []
        entries, reason = entries_of(text)
        if reason:
            self._reject(request, reason, text)
        return entries

    def _take(self, entry: object, request: int, order: _Order) -> None:
        """Adds an entry to the scenarios if it is valid, otherwise to the rejections."""
        space, made = order.history.space, order.made
        provenance = (
            f"Scenario twin {len(made)} of {space.base.name!r} ({space.base.digest}) by the "
            f"language model {self.endpoint.model!r}, request {request}, from "
            f"{order.history.source}; checked by the scenario models."
        )
        try:
            point = point_of(entry, space, order.criteria.bounds(space), self._without_key)
            name = f"{order.criteria.name}-{len(made)}"
            made.append(space.scenario(point, name=name, provenance=provenance))
        except ConfigError as error:
            self._reject(request, str(error), json.dumps(entry))

    def _reject(self, request: int, reason: str, text: str) -> None:
        """Records a reason and the beginning of the text, with the key redacted before cutting."""
        hidden, quote = self._without_key(reason), self._without_key(text)
        self.rejections.append(Rejection(request, hidden[:_MAX_REASON], repr(quote[:_MAX_QUOTE])))

    def _without_key(self, text: str) -> str:
        """A text in which the key is redacted."""
        return blotted(text, self.endpoint.key)
