"""Settings of learners that tuning found, by agent and track."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from agents.settings import from_stored
from benchmarks.protocol import Track
from benchmarks.tuning.space import group_of
from twin_gym.scenario.documents import read_toml

LEARNED_FILE = Path(__file__).with_name("learned.toml")


def tuned_settings(agent: str, track: Track) -> dict[str, Any]:
    """The tuned settings that differ from the defaults of `TrainSettings`.

    Args:
        agent: name of a learner.
        track: where it learns.

    Returns:
        Names and values for `TrainSettings.with_`; empty where the defaults stay, because nothing
        was better by more than noise or nobody looked.
    """
    group = group_of(track)
    if group is None:
        return {}
    return dict(_read(LEARNED_FILE).get((agent, group.name), {}))


@cache
def _read(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    if not path.exists():
        return {}
    entries = read_toml(path).get("learned", [])
    return {(one["agent"], one["group"]): from_stored(one["settings"]) for one in entries}
