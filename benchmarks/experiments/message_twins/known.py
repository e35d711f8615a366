"""Rows that need no training: the exact automaton, tables, and what bounds every prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial

import numpy as np

from benchmarks.experiments.blocks import Cell, Values
from benchmarks.experiments.message_twins.plan import Logs, Plan, logs_of, scenario_of
from twin_gym.twins.signalling.answering import first_five_qis_in
from twin_gym.twins.signalling.kinds import kind_code
from twin_gym.twins.signalling.learned.fidelity import MessageFidelity, stateful_places
from twin_gym.twins.signalling.learned.vectors import NOTHING, Predicted
from twin_gym.twins.signalling.replay import replay
from twin_gym.twins.signalling.scenario import SignallingScenario
from twin_gym.twins.signalling.tables import Context, MessageTable, Vector
from twin_gym.twins.signalling.theory import blind_exact_bound, outside_share

AUTOMATON, MOST_FREQUENT, CHANCE = "exact automaton", "most frequent message", "entropy floor"
WINDOW_OF_ALL, WINDOW_OF_ONE = (
    "determined in the window, all UEs",
    "determined in the window, per UE",
)
LENGTHS: dict[Context, tuple[int, ...]] = {"log": (1, 2, 6), "ue": (1, 2, 6, 16)}
_CONTEXTS: dict[Context, str] = {"log": "log", "ue": "same UE"}
TABLES = {
    f"table: last {length} of the {of}": (length, context)
    for context, of in _CONTEXTS.items()
    for length in LENGTHS[context]
}
TABLE_OF_6, TABLE_OF_16 = "table: last 6 of the same UE", "table: last 16 of the same UE"
_CONFIGURE = kind_code("DownlinkNASTransport[Configuration update command]")
_DEREGISTER = kind_code("DownlinkNASTransport[Deregistration request (UE terminated)]")

Measure = Callable[[Logs, Plan, SignallingScenario], Mapping[str, float]]


def known_cells(num_ues: int, seed: int, plan: Plan) -> list[Cell]:
    """The rows without training, of one number of UEs and one seed."""
    rows: dict[str, Measure] = {
        AUTOMATON: _automaton,
        CHANCE: _chance,
        WINDOW_OF_ALL: _window_of_all,
        WINDOW_OF_ONE: _window_of_one,
        MOST_FREQUENT: partial(_table, length=0, context="log"),
    }
    for label, (length, context) in TABLES.items():
        rows[label] = partial(_table, length=length, context=context)
    setting = f"{plan.learned_s} and {plan.judged_s} s"
    windows = f"{setting}, windows of {plan.interleaved.window} and {plan.per_ue.window}"
    return [
        Cell(
            label, scenario_of(num_ues), (seed,), 1,
            partial(_measured, row=row, num_ues=num_ues, plan=plan),
            windows if label in (WINDOW_OF_ALL, WINDOW_OF_ONE) else setting, float(num_ues),
        )
        for label, row in rows.items()
    ]  # fmt: skip


def scores(fidelity: MessageFidelity, prefix: str = "") -> dict[str, float]:
    """The figures of a fidelity by name."""
    return {f"{prefix}{name}": float(value) for name, value in asdict(fidelity).items()}


def _measured(cell: Cell, row: Measure, num_ues: int, plan: Plan) -> Values:
    found = row(logs_of(num_ues, cell.blocks[0], plan), plan, scenario_of(num_ues))
    return {name: [value] for name, value in found.items()}


def _automaton(logs: Logs, _: Plan, __: SignallingScenario) -> dict[str, float]:
    """The automaton that knows the state of the UE."""
    said = {one.place: Predicted.of(one.expected) for one in logs.judged_replay.scored}
    return scores(
        MessageFidelity.of_predictions(said, logs.judged, logs.from_ns, logs.judged_replay)
    )


def _table(
    logs: Logs, _: Plan, __: SignallingScenario, length: int, context: Context
) -> dict[str, float]:
    table = MessageTable(length, context).fit(logs.learned)
    said = {place: _as_predicted(one) for place, one in table.predictions(logs.judged).items()}
    return scores(
        MessageFidelity.of_predictions(said, logs.judged, logs.from_ns, logs.judged_replay)
    )


def _as_predicted(vector: Vector | None) -> Predicted:
    """What a table says, its fields in the order of `tables.FIELDS`."""
    if vector is None:
        return NOTHING
    kind, *fields, active_sessions, presence = vector
    return Predicted(kind, tuple(fields), active_sessions, presence)


def _chance(logs: Logs, _: Plan, scenario: SignallingScenario) -> dict[str, float]:
    """Most exact messages that are expected of who knows the state, and not what is drawn."""
    return {"exact": chance_floor(logs, scenario)}


def chance_floor(logs: Logs, scenario: SignallingScenario) -> float:
    """The best expected share of exact messages without knowing what the scenario draws.

    It draws verdicts and decisions (`blind_exact_bound`), and which of two procedures the network
    begins with a connected UE: a configuration update, or a deregistration.

    Args:
        logs: whose judged messages count.
        scenario: of one slice.

    Returns:
        In [0, 1].
    """
    weights = scenario.slices[0].when_connected
    drawn = (weights.configure, weights.network_deregister)
    likelier = max(drawn) / sum(drawn) if sum(drawn) else 1.0
    kinds, times = logs.judged.column("kind"), logs.judged.column("time_ns")
    judged = [one for one in logs.judged_replay.scored if times[one.place] >= logs.from_ns]
    begun = sum(
        not one.is_answer and int(kinds[one.place]) in (_CONFIGURE, _DEREGISTER) for one in judged
    )
    unsure = (1.0 - likelier) * begun / max(len(judged), 1)
    return blind_exact_bound(logs.judged, scenario) - unsure


def _window_of_all(logs: Logs, plan: Plan, _: SignallingScenario) -> dict[str, float]:
    """Share of the answers that the windows of a network of all UEs' messages determine."""
    times = logs.judged.column("time_ns")
    judged = {one.place for one in logs.judged_replay.scored if times[one.place] >= logs.from_ns}
    stateful = judged.intersection(stateful_places(logs.judged_replay))
    windows = _seen(plan.interleaved.window)
    return {
        "exact": 1.0 - float(outside_share(logs.judged_replay, windows, judged).mean()),
        "stateful_exact": 1.0 - float(outside_share(logs.judged_replay, windows, stateful).mean()),
    }


def _window_of_one(logs: Logs, plan: Plan, _: SignallingScenario) -> dict[str, float]:
    """The same of a network of one UE's messages: each UE is replayed alone."""
    windows, found = _seen(plan.per_ue.window), list[tuple[int, float, bool]]()
    ues = logs.judged.column("ue")
    five_qis = first_five_qis_in(logs.judged)
    for ue in np.unique(ues[ues >= 0]):
        log = logs.judged.of_ues(ue)
        replayed, times = replay(log, five_qis), log.column("time_ns")
        for one in replayed.scored:
            if one.is_answer and times[one.place] >= logs.from_ns:
                inside = float(np.mean(one.place - one.deciding <= windows))
                found.append((one.place, inside, one.deciding < one.trigger))
    whole = [inside for _, inside, _ in found]
    part = [inside for _, inside, is_stateful in found if is_stateful]
    return {"exact": float(np.mean(whole)), "stateful_exact": float(np.mean(part))}


def _seen(window: int) -> np.ndarray:
    """How many messages are seen at the positions that count; see `judged_windows`."""
    return np.arange(window - (window + 1) // 2 + 1, window + 1)
