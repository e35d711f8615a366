"""A learner of the board: trained once for its settings, kept without pickles, found again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from math import isfinite, nan
from pathlib import Path
from typing import Any

import torch

from agents.actor import LearnedActor, load_actor
from agents.offline import fit_offline, offline_data
from agents.settings import OfflineMethod, TrainSettings
from agents.trained import ACTOR_FOLDER, saved_policy, train_agent
from benchmarks.contestant import Cost, Fitted, OnProgress, PolicyFor, Stopwatch
from benchmarks.environments import short_horizon_s
from benchmarks.protocol import Track
from twin_gym.environments.factory import forms_of
from twin_gym.errors import ConfigError
from twin_gym.files.reading import reading
from twin_gym.files.whole import write_text
from twin_gym.policies import Policy
from twin_gym.sb3 import score_name
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load
from twin_gym.twins import PolicyTwin, Transitions

_DONE_FILE = "trained.json"
CURVE_POINTS, CURVE_WORLDS = 8, 16


def trained(settings: TrainSettings, folder: Path, on_progress: OnProgress) -> Fitted:
    """The agent of these settings.

    Args:
        settings: of the training.
        folder: where it is kept; what another training left there is replaced.
        on_progress: told the share of the steps that are done.

    Returns:
        What is read back from the folder: the very policy that others can load.
    """

    def work() -> dict[str, Any]:
        cost, curve = _train(settings, folder, on_progress)
        return {"settings": settings.as_stored(), "cost": asdict(cost), "curve": curve}

    kept = _once(folder, _name(settings), work)
    return Fitted(_load(settings, folder), Cost(**kept["cost"]), kept["curve"])


def trained_offline(
    method: OfflineMethod, track: Track, seed: int, folder: Path, on_progress: OnProgress
) -> Fitted:
    """The agent that a method makes of the log of a track.

    Args:
        method: one of `OFFLINE_METHODS`.
        track: with a log.
        seed: of first weights and batches.
        folder: where it is kept.
        on_progress: told the share of the steps that are done.

    Returns:
        What is read back from the folder.
    """

    def work() -> dict[str, Any]:
        on_progress(0.0)
        watch = Stopwatch()
        scenario: Any = track.train_scenarios()[0]  # of the one kind whose logs are learned from
        agent = fit_offline(method, log_of(track), scenario, seed=seed)
        agent.save(scenario, folder / ACTOR_FOLDER)
        cost = watch.cost(agent.num_decisions, agent.num_parameters)
        return {"settings": agent.settings, "cost": asdict(cost)}

    kept = _once(folder, f"{method} {seed} {track.digest}", work)
    return Fitted(_of_actor(load_actor(folder / ACTOR_FOLDER)), Cost(**kept["cost"]))


def log_of(track: Track) -> Transitions:
    """The log of an offline track, recorded anew: the same each time.

    Raises:
        ConfigError: if the track has none.
    """
    if track.data is None:
        raise ConfigError(f"track {track.name!r} has no log")
    return offline_data(track.train[0], **asdict(track.data))


def _once(folder: Path, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Reads the record of the work of this name; does the work if there is no such record."""
    torch.set_num_threads(1)  # one thread adds up in one order, also what is read back
    path = folder / _DONE_FILE
    if path.exists():
        with reading(path, "finished training"):
            kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
            if kept["name"] == name:
                return kept
        path.unlink()
    about = {"name": name, **work()}
    write_text(path, json.dumps(about, indent=1) + "\n", makes_folder=True)
    return about


def _name(settings: TrainSettings) -> str:
    """The name of a training: its settings and the contents of its scenarios."""
    digests = (load(one).digest for one in settings.scenarios)
    return "+".join((settings.digest, *digests))


def _train(
    settings: TrainSettings, folder: Path, on_progress: OnProgress
) -> tuple[Cost, list[dict[str, float]]]:
    watch, scenario = Stopwatch(), load(settings.scenario)
    agent = train_agent(
        settings,
        evaluate_every=settings.total_timesteps // CURVE_POINTS,
        num_worlds=CURVE_WORLDS,
        evaluation_horizon_s=short_horizon_s(scenario),
        on_progress=lambda step, _: on_progress(step / settings.total_timesteps),
    )
    agent.save(folder)
    score = score_name(scenario.kind)
    kept = ("step", score, f"learner_{score}", f"online_{score}", "guard_steps")
    points = [
        {name: point[name] for name in kept if isfinite(point.get(name, nan))}
        for point in agent.points
    ]
    experience = settings.num_decisions if settings.agent == "clone" else agent.steps
    return watch.cost(experience, agent.num_parameters), points


def _load(settings: TrainSettings, folder: Path) -> PolicyFor:
    """Gives the kept policy to every scenario that shows what it sees."""
    policy = saved_policy(settings, folder)
    if not isinstance(policy, PolicyTwin):
        return _of_actor(policy)

    def policy_of_twin(scenario: Scenario) -> Policy:
        policy.check_fits(scenario, settings.action or forms_of(scenario.kind)[0].name)
        return policy

    return policy_of_twin


def _of_actor(actor: LearnedActor) -> PolicyFor:
    def policy_of_actor(scenario: Scenario) -> Policy:
        actor.check_fits(scenario)
        return actor

    return policy_of_actor
