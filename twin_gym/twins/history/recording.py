"""Fills a store from a running environment: telemetry over a link, graphs, decisions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from twin_gym.envs.making import AnyScenario, vector_env
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Policy, Seer
from twin_gym.scenario.base import MAX_TIME_S
from twin_gym.twins.history.decisions import Decisions
from twin_gym.twins.history.store import HistoryStore
from twin_gym.twins.realtime.events import Event, Link
from twin_gym.twins.realtime.live import LiveTwin
from twin_gym.twins.realtime.snapshot import Snapshot

STEPS_A_BATCH = 256


def record_run(
    store: HistoryStore,
    policy: Policy,
    scenario: AnyScenario,
    seed: int,
    *,
    action: str | None = None,
    link: Link | None = None,
    period_s: float = 0.0,
    snapshot_period_s: float | None = None,
    max_steps: int | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> LiveTwin:
    """Runs a policy through an episode and keeps what its twin hears, knows, and what is decided.

    What is on the way when the episode ends is lost to the twin. It is kept in batches of some
    hundred steps, each of them whole: a killed recording leaves what was committed.

    Args:
        store: to append an episode to.
        policy: reset with the seed.
        scenario: as its environment takes it.
        seed: of the world.
        action: form of the policy's actions; None: the environment's default.
        link: what telemetry goes over; None: nothing is lost or late.
        period_s: of measurements (see `LiveTwin`).
        snapshot_period_s: simulated seconds from one stored graph to the next; None: only the last.
        max_steps: most decisions; None: to the end of the episode.
        on_progress: told, after each batch that is kept, the share of the horizon that has passed.

    Returns:
        The twin, as it was in the end.

    Raises:
        ConfigError: if an argument is not valid, or the store cannot be written to.
    """
    if snapshot_period_s is not None and not 0.0 < snapshot_period_s <= MAX_TIME_S:
        raise ConfigError(f"`snapshot_period_s` is over 0, or None; got {snapshot_period_s!r}")
    if max_steps is not None and max_steps < 1:
        raise ConfigError(f"`max_steps` is 1 or more, or None; got {max_steps!r}")
    given = {} if action is None else {"action": action}
    env = vector_env(scenario, 1, autoreset_mode=AutoresetMode.DISABLED, **given)
    twin = LiveTwin(env, link=link, period_s=period_s)
    if isinstance(policy, Seer):
        policy.see(env.batch)
    observations, infos = env.reset(seed=seed)
    policy.reset(seed)
    form = str(env.batch.arguments.get("action", ""))
    store.begin_episode(env.batch.scenario_of(0), seed, policy=policy.name, action=form)
    kept = _Batch(store)
    kept.hear(twin)
    unmasked = np.ones((1, 0), np.int8)
    next_snapshot_s = 0.0 if snapshot_period_s else MAX_TIME_S * 2
    tell, horizon_s = on_progress or (lambda share: None), env.batch.scenario_of(0).horizon_s
    is_over, steps = False, 0
    while not is_over:
        masks = infos.get("action_mask", unmasked)
        if twin.now_s >= next_snapshot_s and snapshot_period_s:
            kept.snapshots.append(twin.graph.snapshot())
            next_snapshot_s += snapshot_period_s
        now_s, chosen = twin.now_s, np.asarray(policy.actions(observations, masks))
        then, rewards, _, truncated, infos = env.step(chosen)
        kept.hear(twin)
        steps += 1
        is_over = bool(truncated[0]) or steps == max_steps
        kept.decide(now_s, observations, masks, chosen, float(rewards[0]), infos)
        observations = then
        if is_over:
            kept.snapshots.append(twin.graph.snapshot())
        if is_over or len(kept) == STEPS_A_BATCH:
            kept.commit(observations, infos.get("action_mask", unmasked), is_over)
            tell(min(twin.now_s / horizon_s, 1.0))
    return twin


@dataclass
class _Batch:
    """What is not committed yet."""

    store: HistoryStore
    events: list[Event] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    columns: dict[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns.get("times_s", ()))

    def hear(self, twin: LiveTwin) -> None:
        self.events += [delivery.event for delivery in twin.observe()]

    def decide(
        self,
        now_s: float,
        observations: Any,  # noqa: ANN401
        masks: Any,  # noqa: ANN401
        chosen: Any,  # noqa: ANN401
        reward: float,
        infos: dict[str, Any],
    ) -> None:
        told = (now_s, observations[0], masks[0], chosen[0], reward, float(infos["elapsed_s"][0]))
        names = ("times_s", "observations", "masks", "actions", "rewards", "elapsed_s")
        for name, value in zip(names, told, strict=True):
            self.columns.setdefault(name, []).append(value)

    def commit(self, observations: Any, masks: Any, is_over: bool) -> None:  # noqa: ANN401
        told = self.columns
        actions = np.array(told["actions"])
        decisions = Decisions(
            np.array(told["times_s"], np.float64),
            np.array([*told["observations"], observations[0]], np.float32),
            np.array([*told["masks"], masks[0]], np.int8),
            actions.astype(np.int64 if actions.ndim == 1 else np.float32),
            np.array(told["rewards"], np.float64),
            np.array(told["elapsed_s"], np.float64),
            is_over,
        )
        self.store.append(self.events, snapshots=self.snapshots, decisions=[decisions])
        self.events, self.snapshots, self.columns = [], [], {}
