"""Massive access, for the contract suite."""

import numpy as np

from tests.contract.case import NUM_LANES, Case, fields_of
from tests.environments.massive_access.strategies import access_scenarios


def shorten(scenario):
    """All devices ask within twenty opportunities of thirty."""
    return scenario.replace(
        horizon_s=0.15,
        num_devices=min(scenario.num_devices, 2000),
        arrivals=scenario.arrivals.replace(window_s=0.1),
    )


def state(batch, row):
    """Head, counters, devices and delays."""
    network = batch.networks[batch.heads["network"][row]]
    arrived = int(batch.row(row)["num_arrived"])
    devices, slots = int(network["num_devices"]), int(network["num_opportunities"])
    return {
        **fields_of(batch.heads[row]),
        **fields_of(batch.row(row)),
        "waiting": fields_of(batch.waiting(row)),
        "to come": fields_of(batch.arrays["devices"][row, arrived:devices]),
        "delays": batch.arrays["delays"][row, :slots],
        "ready": batch.num_ready()[row],
    }


def golden_actions(step, space, masks):
    """Little barring: one of five levels, or a probability of an eighth to five of them."""
    level = (7 * step + 3 * np.arange(NUM_LANES)) % 5
    return (level[:, None] + 1) / 8 if space.shape else level


CASE = Case(
    presets={"level": "access-small-70", "probability": "access-small-70"},
    shorten=shorten,
    scenarios=lambda form: access_scenarios(),
    together=lambda one: one.replace(num_devices=4 * one.num_devices),
    state=state,
    policy="none",
    objectives={
        "balanced": ("throughput", "delay"),
        "throughput": ("throughput",),
        "delay": ("delay",),
    },
    refused=(
        ({"scenario": "access-beta"}, "did you mean 'access-beta"),
        ({"scenario": "contention"}, "of the kind 'access' is needed"),
        ({"scenario": 7}, "got 7"),
        ({"action": "levels"}, "did you mean 'level'"),
        ({"objective": "delays"}, "did you mean 'delay'"),
        ({"engine": "kernl"}, "did you mean 'kernel'"),
    ),
    unfit=(
        ({"num_devices": 30_001}, "30000"),
        ({"num_devices": 0}, "greater than or equal to 1"),
        ({"horizon_s": 0.1523}, "whole number of slots"),
        ({"horizon_s": 0.05}, "lengthen the horizon"),
        ({"horizon_s": 1e5}, "at most 200000"),
        ({"preambles": 65}, "64"),
        ({"slot_s": float("nan")}, "slot_s"),
        ({"backoff_s": 1e6}, "shorten it"),
        ({"arrivals": {"law": "beto"}}, "law"),
        ({"least_barring": 1.0}, "less than 1"),
        ({"divices": 3}, "did you mean"),
    ),
    golden_steps=400,
    golden_actions=golden_actions,
)
