"""The decisions of a store as a Minari data set, for offline learners: any kind of network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from twin_gym.environments.factory import vector_env
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.twins.history.decisions import Decisions
from twin_gym.twins.history.export import followed
from twin_gym.twins.history.reading import HistoryReader
from twin_gym.twins.history.records import Episode, numbers_asked
from twin_gym.twins.minari_folder import storage_class, write_dataset

FORMAT = "twin_gym history 1"

_NAMED = 20


def export_store_minari(
    store: HistoryReader,
    root: str | Path,
    dataset_id: str,
    *,
    episodes: Sequence[int] | None = None,
    author: str = "",
) -> Path:
    """Writes a Minari data set: one episode of it is one episode of the store.

    Infos have `elapsed_s`, the seconds since the step before, and `action_mask` where actions are
    discrete (1 = allowed). An episode that was cut short counts as truncated. For slice admission
    `to_transitions` and `export_minari` write what `import_minari` reads back.

    Args:
        store: the open store.
        root: folder of Minari data sets; made if it does not exist.
        dataset_id: such as `twin_gym/tic-scheduling/tic-small-45-equal-v0`.
        episodes: numbers, all of one scenario, policy and form of action; None: all with decisions.
        author: who may be asked.

    Returns:
        The folder of the data set, under `root`.

    Raises:
        ConfigError: if there is no such episode or no decision, episodes differ, the data set
            exists already, or its id is malformed.
        MissingExtraError: if Minari or HDF5 is not installed.
    """
    chosen = _chosen(store, episodes)
    first = chosen[0][0]
    scenario = first.load_scenario()
    metadata = _metadata(chosen, scenario, dataset_id, author)
    given = {"action": first.action} if first.action else {}
    env = vector_env(scenario, 1, **given)
    seen, done = env.single_observation_space, env.single_action_space
    env.close()

    def write(folder: Path) -> None:
        storage = storage_class().new(
            folder, observation_space=seen, action_space=done, env_spec=None, jpeg_encoding=False
        )
        storage.update_metadata(metadata)
        storage.update_episodes(_buffers(chosen))

    return write_dataset(root, dataset_id, f"twin_gym/{first.kind}/{first.scenario}-v0", write)


def _chosen(
    store: HistoryReader, episodes: Sequence[int] | None
) -> list[tuple[Episode, list[Decisions]]]:
    """Episodes with their logs, all alike."""
    asked = numbers_asked(episodes)
    with store.one_moment():
        known = store.episodes()
        wanted = [one for one in known if asked is None or one.id in asked]
        found = [(one, logs) for one in wanted if (logs := list(store.decisions(one.id)))]
    missing = set(asked or ()) - {one.id for one in known}
    if missing or not found:
        raise ConfigError(
            f"the store has no decisions of the episodes {sorted(missing) or 'asked'}; it has the "
            f"episodes {[one.id for one in known][:_NAMED]}"
        )
    alike = {(one.scenario, one.digest, one.policy, one.action) for one, _ in found}
    if len(alike) > 1:
        raise ConfigError(
            "a data set is of one scenario, policy and form of action; got "
            f"{sorted(alike)[:3]}: choose `episodes`"
        )
    return found


def _metadata(
    chosen: Sequence[tuple[Episode, list[Decisions]]],
    scenario: Scenario,
    dataset_id: str,
    author: str,
) -> dict[str, Any]:
    """Metadata of the data set; the first keys are Minari's."""
    storage_class()
    first = chosen[0][0]
    steps = sum(len(log) for _, logs in chosen for log in logs)
    found: dict[str, Any] = {
        "dataset_id": dataset_id,
        "minari_version": version("minari"),
        "algorithm_name": first.policy or "unknown",
        "description": (
            f"{steps} decisions of {first.policy!r} on the network {first.scenario!r} of "
            f"{kind_named(scenario.kind).id}, from a historical store. Discount by "
            "infos['elapsed_s'], the seconds since the step before. Episodes are truncated and "
            "never terminate."
        ),
        "twin_gym_format": FORMAT,
        "scenario": first.scenario,
        "scenario_digest": first.digest,
        "scenario_toml": first.toml,
        "action_form": first.action,
        "policy": first.policy,
        "world_seeds": [one.seed for one, _ in chosen],
        "versions": {name: version(name) for name in ("twin-gym", "numpy", "minari")},
    }
    return found | ({"author": {author}} if author else {})


def _buffers(chosen: Sequence[tuple[Episode, list[Decisions]]]) -> Iterator[Any]:
    """Each episode as Minari's buffer of one."""
    from minari.data_collector import EpisodeBuffer

    for number, (episode, logs) in enumerate(chosen):
        columns = followed(episode, logs)
        steps = len(columns["actions"])
        infos = {"elapsed_s": np.concatenate([[0.0], columns["elapsed_s"]])}
        masks = np.concatenate([columns["masks"], columns["next_masks"][-1:]])
        if masks.shape[1]:
            infos["action_mask"] = masks
        yield EpisodeBuffer(
            id=number,
            seed=episode.seed,
            observations=np.concatenate(
                [columns["observations"], columns["next_observations"][-1:]]
            ),
            actions=columns["actions"],
            rewards=columns["rewards"],
            terminations=np.zeros(steps, np.bool_),
            truncations=columns["truncated"],
            infos=infos,
        )
