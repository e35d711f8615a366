"""The slotted environments: single, vector and SB3 form, the compiled loop and the C loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium

from benchmarks.c_loop import wide
from benchmarks.environments import facet
from benchmarks.throughput.learning import sb3_lines
from benchmarks.throughput.rows import (
    NUM_CHOICES,
    STRETCHES,
    Actions,
    begun_batch,
    check_c_loop,
    has_c_loop,
    loop_lines,
    sampled_actions,
    spread,
    vector_env,
)
from benchmarks.throughput.starting import start_lines
from benchmarks.throughput.timing import Line, rate_line
from twin_gym.core.batch import AUTORESET_SAME_STEP
from twin_gym.environments.kinds import kind_named, kind_names
from twin_gym.scenario import Scenario

WANTED_S = 0.25


@dataclass(frozen=True)
class Case:
    """A scenario and how many rows of it.

    Attributes:
        scenario: preset name.
        rows: numbers of rows.
        targets: by number of rows.
        loop_rows: with so many rows the compiled loop is measured without Gymnasium, beside C.
    """

    scenario: str
    rows: tuple[int, ...]
    targets: Mapping[int, str] = field(default_factory=dict)
    loop_rows: int | None = None


@dataclass(frozen=True)
class Subject:
    """An environment.

    Attributes:
        kind: of its scenarios.
        unit: of its rates.
        slots: units that a step has.
        is_even: whether every slot of an episode costs the same, so that rows need not be spread.
        cases: the first one is also measured singly, in learning and in starting.
    """

    kind: str
    unit: str
    slots: int
    is_even: bool
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Growth:
    """Networks of other sizes, in which each part does as much as before.

    Attributes:
        parts: what they are made of, in the plural.
        grown: the network of a size, which is a multiple of 50.
    """

    parts: str
    grown: Callable[[int], Scenario]


def subjects() -> Mapping[str, Subject]:
    """By kind of scenario, the environments whose speed is measured in this way."""
    facets = {kind: facet(kind, "subject", None) for kind in kind_names()}
    return {kind: one for kind, one in facets.items() if one is not None}


def slotted_lines(subject: Subject, scale: float) -> Iterator[Line]:
    """Every row of the table of a slotted environment, one after the other.

    Args:
        subject: one of `subjects()`.
        scale: 1, or less for a first idea.
    """
    yield single_line(subject, max(int(4_000 * scale), 10))
    yield single_line(subject, max(int(100 * scale), 5), "simpy")
    for case in subject.cases:
        for num_rows in case.rows:
            yield vector_line(subject, case, num_rows, WANTED_S * scale)
    for case in subject.cases:
        if case.loop_rows is not None:
            yield from case_loop_lines(subject, case, case.loop_rows, WANTED_S * scale)
    for case in subject.cases:
        batch = begun_batch(case.scenario, subject.kind, 2)
        yield Line(f"{case.scenario}: memory a row", float(batch.memory_per_row_bytes), "bytes")
    env_id, first = kind_named(subject.kind).id, subject.cases[0].scenario
    yield from start_lines(env_id)
    yield from sb3_lines(env_id, first, max(int(10_000 * scale), 2_000))


def single_line(subject: Subject, steps: int, engine: str = "kernel") -> Line:
    """Units per core-second of `gymnasium.make`, wrappers and resets included."""
    scenario = subject.cases[0].scenario
    env: Any = gymnasium.make(kind_named(subject.kind).id, scenario=scenario, engine=engine)
    env.reset(seed=0)
    actions = list(sampled_actions(env.action_space, 1, steps)[:, 0])

    def run() -> None:
        for action in actions:
            if env.step(action)[3]:
                env.reset()

    what = "gym.make" if engine == "kernel" else "gym.make, SimPy engine"
    return rate_line(f"{scenario}: {what}", steps * subject.slots, subject.unit, run)


def vector_line(subject: Subject, case: Case, num_rows: int, wanted_s: float) -> Line:
    """Units per core-second of the vector form with `copy=False`, ends of episodes included."""
    env: Any = vector_env(case.scenario, subject.kind, num_rows)
    actions = sampled_actions(env.single_action_space, num_rows)

    def advance(calls: int) -> None:
        for j in range(calls):
            env.step(actions[j % NUM_CHOICES])

    stagger_rows(subject, env.batch, actions)
    calls = fitting_calls(advance, period(subject, env.batch), wanted_s)
    return rate_line(
        f"{case.scenario}: vector, {num_rows:,} rows, copy=False",
        calls * num_rows * subject.slots,
        subject.unit,
        lambda: advance(calls),
        case.targets.get(num_rows, ""),
    )


def case_loop_lines(subject: Subject, case: Case, num_rows: int, wanted_s: float) -> Iterator[Line]:
    """The compiled loop alone and, where there is one, the C loop."""
    ours, theirs = (begun_batch(case.scenario, subject.kind, num_rows) for _ in range(2))
    if has_c_loop(subject.kind):
        check_c_loop(case.scenario, subject.kind, steps_of_an_episode(subject, ours) + 100)
    actions = wide(sampled_actions(ours.action_space, num_rows))
    for batch in (ours, theirs):
        stagger_rows(subject, batch, actions)

    def advance(calls: int) -> None:
        for j in range(calls):
            ours.advance(actions[j % NUM_CHOICES], AUTORESET_SAME_STEP)

    calls = fitting_calls(advance, period(subject, ours), wanted_s)
    both = (ours, theirs)
    for line in loop_lines(both, calls, subject.slots, subject.unit):
        yield replace(line, what=f"{case.scenario}: {line.what}")


def steps_of_an_episode(subject: Subject, batch: Any) -> int:  # noqa: ANN401 - of any environment
    """Decisions from the beginning to the horizon."""
    scenario = batch.scenarios[0]
    steps: int = round(scenario.horizon_s / scenario.slot_s / subject.slots)
    return steps


def stagger_rows(subject: Subject, batch: Any, actions: Actions) -> None:  # noqa: ANN401
    """Drives rows apart where the steps of an episode differ in cost."""
    if not subject.is_even and batch.num_rows >= STRETCHES:
        spread(batch, wide(actions), steps_of_an_episode(subject, batch))


def period(subject: Subject, batch: Any) -> int:  # noqa: ANN401
    """Steps after which costs repeat.

    Of rows that are spread, a stretch of an episode; of a few rows, the whole; of even ones, the
    time from one inspection of the twin to the next.
    """
    if subject.is_even:
        return int(batch.scenarios[0].inspection_slots)
    steps = steps_of_an_episode(subject, batch)
    return steps // STRETCHES + 1 if batch.num_rows >= STRETCHES else steps


def fitting_calls(advance: Callable[[int], None], unit: int, wanted_s: float) -> int:
    """How many calls take about so long.

    Args:
        advance: makes so many calls.
        unit: the answer is a multiple of it, and one at least.
        wanted_s: CPU time.
    """
    start = time.process_time()
    advance(unit)
    taken_s = max(time.process_time() - start, 1e-6)
    return max(round(wanted_s / taken_s), 1) * unit
