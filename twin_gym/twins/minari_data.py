"""Transitions as a Minari data set, and back: what other offline learners read."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from twin_gym.core.forms import form_named
from twin_gym.environments.slice_admission.actions import ACTION_FORMS
from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load, names
from twin_gym.twins.metadata import package_versions
from twin_gym.twins.minari_folder import DATA, storage_class, write_dataset
from twin_gym.twins.transitions import Transitions

ENV_ID = "twin_gym/SliceAdmission-v0"
FORMAT = "twin_gym transitions 1"

# What a damaged file makes Minari, h5py and json raise.
_BROKEN = (
    OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError,
    RecursionError,
)  # fmt: skip


def export_minari(
    transitions: Transitions,
    scenario: AdmissionScenario,
    root: str | Path,
    dataset_id: str,
    *,
    protocol: str = "",
    author: str = "",
) -> Path:
    """Writes a Minari data set: one episode of the data set is one episode of the environment.

    Every episode has its world's seed, and infos with `action_mask` and `elapsed_s`, one more than
    steps as Minari has observations; what passed before the first decision is not recorded and
    stands as 0. Where the scenario is a preset, `recover_environment` makes
    the environment again; otherwise parse the `scenario_toml` of the metadata. The folder appears
    under its name when it is complete. Nothing is written outside `root`; to load by id, set
    `MINARI_DATASETS_PATH` to it.

    Args:
        transitions: as `record_transitions` gives them.
        scenario: what was recorded.
        root: folder of Minari data sets; made if it does not exist.
        dataset_id: such as `twin_gym/slice-admission/contention-density-v0`.
        protocol: version of an evaluation protocol that the data belong to, if any.
        author: who may be asked.

    Returns:
        The folder of the data set, under `root`.

    Raises:
        ConfigError: if the data set exists already, its id is malformed, or the scenario is
            another one.
        MissingExtraError: if Minari or HDF5 is not installed.
    """
    transitions.check_fits(scenario)
    metadata = _metadata(transitions, scenario, dataset_id, protocol, author)
    return write_dataset(
        root, dataset_id, f"twin_gym/slice-admission/{scenario.name}-v0",
        lambda folder: _write(transitions, scenario, folder, metadata),
    )  # fmt: skip


def import_minari(folder: str | Path) -> Transitions:
    """Transitions from a data set that `export_minari` wrote, checked.

    Args:
        folder: of the data set: its id under the root.

    Returns:
        What was exported, to the last bit.

    Raises:
        ConfigError: if there is no such data set, or it is damaged or of another kind.
        MissingExtraError: if Minari or HDF5 is not installed.
    """
    origin = str(folder)
    storage_of = storage_class().read
    try:
        storage = storage_of(Path(folder) / DATA)
        about = storage.metadata
        if about.get("twin_gym_format") != FORMAT:
            raise ConfigError(f"it is not a data set of {FORMAT!r}")
        numbers = range(storage.total_episodes)
        columns = [_columns(episode) for episode in storage.get_episodes(numbers)]
        seeds = [int(one["seed"]) for one in storage.get_episode_metadata(numbers)]
        joined = {name: np.concatenate([one[name] for one in columns]) for name in columns[0]}
        found = Transitions(
            **joined,
            seeds=np.array(seeds, np.int64),
            scenario_digest=str(about["scenario_digest"]),
            action=about["action_form"],
            policy=str(about["policy"]),
            epsilon=float(about["epsilon"]),
        )
        if found.digest != about["transitions_digest"]:
            raise ConfigError("its values are not those that were exported")
    except ConfigError as error:
        raise ConfigError(f"{origin!r}: {error}") from None
    except _BROKEN as error:
        raise ConfigError(f"{origin!r} is no Minari data set of transitions: {error}") from None
    return found


def _write(
    transitions: Transitions, scenario: AdmissionScenario, folder: Path, metadata: dict[str, Any]
) -> None:
    """All files of a data set, in a folder that is made."""
    storage = storage_class().new(
        folder,
        observation_space=form_named(ACTION_FORMS, transitions.action).observation_space(scenario),
        action_space=spaces.Discrete(transitions.masks.shape[1]),
        env_spec=env_spec(scenario, transitions.action),
        jpeg_encoding=False,
    )
    storage.update_metadata(metadata)
    storage.update_episodes(_episodes(transitions))


def _metadata(
    transitions: Transitions,
    scenario: AdmissionScenario,
    dataset_id: str,
    protocol: str,
    author: str,
) -> dict[str, Any]:
    """Metadata of the data set; the first keys are Minari's."""
    storage_class()
    versions = {**package_versions(), "minari": version("minari")}
    rule = transitions.policy
    found: dict[str, Any] = {
        "dataset_id": dataset_id,
        "minari_version": versions["minari"],
        "algorithm_name": rule,
        "description": (
            f"{len(transitions)} decisions of {rule!r} on the network {scenario.name!r} of "
            f"{ENV_ID}; with a chance of {transitions.epsilon:g} another allowed action, drawn "
            "evenly. Use infos['action_mask'] of a step (1 = allowed) and discount by "
            "infos['elapsed_s'], the seconds since the step before. Episodes are truncated and "
            "never terminate."
        ),
        "twin_gym_format": FORMAT,
        "scenario": scenario.name,
        "scenario_digest": scenario.digest,
        "scenario_toml": to_toml(scenario),
        "action_form": transitions.action,
        "policy": rule,
        "epsilon": transitions.epsilon,
        "world_seeds": transitions.seeds.tolist(),
        "transitions_digest": transitions.digest,
        "protocol": protocol,
        "versions": versions,
    }
    if author:
        found["author"] = {author}
    return found


