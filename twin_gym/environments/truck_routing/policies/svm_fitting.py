"""Fits the support vector machines to simulated episodes.

What a bin needs is labelled by what came: whether it overflowed before the next shift. The next
stops are those of planned routes. Worlds are those for training; everything is seeded.
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
    DEPOT_FEATURES,
    FillMachine,
    RouteMachine,
    depot_features,
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
_OTHERS = 6  # places that a chosen one is compared with
_DIGITS = 5
_PENALTY, _GAMMA, _LINEAR_PENALTY = 3.0, 0.2, 0.1
_BEHAVIOUR_FILL = 0.5
_DEPARTURE_WEIGHT, _DEPOT_WEIGHT = 5.0, 3.0  # rare decisions that cost most when they are wrong


class FillExamples(NamedTuple):
    """Bins when a truck decides.

    Attributes:
        features: shape (examples, features).
        needs: whether the bin overflows before the next shift, left alone; shape (examples,).
    """

    features: Floats
    needs: NDArray[np.bool_]


class RouteExample(NamedTuple):
    """One decision of a planner.

    Attributes:
        bins: features of the allowed bins; shape (allowed, features).
        depot: features of the depot; shape (features,).
        chosen: which of the allowed bins; their number for the depot.
    """

    bins: Floats
    depot: Floats
    chosen: int


def training_scenarios() -> tuple[TruckScenario, ...]:
    """Towns of 25 bins that differ in what is thrown in and in how the twin is told.

    From bins that fill in a day and a half to such as take five days, and from reports every
    quarter of an hour to none.
    """
    told: tuple[tuple[float | Literal["never"], float], ...] = (
        (900.0, 1.0), (3_600.0, 0.8), (14_400.0, 0.5), ("never", 1.0),
    )  # fmt: skip
    return tuple(
        TruckScenario(
            name=f"training-{inflow:g}-{number}", horizon_s=5 * DAY_S,
            bins=DrawnBins(
                count=25, seed=10 * number, width_m=3_000.0, height_m=3_000.0,
                median_inflow_l_per_h=inflow, inflow_sigma=0.5,
            ),
            report_period_s=period_s, delivery_probability=delivery,
        )
        for inflow in (2.0, 4.0, 6.0)
        for number, (period_s, delivery) in enumerate(told)
    )  # fmt: skip


def fill_examples(scenario: TruckScenario, seeds: Sequence[int]) -> FillExamples:
    """What bins looked like when a truck decided, and which of them overflow before the next shift.

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
            needs.append(truth.overflow_l(int(row), float(seen.now_s[row]), next_s[row]) > 0.0)
    return FillExamples(np.concatenate(features), np.concatenate(needs))


def route_examples(scenario: TruckScenario, seeds: Sequence[int]) -> list[RouteExample]:
    """The decisions of `overflow-pyvrp`.

    Args:
        scenario: what is simulated.
        seeds: of the worlds.

    Returns:
        One example for each decision at which a bin is allowed.
    """
    policy = OverflowPlanPolicy(scenario)
    examples = []
    for _, seen, chosen in _decisions(policy, seeds):
        of_bins, of_depot = route_features(seen), depot_features(seen)
        for row in np.flatnonzero(seen.allowed.any(axis=1)):
            allowed = np.flatnonzero(seen.allowed[row])
            place = int(np.searchsorted(allowed, chosen[row]))
            examples.append(RouteExample(of_bins[row, allowed], of_depot[row], place))
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

    The chosen place and one that was not chosen give one pair; a linear support vector classifier
    without an intercept says which of them comes first. Whether to leave the depot, and whether to
    return to it, is decided rarely, and weighs more.

    Args:
        examples: decisions to imitate; of them, as many are drawn as may be.
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
    found = [_pairs(examples[k], rng) for k in drawn]
    pairs, importance = (np.concatenate(parts) for parts in zip(*found, strict=True))
    signs = np.where(np.arange(len(pairs)) % 2 == 0, 1.0, -1.0)
    scale = np.maximum(pairs.std(axis=0), 1e-9)
    machine = LinearSVC(C=_LINEAR_PENALTY, fit_intercept=False, dual=False)
    machine.fit(pairs / scale * signs[:, None], signs, sample_weight=importance)
    weights = machine.coef_[0] / scale
    count = examples[0].bins.shape[1]
    return RouteMachine(_rounded(weights[:count]), _rounded(weights[count:]))


def _pairs(example: RouteExample, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Features of the chosen place less those of others, and the weights of the pairs."""
    count, split = len(example.bins), example.bins.shape[1]
    places = np.zeros((count + 1, split + len(example.depot)))
    places[:count, :split], places[count, split:] = example.bins, example.depot
    others = rng.permutation(np.delete(np.arange(count + 1), example.chosen))[:_OTHERS]
    weights = np.where((others == count) | (example.chosen == count), _DEPOT_WEIGHT, 1.0)
    if example.depot[DEPOT_FEATURES.index("at_depot")] > 0.0:
        weights *= _DEPARTURE_WEIGHT
    return places[example.chosen] - places[others], weights


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(one), _DIGITS) for one in values)


def fill_accuracy(machine: FillMachine, examples: FillExamples) -> tuple[float, float]:
    """Shares of the bins that overflowed, and of those that did not, that a machine tells."""
    told = machine.scores(examples.features) > 0.0
    return float(told[examples.needs].mean()), float((~told[~examples.needs]).mean())


def route_accuracy(machine: RouteMachine, examples: Sequence[RouteExample]) -> float:
    """Share of the decisions in which the ranking puts the chosen place first."""
    hits = 0
    for one in examples:
        scores = [*(one.bins @ np.array(machine.bins)), one.depot @ np.array(machine.depot)]
        hits += int(np.argmax(scores)) == one.chosen
    return hits / len(examples)
