"""The option bound where arrivals come in bursts: everything depends on the phases, too."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.chain import Floats
from twin_gym.environments.slice_admission.theory.option_model import OptionModel
from twin_gym.environments.slice_admission.theory.states import Ints
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.scenario import MMPP, Poisson

MAX_PHASES = 16
_SWEEPS, _STEP = 250, 2.0
_MOST_STEPS = 4_000
_WORTHWHILE = 1e-3
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class Phases:
    """The joint phases of all modulated slices.

    Attributes:
        rates_hz: arrivals a second; shape (slices, phases).
        change_hz: rates from phase to phase, 0 on the diagonal.
        share: of the time that each takes, and of the episodes that begin in it.
    """

    rates_hz: Floats
    change_hz: Floats
    share: Floats


def phases_of(scenario: AdmissionScenario) -> Phases:
    """The joint phases of a scenario.

    Args:
        scenario: arrivals are Poisson or modulated.

    Returns:
        All combinations, one if no slice is modulated.

    Raises:
        ConfigError: if another law is there, requests wait with exponential patience, or there
            are too many combinations.
    """
    slices = scenario.slices
    for one in slices:
        if not isinstance(one.arrival, Poisson | MMPP):
            raise ConfigError(
                f"beside bursts the option bound needs Poisson arrivals, and slice {one.name!r} "
                f"has the law {one.arrival.law!r}: set its `arrival` to Poisson()"
            )
    if scenario.patience_law == "exponential" and any(one.queue_limit > 0 for one in slices):
        raise ConfigError(
            "where arrivals come in bursts and requests wait, the option bound needs deterministic "
            "patience: set the scenario's `patience_law` to 'deterministic'"
        )
    laws = [one.arrival for one in slices]
    counts = [len(law.factors) if isinstance(law, MMPP) else 1 for law in laws]
    if math.prod(counts) > MAX_PHASES:
        raise ConfigError(
            f"the bursts of {scenario.name!r} have {math.prod(counts)} joint phases and the option "
            f"bound allows at most {MAX_PHASES}: take fewer modulated slices"
        )
    joint = list(itertools.product(*(range(count) for count in counts)))
    rates_hz = np.array([[one.arrival_rate_hz for _ in joint] for one in slices])
    change_hz, share = np.zeros((len(joint), len(joint))), np.ones(len(joint))
    for s, law in enumerate(laws):
        if not isinstance(law, MMPP):
            continue
        factors, stays_s = law.relative_rates(), law.mean_sojourn_s
        for f, phase in enumerate(joint):
            here = phase[s]
            following = (*phase[:s], (here + 1) % counts[s], *phase[s + 1 :])
            rates_hz[s, f] *= factors[here]
            change_hz[f, joint.index(following)] += 1.0 / stays_s[here]
            share[f] *= stays_s[here] / sum(stays_s)
    return Phases(rates_hz, change_hz, share)


class PhasedModel:
    """Vectors in service with the values of options on them, in each phase.

    Values of pairs (n, phase) are flat, the phase counting fastest.
    """

    def __init__(self, model: OptionModel, phases: Phases, unlimited: frozenset[int]) -> None:
        count = len(phases.share)
        chain = model.chain
        self.model, self.phases, self.unlimited = model, phases, unlimited
        self.in_service = np.repeat(chain.in_service, count, axis=0)
        self.up, self.down = (self._spread(one, count) for one in (chain.up, chain.down))
        self.rates_hz = np.tile(phases.rates_hz, model.num_vectors)
        leaving = phases.change_hz.sum(axis=1)
        self.generator = phases.change_hz - np.diag(leaving)
        self.uniform_hz = float(
            model.fastest_hz + phases.rates_hz.sum(axis=0).max() + leaving.max()
        )

    @staticmethod
    def _spread(numbers: Ints, count: int) -> Ints:
        spread = numbers[:, None, :] * count + np.arange(count)[None, :, None]
        there = np.broadcast_to(numbers[:, None, :] >= 0, spread.shape)
        result: Ints = np.where(there, spread, -1).reshape(-1, numbers.shape[1])
        return result

    def closed(self, value: Floats) -> Floats:
        """The least function above h for which an unlimited admission never gains."""
        from twin_gym.environments.slice_admission.theory import option_sweeps

        result = value.copy()
        unlimited = np.array(sorted(self.unlimited), dtype=np.int64)
        option_sweeps.close_under_admission(result, self.up, self.model.revenue, unlimited)
        return result

    def drift(self, value: Floats, step_s: float, *, is_proven: bool) -> Floats:
        """The left side of (e), with changes of phase, for each pair of a vector and a phase."""
        from twin_gym.environments.slice_admission.theory import option_sweeps

        count = len(self.phases.share)
        result = (value.reshape(-1, count) @ self.generator.T).ravel()
        chain = self.model.chain
        option_sweeps.add_departures(
            value, self.in_service, self.down, chain.service_rate_hz, result
        )
        for s in range(chain.num_slices):
            if s not in self.unlimited:
                result += self.rates_hz[s] * self._option(value, s, step_s, is_proven)
        return result

    def _option(self, value: Floats, s: int, step_s: float, is_proven: bool) -> Floats:
        from twin_gym.environments.slice_admission.theory import option_sweeps

        model = self.model
        waits = bool(model.queue_limit[s] > 0)
        obstacle, option = np.zeros_like(value), np.zeros_like(value)
        option_sweeps.obstacle(value, self.up, float(model.revenue[s]), s, waits, obstacle)
        steps = math.ceil(float(model.patience_s[s]) / step_s)
        table = (model.num_vectors, len(self.phases.share))
        option_sweeps.age_in_phases(
            obstacle.reshape(table),
            steps,
            float(model.patience_s[s]) / max(steps, 1),
            model.chain.in_service,
            model.chain.down,
            model.chain.service_rate_hz,
            self.phases.change_hz,
            is_proven,
            option.reshape(table),
        )
        rise = option_sweeps.greatest_rise(option, self.up) if is_proven and waits else 0.0
        if rise > _SLACK * float(model.revenue.max() + 1.0):
            raise TwinGymError("the values of options do not fall with the load: no bound")
        return option

    def span(self, value: Floats) -> float:
        """By how much h at the beginning exceeds its least value, on average over phases."""
        return float(value[: len(self.phases.share)] @ self.phases.share - value.min())

    def solve(self, start: Floats, length_s: float) -> tuple[float, float]:
        """The gain that is proven from the best h found, and what episodes add to it.

        Args:
            start: an h over vectors.
            length_s: of the episodes, or infinite.

        Returns:
            g, and the mean of h(empty) less min h.
        """
        value = self.closed(np.repeat(start, len(self.phases.share)))
        best, kept = math.inf, value
        for _ in range(_SWEEPS):
            drift = self.drift(value, _STEP / self.model.fastest_hz, is_proven=False)
            value, drift = self._balanced(value, drift)
            estimate = float(drift.max()) + self.span(value) / length_s
            if estimate < best:
                best, kept = estimate, value
            value = self.closed(value + drift / self.uniform_hz)
            value -= value[0]
        return self._prove(kept)

    def _balanced(self, value: Floats, drift: Floats) -> tuple[Floats, Floats]:
        """Adds a constant to h in each phase, such that the greatest drift is the same in all.

        Options and departures know differences of h within a phase only, so that constants change
        the drift by what changes of phase make of them. Iteration alone would need as many sweeps
        as a phase has events.
        """
        share = self.phases.share
        greatest = drift.reshape(-1, len(share)).max(axis=0)
        right_side = np.append(float(share @ greatest) - greatest, 0.0)
        matrix = np.vstack((self.generator, share))
        constants = np.linalg.lstsq(matrix, right_side, rcond=None)[0]
        vectors = self.model.num_vectors
        changed = drift + np.tile(self.generator @ constants, vectors)
        return value + np.tile(constants, vectors), changed

    def _prove(self, value: Floats) -> tuple[float, float]:
        step_s, gain, last = 0.25 / self.model.fastest_hz, math.inf, math.inf
        while True:
            drift = self.drift(value, step_s, is_proven=True)
            value, drift = self._balanced(value, drift)
            last, gain = gain, float(drift.max())
            step_s /= 2.0
            steps = self.model.longest_wait_s(self.unlimited) / step_s
            if last - gain <= _WORTHWHILE * abs(gain) or steps > _MOST_STEPS:
                return gain, self.span(value)
