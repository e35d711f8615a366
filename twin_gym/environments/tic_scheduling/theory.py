"""How many unit messages can be delivered in time, and how long they wait in a queue.

A message of one unit may use some slots; a slot has a number of grants. The most messages that can
be delivered is a maximum matching of messages to grants. Where each message may use every slot from
its release to its due slot, serving the most urgent one first reaches it (Jackson 1955; unit jobs
with release times: Blazewicz et al., Scheduling Computer and Manufacturing Processes, 2001, 4.1).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from twin_gym.errors import ConfigError


def most_by_earliest_deadline(windows: Sequence[tuple[int, int]], grants: int) -> int:
    """Most unit messages in time, where every slot of a message's window serves it.

    Args:
        windows: first and last slot that serves each message.
        grants: messages that a slot serves.

    Returns:
        The number of messages that earliest deadline first delivers, which no assignment exceeds.

    Raises:
        ConfigError: if there is no grant.

    Example:
        >>> most_by_earliest_deadline([(0, 0), (0, 1), (0, 1)], grants=1)
        2
    """
    _check_grants(grants)
    to_come = sorted(windows, reverse=True)
    waiting: list[int] = []
    delivered, slot = 0, 0
    while to_come or waiting:
        if not waiting:
            slot = max(slot, to_come[-1][0])
        while to_come and to_come[-1][0] <= slot:
            heapq.heappush(waiting, to_come.pop()[1])
        left = grants
        while waiting and left:
            if heapq.heappop(waiting) >= slot:
                delivered += 1
                left -= 1
        slot += 1
    return delivered


def most_by_matching(usable: Sequence[Sequence[int]], grants: int) -> int:
    """Most unit messages in time, where each may use slots of its own.

    Args:
        usable: the slots that would serve each message, such as those of its window in which its
            channel lets it through.
        grants: messages that a slot serves.

    Returns:
        The size of a maximum matching of messages to grants.

    Raises:
        ConfigError: if there is no grant.

    Example:
        >>> most_by_matching([[0], [0, 2], [2]], grants=1)
        2
    """
    _check_grants(grants)
    slots = sorted({slot for row in usable for slot in row})
    if not slots:
        return 0
    column = {slot: grants * i for i, slot in enumerate(slots)}
    rows = [m for m, row in enumerate(usable) for _ in range(len(set(row)) * grants)]
    columns = [
        column[slot] + k for row in usable for slot in sorted(set(row)) for k in range(grants)
    ]
    shape = (len(usable), len(slots) * grants)
    graph = csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape)
    matched = maximum_bipartite_matching(graph, perm_type="column")
    return int((matched >= 0).sum())


def most_with_answers(
    usable: Sequence[Sequence[int]], answer_usable: Sequence[Sequence[int]], grants: int
) -> int:
    """A bound on deliveries in time, where each delivered message asks for an answer.

    When an answer is ready depends on when its message was delivered. Give it every slot that some
    delivery of its message would leave it: from the first usable slot of the message (plus the
    processing) to the last one (plus processing and the answer's deadline). What any policy
    delivers is then a matching in this relaxed graph: each delivery has a grant of its own, in a
    slot that its message or answer may use. So the maximum matching is not less. Besides, no policy
    delivers more answers than messages, which bounds the sum by twice the messages alone.

    Args:
        usable: the slots that would serve each message.
        answer_usable: the slots that would serve its answer, if it was delivered in any of its own.
        grants: messages and answers that a slot serves together.

    Returns:
        A number of deliveries that no policy exceeds, whatever it knows.

    Raises:
        ConfigError: if there is no grant, or the two differ in length.

    Example:
        >>> most_with_answers([[0], [0]], [[1], [1, 2]], grants=1)
        2
    """
    if len(usable) != len(answer_usable):
        raise ConfigError(
            f"each message has one answer, got {len(usable)} messages and {len(answer_usable)}"
        )
    together = most_by_matching([*usable, *answer_usable], grants)
    return min(together, 2 * most_by_matching(usable, grants))


def mean_wait_slots(mean: float, factorial_moment: float) -> float:
    """Mean wait in a queue that serves one message a slot, first come first served.

    Batches of A messages arrive at the beginnings of slots, independent and alike. What is left at
    the end of a slot obeys Q' = Q + A - [Q + A > 0]; squaring and taking means gives
    E[Q] = E[A (A - 1)] / (2 (1 - E[A])), and Little's law the wait (Bruneel and Kim, Discrete-Time
    Models for Communication Systems Including ATM, 1993, chapter 1).

    Args:
        mean: E[A], messages a slot; in (0, 1).
        factorial_moment: E[A (A - 1)]; for n sensors of probability p it is n (n - 1) p^2.

    Returns:
        Whole slots from the slot of arrival to that of service, on average: the latency less one.

    Raises:
        ConfigError: if the queue is not stable or the moment is negative.

    Example:
        >>> mean_wait_slots(0.5, 0.25)  # Poisson arrivals: that of M/D/1
        0.5
    """
    if not 0.0 < mean < 1.0 or factorial_moment < 0.0:
        raise ConfigError(
            f"a stable queue has 0 < mean < 1 and a factorial moment of at least 0, got {mean!r} "
            f"and {factorial_moment!r}"
        )
    return factorial_moment / (2.0 * mean * (1.0 - mean))


def _check_grants(grants: int) -> None:
    if grants < 1:
        raise ConfigError(f"a slot has at least one grant, got {grants!r}")
