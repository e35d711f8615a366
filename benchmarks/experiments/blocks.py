"""Measurements of policies in blocks of worlds: made once, kept one by one, compared in pairs.

Block k is one replicate: worlds of its own and, for agents that learn, the training of seed k. All
policies meet the same worlds in the same block, so that two of them can be compared block by block.
The worlds are validation worlds that no tuning and no other result has seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.progress import training_progress
from benchmarks.statistics import Interval, mean_interval
from twin_gym import __version__
from twin_gym.files.records import Record, recording
from twin_gym.policies import Policy, evaluate, world_seeds
from twin_gym.scenario import Scenario

Floats = NDArray[np.float64]
Values = Mapping[str, Sequence[float]]

FIRST_WORLD = 2**28
"""Of the validation worlds, those before it belong to tuning, curves and other results."""

_WORLDS_A_BLOCK = 2**16
_DIGITS = 9


@dataclass(frozen=True)
class Cell:
    """One measurement, by what it depends on and how it is made.

    Attributes:
        label: of the row: a policy, or what else is measured.
        scenario: what it is measured on.
        blocks: their numbers.
        worlds: of each block.
        measure: gives by name one value a block.
        setting: what else it depends on, in words.
        x: where figures draw it.
    """

    label: str
    scenario: Scenario
    blocks: tuple[int, ...]
    worlds: int
    measure: Callable[[Cell], Values] = field(compare=False)
    setting: str = ""
    x: float = 0.0

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name the measurement."""
        named = [
            __version__, self.label, self.setting, self.scenario.digest, self.blocks, self.worlds
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:16]

    @property
    def seeds(self) -> list[int]:
        """The worlds, block after block."""
        return [seed for block in self.blocks for seed in worlds_of(block, self.worlds)]


@dataclass(frozen=True)
class Measured:
    """The measurements of one label on one scenario.

    Attributes:
        label: of the row.
        scenario: its name.
        x: where figures draw it.
        values: by name, one value a block; shape (blocks,).
    """

    label: str
    scenario: str
    x: float
    values: dict[str, Floats]

    def interval(self, name: str) -> Interval:
        """Mean over the blocks with Student's 95 % interval, if there are several."""
        return over_blocks(self.values[name])


def worlds_of(block: int, worlds: int) -> list[int]:
    """Seeds of the worlds of a block."""
    return world_seeds("validation", worlds, first=FIRST_WORLD + block * _WORLDS_A_BLOCK)


def over_blocks(values: Floats) -> Interval:
    """Mean over the blocks with Student's 95 % interval; of one block without one.

    Args:
        values: one a block; shape (blocks,).

    Returns:
        The mean and its interval.
    """
    return mean_interval(values)


def policy_cell(
    label: str,
    scenario: Scenario,
    make: Callable[[Scenario], Policy],
    names: Sequence[str],
    *,
    blocks: Sequence[int],
    worlds: int,
    action: str | None = None,
    setting: str = "",
    x: float = 0.0,
) -> Cell:
    """The measurement of a policy: the means over the worlds of each block.

    Args:
        label: of its row.
        scenario: that it runs on.
        make: gives the policy.
        names: of the KPIs that are kept.
        blocks: their numbers.
        worlds: of each block.
        action: the form of its actions; None: the default of the environment.
        setting: what else it depends on, in words.
        x: where figures draw it.

    Returns:
        The cell, of which nothing has been run yet.
    """
    run = partial(_run_policy, make=make, names=tuple(names), action=action)
    suffix = " ".join(part for part in (setting, action or "") if part)
    return Cell(label, scenario, tuple(blocks), worlds, run, suffix, x)


def _run_policy(
    cell: Cell, make: Callable[[Scenario], Policy], names: Sequence[str], action: str | None
) -> Values:
    evaluation = evaluate(make(cell.scenario), cell.scenario, cell.seeds, action=action)
    kpis = {**evaluation.kpi, "return": evaluation.returns}
    return {name: block_means(kpis[name], cell.worlds).tolist() for name in names}


def block_means(values: ArrayLike, worlds: int) -> Floats:
    """Means over the worlds of each block.

    Args:
        values: one a world, block after block.
        worlds: of each block.

    Returns:
        Shape (blocks,).
    """
    means: Floats = np.asarray(values, np.float64).reshape(-1, worlds).mean(axis=1)
    return means


def measure_all(
    cells: Sequence[Cell],
    kept: Path | None = None,
    *,
    on_done: Callable[[Cell], None] | None = None,
) -> list[Measured]:
    """Measures what has not been measured yet.

    Args:
        cells: what is wanted.
        kept: a file of what is done, one line each, which is read first and grows by each
            measurement; None: nothing is kept.
        on_done: told of each cell, those found included.

    Returns:
        By label and scenario, in the order of the cells; cells of the same label and scenario that
        differ in their blocks alone are put together.

    Raises:
        ConfigError: if another process adds to the file.
    """
    with recording(kept, "digest", what="measurement", check=_values) as done:
        for cell in cells:
            if done.get(cell.digest) is None:
                done.add(_measured(cell))
            if on_done is not None:
                on_done(cell)
    return _together(cells, {cell.digest: _values(done[cell.digest]) for cell in cells})


def _values(record: Record) -> Values:
    values: Values = record["values"]
    return values


def _measured(cell: Cell) -> Record:
    """The record of a cell."""
    values = {
        name: [_short(value) for value in series] for name, series in cell.measure(cell).items()
    }
    return {
        "digest": cell.digest, "label": cell.label, "scenario": cell.scenario.name,
        "setting": cell.setting, "values": values,
    }  # fmt: skip


def measure_with_bar(cells: Sequence[Cell], kept: Path | None) -> list[Measured]:
    """As `measure_all`, with a progress bar."""
    with training_progress() as progress:
        task = progress.add_task("measuring", total=len(cells))
        return measure_all(cells, kept, on_done=lambda _: progress.advance(task))


def _together(cells: Iterable[Cell], done: Mapping[str, Values]) -> list[Measured]:
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.label, cell.scenario.name, cell.setting, cell.x), []).append(cell)
    merged = []
    for (label, scenario, _, x), group in groups.items():
        ordered = sorted(group, key=lambda cell: cell.blocks)
        names = done[ordered[0].digest]
        values = {
            name: np.array([v for cell in ordered for v in done[cell.digest][name]], np.float64)
            for name in names
        }
        merged.append(Measured(label, scenario, x, values))
    return merged


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
