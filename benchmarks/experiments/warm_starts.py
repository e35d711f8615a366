"""Is a start from a policy twin safe, and what is it worth?

Of every training from a twin on the board, and of those from scratch beside it, in the worlds of
their curves: what is deployed, which a guard keeps, and the learner behind it. Everything is a
share (J - random) / (default - random), where J is the return and `default` the rule that the twin
was made of, all in the same worlds: 1 is as good as what runs today, 0 is random.

`python -m benchmarks.experiments.warm_starts` reads the results of the board and trains nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from agents.defaults import settings_for
from agents.settings import WITH_TWIN, AgentName
from benchmarks.cell import Result
from benchmarks.environments import short_horizon_s
from benchmarks.experiments.pages import PUBLISHED, show_and_keep
from benchmarks.leaderboard.collect import read_results
from benchmarks.learning import CURVE_WORLDS
from benchmarks.protocol import Track
from benchmarks.runs import steps_to_stay
from benchmarks.store import BOARD_FOLDER
from benchmarks.tracks import tracks
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.files.places import check_folder
from twin_gym.files.whole import write_text
from twin_gym.policies import evaluate, make_policy, world_seeds

NAME = "warm_starts"
AS_GOOD = 0.99
"""The share from which on an agent counts as being as good as the default."""
_GUARDED = 0.95
_SCORES = ("revenue_rate", "return_per_s")

app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True)
class Start:
    """The trainings of an agent on a track.

    Attributes:
        track: its name.
        agent: its name.
        default: the rule that twins are made of there.
        steps: of the points of the curves; with a guard those of the training alone.
        deployed: shares, shape (seeds, points).
        learner: of the learner behind the guard, or `deployed` where there is none.
        online: while learning, between a point and the one before; NaN at the first.
        guard_share: of all steps, those that looks of the guard took.
    """

    track: str
    agent: str
    default: str
    steps: NDArray[np.float64]
    deployed: NDArray[np.float64]
    learner: NDArray[np.float64]
    online: NDArray[np.float64]
    guard_share: float

    @property
    def steps_to_default(self) -> float:
        """First point from which on the mean over seeds is as good as the default; or infinity."""
        return steps_to_stay(self.steps.tolist(), self.deployed.mean(axis=0).tolist(), AS_GOOD)


@app.command(cls=ErrorReportingCommand)
def main(
    board: Annotated[Path, typer.Option(help="Folder of the board's results.")] = BOARD_FOLDER,
    family: Annotated[str, typer.Option(help="Worlds of the board.")] = "test",
    out: Annotated[Path, typer.Option(help="Folder of the page.")] = PUBLISHED,
) -> None:
    """Reads the trainings of the board and writes a page."""
    check_folder(out)
    results = read_results(board, "test" if family == "test" else "validation").results
    text = page(list(starts_of(results)))
    show_and_keep(text, lambda: write_text(out / f"{NAME}.md", text, makes_folder=True))


def starts_of(results: Sequence[Result]) -> Iterator[Start]:
    """All trainings on tracks where at least one was from a twin, by track and agent."""
    by_cell: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.curve:
            by_cell.setdefault((result.cell.track, result.cell.agent), []).append(result)
    for name, track in tracks().items():
        agents = [agent for at, agent in by_cell if at == name]
        if not WITH_TWIN.intersection(agents):
            continue
        twin = min(one for one in WITH_TWIN if one in agents)
        levels = _levels(track, twin)
        for agent in sorted(agents):
            yield _start(track, agent, by_cell[name, agent], levels)


@dataclass(frozen=True)
class _Levels:
    """The returns of the default and the random policy in the worlds of the curves."""

    default: str
    of_default: float
    of_random: float

    def share(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns as shares."""
        shares: NDArray[np.float64] = (values - self.of_random) / (self.of_default - self.of_random)
        return shares


