"""Episodes of the real network, and the twins that are trained on them; each made once a block."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from benchmarks.experiments.blocks import worlds_of
from benchmarks.experiments.hierarchy.episodes import Episode, run_episode
from benchmarks.experiments.hierarchy.plan import (
    ALONE,
    AUTOMATON,
    DEFAULT,
    FEW_STEPS,
    HASTY,
    Plan,
)
from benchmarks.experiments.pages import WORK
from twin_gym.policies import Policy, make_policy, world_seeds
from twin_gym.twins import PolicyTwin, clone, record
from twin_gym.twins.hierarchy import AutomatonTwin, NetworkTwin
from twin_gym.twins.hierarchy.message_twin import METADATA_FILE
from twin_gym.twins.policy_twin import METADATA_FILE as POLICY_FILE
from twin_gym.twins.signalling.learned.settings import MessageTwinSettings

FOLDER = WORK / "hierarchy"
_FIRST_WORLD = 2**38
_WINDOW = 16  # messages: a session from its request to its end, and the end of the one before


@cache
def real_episode(plan: Plan, block: int) -> Episode:
    """The default policy in the judged world of a block."""
    return run_episode(plan.scenario, default_policy(plan), worlds_of(block, 1)[0])


@cache
def learned_episode(plan: Plan, block: int) -> Episode:
    """The default policy in the world that the message twins of a block learn from."""
    seed = world_seeds("train", 1, first=_FIRST_WORLD + block)[0]
    return run_episode(plan.scenario, default_policy(plan), seed)


def default_policy(plan: Plan) -> Policy:
    """What decides in the real network."""
    return make_policy(DEFAULT, plan.scenario)


def policy_of(plan: Plan, block: int, decisions: int, folder: Path = FOLDER) -> Policy:
    """The policy itself (0 decisions), or its twin of a log of so many."""
    if not decisions:
        return default_policy(plan)
    place = folder / f"{plan.key}-policy-{decisions}-{block}"
    if not (place / POLICY_FILE).exists():
        log = record(default_policy(plan), plan.scenario, decisions, seed=block)
        clone(log, plan.scenario, seed=block).save(place)
    return PolicyTwin.load(place)


def message_folder(plan: Plan, block: int, messages: str, folder: Path = FOLDER) -> Path:
    """The folder of a message twin, which is trained if it is not there."""
    place = folder / f"{plan.key}-{messages.replace(' ', '-')}-{block}"
    if (place / METADATA_FILE).exists():  # it is written last
        return place
    if messages == AUTOMATON:
        AutomatonTwin().save(place)
        return place
    steps = FEW_STEPS if messages == HASTY else plan.message_steps
    settings = MessageTwinSettings(window=_WINDOW, width=plan.width, num_steps=steps)
    log, asks = learned_episode(plan, block).log, messages != ALONE
    NetworkTwin.train(log, settings, asks_policy=asks, seed=block).save(place)
    return place


def emulated_episode(plan: Plan, block: int, messages: str, policy: Policy) -> Episode:
    """A policy in the judged world of a block, with an emulated control plane."""
    folder = str(message_folder(plan, block, messages))
    seed = worlds_of(block, 1)[0]
    return run_episode(plan.scenario, policy, seed, engine="twin", twin=folder)
