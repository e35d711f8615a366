"""Fits the support vector machines to simulated episodes.

What a bin needs is labelled by what came: whether emptying it would have kept much from
overflowing before the next shift. The next stops are those of planned routes. Worlds are those for
training; everything is seeded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from twin_gym.environments.factory import vector_env
from twin_gym.environments.truck_routing.bins import DrawnBins
from twin_gym.environments.truck_routing.policies.clairvoyant import Truth
from twin_gym.environments.truck_routing.policies.decisions import (
    Decisions,
    TruckPolicy,
    day_of,
)
from twin_gym.environments.truck_routing.policies.planned import OverflowPlanPolicy
from twin_gym.environments.truck_routing.policies.rules import ThresholdPolicy
from twin_gym.environments.truck_routing.policies.svm import (
    FillMachine,
    RouteMachine,
    fill_features,
    route_features,
)
from twin_gym.environments.truck_routing.scenario import DAY_S, TruckScenario
from twin_gym.errors import missing_extra

Floats = NDArray[np.float64]

NUM_EXAMPLES = 1_500
"""Examples of bins: so many that the vectors fit on a page."""

NUM_DECISIONS = 12_000
"""Most decisions of planned routes to learn from."""

_CONSTANT = 1e-4
_OTHERS = 6  # bins that a chosen one is compared with
_DIGITS = 5
_PENALTY, _GAMMA, _LINEAR_PENALTY = 3.0, 0.2, 0.1
_BEHAVIOUR_FILL = 0.5
_WORTH = 0.05  # of the capacity


class FillExamples(NamedTuple):
    """Bins when a truck decides.

    Attributes:
        features: shape (examples, features).
        needs: whether emptying the bin now keeps a twentieth of its capacity or more from
            overflowing before the next shift; shape (examples,).
    """

    features: Floats
    needs: NDArray[np.bool_]


class RouteExample(NamedTuple):
    """One stop of a planned route.

    Attributes:
        bins: features of the allowed bins, two or more; shape (allowed, features).
        chosen: which of the allowed bins.
    """

    bins: Floats
    chosen: int


def training_scenarios() -> tuple[TruckScenario, ...]:
    """Towns that differ in size, in what is thrown in, and in how the twin is told.

    From 15 bins to 60, from bins that fill in a day and a half to such as take five days, and from
    reports every quarter of an hour to none.
    """
    told: tuple[tuple[float | Literal["never"], float], ...] = (
        (900.0, 1.0), (3_600.0, 0.8), (14_400.0, 0.5), ("never", 1.0),
    )  # fmt: skip
    towns = (60, 3_000.0), (15, 1_500.0), (40, 2_500.0), (25, 4_000.0)
    return tuple(
        TruckScenario(
            name=f"training-{inflow:g}-{number}", horizon_s=4 * DAY_S,
            bins=DrawnBins(
                count=count, seed=10 * number, width_m=width_m, height_m=width_m,
                median_inflow_l_per_h=inflow, inflow_sigma=0.5,
            ),
            report_period_s=period_s, delivery_probability=delivery,
        )
        for inflow in (2.0, 4.0, 6.0)
        for number, ((period_s, delivery), (count, width_m)) in enumerate(
            zip(told, towns, strict=True)
        )
    )  # fmt: skip


def fill_examples(scenario: TruckScenario, seeds: Sequence[int]) -> FillExamples:
    """What bins looked like when a truck decided, and which of them had better be emptied.

    Args:
        scenario: what is simulated, with the rule `threshold` at half of the capacity.
        seeds: of the worlds.

    Returns:
        An example for each bin, decision before the last day, and world.
    """
    policy = ThresholdPolicy(scenario, threshold=_BEHAVIOUR_FILL)
    features, needs = [], []
    for batch, seen, _ in _decisions(policy, seeds):
        truth, of_bins = Truth(batch), fill_features(seen)
        next_s = (day_of(seen.now_s) + 1) * DAY_S
        for row in np.flatnonzero(next_s < scenario.horizon_s):
            features.append(of_bins[row])
            prevented_l = truth.prevented_l(int(row), float(seen.now_s[row]), float(next_s[row]))
            needs.append(prevented_l >= _WORTH * policy.tables.capacity_l)
    return FillExamples(np.concatenate(features), np.concatenate(needs))


def route_examples(scenario: TruckScenario, seeds: Sequence[int]) -> list[RouteExample]:
    """The stops of `overflow-pyvrp`.

    Args:
        scenario: what is simulated.
        seeds: of the worlds.

    Returns:
        One example for each decision that sends a truck to one of several bins.
    """
    policy = OverflowPlanPolicy(scenario)
    examples = []
    for _, seen, chosen in _decisions(policy, seeds):
        features = route_features(seen)
        several = (seen.allowed.sum(axis=1) > 1) & (chosen < policy.num_choices)
        for row in np.flatnonzero(several):
            allowed = np.flatnonzero(seen.allowed[row])
            place = int(np.searchsorted(allowed, chosen[row]))
            examples.append(RouteExample(features[row, allowed], place))
    return examples


def _decisions(
    policy: TruckPolicy, seeds: Sequence[int]
) -> Iterator[tuple[Any, Decisions, NDArray[np.int64]]]:
    """Every decision of a policy in an episode of each world: batch, what is seen, what is chosen.

    Rows that are over allow nothing, and their time is the horizon.
    """
    env = vector_env(policy.scenario, len(seeds), autoreset_mode=AutoresetMode.NEXT_STEP)
    observations, infos = env.reset(seed=list(seeds))
    policy.reset(seeds[0])
    running = np.ones(len(seeds), np.bool_)
    while running.any():
        masks = infos["action_mask"].copy()
        masks[~running, :-1] = 0
        chosen = policy.actions(observations, masks)
        seen = policy.read(observations, masks)
        yield (
            env.batch,
            seen._replace(now_s=np.where(running, seen.now_s, policy.scenario.horizon_s)),
            chosen,
        )
        observations, _, _, truncated, infos = env.step(chosen)
        running &= ~truncated


def fit_fill(examples: FillExamples, *, seed: int = 0) -> FillMachine:
    """A support vector classifier of bins (Cortes and Vapnik, Machine Learning 20, 1995).

    Args:
        examples: of them, as many are drawn as may be, half of each label as far as there are.
        seed: of the drawing.

    Returns:
        The machine, whose numbers are rounded.

    Raises:
        MissingExtraError: if scikit-learn is not installed.
    """
    try:
        from sklearn.svm import SVC
    except ImportError as error:
        raise missing_extra("fitting a support vector machine", "routing") from error
    rng = np.random.default_rng(seed)
    drawn = np.concatenate(
        [
            rng.permutation(np.flatnonzero(examples.needs == label))[: NUM_EXAMPLES // 2]
            for label in (False, True)
        ]
    )
    features, needs = examples.features[drawn], examples.needs[drawn]
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < _CONSTANT] = 1.0  # what is the same everywhere tells nothing
    machine = SVC(C=_PENALTY, gamma=_GAMMA).fit((features - mean) / scale, needs)
    return FillMachine(
        mean=_rounded(mean), scale=_rounded(scale), gamma=_GAMMA,
        intercept=round(float(machine.intercept_[0]), _DIGITS),
        weights=_rounded(machine.dual_coef_[0]),
        vectors=tuple(_rounded(vector) for vector in machine.support_vectors_),
    )  # fmt: skip


def fit_route(examples: Sequence[RouteExample], *, seed: int = 0) -> RouteMachine:
    """A linear ranking from pairs (Joachims, "Optimizing search engines using clickthrough data").

    The chosen bin and one that was not chosen give one pair; a linear support vector classifier
    without an intercept says which of them comes first.

    Args:
        examples: stops to imitate; of them, as many are drawn as may be.
        seed: of the drawing.

    Returns:
        The ranking, whose numbers are rounded.

    Raises:
        MissingExtraError: if scikit-learn is not installed.
    """
    try:
        from sklearn.svm import LinearSVC
    except ImportError as error:
        raise missing_extra("fitting a support vector machine", "routing") from error
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(examples))[:NUM_DECISIONS]
    pairs = np.concatenate([_differences(examples[k], rng) for k in drawn])
    signs = np.where(np.arange(len(pairs)) % 2 == 0, 1.0, -1.0)
    scale = np.maximum(pairs.std(axis=0), _CONSTANT)
    machine = LinearSVC(C=_LINEAR_PENALTY, fit_intercept=False, dual=False)
    machine.fit(pairs / scale * signs[:, None], signs)
    return RouteMachine(_rounded(machine.coef_[0] / scale))


def _differences(example: RouteExample, rng: np.random.Generator) -> Floats:
    """Features of the chosen bin less those of some others; shape (pairs, features)."""
    others = rng.permutation(np.delete(np.arange(len(example.bins)), example.chosen))[:_OTHERS]
    differences: Floats = example.bins[example.chosen] - example.bins[others]
    return differences


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(one), _DIGITS) for one in values)


def fill_accuracy(machine: FillMachine, examples: FillExamples) -> tuple[float, float]:
    """Shares of the bins that need emptying, and of those that do not, that a machine tells."""
    told = machine.scores(examples.features) > 0.0
    return float(told[examples.needs].mean()), float((~told[~examples.needs]).mean())


def route_accuracy(machine: RouteMachine, examples: Sequence[RouteExample]) -> float:
    """Share of the decisions in which the ranking puts the chosen bin first."""
    hits = [int(machine.scores(one.bins).argmax()) == one.chosen for one in examples]
    return float(np.mean(hits))
