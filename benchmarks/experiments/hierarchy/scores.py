"""How near an emulated control plane is to the real one, with its past forced and running free."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray

from benchmarks.experiments.hierarchy.episodes import Episode
from twin_gym.twins.hierarchy import late_decisions
from twin_gym.twins.hierarchy.peers import ESTABLISH, REJECT, REQUEST
from twin_gym.twins.signalling.answering import first_five_qis_in
from twin_gym.twins.signalling.learned.fidelity import predictions
from twin_gym.twins.signalling.learned.twin import MessageTwin
from twin_gym.twins.signalling.learned.vectors import Predicted
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.replay import replay

Bools = NDArray[np.bool_]
Fate = tuple[int, int]
"""Cause with which a request was lost, 0 if it was admitted; and when, in ns."""


def policy_places(log: MessageLog) -> NDArray[np.int64]:
    """Places of the messages that follow from a decision: N4 establishments and rejects."""
    return np.flatnonzero(np.isin(log.column("kind"), (ESTABLISH, REJECT)))


def exact_by_automaton(log: MessageLog) -> Bools:
    """Whether the automaton says each message of the core as it was; shape (messages,)."""
    found = np.zeros(len(log), np.bool_)
    for one in replay(log, first_five_qis_in(log)).scored:
        found[one.place] = one.is_exact
    return found


def exact_by_network(twin: MessageTwin, log: MessageLog, *, is_alone: bool) -> Bools:
    """Likewise of a trained twin, whose past is the true one; alone it is told no decision."""
    told = late_decisions(log, is_hidden=is_alone)
    said = predictions(twin, told, replay(told, first_five_qis_in(told)))
    found = np.zeros(len(log), np.bool_)
    for place, message in said.items():
        found[place] = message == Predicted.of(log.records[place])
    return found


def exact_by_base_rate(learned: MessageLog, log: MessageLog) -> Bools:
    """Likewise of the answer that is most frequent in a slice of another log.

    Its message is what the grammar has for that answer, so that only kind and cause can be wrong.
    """
    usual = {s: Counter(answers).most_common(1)[0][0] for s, answers in _answers(learned).items()}
    found = np.zeros(len(log), np.bool_)
    for place, s, answer in _answered(log):
        found[place] = usual.get(s) == answer
    return found


def best_by_slice(log: MessageLog) -> float:
    """Share of policy messages that the best rule that knows the slice alone can say."""
    counts = [Counter(answers) for answers in _answers(log).values()]
    hits = sum(one.most_common(1)[0][1] for one in counts)
    return hits / max(sum(one.total() for one in counts), 1)


def _answers(log: MessageLog) -> dict[int, list[Fate]]:
    found: dict[int, list[Fate]] = defaultdict(list)
    for _, s, answer in _answered(log):
        found[s].append(answer)
    return found


def _answered(log: MessageLog) -> list[tuple[int, int, Fate]]:
    """Place, slice, and kind with cause of each policy message."""
    slice_of: dict[int, int] = {}
    found = []
    for place, record in enumerate(log.records):
        kind, ue = int(record["kind"]), int(record["ue"])
        if kind == REQUEST:
            slice_of[ue] = int(record["s_nssai"])
        elif kind in (ESTABLISH, REJECT):
            found.append((place, slice_of[ue], (kind, int(record["cause"]))))
    return found


def exact_policy_messages(real: Episode, exact: Bools, agrees: Bools | None) -> float:
    """Share of the policy messages that a control plane says exactly, given the true past.

    Args:
        real: the episode.
        exact: whether its message twin says each message exactly, given the decision.
        agrees: whether its policy takes each decision of the episode; None: it asks none.

    Returns:
        A message that follows at once from a decision counts where both are right.
    """
    places = policy_places(real.log)
    right = exact[places].copy()
    if agrees is not None:
        wrong = real.places[~agrees]
        right &= ~np.isin(places, wrong)
    return float(right.mean())


def first_and_after(agrees: Bools) -> tuple[float, float]:
    """Share of the decisions before the first disagreement, and the agreement after it.

    Both are 1 if there is none; the agreement after the last decision is 1, too.

    Example:
        >>> first_and_after(np.array([True, False, True, True]))
        (0.25, 1.0)
    """
    wrong = np.flatnonzero(~agrees)
    if not len(wrong):
        return 1.0, 1.0
    after = agrees[wrong[0] + 1 :]
    return float(wrong[0]) / len(agrees), float(after.mean()) if len(after) else 1.0


def fates(log: MessageLog) -> dict[tuple[int, int], Fate | None]:
    """By slice and number of the request: what became of it, None if it still waits."""
    numbers: Counter[int] = Counter()
    request_of: dict[int, tuple[int, int]] = {}
    found: dict[tuple[int, int], Fate | None] = {}
    for record in log.records:
        kind, ue, time_ns = int(record["kind"]), int(record["ue"]), int(record["time_ns"])
        if kind == REQUEST:
            s = int(record["s_nssai"])
            request_of[ue] = s, numbers[s]
            found[request_of[ue]] = None
            numbers[s] += 1
        elif kind in (ESTABLISH, REJECT) and found.get(request_of.get(ue, (-1, -1)), 0) is None:
            found[request_of[ue]] = int(record["cause"]) if kind == REJECT else 0, time_ns
    return found


def divergence(real: MessageLog, emulated: MessageLog, horizon_ns: int) -> tuple[float, float]:
    """When two networks that meet the same requests part, and how alike they are afterwards.

    Args:
        real: messages of the one.
        emulated: messages of the other.
        horizon_ns: length of the episodes.

    Returns:
        Share of the horizon until a request is first answered in another way or at another instant;
        and of the requests that come later, the share with the same fate, at whatever instant; 1
        if there is none.
    """
    mine, theirs = fates(real), fates(emulated)
    parted = horizon_ns
    for key, fate in mine.items():
        other = theirs.get(key)
        if fate != other:
            parted = min(parted, *(one[1] for one in (fate, other) if one is not None))
    came = _arrivals(real)
    later = [key for key in mine if came[key] >= parted]
    same = [_outcome(mine[key]) == _outcome(theirs.get(key)) for key in later]
    return parted / horizon_ns, float(np.mean(same)) if same else 1.0


def _outcome(fate: Fate | None) -> int:
    return -1 if fate is None else fate[0]


def _arrivals(log: MessageLog) -> dict[tuple[int, int], int]:
    numbers: Counter[int] = Counter()
    found = {}
    for record in log.records[log.records["kind"] == REQUEST]:
        s = int(record["s_nssai"])
        found[s, numbers[s]] = int(record["time_ns"])
        numbers[s] += 1
    return found
