"""Records a running environment in a store: telemetry over a link, snapshots and decisions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from twin_gym.environments.factory import AnyScenario, vector_env
from twin_gym.policies.base import Policy, PrivilegedPolicy
from twin_gym.scenario.base import MAX_TIME_S, MIN_TIME_S
from twin_gym.twins.history.decisions import Decisions
from twin_gym.twins.history.store import HistoryStore
from twin_gym.twins.plain import number, whole
from twin_gym.twins.realtime.events import Event, Link
from twin_gym.twins.realtime.live import LiveTwin
from twin_gym.twins.realtime.snapshot import Snapshot

STEPS_A_BATCH = 256
_ROUNDING = 1e-6  # of a period: what a decimal fraction may be off as a float


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
    """Runs a policy for one episode and records telemetry, snapshots of the twin, and decisions.

    Events in flight at the end of the episode are lost. Data are committed in batches of some
    hundred steps; a killed recording keeps the committed batches.

    Args:
        store: the store to which an episode is appended.
        policy: the policy; it is reset with the seed.
        scenario: `scenario` of the environment.
        seed: seed of the world.
        action: form of the policy's actions; None: the environment's default.
        link: the telemetry link; None: a link without loss and delay.
        period_s: period of measurements (see `LiveTwin`).
        snapshot_period_s: simulated seconds between stored snapshots; None: only the last one.
        max_steps: maximum number of decisions; None: to the end of the episode.
        on_progress: called after each batch with the share of the horizon that has passed.

    Returns:
        The twin, as it was in the end.

    Raises:
        ConfigError: if an argument is not valid, or the store cannot be written to.
    """
    due = _Due(snapshot_period_s)
    most = None if max_steps is None else whole(max_steps, "`max_steps` (or None)", 1)
    seed = whole(seed, "the seed of a world")
    given = {} if action is None else {"action": action}
    env = vector_env(scenario, 1, autoreset_mode=AutoresetMode.DISABLED, **given)
    twin = LiveTwin(env, link=link, period_s=period_s)
    if isinstance(policy, PrivilegedPolicy):
        policy.bind(env.batch)
    observations, infos = env.reset(seed=seed)
    policy.reset(seed)
    form = str(env.batch.arguments.get("action", ""))
    store.begin_episode(env.batch.scenario_of(0), seed, policy=policy.name, action=form)
    kept = _Batch(store)
    kept.hear(twin)
    unmasked = np.ones((1, 0), np.int8)
    tell, horizon_s = on_progress or (lambda share: None), env.batch.scenario_of(0).horizon_s
    is_over, steps = False, 0
    while not is_over:
        masks = infos.get("action_mask", unmasked)
        if due.is_now(twin.now_s):
            kept.snapshots.append(twin.graph.snapshot())
        now_s, chosen = twin.now_s, np.asarray(policy.actions(observations, masks))
        then, rewards, _, truncated, infos = env.step(chosen)
        kept.hear(twin)
        steps += 1
        is_over = bool(truncated[0]) or steps == most
        kept.decide(now_s, observations, masks, chosen, float(rewards[0]), infos)
        observations = then
        if is_over:
            kept.snapshots.append(twin.graph.snapshot())
        if is_over or len(kept) == STEPS_A_BATCH:
            kept.commit(observations, infos.get("action_mask", unmasked), is_over)
            tell(min(twin.now_s / horizon_s, 1.0))
    return twin


class _Due:
    """The times of snapshots: multiples of the period since the start of the episode."""

    def __init__(self, period_s: float | None) -> None:
        self._count = 0
        self._period_s: float | None = None
        if period_s is not None:
            what = "`snapshot_period_s` (or None)"
            self._period_s = number(period_s, what, MIN_TIME_S, MAX_TIME_S)

    def is_now(self, now_s: float) -> bool:
        if self._period_s is None or now_s < (self._count - _ROUNDING) * self._period_s:
            return False
        self._count += 1
        return True


@dataclass
class _Batch:
    """Data that are not committed yet."""

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
