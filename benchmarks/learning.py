"""A learner of the board: trained once for its settings, kept without pickles, found again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from agents.actor import load_actor, save_actor
from agents.offline import fit_offline, offline_data
from agents.settings import OfflineMethod, TrainSettings
from agents.training import train
from agents.twin import make_twin
from benchmarks.entrants import Cost, Fitted, OnProgress, PolicyFor, Stopwatch
from benchmarks.files import reading, write_text
from benchmarks.protocol import Track
from twin_gym.environments.factory import forms_of
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy
from twin_gym.sb3 import score_name
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load
from twin_gym.twins import PolicyTwin, Transitions

_DONE_FILE = "trained.json"
_ACTOR, _TWIN = "actor", "twin"
_CURVE_POINTS, _CURVE_WORLDS, _CURVE_HOLDING_TIMES = 6, 16, 45.0
"""Curves of admission are taken over short episodes; those of slotted networks, which are short and
do not settle, over whole ones."""


def trained(settings: TrainSettings, folder: Path, on_progress: OnProgress) -> Fitted:
    """The agent of these settings.

    Args:
        settings: of the training.
        folder: where it is kept; what another training left there is replaced.
        on_progress: told the share of the steps that are done.

    Returns:
        What is read back from the folder: the very policy that others can load.
    """
    torch.set_num_threads(1)  # the networks are small, and one thread adds up in one order
    done = folder / _DONE_FILE
    wanted = _name(settings)
    if not _is_done(done, wanted):
        folder.mkdir(parents=True, exist_ok=True)
        done.unlink(missing_ok=True)
        cost, curve = _train(settings, folder, on_progress)
        told = {"name": wanted, "settings": asdict(settings)}
        _write_done(done, told | {"cost": asdict(cost), "curve": curve})
    kept = json.loads(done.read_text("utf-8"))
    policy = _load(settings, folder)
    return Fitted(policy, Cost(**kept["cost"]), kept["curve"])


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
    torch.set_num_threads(1)
    done, wanted = folder / _DONE_FILE, f"{method} {seed} {track.digest}"
    if not _is_done(done, wanted):
        done.unlink(missing_ok=True)
        on_progress(0.0)
        watch = Stopwatch()
        scenario = load(track.train[0], AdmissionScenario)
        agent = fit_offline(method, log_of(track), scenario, seed=seed)
        agent.save(scenario, folder / _ACTOR)
        cost = watch.cost(agent.num_decisions, agent.num_parameters)
        _write_done(done, {"name": wanted, "settings": agent.settings, "cost": asdict(cost)})
    kept = json.loads(done.read_text("utf-8"))
    return Fitted(_policy_of_actor(folder), Cost(**kept["cost"]))


def log_of(track: Track) -> Transitions:
    """The log of an offline track, recorded anew: the same each time.

    Raises:
        ConfigError: if the track has none.
    """
    if track.data is None:
        raise ConfigError(f"track {track.name!r} has no log")
    return offline_data(track.train[0], **asdict(track.data))


def _is_done(done: Path, wanted: str) -> bool:
    if not done.exists():
        return False
    with reading(done, "finished training"):
        return bool(json.loads(done.read_text("utf-8"))["name"] == wanted)


def _write_done(done: Path, about: dict[str, Any]) -> None:
    write_text(done, json.dumps(about, indent=1) + "\n")


def _name(settings: TrainSettings) -> str:
    """What the training is: its settings and the contents of its scenarios."""
    digests = (load(one).digest for one in settings.scenarios)
    return "+".join((settings.digest, *digests))


def _train(
    settings: TrainSettings, folder: Path, on_progress: OnProgress
) -> tuple[Cost, list[dict[str, float]]]:
    watch = Stopwatch()
    if settings.agent == "clone":
        twin = make_twin(settings)
        twin.save(folder / _TWIN)
        size = sum(values.numel() for values in twin.network.parameters())
        return watch.cost(settings.num_decisions, size), []
    scenario = load(settings.scenario)
    model, curve = train(
        settings,
        evaluate_every=settings.total_steps // _CURVE_POINTS,
        num_worlds=_CURVE_WORLDS,
        evaluation_horizon_s=_curve_horizon_s(scenario),
        on_progress=lambda step, _: on_progress(step / settings.total_steps),
    )
    save_actor(model, settings, folder / _ACTOR)
    size = sum(values.numel() for values in model.policy.parameters())
    score = score_name(scenario.kind)
    points = [{"step": point["step"], score: point[score]} for point in curve.points]
    return watch.cost(model.num_timesteps, size), points


def _curve_horizon_s(scenario: Scenario) -> float:
    if not isinstance(scenario, AdmissionScenario):
        return scenario.horizon_s
    return min(scenario.horizon_s, _CURVE_HOLDING_TIMES * scenario.mean_holding_time_s)


def _load(settings: TrainSettings, folder: Path) -> PolicyFor:
    """Gives the kept policy to every scenario that shows what it sees."""
    if settings.agent == "clone":
        twin = PolicyTwin.load(folder / _TWIN)

        def policy_of_twin(scenario: Scenario) -> Policy:
            twin.check_fits(scenario, settings.action or forms_of(scenario.kind)[0].name)
            return twin

        return policy_of_twin
    return _policy_of_actor(folder)


def _policy_of_actor(folder: Path) -> PolicyFor:
    actor = load_actor(folder / _ACTOR)

    def policy_of_actor(scenario: Scenario) -> Policy:
        actor.check_fits(scenario)
        return actor

    return policy_of_actor
