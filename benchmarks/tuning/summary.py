"""Studies as committed files: the settings that are used, and all that was tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agents.settings import from_stored, to_stored
from benchmarks.tuning.settings import LEARNED_FILE
from benchmarks.tuning.study import Candidate, Study
from benchmarks.tuning.trainings import FRESH_FIRST, FRESH_WORLDS, SEARCH_FIRST, SEARCH_WORLDS
from twin_gym.errors import ConfigError
from twin_gym.files.whole import write_text
from twin_gym.scenario.toml import toml_text

STUDIES_FILE = Path(__file__).with_name("studies.json")
_HEADER = f"""\
# Settings of learners beside the defaults of `TrainSettings`. Written by `python -m benchmarks
# tune`; every trial stands in studies.json. Searched in validation worlds {SEARCH_FIRST} to \
{SEARCH_FIRST + SEARCH_WORLDS - 1},
# compared with the defaults in worlds {FRESH_FIRST} to {FRESH_FIRST + FRESH_WORLDS - 1} \
with seeds of their own. Where the
# difference may be luck, `settings` is empty: the defaults stay.
"""


def read_studies(path: Path = STUDIES_FILE) -> list[Study]:
    """The studies of a summary; none if it is not there.

    Raises:
        ConfigError: if the file is no summary of studies.
    """
    if not path.exists():
        return []
    try:
        return [_study(one) for one in json.loads(path.read_text("utf-8"))["studies"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path.name!r} holds no studies: {error!r}") from None


def _study(values: dict[str, Any]) -> Study:
    fields: dict[str, Any] = {
        "candidates": tuple(
            Candidate(from_stored(one["changes"]), _by_seed(one["per_s"]), one["seconds"])
            for one in values["candidates"]
        ),
        "chosen": from_stored(values["chosen"]),
        "default_per_s": _by_seed(values["default_per_s"]),
        "chosen_per_s": _by_seed(values["chosen_per_s"]),
        "difference": tuple(values["difference"]),
    }
    return Study(**values | fields)


def _by_seed(values: dict[str, float]) -> dict[int, float]:
    return {int(seed): value for seed, value in values.items()}


def with_study(studies: list[Study], new: Study) -> list[Study]:
    """The studies with one more, in the place of an older one of the same agent and group."""
    kept = [one for one in studies if (one.agent, one.group) != (new.agent, new.group)]
    return sorted([*kept, new], key=lambda one: (one.group, one.agent))


def write_studies(
    studies: list[Study], summary: Path = STUDIES_FILE, settings: Path = LEARNED_FILE
) -> None:
    """Writes the summary and the settings that are used."""
    text = json.dumps({"studies": [one.as_json() for one in studies]}, indent=1)
    write_text(summary, text + "\n", makes_folder=True)
    write_text(settings, learned_toml(studies), makes_folder=True)


def learned_toml(studies: list[Study]) -> str:
    """The text of the file that `tuned_settings` reads."""
    entries = [
        {
            "agent": one.agent,
            "group": one.group,
            "studied_on": one.studied_on,
            "trials": len(one.candidates),
            "steps": one.steps,
            "gain_per_s": one.difference[0],
            "gain_interval_per_s": one.difference[1:],
            "settings": to_stored(one.settings),
        }
        for one in studies
    ]
    return f"{_HEADER}\n{toml_text({'learned': entries})}"
