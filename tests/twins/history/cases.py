"""Stores, and what is put into them."""

import numpy as np

from twin_gym.scenario.loading import load
from twin_gym.twins.history import Decisions
from twin_gym.twins.realtime import Event, TwinGraph


def tic():
    """A small scenario."""
    return load("tic-small-45")


def event(time_s, value, twin="gateway/0", name="queue_length"):
    """An event of one property, unless another is named."""
    return Event(float(time_s), twin, name, value)


def graph_at(time_s, value):
    """A snapshot of one gateway."""
    graph = TwinGraph()
    graph.add_twin("gateway/0", "Gateway", {"x_m": 1.0})
    graph.advance(time_s)
    graph.take(Event(time_s, "gateway/0", "queue_length", value))
    return graph.snapshot()


def decisions(steps, first_s=0.0, *, amounts=0, is_end=False):
    """So many decisions, every number another one."""
    rng = np.random.default_rng(steps)
    shape = (steps, amounts) if amounts else steps
    actions = rng.integers(0, 4, shape)
    return Decisions(
        first_s + np.arange(steps, dtype=np.float64),
        rng.random((steps + 1, 3)).astype(np.float32),
        np.ones((steps + 1, 0 if amounts else 4), np.int8),
        actions.astype(np.float32) if amounts else actions,
        rng.random(steps),
        np.ones(steps),
        is_end,
    )


def content(store):
    """All that a store keeps, to be compared."""
    logs = [
        [getattr(one, name).tolist() for name in ("times_s", "observations", "masks", "actions",
                                                  "rewards", "elapsed_s")] + [one.is_end]
        for episode in store.episodes() for one in store.decisions(episode.id)
    ]  # fmt: skip
    kinds = [store.state_as_of(float("inf"), episode.id) for episode in store.episodes()]
    return store.episodes(), list(store.telemetry()), store.last_snapshots(1_000), logs, kinds
