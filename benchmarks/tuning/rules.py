"""Tuning of a rule on a track: the search, the fresh comparison, and the file they are kept in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestant import Stopwatch
from benchmarks.environments import facet
from benchmarks.protocol import Track
from benchmarks.statistics.basics import mean_interval
from benchmarks.tuning.methods import rule_named, takes_part
from benchmarks.tuning.search import CoordinateSearch, OnEpisodes, earned_per_s
from twin_gym.errors import ConfigError
from twin_gym.files.whole import write_text
from twin_gym.policies import world_seeds
from twin_gym.scenario import Scenario
from twin_gym.scenario.documents import read_toml
from twin_gym.scenario.toml import toml_text

CLASSICAL_FILE = Path(__file__).with_name("classical.toml")
BUDGET = 24_000
WORLDS, FRESH_WORLDS = 24, 96
WORLDS_OF_SEVERAL, FRESH_OF_SEVERAL = 6, 24
"""Validation worlds of the search, and the fresh ones after them; for each scenario, if several."""
_TOP = """\
# Parameters of the rules by track. Written by `python -m benchmarks tune-rules`.
# Every method has the same budget and worlds. An entry is for a track whose training
# scenarios have these digests; where the gain may be noise, the untuned rule is used.

"""


@dataclass(frozen=True)
class RuleTuning:
    """The result of tuning a method on a track.

    Attributes:
        track: where.
        method: one of `methods()`.
        digests: of the training scenarios, which it was tuned for all together.
        command: what reproduces it.
        worlds: validation worlds of the search, from the first on, for each scenario.
        fresh_worlds: those of the comparison, after them.
        horizon_s: length of an episode in both.
        budget: most episodes of the search.
        episodes: run in it.
        decisions: taken in it.
        seconds: wall-clock time of the search.
        core_seconds: processor time.
        parameters: how many were searched over.
        untuned_per_s: what the rule earns untuned, fresh worlds, mean over scenarios.
        tuned_per_s: what it earns with what was found.
        half_width_per_s: half of the 95 % interval of that.
        gain_per_s: tuned less untuned, paired: estimate, low and high.
        adopted: whether the gain is more than noise; otherwise the untuned rule is used.
        values: the parameters by name, as the method takes them.
    """

    track: str
    method: str
    digests: tuple[str, ...]
    command: str
    worlds: int
    fresh_worlds: int
    horizon_s: float
    budget: int
    episodes: int
    decisions: int
    seconds: float
    core_seconds: float
    parameters: int
    untuned_per_s: float
    tuned_per_s: float
    half_width_per_s: float
    gain_per_s: tuple[float, float, float]
    adopted: bool
    values: dict[str, Any]


def check_tunable(method: str, track: Track) -> None:
    """Refuses a rule that has nothing to tune on a track.

    Raises:
        UnknownNameError: if there is no such method.
        ConfigError: if the track has nothing for it.
    """
    if (reason := takes_part(method, track)) is not None:
        raise ConfigError(f"{method!r} cannot be tuned on {track.name!r}: {reason}")


def tune_rule(
    track: Track,
    method: str,
    *,
    budget: int = BUDGET,
    worlds: int | None = None,
    fresh_worlds: int | None = None,
    on_episodes: OnEpisodes | None = None,
) -> RuleTuning:
    """Tunes a rule for the training scenarios of a track, all together.

    Args:
        track: whose test scenarios are never touched.
        method: one of `methods()`.
        budget: most episodes, the same for every method and track.
        worlds: of the search, for each scenario; None: as for every other method.
        fresh_worlds: of the comparison; likewise.
        on_episodes: told the episodes run and the best score, as a share of the fluid bound.

    Returns:
        The parameters with their provenance; the same for the same arguments.

    Raises:
        UnknownNameError: if there is no such method.
        ConfigError: if the track cannot be run here or has nothing for the method, or the budget is
            too small.
    """
    check_tunable(method, track)
    if (reason := track.unavailable()) is not None:
        raise ConfigError(f"{track.name!r} cannot be tuned on here: {reason}")
    alone = len(track.train) == 1
    count = worlds or (WORLDS if alone else WORLDS_OF_SEVERAL)
    fresh_count = fresh_worlds or (FRESH_WORLDS if alone else FRESH_OF_SEVERAL)
    scenarios = [_shortened(one, track) for one in track.train_scenarios()]
    rule, watch = rule_named(method)(scenarios, track.action), Stopwatch()
    weights = [_weight_per_s(one) for one in scenarios]
    seeds = world_seeds("validation", count)
    search = CoordinateSearch(rule, scenarios, seeds, budget, weights, on_episodes)
    outcome, cost = search.run(), watch.cost(0, 0)
    fresh = world_seeds("validation", fresh_count, first=count)
    both = np.array([rule.start, outcome.shares])
    untuned, tuned = _over_scenarios([earned_per_s(rule, one, both, fresh)[0] for one in scenarios])
    gain, level = mean_interval(tuned - untuned), mean_interval(tuned)
    return RuleTuning(
        track=track.name,
        method=method,
        digests=tuple(one.digest for one in track.train_scenarios()),
        command=f"python -m benchmarks tune-rules --tracks {track.name} --methods {method}",
        worlds=count,
        fresh_worlds=fresh_count,
        horizon_s=scenarios[0].horizon_s,
        budget=budget,
        episodes=outcome.episodes,
        decisions=outcome.decisions,
        seconds=cost.seconds,
        core_seconds=cost.core_seconds,
        parameters=len(rule.start),
        untuned_per_s=_rounded(untuned.mean()),
        tuned_per_s=_rounded(level.estimate),
        half_width_per_s=_rounded(level.estimate - level.low),
        gain_per_s=(_rounded(gain.estimate), _rounded(gain.low), _rounded(gain.high)),
        adopted=gain.low > 0.0,
        values=rule.values(outcome.shares),
    )


def _weight_per_s(scenario: Scenario) -> float:
    """The weight of a scenario among several; 1 where the environment defines none."""
    weighed = facet(scenario.kind, "tuning_weight", None)
    return 1.0 if weighed is None else float(weighed(scenario))


def _shortened(scenario: Scenario, track: Track) -> Scenario:
    horizon_s = facet(scenario.kind, "tuning_horizon_s", None)
    return scenario if horizon_s is None else scenario.replace(horizon_s=horizon_s(scenario, track))


def _over_scenarios(earned: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean over the scenarios; shape (candidates, worlds)."""
    return np.asarray(np.mean(earned, axis=0))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


@cache
def read_tunings(path: Path = CLASSICAL_FILE) -> tuple[RuleTuning, ...]:
    """The entries of the committed file; none if it is not there.

    Raises:
        ConfigError: if it is no file of tunings.
    """
    if not path.exists():
        return ()
    entries = read_toml(path).get("rule", [])
    try:
        return tuple(
            RuleTuning(
                **entry
                | {"digests": tuple(entry["digests"]), "gain_per_s": tuple(entry["gain_per_s"])}
            )
            for entry in entries
        )
    except (KeyError, TypeError) as error:
        raise ConfigError(f"{path.name!r} holds no tunings of rules: {error!r}") from None


def write_tunings(tunings: Sequence[RuleTuning], path: Path = CLASSICAL_FILE) -> None:
    """Writes the file, sorted by track and method."""
    ordered = sorted(tunings, key=lambda one: (one.track, one.method))
    write_text(
        path, _TOP + toml_text({"rule": [asdict(one) for one in ordered]}), makes_folder=True
    )
    read_tunings.cache_clear()
