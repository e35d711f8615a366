"""What planning with the simulator reaches on a track, beside a rule and the bound.

Before each decision a planner copies the state of the network and tries every action in the same
futures, drawn anew from the laws of the scenario; after the action a rule is followed, and the best
action is taken (`twin_gym.policies.RolloutPolicy`; Bertsekas 2019, Reinforcement Learning and
Optimal Control, section 2.4). It sees the state, which is partly hidden from agents, and needs some
thousands of simulated steps a decision: too slow for the board, which is why it stands here.

`python -m benchmarks.experiments.planning` runs a rule of each track, tuned where it can be, and
the planner over it, in the same worlds. It can be stopped and goes on where it was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import contestant_named
from benchmarks.experiments.blocks import Cell, Measured, Values, block_means, over_blocks
from benchmarks.experiments.command import Asked, Page, experiment
from benchmarks.experiments.pages import format_interval, page_of, table
from benchmarks.protocol import Track, anchors_of
from benchmarks.tracks import track_named
from twin_gym.policies import Policy, RolloutPolicy, evaluate

NAME = "planning"
RULE, PLANNER = "rule", "planner over it"
_QUICK_FUTURES, _QUICK_S = 2, 4.0


@dataclass(frozen=True)
class Plan:
    """How a track is planned.

    Attributes:
        rule: an agent of the board that decides by what is observed.
        lookahead_s: simulated time that a future lasts.
        num_futures: in which each action is tried.
    """

    rule: str
    lookahead_s: float
    num_futures: int = 16


PLANS: Mapping[str, Plan] = {
    "contention": Plan("reservation", 4.0),
    "burst": Plan("reservation", 4.0),
    "tidal": Plan("reservation", 6.0),
    "alternating": Plan("reservation", 6.0),
    "tic-pick": Plan("edf", 0.005),
}


def _cell(track: Track, label: str, asked: Asked) -> Cell:
    """The measurement of the rule of a track, or of the planner over it."""
    plan = PLANS[track.name]
    futures = _QUICK_FUTURES if asked.quick else plan.num_futures
    (scenario,) = track.test_scenarios()

    def policy() -> Policy:
        with tempfile.TemporaryDirectory() as folder:
            fitted = contestant_named(plan.rule).fit(track, 0, Path(folder), lambda share: None)
            rule = fitted.policy_for(scenario)
        if label == RULE:
            return rule
        return RolloutPolicy(rule, lookahead_s=plan.lookahead_s, num_futures=futures)

    def score(cell: Cell) -> Values:
        earned = evaluate(
            policy(), cell.scenario, cell.seeds, action=track.action, objective=track.objective
        )
        anchors = anchors_of(scenario, track.objective, track.action)
        per_s = block_means(earned.returns, cell.worlds) / cell.scenario.horizon_s
        return {"score": [anchors.normalised(one) for one in per_s.tolist()]}

    return Cell(
        label,
        scenario.replace(horizon_s=_QUICK_S) if asked.quick else scenario,
        tuple(range(asked.seeds)),
        asked.worlds,
        score,
        "" if label == RULE else f"{plan.lookahead_s:g} s, {futures} futures",
    )


def _asked_tracks(asked: Asked) -> list[Track]:
    return [track_named(name) for name in (list(PLANS)[:1] if asked.quick else PLANS)]


def _wanted(asked: Asked) -> list[Cell]:
    return [
        _cell(track, label, asked) for track in _asked_tracks(asked) for label in (RULE, PLANNER)
    ]


def _results(asked: Asked, measured: Sequence[Measured]) -> Page:
    names = [track.name for track in _asked_tracks(asked)]
    rows = []
    for name, rule, planner in zip(names, measured[::2], measured[1::2], strict=True):
        plan = PLANS[name]
        gain = over_blocks(planner.values["score"] - rule.values["score"])
        rows.append([
            name, f"`{plan.rule}`", f"{plan.lookahead_s:g}",
            *(format_interval(one, 1) for one in (
                rule.interval("score"), planner.interval("score"), gain
            )),
        ])  # fmt: skip
    heads = ["track", "rule", "lookahead (s)", "score of the rule", "of the planner", "gain"]
    note = (
        "Scores are those of the board: 0 is random, 100 the bound. The gain is taken in pairs of "
        "the same worlds. A planner that gains shows that a better policy exists; one that does "
        "not shows nothing, for it looks one decision ahead."
    )
    return Page(page_of("Planning with the simulator", __doc__, asked.command,
                        [table(heads, rows), note]), {})  # fmt: skip


app = experiment(NAME, __doc__, _wanted, _results, seeds=5, worlds=2, trains=False)

if __name__ == "__main__":
    app()
