"""Parameter history and current state, estimated from the telemetry in a store."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.kinds import kind_named, kinds
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.scenario.base import MAX_TIME_S, MIN_TIME_S
from twin_gym.scenario.changes import value_at
from twin_gym.twins.history.reading import HistoryReader
from twin_gym.twins.history.records import Episode, numbers_asked
from twin_gym.twins.plain import number
from twin_gym.twins.scenarios.estimation.evidence import Evidence
from twin_gym.twins.scenarios.estimation.noise import without_noise
from twin_gym.twins.scenarios.estimation.telemetry import EpisodeTelemetry
from twin_gym.twins.scenarios.parameter_history import MIN_WINDOWS, CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import Coordinates, ParameterSpace

Window = Mapping[str, Evidence]

Estimator = Callable[[EpisodeTelemetry, Any, float, float], dict[str, Evidence]]

MAX_WINDOWS = 100_000
_LEAST_HEARD = 0.5  # of a window that counts
_NAMED = 20


def history_from_store(
    store: HistoryReader,
    space: ParameterSpace,
    window_s: float,
    *,
    episodes: Sequence[int] | None = None,
    as_estimated: bool = False,
) -> ParameterHistory:
    """The parameters of a network in successive windows, estimated from telemetry.

    Of the recorded scenario, only the kind and the names of its parts are used. The estimators of
    each kind, with formulas and sources, are in `estimation.py` of its environment. The estimate
    of a window is shrunk towards the estimate from all windows with the weight of one observation,
    which in turn is shrunk towards the base's value. Finally, the windows are shrunk towards their
    mean, so that their variance is that of the network and generators do not take estimation noise
    for change (see `without_noise`).

    Args:
        store: the open store.
        space: the parameters; its base must be of the kind of the episodes and have the same parts.
        window_s: length of the windows in simulated seconds. The last window of an episode counts
            if at least half of it was observed. In massive access every device arrives once in an
            episode, so that a window is always a whole episode.
        episodes: numbers of episodes, in the order of time; None: all that match the base.
        as_estimated: if True, the last step (removing noise) is omitted. Use it for windows that
            a test compares with other windows, because all of them have the same noise.

    Returns:
        The history; its source states the windows, the episodes and the unobserved parameters.

    Raises:
        ConfigError: if the length is out of range, an episode does not exist or is of another
            kind, or there are too few windows.
    """
    window_s = _checked_window(window_s)
    with store.one_moment():
        return _parameter_history(
            store, space, window_s, numbers_asked(episodes), as_estimated=as_estimated
        )


def _parameter_history(
    store: HistoryReader,
    space: ParameterSpace,
    window_s: float,
    episodes: Sequence[int] | None,
    *,
    as_estimated: bool,
) -> ParameterHistory:
    chosen = _chosen(store, space.base, episodes)
    windows: list[Window] = []
    halves: list[tuple[Window, Window]] = []
    for one in chosen:
        telemetry = EpisodeTelemetry(store, one.id)
        spans = _spans(telemetry, space.base, window_s)
        windows += _windows(telemetry, space.base, spans)
        if not windows_are_episodes(space.base.kind) and not as_estimated:
            edges = [(start_s, (start_s + end_s) / 2.0, end_s) for start_s, end_s in spans]
            early = _windows(telemetry, space.base, [(a, b) for a, b, _ in edges])
            late = _windows(telemetry, space.base, [(b, c) for _, b, c in edges])
            halves += zip(early, late, strict=True)
    if len(windows) < MIN_WINDOWS:
        raise ConfigError(
            f"store {str(store.path)!r} has {len(windows)} windows of {window_s:g} s in the "
            f"episodes {[one.id for one in chosen][:_NAMED]}, and a history needs {MIN_WINDOWS}: "
            "record for longer, or ask for shorter windows"
        )
    centres = _centres(space, windows)
    points = np.array([_point(space, one, centres) for one in windows])
    if halves:
        early_points = np.array([_heard(space, one, centres) for one, _ in halves])
        late_points = np.array([_heard(space, one, centres) for _, one in halves])
        points = without_noise(points, early_points, late_points)
    return ParameterHistory(space, points, _source(store, space, windows, chosen, window_s))


def current_state_from_store(
    store: HistoryReader,
    space: ParameterSpace,
    window_s: float,
    *,
    time_s: float | None = None,
    episode: int | None = None,
) -> CurrentState:
    """The current state of a network: parameters estimated in the window that ends at a time.

    Late events count at the time at which they were true, as everywhere in a store.

    Args:
        store: the open store.
        space: as for `history_from_store`.
        window_s: length of the window in simulated seconds; it starts no earlier than the episode.
        time_s: end of the window, in simulated seconds since the start of the episode; None: the
            time of the last value.
        episode: number of the episode; None: the last one that matches the base.

    Returns:
        The estimates, each shrunk with the weight of one observation towards the estimate from the
        whole episode so far; NaN where nothing was observed. Ages are in windows, from the last
        measurement for an estimate to the end of the window; infinite where nothing was observed.

    Raises:
        ConfigError: if an argument is out of range, or there is no such episode.
    """
    window_s = _checked_window(window_s)
    if time_s is not None:
        time_s = number(time_s, "`time_s` (or None), in seconds,", 0.0, MAX_TIME_S)
    asked = None if episode is None else numbers_asked([episode])
    with store.one_moment():
        return _now(store, space, window_s, time_s, asked)


def _now(
    store: HistoryReader,
    space: ParameterSpace,
    window_s: float,
    time_s: float | None,
    episodes: Sequence[int] | None,
) -> CurrentState:
    chosen = _chosen(store, space.base, episodes)[-1]
    telemetry = EpisodeTelemetry(store, chosen.id, math.inf if time_s is None else time_s)
    end_s = telemetry.end_s if time_s is None else time_s
    start_s = max(end_s - window_s, 0.0)
    estimate_parameters = estimator_of(space.base.kind)
    window = estimate_parameters(telemetry, space.base, start_s, end_s)
    centres = _centres(space, [estimate_parameters(telemetry, space.base, 0.0, end_s)])
    evidence = [window.get(path) for path in space.paths]
    measured_s = np.array([0.0 if one is None else one.at_s for one in evidence])
    length_s = (
        max(window_s, space.base.horizon_s) if windows_are_episodes(space.base.kind) else window_s
    )
    ages = np.maximum(end_s - measured_s, 0.0) / length_s
    point = _heard(space, window, centres)
    return CurrentState(space, point, np.where(_is_known(space, window), ages, np.inf))


def estimator_of(kind: str) -> Estimator:
    """The function that estimates the parameters of a kind of network from telemetry.

    Raises:
        ConfigError: if the kind has none.
    """
    estimator: Estimator | None = kind_named(kind).facet("estimation")
    if estimator is None:
        known = ", ".join(one.name for one in kinds() if one.has("estimation"))
        raise ConfigError(
            f"networks of the kind {kind!r} have no estimators; use one of {known}, or write "
            f"{kind_named(kind).to_write('estimation')}"
        )
    return estimator


def windows_are_episodes(kind: str) -> bool:
    """Whether an episode is one window, because a part of it does not determine parameters."""
    return bool(kind_named(kind).facet("windows_are_episodes", False))


def _checked_window(window_s: float) -> float:
    return number(window_s, "`window_s`, in simulated seconds,", MIN_TIME_S, MAX_TIME_S)


def _chosen(
    store: HistoryReader, base: Scenario, episodes: Sequence[int] | None
) -> tuple[Episode, ...]:
    """Episodes that match the base; if one was requested and does not, the error says why."""
    estimator_of(base.kind)
    known = {one.id: one for one in store.episodes()}
    missing = [one for one in episodes or () if one not in known]
    if missing or (episodes is not None and not len(episodes)):
        raise ConfigError(
            f"store {str(store.path)!r} has no episodes {missing or '(none was named)'}; it has "
            f"{list(known)[:_NAMED]}"
        )
    asked = list(known.values()) if episodes is None else [known[one] for one in episodes]
    reasons = {one.id: _misfit(one, base) for one in asked}
    matching = tuple(one for one in asked if reasons[one.id] is None)
    if not matching or (episodes is not None and len(matching) < len(asked)):
        problems = [f"episode {k} {reason}" for k, reason in reasons.items() if reason]
        raise ConfigError(
            f"store {str(store.path)!r} has no telemetry like that of {base.name!r}, a network of "
            f"the kind {base.kind!r}: {'; '.join(problems[:3]) or 'it has no episode'}. Give the "
            "base that ran, or another store"
        )
    return matching


def _misfit(episode: Episode, base: Scenario) -> str | None:
    """The reason why an episode does not match the base; None: it matches."""
    if episode.kind != base.kind:
        return f"is of the kind {episode.kind!r}"
    names, expected = _parts(episode.load_scenario()), _parts(base)
    return None if names == expected else f"has {', '.join(names)} instead of {', '.join(expected)}"


def _parts(scenario: Any) -> tuple[str, ...]:  # noqa: ANN401 - of any kind
    """Names of the slices or entities, which are ids of twins."""
    return tuple(getattr(scenario, "slice_names", getattr(scenario, "entity_names", ())))


def _spans(
    telemetry: EpisodeTelemetry, base: Scenario, window_s: float
) -> list[tuple[float, float]]:
    """Starts and ends of the windows of an episode."""
    if windows_are_episodes(base.kind):
        return [(0.0, math.inf)] if telemetry.end_s > 0.0 else []
    count = math.floor(telemetry.end_s / window_s + 1.0 - _LEAST_HEARD)
    if count > MAX_WINDOWS:
        raise ConfigError(
            f"episode {telemetry.episode} has over {MAX_WINDOWS:,} windows of {window_s:g} s "
            f"in its {telemetry.end_s:g} s: ask for longer ones"
        )
    edges = [k * window_s for k in range(count + 1)]
    return list(itertools.pairwise(edges))


def _windows(
    telemetry: EpisodeTelemetry, base: Scenario, spans: Sequence[tuple[float, float]]
) -> list[Window]:
    estimate_parameters = estimator_of(base.kind)
    return [estimate_parameters(telemetry, base, start_s, end_s) for start_s, end_s in spans]


def _centres(space: ParameterSpace, windows: Sequence[Window]) -> dict[str, float]:
    """By path, the estimate from all windows, or the base's value."""
    centres = {}
    for path in space.paths:
        base = float(value_at(space.base, path))
        several = [one[path] for one in windows if path in one and not one[path].is_empty]
        centres[path] = several[0].joined(several[1:]).estimate(base) if several else base
    return centres


