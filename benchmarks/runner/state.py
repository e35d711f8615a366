"""Shows the finished and the missing cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from benchmarks.cell import Cell, Result
from benchmarks.protocol import BoardFamily
from benchmarks.runner.board import skipped_lines
from benchmarks.runner.plan import EVERYTHING, Selection, who_takes_part
from benchmarks.store import Store
from twin_gym.console.printing import table

_FAMILIES: tuple[tuple[str, BoardFamily], ...] = (("run", "validation"), ("tested", "test"))


def show_state(asked: Selection, store: Store, console: Console, *, by_agent: bool = True) -> None:
    """Prints a row for each track, or for each of its agents, and what is skipped.

    Args:
        asked: tracks, agents and seeds; both families of worlds are shown.
        store: of the results.
        console: where.
        by_agent: whether agents have rows of their own, and are named where they are skipped.
    """
    everything = store.read()
    current = {cell: one for cell, one in everything.items() if store.is_current(one)}
    taking_part, skipped = who_takes_part(asked)
    agents: dict[str, list[str]] = {}
    for track, agent in taking_part:
        agents.setdefault(track.name, []).append(agent.name)
    console.print((_agents_table if by_agent else _tracks_table)(asked, agents, current))
    shown = skipped if by_agent else [one for one in skipped if one.agent == EVERYTHING]
    for line in skipped_lines(shown):
        console.print(f"skipped: {line}", style="dim", markup=False, soft_wrap=True)
    if not by_agent:
        console.print("--all shows each agent, its missing seeds, and why others are skipped")
    outdated = len(everything) - len(current)
    if outdated:
        console.print(
            f"{outdated} results were earned on former versions of their tracks and do not count"
        )


def _agents_table(
    asked: Selection, agents: Mapping[str, Sequence[str]], results: Mapping[Cell, Result]
) -> Table:
    """A row for each agent of each track, with its missing seeds."""
    heads = ["track", "agent", *(title for title, _ in _FAMILIES), "seeds missing"]
    made = table(None, heads, left=2, wrapped=len(heads) - 1)
    for track, names in agents.items():
        for place, name in enumerate(names):
            cells = _cells(asked, track, [name])
            done = (_done(group, results) for group in cells)
            made.add_row("" if place else track, name, *done, _missing(cells, results))
        made.add_section()
    return made


def _tracks_table(
    asked: Selection, agents: Mapping[str, Sequence[str]], results: Mapping[Cell, Result]
) -> Table:
    """A row for each track: how many agents take part, and how many of their cells are done."""
    made = table(None, ["track", "agents", *(title for title, _ in _FAMILIES)], left=1)
    for track, names in agents.items():
        done = (_done(group, results) for group in _cells(asked, track, names))
        made.add_row(track, str(len(names)), *done)
    return made


def _cells(asked: Selection, track: str, agents: Sequence[str]) -> list[list[Cell]]:
    """The cells of some agents on a track, by family of worlds."""
    families = [replace(asked, family=family) for _, family in _FAMILIES]
    return [[cell for name in agents for cell in one.cells(track, name)] for one in families]


def _done(cells: Sequence[Cell], results: Mapping[Cell, Result]) -> str:
    return f"{sum(cell in results for cell in cells)}/{len(cells)}"


def _missing(groups: Sequence[Sequence[Cell]], results: Mapping[Cell, Result]) -> str:
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
