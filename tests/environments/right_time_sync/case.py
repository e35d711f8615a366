"""Right-time synchronisation, for the contract suite."""

from tests.contract.case import Case, fields_of
from tests.environments.right_time_sync.strategies import sync_scenarios


def is_replayed(scenario):
    """Whether any value comes out of a file."""
    return any(group.process.law == "replay" for group in scenario.groups)


def state(batch, row):
    """Head, counters, the twin and the updates on their way."""
    period = int(batch.tables.networks[batch.heads["network"][row]]["delay_slots"]) + 1
    return {
        **fields_of(batch.heads[row]),
        **fields_of(batch.row(row)),
        "twin": batch.twin(row),
        "on the way": batch.arrays["on_way"][row, :period],
    }


CASE = Case(
    presets={"pick": "sync-small", "rounds": "sync-small"},
    shorten=lambda one: one.replace(horizon_s=12 * one.slot_s),
    scenarios=lambda form: sync_scenarios(num_entities=4) | sync_scenarios(),
    together=lambda one: one.replace(delay_slots=2, horizon_s=one.horizon_s / 2),
    state=state,
    policy="whittle",
    objectives={
        "balanced": ("error", "updates"), "error": ("error",), "updates": ("updates",),
    },
    arguments={"error": ("expected", "realised")},
    refused=(
        ({"scenario": "sync-smal"}, "did you mean 'sync-small'"),
        ({"scenario": "contention"}, "of the kind 'sync' is needed"),
        ({"scenario": 7}, "got 7"),
        ({"scenario": ["sync-small", "sync-medium"]}, "as many entities"),
        ({"action": "picks"}, "did you mean 'pick'"),
        ({"objective": "erro"}, "did you mean 'error'"),
        ({"error": "real"}, "Known: expected, realised"),
        ({"engine": "kernl"}, "did you mean 'kernel'"),
    ),
    unfit=(
        ({"horizon_s": 0.5}, "whole number of slots"),
        ({"horizon_s": 1e7}, "shorten the horizon"),
        ({"updates_per_round": 51}, "ask for fewer"),
        ({"delivery_probability": 0.0}, "greater than 0"),
        ({"slot_s": 1e4, "horizon_s": 1e5}, "lower `variance_rate_hz`"),
    ),
    needs_data=is_replayed,
    scarce=lambda one: one.replace(update_budget=4),
)  # fmt: skip
