"""Shows the finished and the missing cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from benchmarks.cell import Cell, Result
from benchmarks.protocol import BoardFamily
from benchmarks.runner.board import skipped_lines
from benchmarks.runner.plan import Selection, who_takes_part
from benchmarks.store import Store
from twin_gym.console.printing import table

_FAMILIES: tuple[tuple[str, BoardFamily], ...] = (("run", "validation"), ("tested", "test"))


def show_state(asked: Selection, store: Store, console: Console) -> None:
    """Prints a row for each track and agent, and what is skipped.

    Args:
        asked: tracks, agents and seeds; both families of worlds are shown.
        store: of the results.
        console: where.
    """
    everything = store.read()
    current = {cell: one for cell, one in everything.items() if store.is_current(one)}
    taking_part, skipped = who_takes_part(asked)
    heads = ["track", "agent", *(title for title, _ in _FAMILIES), "seeds missing"]
    made = table(None, heads, left=2, wrapped=len(heads) - 1)
    previous = ""
    for track, agent in taking_part:
        first = track.name != previous
        if first and previous:
            made.add_section()
        previous = track.name
        cells = [
            replace(asked, family=family).cells(track.name, agent.name) for _, family in _FAMILIES
        ]
        made.add_row(
            track.name if first else "",
            agent.name,
            *(f"{_num_done(group, current)}/{len(group)}" for group in cells),
            _missing(cells, current),
        )
    console.print(made)
    for line in skipped_lines(skipped):
        console.print(f"skipped: {line}", style="dim", markup=False, soft_wrap=True)
    outdated = len(everything) - len(current)
    if outdated:
        console.print(
            f"{outdated} results were earned on former versions of their tracks and do not count"
        )


def _num_done(cells: Sequence[Cell], results: dict[Cell, Result]) -> int:
    return sum(cell in results for cell in cells)


def _missing(groups: Sequence[Sequence[Cell]], results: dict[Cell, Result]) -> str:
    """Such as "run 3-9, tested 0-9"; a family with all or none says nothing more."""
    parts = []
    for (title, _), cells in zip(_FAMILIES, groups, strict=True):
        seeds = [cell.seed for cell in cells if cell not in results]
        if 0 < len(seeds) < len(cells):
            parts.append(f"{title} {_stretches(seeds)}")
    return ", ".join(parts)


def _stretches(seeds: Sequence[int]) -> str:
    """0, 1, 2, 5 as "0-2 5"."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    return " ".join(str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in parts)