def _levels(track: Track, agent: AgentName) -> _Levels:
    """What shares are taken between; of several scenarios to learn on, the first."""
    from twin_gym.sb3 import indicators, score_name

    scenario = track.train_scenarios()[0]
    default = settings_for(agent, track.train[0], action=track.action).default_policy
    short = scenario.replace(horizon_s=short_horizon_s(scenario))
    seeds = world_seeds("validation", CURVE_WORLDS)
    of = {}
    for name in (default, "random"):
        evaluation = evaluate(
            make_policy(name, scenario, track.action), short, seeds, action=track.action
        )
        of[name] = float(indicators(evaluation, [short])[score_name(track.kind)].mean())
    return _Levels(default, of[default], of["random"])


def _start(track: Track, agent: str, results: Sequence[Result], levels: _Levels) -> Start:
    curves = [result.curve for result in results]
    length = min(map(len, curves))
    curves = [curve[:length] for curve in curves]
    score = next(name for name in _SCORES if name in curves[0][0])

    def column(name: str, otherwise: str | None = None) -> NDArray[np.float64]:
        fallback = name if otherwise is None else otherwise
        return np.array([[p.get(name, p.get(fallback, np.nan)) for p in curve] for curve in curves])

    spent = [curve[-1].get("guard_steps", 0.0) for curve in curves]
    total = [result.cost.steps for result in results]
    return Start(
        track.name, agent, levels.default,
        np.array([point["step"] for point in curves[0]]),
        levels.share(column(score)),
        levels.share(column(f"learner_{score}", score)),
        levels.share(column(f"online_{score}")),
        float(np.sum(spent) / max(np.sum(total), 1)),
    )  # fmt: skip


def page(starts: Sequence[Start]) -> str:
    """The page: a table a track, and what holds everywhere."""
    parts = [f"# Starts from a policy twin\n\n{(__doc__ or '').strip()}", *_summary(starts)]
    for track in dict.fromkeys(one.track for one in starts):
        parts += _table([one for one in starts if one.track == track])
    return "\n\n".join(parts) + "\n"


def _summary(starts: Sequence[Start]) -> Iterator[str]:
    twins = [one for one in starts if one.agent in WITH_TWIN]
    guarded = [one for one in twins if one.guard_share > 0]
    lowest = {(one.track, one.agent): float(one.deployed.min()) for one in guarded}
    below = {key: share for key, share in lowest.items() if share < _GUARDED}
    yield "## What holds"
    lines = [
        f"Deployed and guarded: {len(guarded)} agents on tracks, "
        f"{len(lowest) - len(below)} of them never below a share of {_GUARDED} at any point of "
        "any seed."
    ]
    lines += [f"`{agent}` on `{track}` is: {share:.3f}." for (track, agent), share in below.items()]
    free = {(o.track, o.agent): float(o.learner.min(axis=1).mean()) for o in guarded}
    lines += [
        f"The learner of `{agent}` behind the guard sinks to {share:.2f} on `{track}` (mean over "
        "seeds of the lowest point)."
        for (track, agent), share in free.items()
        if share < _GUARDED
    ]
    yield "\n".join(f"- {line}" for line in lines)


def _table(starts: Sequence[Start]) -> Iterator[str]:
    yield f"## {starts[0].track}"
    yield f"The twin is made of `{starts[0].default}`."
    heads = (
        "agent", "seeds", "first", "deployed, lowest", "deployed, last", "learner, lowest",
        "learner, last", "while learning, first part", "as good as the default from", "guard",
    )  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for one in starts:
        reached = one.steps_to_default
        lines.append(
            f"| {one.agent} | {len(one.deployed)} | {one.deployed[:, 0].mean():.3f} | "
            f"{one.deployed.min():.3f} | {one.deployed[:, -1].mean():.3f} | "
            f"{one.learner.min():.3f} | {one.learner[:, -1].mean():.3f} | {_first(one.online)} | "
            f"{f'{reached:,.0f}' if np.isfinite(reached) else 'never'} | "
            f"{100.0 * one.guard_share:.0f} % |"
        )
    yield "\n".join(lines)


def _first(online: NDArray[np.float64]) -> str:
    """The mean over seeds between the first two points, where it was kept."""
    if online.shape[1] < 2 or np.isnan(online[:, 1]).any():  # noqa: PLR2004
        return ""
    return f"{online[:, 1].mean():.3f}"


if __name__ == "__main__":
    app()
