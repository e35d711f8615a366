"""`twin-gym record`: runs a network under the eyes of its twin, and keeps it in a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import typer
from rich.progress import BarColumn, TaskProgressColumn, TimeElapsedColumn
from rich.table import Table

from twin_gym.cli.console import messages, number, output, progress_bar, table
from twin_gym.cli.plain import PlainColumn
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
class Recording:
    """What the user asked for; see the options of the command."""

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
    """What the options stand for, all of it checked before a store is touched.

    Attributes:
        scenario: what runs.
        policy: who decides.
        link: what telemetry goes over.
        worlds: number of the world, by its seed.
        made: the world of each episode that was begun, by the number of the episode: others may
            record into the same store meanwhile, under the same seeds.
        lost: values that the link has lost, by the number of the episode; filled as they end.
    """

    scenario: Scenario
    policy: Policy
    link: Link
    worlds: dict[int, int]
    made: dict[int, int] = field(default_factory=dict)
    lost: dict[int, int] = field(default_factory=dict)


def run(asked: Recording) -> None:
    """Records and says what is kept.

    Args:
        asked: the options.

    Raises:
        TwinGymError: if a name or a value is not valid, or the store cannot be written to.
        typer.Exit: after Ctrl-C; what was committed by then is kept, and said.
    """
    found = _checked(asked)
    retention = Retention(
        max_snapshots=asked.keep_snapshots,
        max_episodes=asked.keep_episodes,
        max_rows=asked.keep_rows,
    )
    is_stopped = False
    with open_store(asked.store, retention=retention) as store:
        try:
            _record(asked, found, store)
        except KeyboardInterrupt:
            is_stopped = True
        with store.one_moment():
            made, episodes = _kept(asked, found, store), store.episodes()
    output().print(made)
    output().print(f"\n{_whole(asked.store, episodes)}")
    if is_stopped:
        messages().print("stopped: what the table has is kept, in whole batches", markup=False)
        raise typer.Exit(INTERRUPTED)


def _checked(asked: Recording) -> _Run:
    scenario = load(asked.scenario)
    name = asked.policy or kind_named(scenario.kind).facet("default_policy")
    policy = make_policy(name, scenario, asked.action)
    if asked.snapshot_period_s == 0.0:
        raise ConfigError(
            "--snapshot-period-s is over 0; leave it out to keep the last graph alone"
        )
    link = Link(asked.loss, asked.delay_s, asked.jitter_s)
    seeds = world_seeds(cast("Family", asked.family), asked.episodes, first=asked.world)
    return _Run(scenario, policy, link, {seed: k for k, seed in enumerate(seeds, asked.world)})


def _record(asked: Recording, found: _Run, store: HistoryStore) -> None:
    columns = (
        PlainColumn("{task.description:>16}"), BarColumn(), TaskProgressColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with progress_bar(*columns) as bar:
        for seed, world in found.worlds.items():
            task = bar.add_task(f"world {world}", total=1.0)
            before = store.episode
            try:
                record_run(
                    store, found.policy, found.scenario, seed,
                    action=asked.action, link=found.link, period_s=asked.period_s,
                    snapshot_period_s=asked.snapshot_period_s,
                    on_progress=lambda share, task=task: bar.update(task, completed=share),  # type: ignore[misc]
                )  # fmt: skip
            finally:
                if store.episode is not None and store.episode != before:
                    found.made[store.episode] = world
            found.lost[store.episode or 0] = found.link.lost


def _kept(asked: Recording, found: _Run, store: HistoryStore) -> Table:
    """The episodes of this recording, as the store has them."""
    title = f"{asked.store.name}: {found.scenario.name} under {found.policy.name}"
    heads = ["episode", "world", "decisions", "until s", "values kept", "lost on the way"]
    made = table(title, heads, left=0)
    for one in store.episodes():
        if one.id not in found.made:
            continue
        logs = list(store.decisions(one.id))
        until_s = float(logs[-1].times_s[-1] + logs[-1].elapsed_s[-1]) if logs else 0.0
        lost = f"{found.lost[one.id]:,}" if one.id in found.lost else "?"
        counts = f"{sum(map(len, logs)):,}", number(until_s), f"{one.num_rows:,}"
        made.add_row(str(one.id), str(found.made[one.id]), *counts, lost)
    return made


def _whole(path: Path, episodes: Sequence[Episode]) -> str:
    values = sum(one.num_rows for one in episodes)
    size = number(path.stat().st_size / _MEGABYTE, 3)
    return f"In the store: {len(episodes):,} episodes, {values:,} values, {size} MB."
