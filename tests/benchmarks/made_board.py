"""A board made up for tests: known anchors, and agents whose scores are drawn about known means."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.cell import Cell, Result
from benchmarks.contestant import Cost
from benchmarks.protocol import PROTOCOL, BoardFamily
from benchmarks.tracks import track_named
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.files.sealed import sealed
from twin_gym.scenario import Scenario

RANDOM_PER_S, BOUND_PER_S = 10.0, 30.0
VERSIONS = {"numpy": "2.4.6", "twin-gym": "0.1.0"}
MACHINE = "A Processor, 64 cores"


def write_anchors(path: Path, tracks: Sequence[str]) -> Path:
    """An anchors file for the test scenarios of some tracks: random earns 10 a second, bound 30."""
    entries = []
    for name in tracks:
        track = track_named(name)
        for scenario in track.test_scenarios():
            entries.append(
                "[[anchors]]\n"
                f'scenario = "{scenario.name}"\ndigest = "{scenario.digest}"\n'
                f'objective = "{track.objective}"\nrandom_per_s = {RANDOM_PER_S}\n'
                f"random_half_width_per_s = 0.1\nbound_per_s = {BOUND_PER_S}\n"
                'kind = "LP"\nproof = "linear program over mean rates"\n'
                f'action = "{track.action or ""}"\n'
            )
    path.write_text("\n".join(entries), "utf-8")
    return path


@cache
def task_of(track: str) -> tuple[str, tuple[Scenario, ...]]:
    """The digest of a track and its test scenarios, read once."""
    return track_named(track).digest, track_named(track).test_scenarios()


def made(
    track: str,
    agent: str,
    seed: int,
    score: float,
    *,
    spread: float = 1.0,
    learns: bool = False,
    family: BoardFamily = "test",
) -> Result:
    """A result whose scores lie about a mean; the luck of a world is the same for every agent."""
    digest, tested = task_of(track)
    steps = track_named(track).learner_steps
    worlds = np.random.default_rng([seed, *track.encode()])
    own = np.random.default_rng([seed, *agent.encode(), *track.encode()])
    of_seed = spread * own.normal()
    earned = {}
    for scenario in tested:
        num = track_named(track).worlds
        scores = score + of_seed + 4.0 * worlds.normal(size=num) + 0.3 * own.normal(size=num)
        earned[scenario.name] = (
            RANDOM_PER_S + (BOUND_PER_S - RANDOM_PER_S) * scores / 100
        ).tolist()
    kpi = _indicators(tested[0], own)
    seconds = round(float(60 + 20 * own.random()), 3)
    return Result(
        protocol=PROTOCOL,
        cell=Cell(track, agent, seed, family),
        track_digest=digest,
        earned_per_s=earned,
        trajectory="0" * 16,
        kpi=kpi,
        cost=Cost(steps, seconds, seconds * 0.9, 5_387) if learns else Cost(),
        test_seconds=1.0,
        curve=_curve(steps, score, own) if learns else [],
        versions=VERSIONS,
        machine=MACHINE,
    )


def _indicators(scenario: Scenario, rng: np.random.Generator) -> dict[str, float]:
    """Some of those that its environment has."""
    if not isinstance(scenario, AdmissionScenario):
        return {"mean_delay_s": 0.1 + 0.1 * rng.random(), "on_time_share": 0.5, "updates": 720.0}
    kpi = {f"utilisation/{name}": 0.5 + 0.4 * rng.random() for name in scenario.resource_names}
    kpi |= {f"loss_ratio/{name}": 0.3 * rng.random() for name in scenario.slice_names}
    return kpi | {"fairness": 0.9}


def _curve(steps: int, score: float, rng: np.random.Generator) -> list[dict[str, float]]:
    """Rises towards what is earned in the end."""
    end = RANDOM_PER_S + (BOUND_PER_S - RANDOM_PER_S) * score / 100
    return [
        {
            "step": float(steps // 6 * k),
            "revenue_rate": end - (end - RANDOM_PER_S) * 0.45**k + 0.2 * float(rng.normal()),
        }
        for k in range(1, 7)
    ]


def board_of(
    scores: Mapping[str, Mapping[str, float]], *, seeds: int = 10, learners: Sequence[str] = ()
) -> list[Result]:
    """Results of agents by track: the mean score of each."""
    return [
        made(track, agent, seed, score, learns=agent in learners)
        for track, agents in scores.items()
        for agent, score in agents.items()
        for seed in range(seeds)
    ]


def write_results(folder: Path, results: Sequence[Result]) -> Path:
    """The folder of a board with these results."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(sealed(one.to_json()) + "\n" for one in results)
    (folder / "results.jsonl").write_text(text, "utf-8")
    return folder
