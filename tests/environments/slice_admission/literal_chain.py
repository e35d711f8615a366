"""The rules of slice admission told once more, word by word and slowly, for their exact gain."""

import itertools

import numpy as np

from twin_gym.environments.slice_admission.scenario import AdmissionScenario


class LiteralChain:
    """Value iteration over dictionaries: states between decisions, decisions by recursion.

    Args:
        scenario: memoryless, with some dozens of states.
        policy: as `evaluate_policy` takes it; None: at each decision the best action.
    """

    def __init__(self, scenario: AdmissionScenario, policy=None):
        self.scenario = scenario
        self.slices = scenario.slices
        self.policy = policy
        ranges = [range(9)] * len(self.slices)
        queues = [range(one.queue_limit + 1) for one in self.slices]
        self.states = [
            (n, q)
            for n in itertools.product(*ranges)
            if self.fits(n)
            for q in itertools.product(*queues)
        ]

    def fits(self, n):
        """Whether these requests can be in service together; amounts are halves."""
        return all(
            sum(
                count * one.demand.get(name, 0.0) for count, one in zip(n, self.slices, strict=True)
            )
            <= capacity
            for name, capacity in self.scenario.capacity.items()
        )

    def decide(self, n, q, pending, resting):
        """Value of a decision, admissions one after the other."""
        seen = tuple(count + (s == pending) for s, count in enumerate(q))
        open_to = [s for s, count in enumerate(seen) if count and self.fits(moved(n, s, 1))]
        lost = 0.0 if pending is None else self.slices[pending].lost_penalty
        values = {len(q): resting[n, q] - lost}
        if not open_to:
            return values[len(q)]
        if self.policy is not None:
            chosen = int(self.policy(np.array([n]), np.array([seen]))[0])
            open_to = [s for s in open_to if s == chosen]
        for s in open_to:
            still, left = (None, q) if s == pending else (pending, moved(q, s, -1))
            after = self.decide(moved(n, s, 1), left, still, resting)
            values[s] = self.slices[s].revenue + after
        if self.policy is not None:
            return values.get(chosen, values[len(q)])
        return max(values.values())

    def events(self, n, q, resting):
        """Rate and value of each event."""
        for s, one in enumerate(self.slices):
            if one.queue_limit == 0 and self.fits(moved(n, s, 1)):
                then = self.decide(n, q, s, resting)
            elif q[s] < one.queue_limit:
                then = self.decide(n, moved(q, s, 1), None, resting)
            else:
                then = self.decide(n, q, None, resting) - one.lost_penalty
            yield one.arrival_rate_hz, then
            if n[s]:
                fewer = self.decide(moved(n, s, -1), q, None, resting)
                yield n[s] / one.mean_holding_time_s, fewer
            if q[s]:
                left = self.decide(n, moved(q, s, -1), None, resting)
                yield q[s] / one.mean_patience_s, left - one.lost_penalty

    def gain_per_s(self, width=1e-8):
        """Between the last bounds."""
        resting = dict.fromkeys(self.states, 0.0)
        rate = 1.01 * max(
            sum(rate for rate, _ in self.events(n, q, resting)) for n, q in self.states
        )
        while True:
            following = {
                (n, q): resting[n, q]
                + sum(hz * (then - resting[n, q]) for hz, then in self.events(n, q, resting)) / rate
                for n, q in self.states
            }
            rises = [rate * (following[state] - resting[state]) for state in self.states]
            if max(rises) - min(rises) < width:
                return (max(rises) + min(rises)) / 2
            first = following[self.states[0]]
            resting = {state: value - first for state, value in following.items()}


def moved(counts, s, change):
    """The counts with one changed."""
    return tuple(count + change * (index == s) for index, count in enumerate(counts))
