"""`twin-gym record`: runs a network with a real-time twin and records it in a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import typer
from rich.progress import BarColumn, TaskProgressColumn, TimeElapsedColumn
from rich.table import Table

from twin_gym.console.printing import messages, number, output, progress_bar, table
from twin_gym.console.sanitising import LiteralColumn
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.policies import Family, Policy, make_policy, world_seeds
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load
from twin_gym.twins.history import Episode, HistoryStore, Retention, open_store, record_run
from twin_gym.twins.realtime import Link

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

_MEGABYTE = 1e6


@dataclass(frozen=True)
class RecordOptions:
    """The options of the command."""

    store: Path
    scenario: str
    policy: str | None
    action: str | None
    family: str
    world: int
    episodes: int
    period_s: float
    snapshot_period_s: float | None
    loss: float
    delay_s: float
    jitter_s: float
    keep_rows: int | None
    keep_episodes: int | None
    keep_snapshots: int | None


@dataclass(frozen=True)
class _Run:
    """The validated options and the episodes recorded so far.

    Attributes:
        scenario: the network.
        policy: the policy that runs it.
        link: the telemetry link.
        worlds: index of the world, by seed.
        made: index of the world, by episode number; another process may record into the same
            store with the same seeds.
        lost: values lost on the link, by episode number; set at the end of each episode.
    """

    scenario: Scenario
    policy: Policy
    link: Link
    worlds: dict[int, int]
    made: dict[int, int] = field(default_factory=dict)
    lost: dict[int, int] = field(default_factory=dict)


def run(options: RecordOptions) -> None:
    """Records episodes and prints a summary.

    Args:
        options: the options.

    Raises:
        TwinGymError: if a name or a value is not valid, or the store cannot be written to.
        typer.Exit: after Ctrl-C; committed data stay in the store and are in the summary.
    """
    recording = _checked(options)
    retention = Retention(
        max_snapshots=options.keep_snapshots,
        max_episodes=options.keep_episodes,
        max_rows=options.keep_rows,
    )
    is_stopped = False
    with open_store(options.store, retention=retention) as store:
        try:
            _record(options, recording, store)
        except KeyboardInterrupt:
            is_stopped = True
        with store.one_moment():
            made, episodes = _kept(options, recording, store), store.episodes()
    output().print(made)
    output().print(f"\n{_whole(options.store, episodes)}")
    if is_stopped:
        messages().print("stopped: the episodes in the table are stored so far", markup=False)
        raise typer.Exit(INTERRUPTED)


def _checked(options: RecordOptions) -> _Run:
    scenario = load(options.scenario)
    name = options.policy or kind_named(scenario.kind).facet("default_policy")
    policy = make_policy(name, scenario, options.action)
    if options.snapshot_period_s == 0.0:
        raise ConfigError(
            "--snapshot-period-s must be over 0; leave it out to store only the last snapshot"
        )
    link = Link(options.loss, options.delay_s, options.jitter_s)
    seeds = world_seeds(cast("Family", options.family), options.episodes, first=options.world)
    return _Run(scenario, policy, link, {seed: k for k, seed in enumerate(seeds, options.world)})


def _record(options: RecordOptions, recording: _Run, store: HistoryStore) -> None:
    columns = (
        LiteralColumn("{task.description:>16}"), BarColumn(), TaskProgressColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with progress_bar(*columns) as bar:
        for seed, world in recording.worlds.items():
            task = bar.add_task(f"world {world}", total=1.0)
            before = store.episode
            try:
                record_run(
                    store, recording.policy, recording.scenario, seed,
                    action=options.action, link=recording.link, period_s=options.period_s,
                    snapshot_period_s=options.snapshot_period_s,
                    on_progress=lambda share, task=task: bar.update(task, completed=share),  # type: ignore[misc]
                )  # fmt: skip
            finally:
                if store.episode is not None and store.episode != before:
                    recording.made[store.episode] = world
            recording.lost[store.episode or 0] = recording.link.lost


def _kept(options: RecordOptions, recording: _Run, store: HistoryStore) -> Table:
    """Table of the episodes of this recording in the store."""
    title = f"{options.store.name}: {recording.scenario.name} under {recording.policy.name}"
    heads = ["episode", "world", "decisions", "until s", "values kept", "lost in transit"]
    made = table(title, heads, left=0)
    for one in store.episodes():
        if one.id not in recording.made:
            continue
        logs = list(store.decisions(one.id))
        until_s = float(logs[-1].times_s[-1] + logs[-1].elapsed_s[-1]) if logs else 0.0
        lost = f"{recording.lost[one.id]:,}" if one.id in recording.lost else "?"
        counts = f"{sum(map(len, logs)):,}", number(until_s), f"{one.num_rows:,}"
        made.add_row(str(one.id), str(recording.made[one.id]), *counts, lost)
    return made


def _whole(path: Path, episodes: Sequence[Episode]) -> str:
    values = sum(one.num_rows for one in episodes)
    size = number(path.stat().st_size / _MEGABYTE, 3)
    return f"In the store: {len(episodes):,} episodes, {values:,} values, {size} MB."