def env_spec(scenario: AdmissionScenario, action: ActionName) -> EnvSpec | None:
    """Gymnasium's specification of the environment of recorded transitions.

    Args:
        scenario: what it runs.
        action: form of its actions.

    Returns:
        Gymnasium's specification, or None where the scenario is no preset: only names fit into it.
    """
    if scenario.name not in names() or load(scenario.name).digest != scenario.digest:
        return None
    spec = copy.deepcopy(gymnasium.spec(ENV_ID))
    spec.kwargs = {"scenario": scenario.name, "action": action}
    return spec


def _episodes(transitions: Transitions) -> Iterator[Any]:
    """Each episode as Minari's buffer of one."""
    from minari.data_collector import EpisodeBuffer

    ends = np.flatnonzero(transitions.truncated) + 1
    for number, (start, end) in enumerate(itertools.pairwise([0, *ends.tolist()])):
        part = slice(start, end)
        yield EpisodeBuffer(
            id=number,
            seed=int(transitions.seeds[number]),
            observations=_with_last(transitions.observations, transitions.next_observations, part),
            actions=transitions.actions[part],
            rewards=transitions.rewards[part],
            terminations=np.zeros(end - start, np.bool_),
            truncations=transitions.truncated[part],
            infos={
                "action_mask": _with_last(transitions.masks, transitions.next_masks, part),
                "elapsed_s": np.concatenate([[0.0], transitions.elapsed_s[part]]),
            },
        )


def _with_last(now: NDArray[Any], then: NDArray[Any], part: slice) -> NDArray[Any]:
    """Rows of an episode and what followed its last one."""
    return np.concatenate([now[part], then[part.stop - 1 : part.stop]])


def _columns(episode: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """An episode of Minari's as the arrays of `Transitions`."""
    if episode["terminations"].any():
        raise ConfigError("an episode terminates, and none of this environment does")
    seen, masks = episode["observations"], episode["infos"]["action_mask"]
    return {
        "observations": seen[:-1],
        "masks": masks[:-1],
        "actions": episode["actions"],
        "rewards": episode["rewards"],
        "elapsed_s": episode["infos"]["elapsed_s"][1:],
        "next_observations": seen[1:],
        "next_masks": masks[1:],
        "truncated": episode["truncations"],
    }
