"""Every bound of a scenario, and what is known to be earned there."""

from __future__ import annotations

import numpy as np

from benchmarks.bounds.bound import FIRST_WORLD, Bound
from benchmarks.bounds.page import POLICY_WORLDS, WORLDS, Progress, Row
from benchmarks.environments.slice_admission.bound import (
    exact_optimum,
    proven_bounds,
    replay_bound,
)
from benchmarks.environments.slice_admission.perfect import hindsight_per_s
from benchmarks.environments.slice_admission.requests import realised, tables_of
from benchmarks.statistics import mean_interval
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import TwinGymError
from twin_gym.policies import evaluate, make_policy, world_seeds

FEES = (0.0, 0.5, 1.0)
_RULES = ("reservation", "optimum", "density", "bid-price", "max-revenue", "fifo")


NOTES = """\
- *exact optimum*: `slice_admission.theory.finite_horizon`, the upper end of its enclosure.
- *LP*: `slice_admission.theory.bounds.fluid_bound` with the horizon.
- *option bound*: `slice_admission.theory.option_bound` with the horizon. It is an
  information-relaxation bound whose penalty is the martingale of an approximate value function.
- *perfect information*: `benchmarks.environments.slice_admission.perfect`, hindsight in each world,
  as a linear programme over the realised requests. With a *fee*, hindsight pays for knowing holding
  times. For a replayed trace without worlds, it is the mean over all moments at which an episode
  may begin.
"""


def rows_of(
    scenario: AdmissionScenario,
    *,
    worlds: int = WORLDS,
    policy_worlds: int = POLICY_WORLDS,
    progress: Progress | None = None,
) -> list[Row]:
    """All that is known of a scenario.

    Args:
        scenario: of a track.
        worlds: validation worlds for bounds that are sampled; 0: leave those out.
        policy_worlds: validation worlds for the rules.
        progress: told the share that is done.

    Returns:
        The proven bounds, the sampled ones, and the rule that earns most.
    """
    bounds = _proven(scenario, progress)
    anchor = min(bounds, key=lambda bound: bound.value_per_s)
    rows = [
        Row(scenario.name, scenario.digest, one.kind, one.value_per_s, 0.0, True, one is anchor, 0,
            one.proof)
        for one in bounds
    ]  # fmt: skip
    if anchor.kind != "exact optimum" and worlds > 0:
        rows += _sampled(scenario, worlds, progress)
    return [*rows, best_rule(scenario, policy_worlds)]


def _proven(scenario: AdmissionScenario, progress: Progress | None) -> list[Bound]:
    if scenario.trace is not None:
        return [replay_bound(scenario, progress)]
    exact = exact_optimum(scenario)
    return [*([] if exact is None else [exact]), *proven_bounds(scenario)]


def _sampled(scenario: AdmissionScenario, worlds: int, progress: Progress | None) -> list[Row]:
    """Perfect information, without a fee and with it where the laws allow one."""
    tables = tables_of(scenario)
    fees = FEES if scenario.trace is None else FEES[:1]
    bounds = np.zeros((worlds, len(fees)))
    for k, seed in enumerate(world_seeds("validation", worlds, first=FIRST_WORLD)):
        requests = realised(tables, seed)
        bounds[k] = [hindsight_per_s(requests, fee=fee) for fee in fees]
        if progress is not None:
            progress((k + 1) / worlds)
    rows = []
    for fee, values in zip(fees, bounds.T, strict=True):
        mean = mean_interval(values)
        kind = "perfect information" + (f", fee {fee:g}" if fee else "")
        what = "hindsight over realised requests; weak duality in each world"
        if fee:
            what += ", fee for knowing holding times"
        rows.append(
            Row(scenario.name, scenario.digest, kind, mean.estimate, (mean.high - mean.low) / 2,
                True, False, worlds, what)
        )  # fmt: skip
    return rows


def best_rule(scenario: AdmissionScenario, worlds: int) -> Row:
    """The classical rule that earns most on validation worlds.

    Args:
        scenario: of a track.
        worlds: how many.

    Returns:
        Its row. Chosen and measured on the same worlds: a little too high where rules are close.
    """
    seeds = world_seeds("validation", worlds, first=FIRST_WORLD)
    best: Row | None = None
    for name in _RULES:
        try:
            policy = make_policy(name, scenario)
        except TwinGymError:
            continue  # no tuned thresholds, or too large for an optimum
        earned = evaluate(policy, scenario, seeds).returns / scenario.horizon_s
        mean = mean_interval(earned)
        if best is None or mean.estimate > best.value_per_s:
            best = Row(
                scenario.name, scenario.digest, f"earned by {name}", mean.estimate,
                (mean.high - mean.low) / 2, False, False, worlds, "simulated, paired worlds",
            )  # fmt: skip
    if best is None:
        raise TwinGymError(f"no rule can be run in {scenario.name!r}")
    return best
