"""Truck routing, for the contract suite."""

from tests.contract.case import Case, fields_of
from tests.environments.truck_routing.strategies import truck_scenarios
from twin_gym.environments.truck_routing import layout


def is_of_files(scenario):
    """Whether bins, roads or deposits come out of a file."""
    return "file" in (scenario.bins.law, scenario.roads.law) or scenario.deposits.law == "replay"


def state(batch, row):
    """Head, counters, trucks, and what is true and known of the bins."""
    count = int(batch.tables.networks[batch.heads["network"][row]]["num_bins"])
    states = batch.arrays["states"][row, :, :count]
    return {
        **fields_of(batch.heads[row]),
        **fields_of(batch.row(row)),
        **dict(zip(layout.STATE_FIELDS, states, strict=True)),
        "allowed": batch.arrays["allowed"][row, :count],
        "volumes": batch.arrays["volumes"][row, :, : count + 1],
        "believed": batch.believed(row)._asdict(),
        "candidates": batch.candidates(row),
    }


def short(scenario):
    """Three days of short shifts and long services: some dozen decisions."""
    return scenario.replace(
        horizon_s=259_200.0, service_s=1200.0, shift_length_s=7_200.0, initial_fill_max=1.0
    )


CASE = Case(
    presets={"pick": "truck-grid-20", "nearest": "truck-grid-20"},
    shorten=short,
    scenarios=lambda form: truck_scenarios(num_bins=4) | truck_scenarios(),
    together=lambda one: one.replace(num_trucks=2, predictor="trend"),
    state=state,
    policy="nearest-full",
    objectives={
        "balanced": ("distance", "overflow", "stops"), "distance": ("distance",),
        "overflow": ("overflow",), "stops": ("stops",),
    },
    refused=(
        ({"scenario": "truck-grid-2"}, "did you mean 'truck-grid-20'"),
        ({"scenario": "contention"}, "of the kind 'truck' is needed"),
        ({"scenario": 7}, "got 7"),
        ({"action": "picks"}, "did you mean 'pick'"),
        ({"objective": "overflw"}, "did you mean 'overflow'"),
        ({"engine": "kernl"}, "did you mean 'kernel'"),
    ),
    unfit=(
        ({"horizon_s": 1000.0}, "whole number of days"),
        ({"horizon_s": 1e8 - 1e8 % 86400}, "shorten the horizon"),
        ({"shift_length_s": 86_400.0}, "shorter than a day"),
        ({"num_trucks": 0}, "greater than or equal to 1"),
        ({"delivery_probability": 0.0}, "greater than 0"),
    ),
    needs_data=is_of_files,
)  # fmt: skip
