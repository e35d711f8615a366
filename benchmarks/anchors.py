"""The two ends of every score, worked out once and written down with where they come from.

`python -m benchmarks anchors` writes `anchors.toml`. The zero is what the random policy earns on
validation worlds; the hundred is the tightest proven bound (`benchmarks.bounds`). Anchors change
only with the protocol: scores against other anchors are not comparable.
"""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np

from benchmarks.protocol import Anchors
from benchmarks.statistics import mean_interval
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario import Scenario
from twin_gym.scenario.toml import toml_text

RANDOM_WORLDS = 1024
_FIRST = 2**18
"""Validation worlds of the random policy: apart from those of curves, tuning and `run`."""
_AT_ONCE = 256
_DIGITS = 8
_TOP = """\
# What 0 and 100 mean, by scenario. Written by `python -m benchmarks anchors`.
# An entry holds for the scenario with its digest alone.

"""


def random_per_s(
    scenario: Scenario, objective: str, action: str | None = None
) -> tuple[float, float]:
    """The mean reward a simulated second of the random policy.

    Args:
        scenario: where.
        objective: what is earned.
        action: the form of the actions; None: the default of the environment.

    Returns:
        The mean over 1,024 validation worlds, and half of its 95 % interval.
    """
    policy = make_policy("random", scenario, action)
    earned = []
    for first in range(0, RANDOM_WORLDS, _AT_ONCE):
        worlds = world_seeds("validation", _AT_ONCE, first=_FIRST + first)
        evaluation = evaluate(policy, scenario, worlds, action=action, objective=objective)
        earned.append(evaluation.returns / scenario.horizon_s)
    found_interval = mean_interval(np.concatenate(earned))
    return found_interval.estimate, (found_interval.high - found_interval.low) / 2.0


def work_out(scenario: Scenario, objective: str, action: str | None = None) -> Anchors:
    """The anchors of a scenario.

    Args:
        scenario: of a track.
        objective: of the track; bounds are proven for one of each environment
            (`OBJECTIVE` beside its `bound_of`).
        action: of the track.

    Returns:
        Both ends, with what the bound is.

    Raises:
        ConfigError: if the objective has no bound, or random is as good as the bound.
    """
    from benchmarks.bounds import bound_of

    bound = bound_of(scenario, objective, action)
    mean, half_width = random_per_s(scenario, objective, action)
    if not mean + half_width < bound.value_per_s:
        raise ConfigError(
            f"{scenario.name!r}: random earns {mean:.6g}, the bound is {bound.value_per_s:.6g}: "
            "there is nothing between them that a score could measure"
        )
    return Anchors(
        scenario=scenario.name,
        digest=scenario.digest,
        objective=objective,
        random_per_s=_rounded(mean),
        random_half_width_per_s=_rounded(half_width, 2),
        bound_per_s=_rounded(bound.value_per_s, up=True),
        kind=bound.kind,
        proof=bound.proof,
        action=action or "",
    )


def as_toml(anchors: list[Anchors]) -> str:
    """The file of anchors, sorted by scenario."""
    entries = [asdict(one) for one in sorted(anchors, key=lambda one: (one.scenario, *one.key))]
    for entry in entries:
        if not entry["action"]:
            del entry["action"]  # the default of the environment
    return _TOP + toml_text({"anchors": entries})


def _rounded(value: float, digits: int = _DIGITS, *, up: bool = False) -> float:
    """So many significant digits; a bound is rounded up, or it would be none."""
    if value == 0.0:
        return 0.0
    scale = 10.0 ** (digits - 1 - math.floor(math.log10(abs(value))))
    whole = math.ceil(value * scale) if up else round(value * scale)
    return whole / scale
