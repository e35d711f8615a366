"""How near a message twin comes to the core: messages, their entries, and the grammar.

Every message of the core is asked for with the true messages before it. Entries are those of the
binary vector (`to_vectors`). `END` and padding are not scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.answering import first_five_qis_in
from twin_gym.twins.signalling.grammar import event_of
from twin_gym.twins.signalling.learned.decoding import begun_kinds, is_well_formed, next_kinds
from twin_gym.twins.signalling.learned.training import WindowTensors
from twin_gym.twins.signalling.learned.twin import MessageTwin
from twin_gym.twins.signalling.learned.vectors import END, FIELDS, Predicted
from twin_gym.twins.signalling.learned.windows import judged_windows, streams_of
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import MESSAGE_DTYPE, to_vectors
from twin_gym.twins.signalling.replay import Replay, replay


@dataclass(frozen=True)
class MessageFidelity:
    """Scores of a message twin on a log.

    Attributes:
        num_messages: of the core, that were asked for.
        exact: share of them in which every field and bit is right.
        precision: share of the predicted positive entries that are right (micro average).
        recall: share of the true positive entries that are predicted.
        f1: harmonic mean of both.
        num_stateful: answers that the message they answer does not determine alone.
        stateful_exact: share of those that are exact; NaN without any, as the next four.
        stateful_precision: precision on those.
        stateful_recall: recall on those.
        stateful_f1: F1 on those.
        stateful_accuracy: accuracy on those.
        violations: share of the predictions that the grammar does not have there.
        accuracy: share of all entries that are right.
        absent_accuracy: the same of a prediction without any entry: what accuracy is worth.
    """

    num_messages: int
    exact: float
    precision: float
    recall: float
    f1: float
    num_stateful: int
    stateful_exact: float
    stateful_precision: float
    stateful_recall: float
    stateful_f1: float
    stateful_accuracy: float
    violations: float
    accuracy: float
    absent_accuracy: float

    @classmethod
    def of(
        cls, twin: MessageTwin, log: MessageLog, from_ns: int = 0, replayed: Replay | None = None
    ) -> MessageFidelity:
        """The scores of a twin.

        Args:
            twin: that predicts.
            log: of UEs that it has not learned from; see `split`.
            from_ns: earlier messages are context alone.
            replayed: the automaton over the log; None: run here.

        Returns:
            Its fidelity.

        Raises:
            ConfigError: if the core sends nothing in the log from that time on.
        """
        replayed = replayed or replay(log, first_five_qis_in(log))
        return cls.of_predictions(predictions(twin, log, replayed), log, from_ns, replayed)

    @classmethod
    def of_predictions(
        cls,
        predicted: Mapping[int, Predicted],
        log: MessageLog,
        from_ns: int = 0,
        replayed: Replay | None = None,
    ) -> MessageFidelity:
        """The scores of whatever predicts messages.

        Args:
            predicted: what it says in the place of messages of the core, by place in the log.
            log: what the core said.
            from_ns: earlier messages are not judged.
            replayed: the automaton over the log; None: run here.

        Returns:
            Its fidelity.

        Raises:
            ConfigError: if there is no prediction from that time on.
        """
        replayed = replayed or replay(log, first_five_qis_in(log))
        times = log.column("time_ns")
        places = np.array([one for one in sorted(predicted) if times[one] >= from_ns], np.int64)
        if not len(places):
            raise ConfigError("no message of the core to judge: take a longer log")
        said = [predicted[place] for place in places.tolist()]
        true, found = to_vectors(log.records[places]), _vectors(said)
        stateful = np.isin(places, stateful_places(replayed))
        allowed = allowed_kinds(log, replayed)
        breaches = [not _obeys(one, allowed.get(place)) for place, one in
                    zip(places.tolist(), said, strict=True)]  # fmt: skip
        whole, part = _Scores.of(true, found), _Scores.of(true[stateful], found[stateful])
        return cls(
            num_messages=len(places),
            exact=whole.exact,
            precision=whole.precision,
            recall=whole.recall,
            f1=whole.f1,
            num_stateful=int(stateful.sum()),
            stateful_exact=part.exact,
            stateful_precision=part.precision,
            stateful_recall=part.recall,
            stateful_f1=part.f1,
            stateful_accuracy=part.accuracy,
            violations=float(np.mean(breaches)),
            accuracy=whole.accuracy,
            absent_accuracy=float((true == 0).mean()),
        )


@dataclass(frozen=True)
class _Scores:
    """Scores of some messages; NaN where there are none."""

    exact: float
    precision: float
    recall: float
    f1: float
    accuracy: float

    @classmethod
    def of(cls, true: NDArray[np.uint8], found: NDArray[np.uint8]) -> _Scores:
        """From binary vectors; shape (messages, entries)."""
        if not len(true):
            return cls(*[float("nan")] * len(fields(cls)))
        is_right = found == true
        return cls(
            float(is_right.all(axis=1).mean()), *micro_scores(true, found), float(is_right.mean())
        )


def stateful_places(replayed: Replay) -> list[int]:
    """Places of the answers that the message they answer does not determine alone."""
    return [one.place for one in replayed.scored if one.is_answer and one.deciding < one.trigger]


def micro_scores(
    true: NDArray[np.uint8], found: NDArray[np.uint8]
) -> tuple[float, float, float]:  # fmt: skip
    """Precision, recall and F1 of the positive entries, all messages together.

    Args:
        true: shape (messages, entries).
        found: same shape.

    Example:
        >>> micro_scores(np.array([[1, 1, 0]], np.uint8), np.array([[1, 0, 1]], np.uint8))
        (0.5, 0.5, 0.5)
    """
    hits, num_found, num_true = int((true & found).sum()), int(found.sum()), int(true.sum())
    precision, recall = hits / max(num_found, 1), hits / max(num_true, 1)
    return precision, recall, 2.0 * hits / max(num_found + num_true, 1)


def allowed_kinds(log: MessageLog, replayed: Replay) -> dict[int, frozenset[int]]:
    """Kinds that the grammar has at each message of the core, by its place in the log."""
    found: dict[int, frozenset[int]] = {}
    sent: dict[int, list[int]] = {}
    for one in replayed.scored:
        if not one.is_answer:
            found[one.place] = begun_kinds()
            continue
        before = sent.setdefault(one.trigger, [])
        found[one.place] = next_kinds(event_of(log[one.trigger]), before)
        before.append(int(log.records["kind"][one.place]))
    return found


def predictions(
    twin: MessageTwin, log: MessageLog, replayed: Replay, *, is_told: bool = False
) -> dict[int, Predicted]:
    """What a twin says in the place of each message of the core, by its place in the log.

    Args:
        twin: that predicts.
        log: whose messages.
        replayed: the automaton over the log.
        is_told: whether the twin is told that the core sends something, as tables are: it never
            says `END` then.

    Returns:
        Its messages.
    """
    settings = twin.metadata.settings
    allowed = allowed_kinds(log, replayed)
    if is_told:
        allowed = {place: kinds - {END} for place, kinds in allowed.items()}
    found: dict[int, Predicted] = {}
    for stream in streams_of(log, settings.context, replayed):
        slots = range(settings.num_slots)
        for window, start, first in judged_windows(stream, settings.window, slots):
            with torch.no_grad():
                states = twin.network(*WindowTensors.of([window]).inputs)[0]
            is_asked = (window.weights > 0) & (window.targets[:, 0] != END)
            asked = [one for one in np.flatnonzero(is_asked).tolist() if one >= first]
            places = [int(stream.places[start + one + 1]) for one in asked]
            options = [allowed.get(place) for place in places]
            said = twin.choose(states[asked], options, is_silent=not is_told)
            found |= dict(zip(places, said, strict=True))
    return found


def _vectors(said: list[Predicted]) -> NDArray[np.uint8]:
    """Binary vectors of predictions; no entry where the twin says nothing."""
    is_said = np.array([one.kind != END for one in said])
    messages = [(one if one.kind != END else _FIRST).message(0, 0).as_tuple() for one in said]
    vectors = to_vectors(np.array(messages, MESSAGE_DTYPE))
    vectors[~is_said] = 0
    return vectors


_FIRST = Predicted(0, (0,) * len(FIELDS), 0, 0)


def _obeys(message: Predicted, allowed: frozenset[int] | None) -> bool:
    """Whether the grammar has a message where these kinds may follow."""
    return is_well_formed(message) and (not allowed or message.kind in allowed)
