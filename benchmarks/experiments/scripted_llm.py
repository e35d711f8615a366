"""What the generator `llm` makes of good and bad answers. SCRIPTED, NOT A LANGUAGE MODEL.

No language model was asked. A local endpoint answers by a script: the last window of the history
times noise, drawn under the JSON schema, and with stated probabilities an answer that is no JSON,
too large, late or full of orders, or an entry that is out of range, has unknown keys, or orders in
place of a number. What is measured is the way of answers into scenarios: how many requests it
takes, what is refused and why, and whether text of an answer gets into a scenario. How close the
scenarios are to what comes says something of the script alone, and nothing of any model.

`python -m benchmarks.experiments.scripted_llm` asks three scripts and the three other generators
for next states of a network whose parameters wander by a known law, so that what can come next is
known. It can be stopped and goes on where it was. It needs the extra `llm`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import typer

from benchmarks.experiments.blocks import Cell, Floats, Measured, Values, measure_with_bar
from benchmarks.experiments.pages import (
    Again,
    Kept,
    Out,
    Quick,
    Seeds,
    page_of,
    places,
    publish,
    show_and_keep,
    table,
    told,
)
from benchmarks.experiments.scripted_endpoint import (
    HUGE,
    KEYS,
    LATE,
    MARK,
    OBEY,
    OF_ANSWERS,
    OF_ENTRIES,
    PROSE,
    RANGE,
    WORDS,
    Answer,
    Script,
    scripted_endpoint,
)
from twin_gym.cli.error_reporting import ErrorReportingCommand
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load
from twin_gym.twins.scenarios import (
    Criteria,
    CurrentState,
    GenerationError,
    Generator,
    HistoricalGenerator,
    HybridGenerator,
    ParameterHistory,
    ParameterSpace,
)
from twin_gym.twins.scenarios.distances import copying, energy_distance
from twin_gym.twins.scenarios.gan_training import ScenarioGanSettings, train_gan
from twin_gym.twins.scenarios.llm import LlmGenerator, Rejection

NAME = "scripted_llm"
NETWORK = "contention"
WINDOWS, COMING = 80, 200
KEEP, SPREAD = 0.8, 0.3
COUNT, MAX_REQUESTS = 24, 8
TIMEOUT_S = 4.0
TRUE, COPIER = "what comes (known law)", "a copier of history"

SCRIPTS = (
    Script("SCRIPTED (no model): no faults"),
    Script("SCRIPTED (no model): some faults", {PROSE: 0.1, HUGE: 0.02, LATE: 0.02, OBEY: 0.06,
                                     RANGE: 0.1, KEYS: 0.05, WORDS: 0.05}),
    Script("SCRIPTED (no model): mostly faults", {PROSE: 0.4, HUGE: 0.05, LATE: 0.05, OBEY: 0.2,
                                       RANGE: 0.4, KEYS: 0.2, WORDS: 0.2}),
)  # fmt: skip

REASONS = {
    PROSE + " or orders": "no JSON|no list",
    HUGE: "more than [0-9,]+ bytes",
    LATE: "no (whole )?answer within",
    RANGE: "must be .* to .*, got",
    KEYS: "unknown keys",
    WORDS: "must be a finite number",
}
"""Kinds of rejections by what their reasons say."""

OTHER = "another reason"

app = typer.Typer(add_completion=False, help=__doc__)


class Life(NamedTuple):
    """A network whose parameters follow autoregressions around a preset's.

    Attributes:
        history: what generators learn from.
        coming: draws of what can come right after it; coordinates, shape (`COMING`, parameters).
        others: as many others, by which copies are told from what comes.
        again: as many again, to see what the law itself is judged to be.
    """

    history: ParameterHistory
    coming: Floats
    others: Floats
    again: Floats

    @property
    def now(self) -> CurrentState:
        """The last window, known completely."""
        last = self.history.points[-1]
        return CurrentState(self.history.space, last, np.zeros(len(last)))


def life(block: int) -> Life:
    """The life of a block, the same for all generators."""
    space = ParameterSpace.of(load(NETWORK))
    rng = np.random.default_rng([block, 11])
    centre = space.coordinates(space.base)
    noise = SPREAD * np.sqrt(1.0 - KEEP**2)
    points = [centre + SPREAD * rng.standard_normal(len(centre))]
    for _ in range(WINDOWS - 1):
        fresh = noise * rng.standard_normal(len(centre))
        points.append(centre + KEEP * (points[-1] - centre) + fresh)
    expected = centre + KEEP * (points[-1] - centre)
    coming = expected + noise * rng.standard_normal((3 * COMING, len(centre)))
    history = ParameterHistory(space, _allowed(space, np.array(points)), "a wandering network")
    return Life(history, *np.split(_allowed(space, coming), 3))


def _allowed(space: ParameterSpace, points: Floats) -> Floats:
    """As scenarios have them: within ranges, whole numbers whole."""
    return np.array([_back(space, point) for point in points])


def _back(space: ParameterSpace, point: Floats) -> Floats:
    values = np.array(list(space.values(point).values()), np.float64)
    return space.coordinates_of(values)


def asked_of_script(cell: Cell, script: Script) -> Values:
    """What a script's answers come to: so many tasks of `COUNT` scenarios.

    Args:
        cell: gives the block and, as its worlds, the number of tasks.
        script: by which is answered.

    Returns:
        Shares, counts and distances by name.
    """
    block = cell.blocks[0]
    lived = life(block)
    made: list[Scenario] = []
    tally = Tally()
    with scripted_endpoint(script, TIMEOUT_S) as (endpoint, answers):
        generator = LlmGenerator(endpoint, MAX_REQUESTS)
        for task in range(cell.worlds):
            before, rng = len(answers), np.random.default_rng([block, task, 13])
            try:
                found = generator.generate(Criteria(), lived.history, lived.now, COUNT, rng)
            except GenerationError:
                found = []
            made += found
            tally.add(answers[before:], generator.rejections, is_whole=bool(found))
    tally.leaks += sum(MARK in one.model_dump_json() for one in made)
    near = closeness(made, lived) if made else {}
    return tally.values() | {name: [value] for name, value in near.items()}


class Tally:
    """Counts over tasks."""

    def __init__(self) -> None:
        self.tasks = self.whole = self.requests = self.useful = self.leaks = 0
        self.entries = self.valid = 0
        self.reasons = dict.fromkeys([*REASONS, OTHER], 0)

    def add(
        self, answers: Sequence[Answer], rejections: Sequence[Rejection], *, is_whole: bool
    ) -> None:
        """One task.

        Args:
            answers: to each of its requests.
            rejections: of the generator.
            is_whole: whether all that was wanted came.
        """
        self.tasks += 1
        self.whole += is_whole
        self.requests += len(answers)
        for number, answer in enumerate(answers, 1):
            refused = sum(one.request == number for one in rejections)
            valid = max(answer.entries - refused, 0) if answer.fault == "" else 0
            self.useful += valid > 0
            self.entries += answer.entries
            self.valid += valid
        for one in rejections:
            self.reasons[kind_of(one.reason)] += 1

    def values(self) -> dict[str, list[float]]:
        """By name; what is a share is one of all tasks, requests or entries."""
        found = {
            "tasks_met": self.whole / self.tasks,
            "requests_a_task": self.requests / self.tasks,
            "useful_requests": self.useful / self.requests,
            "valid_entries": self.valid / max(self.entries, 1),
            "scenarios_with_text_of_answers": float(self.leaks),
        }
        found |= {f"refused: {kind}": count / self.tasks for kind, count in self.reasons.items()}
        return {name: [float(value)] for name, value in found.items()}


def kind_of(reason: str) -> str:
    """The kind of a rejection."""
    for kind, pattern in REASONS.items():
        if re.search(pattern, reason):
            return kind
    return OTHER


def closeness(made: Sequence[Scenario] | Floats, lived: Life) -> dict[str, float]:
    """How near generated networks are to what comes, and whether they are copies of history.

    Args:
        made: scenarios, or their coordinates of shape (points, parameters).
        lived: the life of the network.

    Returns:
        Energy distance in standard deviations of the history, share of points that are nearer to a
        window of history than they should be, exact copies, and whether they are found out.
    """
    space, windows = lived.history.space, lived.history.points
    points = np.array(
        [one if isinstance(one, np.ndarray) else space.coordinates(one) for one in made]
    )
    scale = np.maximum(windows.std(0), 1e-9)
    copies = copying(points, windows, lived.others)
    return {
        "energy_distance": energy_distance(points / scale, lived.coming / scale),
        "share_closer": copies.share_closer,
        "exact_copies": float(copies.exact_copies),
        "is_copy": float(copies.is_copy),
    }


def other_generator(cell: Cell, name: str) -> Values:
    """The same tasks by a generator without an endpoint, by a copier, or by the law itself."""
    block, count = cell.blocks[0], COUNT * cell.worlds
    lived, rng = life(block), np.random.default_rng([cell.blocks[0], 17])
    made: Sequence[Scenario] | Floats
    if name == TRUE:
        made = lived.again[: min(count, COMING)]
    elif name == COPIER:
        made = rng.choice(lived.history.points, count)
    else:
        generator = _generator(name, lived.history, block)
        made = generator.generate(Criteria(), lived.history, lived.now, count, rng)
    return {key: [value] for key, value in closeness(made, lived).items()}


def _generator(name: str, history: ParameterHistory, block: int) -> Generator:
    if name == "historical":
        return HistoricalGenerator()
    if name == "hybrid":
        return HybridGenerator()
    return train_gan(history, ScenarioGanSettings(seed=block))


OTHERS = (TRUE, COPIER, "historical", "hybrid", "gan")


def cells(seeds: int, tasks: int, *, quick: bool = False) -> list[Cell]:
    """What is measured."""
    base = load(NETWORK)
    scripts = [Script(SCRIPTS[1].name, SCRIPTS[1].faults | {LATE: 0.0})] if quick else SCRIPTS
    setting = f"{COUNT} scenarios, {MAX_REQUESTS} requests"
    return [
        Cell(label, base, (block,), tasks, measure, setting)
        for label, measure in [
            *((one.name, partial(asked_of_script, script=one)) for one in scripts),
            *((name, partial(other_generator, name=name)) for name in OTHERS[: 4 if quick else 5]),
        ]
        for block in range(seeds)
    ]


@app.command(cls=ErrorReportingCommand)
def main(
    seeds: Seeds = 5,
    quick: Quick = False,
    again: Again = False,
    out: Out = None,
    kept: Kept = None,
) -> None:
    """Measures what is not measured yet, and writes JSON and a Markdown page."""
    folder, file = places(NAME, out, kept, quick=quick, again=again)
    seeds, tasks = (min(seeds, 2), 2) if quick else (seeds, 10)
    found = measure_with_bar(cells(seeds, tasks, quick=quick), file)
    page = _page(found, tasks, f"{NAME} --seeds {seeds}")
    show_and_keep(page, lambda: publish(folder, NAME, page, found))


def _page(found: Sequence[Measured], tasks: int, command: str) -> str:
    scripted = [one for one in found if "tasks_met" in one.values]
    parts = [
        "## What becomes of scripted answers (not a language model)\n\n" + _pipeline(scripted),
        "## Why answers were refused\n\n" + _refused(scripted),
        "## How near the scenarios are to what comes\n\n" + _near(found),
        "## How it was done\n\n" + _done(tasks),
    ]
    title = "The generator `llm` with a scripted endpoint (SCRIPTED, NOT A LANGUAGE MODEL)"
    return page_of(title, __doc__, command, parts)


def _pipeline(scripted: Sequence[Measured]) -> str:
    heads = ["endpoint", "tasks met (%)", "requests a task", "requests with a valid entry (%)",
             "valid entries (%)", "scenarios with text of an answer"]  # fmt: skip
    rows = [
        [
            one.label,
            told(one.interval("tasks_met"), 1, scale=100),
            told(one.interval("requests_a_task"), 2),
            told(one.interval("useful_requests"), 1, scale=100),
            told(one.interval("valid_entries"), 1, scale=100),
            f"{one.values['scenarios_with_text_of_answers'].sum():.0f}",
        ]
        for one in scripted
    ]
    return table(heads, rows)


def _refused(scripted: Sequence[Measured]) -> str:
    kinds = [*REASONS, OTHER]
    heads = ["rejections a task", *kinds]
    rows = [
        [one.label, *(told(one.interval(f"refused: {kind}"), 2) for kind in kinds)]
        for one in scripted
    ]
    return table(heads, rows)


def _near(found: Sequence[Measured]) -> str:
    heads = ["generator", "energy distance to what comes", "nearer to history than they should (%)",
             "exact copies", "found out as copies (blocks)"]  # fmt: skip
    rows = []
    for one in found:
        has_all = "energy_distance" in one.values
        if not has_all:
            rows.append([one.label, "too few scenarios", "", "", ""])
            continue
        rows.append(
            [
                one.label,
                told(one.interval("energy_distance"), 3),
                told(one.interval("share_closer"), 1, scale=100),
                f"{one.values['exact_copies'].sum():.0f}",
                f"{one.values['is_copy'].sum():.0f} of {len(one.values['is_copy'])}",
            ]
        )
    note = (
        "Distances in standard deviations of the history; that of the known law is what other "
        "draws of it have. Nearer than they should: nearer to some window of the history than half "
        "of the draws of the known law are; one that is too narrow is found out like one that "
        "copies. The scripted rows show a script that repeats the last "
        "window with noise of 10 %: how near it is happens to be so, and that it is found out as "
        "one that copies is right. No conclusion on any language model follows."
    )
    return table(heads, rows) + "\n\n" + note


def _done(tasks: int) -> str:
    faults = [
        f"- {script.name}: "
        + (", ".join(f"{kind} {share:.0%}" for kind, share in script.faults.items()) or "none")
        for script in SCRIPTS
    ]
    return (
        f"The network is `{NETWORK}`; its parameters follow first-order autoregressions "
        f"(share kept {KEEP}, standard deviation {SPREAD} of the coordinate) for {WINDOWS} "
        f"windows. Each block is a life of its own with {tasks} tasks "
        f"of {COUNT} scenarios, at most {MAX_REQUESTS} requests a task and "
        f"{TIMEOUT_S:g} s an answer. Shares of faults are of answers ({', '.join(OF_ANSWERS)}) "
        f"or of entries ({', '.join(OF_ENTRIES)}):\n\n" + "\n".join(faults)
    )


if __name__ == "__main__":
    app()
