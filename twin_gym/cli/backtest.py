"""Whether a generator foretells windows that it was not told of, and copies none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.distances import Copying, copying, energy_distance
from twin_gym.twins.scenarios.generator import PointGenerator
from twin_gym.twins.scenarios.parameter_history import CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import Coordinates

LEAST_WINDOWS = 16
"""Of a history from which the last fifth can be held out."""

_SHARE = 0.2
_LEAST_HELD_OUT = 4
_MOST_WINDOWS = 1_000  # the last ones: distances are of every pair
_DRAWS_A_WINDOW = 8
_ROUNDING = 1e-9  # of a coordinate: what nothing was heard of does not vary, but for this


@dataclass(frozen=True)
class Backtest:
    """How draws compare with the last windows of a history, which were held out.

    Attributes:
        held_out: how many windows.
        distance: energy distance of draws to them, in standard deviations of the windows before.
        of_history: that of the windows before, as the measure of what is small.
        copied: the nearest-neighbour test, with one draw a held-out window.
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
        generator: of points.
        history: the whole history.
        rng: of the draws.

    Returns:
        What was found, of the parameters that vary; None where the generator draws no points, the
        history is too short, or nothing varies.
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
    told, came, made = (
        one[..., varies] / scale[varies] for one in (before.points, points[-held_out:], drawn)
    )
    return Backtest(
        held_out=held_out,
        distance=energy_distance(made.reshape(-1, made.shape[-1]), came),
        of_history=energy_distance(told, came),
        copied=copying(made[:, 0], told, came),
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
