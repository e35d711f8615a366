"""Gaps: differences of indicators between scenario twins and the network that followed.

The same policy runs on the same worlds in each twin and in the network that followed. The k-th
request or message is the same in all of them, so that a gap is a paired difference over worlds.
Gaps show whether differences of parameters matter. Intervals over several twins treat each twin as
one observation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.policies.evaluation import evaluate
from twin_gym.policies.intervals import half_width
from twin_gym.policies.what_if import (
    Agent,
    Difference,
    OnProgress,
    check_alike,
    indicators_of,
    paired_difference,
    policy_of,
)
from twin_gym.policies.worlds import distinct_worlds, world_seeds
from twin_gym.scenario import Scenario
from twin_gym.twins.scenarios.distances import Copying, TwoSample, copying, two_sample_test
from twin_gym.twins.scenarios.parameter_history import ParameterHistory

Values = dict[str, NDArray[np.float64]]

_LEAST_WORLDS = 2


@dataclass(frozen=True)
class IndicatorGap:
    """The gap of one indicator between twins and the network that followed.

    Attributes:
        came: mean of the indicator in the network that followed.
        spread: its standard deviation over worlds in that network.
        by_twin: paired difference, twin minus network, with its interval over worlds; by number of
            the twin, for twins that have the indicator.
        mean: mean of the twins' mean differences, the systematic error.
        half_width: half-width of the 95 % interval of `mean` over twins (Student's t), on these
            worlds; NaN for a single twin.
        root_mean_square: root mean square of the twins' mean differences, the typical error.
    """

    came: float
    spread: float
    by_twin: Mapping[int, Difference]
    mean: float
    half_width: float
    root_mean_square: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval over twins (for one twin, over worlds) excludes zero."""
        if len(self.by_twin) == 1:
            return next(iter(self.by_twin.values())).is_clear
        return abs(self.mean) > self.half_width

    def relative(self, gap: float) -> float:
        """A gap in standard deviations of the indicator over worlds.

        Args:
            gap: in the unit of the indicator, such as `mean` or `root_mean_square`.

        Returns:
            The ratio; infinite if the indicator does not vary and there is a gap.
        """
        if gap == 0.0:
            return 0.0
        return gap / self.spread if self.spread > 0.0 else math.copysign(math.inf, gap)


@dataclass(frozen=True)
class KpiGaps:
    """Gaps of every indicator under one policy.

    Attributes:
        agent: name of the policy.
        twins: names of the twins.
        came: the network that followed.
        seeds: seeds of the worlds.
        by_indicator: gaps by indicator, in the order of the environment.
    """

    agent: str
    twins: tuple[str, ...]
    came: Scenario
    seeds: tuple[int, ...]
    by_indicator: Mapping[str, IndicatorGap]


def kpi_gaps(
    twins: Sequence[Scenario],
    came: Scenario,
    agent: Agent,
    *,
    seeds: Sequence[int] | None = None,
    action: str | None = None,
    reconfigured: bool = False,
    on_progress: OnProgress | None = None,
) -> KpiGaps:
    """Gaps of every indicator between twins and the network that followed.

    Args:
        twins: scenario twins, one or more.
        came: the network that the twins predict.
        agent: the policy that runs all networks.
        seeds: seeds of the worlds, two or more; None: 64 of the `validation` family.
        action: form of the action; None: the environment's default.
        reconfigured: whether policies by name are configured for each network; otherwise they are
            configured for the network that followed.
        on_progress: called with the name of the running network and the share that is done.

    Returns:
        Paired gaps with 95 % intervals, for each twin and over the twins.

    Raises:
        ConfigError: if there is no twin, there are fewer than two worlds, a twin is of another
            kind, or its observations or actions differ and `reconfigured` is False.
    """
    worlds = tuple(world_seeds("validation", 64) if seeds is None else seeds)
    if not twins or len(worlds) < _LEAST_WORLDS:
        raise ConfigError(
            f"gaps need at least one twin and two worlds, got {len(twins)} and {len(worlds)}"
        )
    distinct_worlds(worlds)
    for twin in twins:
        _check_twin(twin, came, action, reconfigured=reconfigured)
    tell = on_progress or (lambda what, share: None)
    name = ""

    def run(scenario: Scenario) -> Values:
        nonlocal name
        policy = policy_of(agent, scenario if reconfigured else came, action)
        found = evaluate(
            policy, scenario, worlds, action=action,
            progress=lambda share: tell(scenario.name, share),
        )  # fmt: skip
        name = found.policy
        return indicators_of(found, scenario)

    foretold = [run(twin) for twin in twins]
    physical = run(came)
    gaps = {key: _gap(key, values, foretold) for key, values in physical.items()}
    return KpiGaps(
        name, tuple(twin.name for twin in twins), came, worlds,
        {key: gap for key, gap in gaps.items() if gap is not None},
    )  # fmt: skip


def _check_twin(twin: Scenario, came: Scenario, action: str | None, *, reconfigured: bool) -> None:
    if twin.kind != came.kind:
        raise ConfigError(
            f"the twin {twin.name!r} is a network of the kind {twin.kind!r} and {came.name!r} of "
            f"the kind {came.kind!r}: gaps are between networks of one kind"
        )
    if not reconfigured:
        check_alike(came, twin, action)


def _gap(
    key: str, physical: NDArray[np.float64], foretold: Sequence[Values]
) -> IndicatorGap | None:
    """The gap of one indicator; None if no twin has it in two of the network's worlds."""
    pairs = {
        number: paired_difference(physical, twin[key])
        for number, twin in enumerate(foretold)
        if key in twin
    }
    by_twin = {number: one for number, one in pairs.items() if one is not None}
    if not by_twin:
        return None
    there = physical[np.isfinite(physical)]
    means = np.array([one.mean for one in by_twin.values()])
    return IndicatorGap(
        came=float(there.mean()),
        spread=float(there.std(ddof=1)),
        by_twin=by_twin,
        mean=float(means.mean()),
        half_width=half_width(means),
        root_mean_square=float(np.sqrt((means**2).mean())),
    )


@dataclass(frozen=True)
class ScenarioFidelity:
    """Fidelity of scenario twins to the network that followed, in three parts.

    Attributes:
        parameters: test whether parameters of the twins and of later windows have the same
            distribution, with the power of the test.
        copies: test whether the twins copy the history from which they were generated.
        gaps: gaps of every indicator.
    """

    parameters: TwoSample
    copies: Copying
    gaps: KpiGaps

    def lines(self) -> list[str]:
        """The report as text, one result a line; only gaps of whole-network indicators."""
        law, copies = self.parameters, self.copies
        report = [
            f"parameters: energy distance {law.distance:.3f}, p = {law.p_value:.3f}; a shift of "
            f"{law.effect:g} standard deviations would be seen with probability {law.power:.2f}",
            f"copies: {copies.share_closer:.0%} closer to history than windows that came are "
            f"({copies.expected:.0%} expected, p = {copies.p_value:.3f}), {copies.exact_copies} "
            f"exact: {'a copy' if copies.is_copy else 'no copy'}",
        ]
        for key, gap in self.gaps.by_indicator.items():
            if "/" not in key:
                report.append(
                    f"{key}: {gap.came:.4g} came, twins {gap.mean:+.3g} ± {gap.half_width:.2g}"
                    f"{' *' if gap.is_clear else ''}, {gap.relative(gap.mean):+.2f} spreads; a "
                    f"twin is off by {gap.relative(gap.root_mean_square):.2f} spreads"
                )
        return report


def scenario_fidelity(
    twins: Sequence[Scenario],
    history: ParameterHistory,
    came: ParameterHistory,
    agent: Agent,
    rng: np.random.Generator,
    *,
    network: Scenario | None = None,
    seeds: Sequence[int] | None = None,
    action: str | None = None,
    reconfigured: bool = False,
    on_progress: OnProgress | None = None,
) -> ScenarioFidelity:
    """Fidelity of scenario twins: parameters, copying, and gaps of indicators.

    Args:
        twins: scenario twins generated from `history`, four or more.
        history: training data of the generator.
        came: later windows, which the generator has not seen.
        agent: policy that runs the networks for the gaps.
        rng: source of randomness for the test of parameters.
        network: reference of the gaps; None: the network at the mean of the later windows.
        seeds: see `kpi_gaps`.
        action: see `kpi_gaps`.
        reconfigured: see `kpi_gaps`.
        on_progress: see `kpi_gaps`.

    Returns:
        The three results.

    Raises:
        ConfigError: if history and later windows have different parameters, or there are too few
            twins; and as `kpi_gaps`.
    """
    if came.space != history.space:
        raise ConfigError("history and later windows must have the same parameters")
    space = history.space
    points = np.array([space.coordinates(twin) for twin in twins]).reshape(len(twins), -1)
    parameters = two_sample_test(points, came.points, rng)
    copies = copying(points, history.points, came.points)
    if network is None:
        network = space.scenario(came.points.mean(0), name="came", provenance=came.source)
    gaps = kpi_gaps(
        twins, network, agent, seeds=seeds, action=action, reconfigured=reconfigured,
        on_progress=on_progress,
    )  # fmt: skip
    return ScenarioFidelity(parameters, copies, gaps)
