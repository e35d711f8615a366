"""Every bound of a scenario, and what is known to be earned there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.bounds.perfect import hindsight_per_s
from benchmarks.bounds.requests import realised, tables_of
from benchmarks.bounds.tightest import Bound, exact_optimum, proven_bounds, replay_bound
from benchmarks.statistics import mean_interval
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import TwinGymError
from twin_gym.policies import evaluate, make_policy, world_seeds

FIRST_WORLD = 2**19
"""Validation worlds of this page: apart from those of curves, tuning, anchors and `run`."""
WORLDS = 20
POLICY_WORLDS = 64
FEES = (0.0, 0.5, 1.0)
_RULES = ("reservation", "optimum", "density", "bid-price", "max-revenue", "fifo")
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Row:
    """A bound, or what a rule earns.

    Attributes:
        scenario: its name.
        digest: of the scenario.
        kind: what it is.
        value_per_s: revenue a second of an episode, penalties subtracted.
        half_width: half of the 95 % interval over worlds; 0 if nothing is sampled.
        is_bound: whether no policy earns more on average (sampled ones: up to their interval).
        is_anchor: whether it is the tightest one that is proven without sampling.
        worlds: validation worlds that it was sampled on; 0: none.
        what: what is proven, in a line.
    """

    scenario: str
    digest: str
    kind: str
    value_per_s: float
    half_width: float
    is_bound: bool
    is_anchor: bool
    worlds: int
    what: str


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
    found = np.zeros((worlds, len(fees)))
    for k, seed in enumerate(world_seeds("validation", worlds, first=FIRST_WORLD)):
        requests = realised(tables, seed)
        found[k] = [hindsight_per_s(requests, fee=fee) for fee in fees]
        if progress is not None:
            progress((k + 1) / worlds)
    rows = []
    for fee, values in zip(fees, found.T, strict=True):
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
