"""TIC scheduling, for the contract suite."""

from tests.contract.case import Case, fields_of
from tests.environments.tic_scheduling.strategies import tic_scenarios

# What the kernel keeps to know what the world brings next: SimPy's processes know it themselves.
OF_THE_KERNEL = {"burst", "burst_slot", "background", "background_count"}


def scenarios(form):
    """Any networks; small ones on one gateway where queues are picked."""
    if form == "pick":
        return tic_scenarios(max_sensors=6, num_gateways=1, max_frames=20)
    return tic_scenarios()


def answers_of(batch, row):
    """The sensors whose answers will be ready, by place in the ring."""
    network = batch.tables.networks[batch.heads["network"][row]]
    answers, counts = batch.arrays["answers"][row], batch.arrays["answer_counts"][row]
    firsts = range(0, int(network["ring"] * network["most_answers"]), int(network["most_answers"]))
    return [sorted(answers[f : f + n].tolist()) for f, n in zip(firsts, counts, strict=False)]


def state(batch, row):
    """Head, counters, messages, answers and latencies."""
    return {
        **fields_of(batch.heads[row]),
        **fields_of(batch.row(row), OF_THE_KERNEL),
        "messages": batch.waiting(row),
        "answers": answers_of(batch, row),
        **{name: batch.arrays[name][row] for name in ("waiting", "fills", "latencies")},
    }


CASE = Case(
    presets={"weights": "tic-small-45", "pick": "tic-pick"},
    shorten=lambda one: one.replace(horizon_s=12 * one.frame_slots * one.slot_s),
    scenarios=scenarios,
    together=lambda one: one.replace(burst_fraction=0.7, horizon_s=one.horizon_s / 2),
    state=state,
    policy="edf",
    objectives={"balanced": ("on_time", "expired", "dropped")},
    refused=(
        ({"scenario": "tic-smal-45"}, "tic-small-45"),
        ({"scenario": "contention"}, "kind 'tic'"),
        ({"scenario": 7}, "got 7"),
        ({"action": "weight"}, "weights"),
        ({"action": "pick"}, "one gateway"),
        ({"objective": "revenue"}, "balanced"),
        ({"engine": "simpi"}, "simpy"),
    ),
    unfit=(
        ({"horizon_s": 0.0001}, "horizon"),
        ({"grants": 0}, "greater than"),
        ({"sensors": 3}, "did you mean"),
    ),
    takes=lambda form, scenario: form != "pick" or scenario.num_gateways == 1,
    needs_data=lambda scenario: scenario.channel_trace is not None,
    counts_steps_alone=True,
)
