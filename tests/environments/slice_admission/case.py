"""Slice admission, for the contract suite."""

import numpy as np

from tests.contract.case import Case, fields_of
from tests.environments.slice_admission.strategies import admission_scenarios
from twin_gym.environments.slice_admission.tables import service_places

# What the kernel alone needs: places in its rings, and the events and phases that come next.
OF_THE_KERNEL = {
    "queue_head", "next_arrival", "next_timeout", "phase", "phase_end", "phase_count", "world",
    "oldest_holding", "following_arrival",
}  # fmt: skip


def shorten(scenario):
    """Some dozen decisions."""
    rate_hz = sum(one.arrival_rate_hz for one in scenario.slices)
    return scenario.replace(horizon_s=min(scenario.horizon_s, 15.0 / rate_hz))


def scenarios(form):
    """With no more requests in service at once than a row has room for."""
    return admission_scenarios().filter(lambda one: service_places(one) <= 5000)


def state(batch, row):
    """Every entry of the record that both engines keep, and who waits how long."""
    record, scenario = batch.row(row), batch.scenario_of(row)
    fields = fields_of(record, {*OF_THE_KERNEL, "oldest"})
    for name, values in fields.items():
        if np.ndim(values):
            fields[name] = values[: len(scenario.capacity if name == "free" else scenario.slices)]
    return {
        **fields,
        "oldest": record["oldest"][record["queue_length"] > 0],
        "waiting": batch.waiting(row),
    }


CASE = Case(
    presets={"slice": "contention", "slot": "contention"},
    shorten=shorten,
    scenarios=scenarios,
    together=lambda one: one.replace(
        horizon_s=one.horizon_s / 2,
        slices=tuple(s.replace(arrival_rate_hz=2 * s.arrival_rate_hz) for s in one.slices),
    ),
    state=state,
    policy="density",
    objectives={name: (name,) for name in ("revenue", "utilisation", "fairness")},
    refused=(
        ({"scenario": "contntion"}, "did you mean 'contention'"),
        ({"scenario": "tic-pick"}, "of the kind 'admission' is needed"),
        ({"scenario": 7}, "got 7"),
        ({"scenario": ["mild", 7]}, "got 7"),
        ({"scenario": ["mild", "teletraffic-small"]}, "need the same slice_names"),
        ({"action": "slots"}, "did you mean 'slot'"),
        ({"objective": "revenues"}, "did you mean 'revenue'"),
        ({"engine": "kernl"}, "did you mean 'kernel'"),
    ),
    unfit=(({"horizon_s": 0.0}, "greater than"), ({"capacty": {}}, "did you mean 'capacity'")),
    needs_data=lambda scenario: scenario.trace is not None,
    golden_steps=200,
)
