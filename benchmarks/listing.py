"""What can be run: tracks and agents as tables."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from benchmarks.entrants import entrants
from benchmarks.protocol import PROTOCOL
from benchmarks.tracks import tracks


def list_tracks() -> None:
    """List the tracks: what is learned on, what is tested on, and whether it can be run here."""
    table = Table("track", "what", "scenarios", "worlds a seed", "steps to learn", "here")
    for track in tracks().values():
        count = len(track.test)
        table.add_row(
            track.name,
            track.title,
            "1" if count == 1 else f"{len(track.train)} / {count}",
            f"{count * track.worlds}",
            f"{track.learner_steps:,}",
            track.unavailable() or "yes",
        )
    Console().print(f"protocol: {PROTOCOL}", table)


def list_agents() -> None:
    """List the agents: rules, exact optima and learners."""
    table = Table("agent", "kind", "what")
    for one in entrants().values():
        table.add_row(one.name, one.kind, one.description)
    Console().print(table)
