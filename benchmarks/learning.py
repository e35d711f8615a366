"""A learner of the board: trained once for its settings, kept without pickles, found again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch

from agents.actor import load_actor, save_actor
from agents.settings import TrainSettings
from agents.training import train
from agents.twin import make_twin
from benchmarks.entrants import Cost, Fitted, OnProgress, PolicyFor, Stopwatch
from benchmarks.files import write_text
from twin_gym.policies import Policy
from twin_gym.scenario import AdmissionScenario, load
from twin_gym.twins import PolicyTwin

_DONE_FILE = "trained.json"
_ACTOR, _TWIN = "actor", "twin"
_CURVE_POINTS, _CURVE_WORLDS, _CURVE_HOLDING_TIMES = 6, 16, 45.0


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
    if not done.exists() or json.loads(done.read_text("utf-8"))["name"] != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        done.unlink(missing_ok=True)
        cost, curve = _train(settings, folder, on_progress)
        about = {"name": wanted, "settings": asdict(settings), "cost": asdict(cost), "curve": curve}
        write_text(done, json.dumps(about, indent=1) + "\n")
    kept = json.loads(done.read_text("utf-8"))
    policy = _load(settings, folder)
    return Fitted(policy, Cost(**kept["cost"]), kept["curve"])


def _name(settings: TrainSettings) -> str:
    """What the training is: its settings and the contents of its scenarios."""
    return "+".join((settings.digest, *(load(one).digest for one in settings.scenarios)))


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
        evaluation_horizon_s=min(
            scenario.horizon_s, _CURVE_HOLDING_TIMES * scenario.mean_holding_time_s
        ),
        on_progress=lambda step, _: on_progress(step / settings.total_steps),
    )
    save_actor(model, settings, folder / _ACTOR)
    size = sum(values.numel() for values in model.policy.parameters())
    points = [
        {"step": point["step"], "revenue_rate": point["revenue_rate"]} for point in curve.points
    ]
    return watch.cost(model.num_timesteps, size), points


def _load(settings: TrainSettings, folder: Path) -> PolicyFor:
    """Gives the kept policy to every scenario that shows what it sees."""
    if settings.agent == "clone":
        twin = PolicyTwin.load(folder / _TWIN)

        def policy_of_twin(scenario: AdmissionScenario) -> Policy:
            twin.check_fits(scenario, "slice")
            return twin

        return policy_of_twin
    actor = load_actor(folder / _ACTOR)

    def policy_of_actor(scenario: AdmissionScenario) -> Policy:
        actor.check_fits(scenario)
        return actor

    return policy_of_actor