def _point(space: ParameterSpace, window: Window, centres: Mapping[str, float]) -> Coordinates:
    """The coordinates of a window's estimates; shape (parameters,)."""
    values = [
        centres[path]
        if path not in window or window[path].is_empty
        else window[path].estimate(centres[path])
        for path in space.paths
    ]
    return space.coordinates_of(np.array(values))


def _heard(space: ParameterSpace, window: Window, centres: Mapping[str, float]) -> Coordinates:
    """Like `_point`, but NaN where nothing was observed."""
    point = _point(space, window, centres)
    return np.where(_is_known(space, window), point, np.nan)


def _is_known(space: ParameterSpace, window: Window) -> NDArray[np.bool_]:
    """Whether each parameter was observed; shape (parameters,)."""
    evidence = [window.get(path) for path in space.paths]
    return np.array([one is not None and not one.is_empty for one in evidence])


def _source(
    store: HistoryReader,
    space: ParameterSpace,
    windows: Sequence[Window],
    chosen: Sequence[Episode],
    window_s: float,
) -> str:
    numbers = ", ".join(str(one.id) for one in chosen[:_NAMED])
    more = f" and {len(chosen) - _NAMED} more" if len(chosen) > _NAMED else ""
    length = "an episode each" if windows_are_episodes(space.base.kind) else f"{window_s:g} s each"
    unseen = [
        path
        for path in space.paths
        if not any(path in one and not one[path].is_empty for one in windows)
    ]
    said = f"not observed, so as in the base: {', '.join(unseen)}" if unseen else "all observed"
    return (
        f"{len(windows)} windows, {length}, of the episodes {numbers}{more} in "
        f"{store.path.name!r}; {said}"
    )
