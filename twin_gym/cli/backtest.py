"""Backtest of a generator: draws are compared with held-out windows, and copies are sought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.distances import Copying, copying, energy_distance
from twin_gym.twins.scenarios.generator import PointGenerator
from twin_gym.twins.scenarios.parameter_history import CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import Coordinates

LEAST_WINDOWS = 16
"""Minimum length of a history of which the last fifth is held out."""

_SHARE = 0.2
_LEAST_HELD_OUT = 4
_MOST_WINDOWS = 1_000  # the last ones: distances are of every pair
_DRAWS_A_WINDOW = 8
_ROUNDING = 1e-9  # of a coordinate: unobserved parameters vary by no more than this


@dataclass(frozen=True)
class Backtest:
    """Comparison of a generator's draws with the held-out last windows of a history.

    Attributes:
        held_out: number of held-out windows.
        distance: energy distance between draws and held-out windows, in standard deviations of
            the windows before them.
        of_history: energy distance between the windows before and the held-out ones, for scale.
        copied: result of the nearest-neighbour test, with one draw for each held-out window.
    """

    held_out: int
    distance: float
    of_history: float
    copied: Copying


def run_backtest(
    generator: object, history: ParameterHistory, rng: np.random.Generator
) -> Backtest | None:
    """Holds the last fifth of the windows out and lets a generator predict them one by one.

    Each draw begins at the window before, and nothing is demanded of it. (A GAN has held the same
    windows out of its training, and kept the weights that were best on them.)

    Args:
        generator: the generator to test.
        history: the whole history.
        rng: source of randomness.

    Returns:
        The result for the parameters that vary; None if the generator is not a `PointGenerator`,
        the history is too short, or nothing varies.
    """
    points = history.points[-_MOST_WINDOWS:]
    if not isinstance(generator, PointGenerator) or len(points) < LEAST_WINDOWS:
        return None
    held_out = max(round((len(points) - 1) * _SHARE), _LEAST_HELD_OUT)
    before = ParameterHistory(history.space, points[:-held_out], history.source)
    drawn = np.stack([_next(generator, before, state, rng) for state in points[-held_out - 1 : -1]])
    scale = before.points.std(0)
    varies = scale > _ROUNDING
    if not varies.any():
        return None
    earlier, later, made = (
        one[..., varies] / scale[varies] for one in (before.points, points[-held_out:], drawn)
    )
    return Backtest(
        held_out=held_out,
        distance=energy_distance(made.reshape(-1, made.shape[-1]), later),
        of_history=energy_distance(earlier, later),
        copied=copying(made[:, 0], earlier, later),
    )


def _next(
    generator: PointGenerator,
    before: ParameterHistory,
    state: Coordinates,
    rng: np.random.Generator,
) -> Coordinates:
    """Draws of the window after a state; shape (draws, parameters)."""
    now = CurrentState(before.space, state, np.zeros(len(before.space.parameters)))
    return generator.draw(Criteria(), before, now, _DRAWS_A_WINDOW, rng)
