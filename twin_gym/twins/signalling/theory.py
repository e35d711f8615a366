"""What is known exactly of a log: bounds of windows and of chance.

The automaton that knows the state of the UE, the verdict and the decision is right about every
answer (see `twin_gym.twins.signalling.replay`). A predictor that sees a window of the interleaved
log, or not the decisions, is bounded by what it cannot see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.contents import REGISTRATION_REFUSALS
from twin_gym.twins.signalling.grammar import event_of
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import INITIAL_REGISTRATION, NO_VERDICT, NOT_ASKED, Message
from twin_gym.twins.signalling.replay import Replay
from twin_gym.twins.signalling.scenario import SignallingScenario


def outside_share(
    replayed: Replay, windows: ArrayLike, places: Iterable[int] | None = None
) -> NDArray[np.float64]:
    """W(K): share of the answers that a window of the newest messages does not determine.

    A predictor that sees the newest messages of all UEs knows no more than one minus this share
    of the answers. The others it can guess: the share bounds what is determined, and the score
    only of predictors that do not guess.

    Args:
        replayed: the log.
        windows: numbers of messages; shape (windows,).
        places: of the answers that count, by default all of them.

    Returns:
        Shares in [0, 1], falling in the window; shape (windows,).

    Raises:
        ConfigError: if there is no answer to count.
    """
    chosen = None if places is None else set(places)
    ages = [
        one.place - one.deciding
        for one in replayed.scored
        if one.is_answer and (chosen is None or one.place in chosen)
    ]
    if not ages:
        raise ConfigError("no answer of the core to count: take a longer log")
    shares: NDArray[np.float64] = (np.array(ages)[:, None] > np.asarray(windows)).mean(axis=0)
    return shares


def stateful_share(replayed: Replay) -> float:
    """Share of the answers that the message they answer does not determine alone."""
    return _share(one.deciding < one.trigger for one in replayed.scored if one.is_answer)


def interleaving(log: MessageLog) -> float:
    """Share of the messages of UEs that follow a message of another UE: 0 for one UE alone."""
    ues = log.column("ue")[log.column("ue") >= 0]
    return float(np.mean(ues[1:] != ues[:-1])) if len(ues) > 1 else 0.0


def chance_bound(log: MessageLog, scenario: SignallingScenario) -> float:
    """Best share of exact outcomes without verdicts and decisions: the most likely outcome.

    What the scenario draws has the probability that follows from its shares. Whether a slice is
    full is not drawn: requests of sessions count by their frequency in the log, which is a bound
    for predictors that do not count the sessions of others.

    Args:
        log: whose requests count.
        scenario: of the log.

    Returns:
        Expected share of the messages on which a verdict or a decision is needed, in [0, 1]; 1 if
        there is none.
    """
    number, right = _judged(log, scenario)
    return right / number if number else 1.0


def blind_exact_bound(log: MessageLog, scenario: SignallingScenario) -> float:
    """Best expected share of exact messages of the core without verdicts and decisions.

    Each outcome is told by one message; those that follow it are determined by it.

    Args:
        log: whose messages are predicted, each from the true ones before it.
        scenario: of the log.

    Returns:
        In [0, 1]; 1 if nothing is drawn.
    """
    number, right = _judged(log, scenario)
    kinds = log.column("kind")[log.column("ue") >= 0]
    num_sent = int(np.array([kind.is_from_core for kind in KINDS])[kinds].sum())
    return 1.0 - (number - right) / num_sent if num_sent else 1.0


def _judged(log: MessageLog, scenario: SignallingScenario) -> tuple[int, float]:
    """How many messages need a verdict or a decision, and how many the likeliest outcome gets."""
    number, right = 0, 0.0
    sessions: Counter[int] = Counter()
    for message in map(Message.of, log.records):
        if KINDS[message.kind].is_from_core:
            continue
        if KINDS[message.kind].inner == "PDU session establishment request":
            if message.decision != NOT_ASKED:
                sessions[message.decision] += 1
            continue
        likeliest = _likeliest(message, scenario)
        if likeliest is not None:
            number, right = number + 1, right + likeliest
    if sessions:
        number, right = number + sessions.total(), right + max(sessions.values())
    return number, right


def _likeliest(message: Message, scenario: SignallingScenario) -> float | None:
    """Probability of the likeliest outcome of a message that is judged, None for others."""
    shares, event = scenario.failures, event_of(message)
    congested = shares.registration_congestion
    if event.startswith("Registration request: "):
        has_guti = message.verdict != NO_VERDICT and "update" not in event
        unknown = (
            shares.unknown_guti
            if has_guti and message.registration_type == INITIAL_REGISTRATION
            else 0.0
        )
        return max(congested, (1 - congested) * unknown, (1 - congested) * (1 - unknown))
    binary = {
        "Authentication response": shares.authentication_failed,
        "Service request": shares.service_refused,
        "Control plane service request": shares.service_refused,
        "PDU session modification request": shares.modification_refused,
        "PathSwitchRequest": shares.path_switch_failure,
    }
    name = event.partition(":")[0]
    if name == "Security mode complete":
        refused = shares.registration_refused
        return max(1 - refused, refused / len(REGISTRATION_REFUSALS))
    return max(binary[name], 1 - binary[name]) if name in binary else None


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 1.0
