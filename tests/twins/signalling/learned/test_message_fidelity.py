"""Scores of predictions that are known beforehand."""

import numpy as np
import pytest
import torch

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.answering import first_five_qis_in
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.learned.fidelity import (
    MessageFidelity,
    allowed_kinds,
    predictions,
    stateful_places,
)
from twin_gym.twins.signalling.learned.settings import MessageTwinSettings
from twin_gym.twins.signalling.learned.twin import train_message_twin
from twin_gym.twins.signalling.learned.vectors import END, NOTHING, Predicted
from twin_gym.twins.signalling.message import to_vectors
from twin_gym.twins.signalling.replay import replay
from twin_gym.twins.signalling.tables import MessageTable

SCORES = ("exact", "precision", "recall", "f1", "accuracy")


@pytest.fixture(scope="module")
def log():
    """Four UEs that are always busy."""
    return emulate("signalling-concurrent", seed=2, num_ues=4, horizon_s=5.0)


@pytest.fixture(scope="module")
def replayed(log):
    """The automaton over the log."""
    return replay(log, first_five_qis_in(log))


def test_what_the_automaton_expects_is_right_in_every_score(log, replayed):
    """It says every message of the core, those that the network begins included."""
    said = {one.place: Predicted.of(one.expected) for one in replayed.scored}
    found = MessageFidelity.of_predictions(said, log, replayed=replayed)
    for name in SCORES:
        assert getattr(found, name) == getattr(found, f"stateful_{name}", 1.0) == 1.0
    assert found.violations == 0.0
    assert 0 < found.num_stateful < found.num_messages == len(replayed.scored)


def test_who_says_nothing_finds_nothing(log, replayed):
    """And is accurate by as much as the vectors are empty."""
    said = dict.fromkeys((one.place for one in replayed.scored), NOTHING)
    found = MessageFidelity.of_predictions(said, log, replayed=replayed)
    assert found.exact == found.precision == found.recall == found.f1 == 0.0
    assert found.accuracy == found.absent_accuracy > 0.95
    assert found.violations > 0.3  # elsewhere the grammar has no answer in some state


def test_stateful_scores_are_of_the_stateful_messages_alone(log, replayed):
    """Wrong in one of ten of them and nowhere else: each score counted by hand."""
    said = {one.place: Predicted.of(one.expected) for one in replayed.scored}
    stateful = stateful_places(replayed)
    wrong = stateful[::10]
    said |= dict.fromkeys(wrong, NOTHING)
    found = MessageFidelity.of_predictions(said, log, replayed=replayed)
    entries = to_vectors(log.records).sum(axis=1, dtype=int)
    lost, share = entries[wrong].sum(), len(wrong) / len(stateful)
    assert found.stateful_exact == pytest.approx(1 - share)
    assert found.stateful_precision == found.precision == 1.0
    assert found.stateful_recall == pytest.approx(1 - lost / entries[stateful].sum())
    num_entries = len(stateful) * to_vectors(log.records[:1]).shape[1]
    assert found.stateful_accuracy == pytest.approx(1 - lost / num_entries)
    assert found.recall > found.stateful_recall


def test_messages_before_the_time_are_not_judged(log, replayed):
    """They are context; where none is left, that is said."""
    times = log.column("time_ns")
    middle = int(times[len(log) // 2])
    said = {
        one.place: Predicted.of(one.expected) if times[one.place] >= middle else NOTHING
        for one in replayed.scored
    }
    assert MessageFidelity.of_predictions(said, log, middle, replayed).exact == 1.0
    with pytest.raises(ConfigError, match="no message of the core to judge"):
        MessageFidelity.of_predictions(said, log, int(times[-1]) + 1, replayed)


@pytest.mark.parametrize("decoding", ["free", "grammar"])
def test_twin_that_is_told_that_the_core_speaks_says_something(log, replayed, decoding):
    """Untrained, it says nothing now and then where it may; the grammar still holds."""
    settings = MessageTwinSettings(layers=1, width=16, window=12, num_steps=1, batch_size=4)
    twin = train_message_twin(log, settings).decoded(decoding)
    with torch.no_grad():
        twin.network.kind_head.bias[END] = 3.0
    silent = predictions(twin, log, replayed)
    told = predictions(twin, log, replayed, is_told=True)
    assert NOTHING in silent.values()
    assert NOTHING not in told.values()
    if decoding == "grammar":
        allowed = allowed_kinds(log, replayed)
        assert all(one.kind in allowed[place] for place, one in told.items())


def test_predictions_of_a_table_are_those_that_it_is_scored_by(log):
    """As many are right as its share says; they stand at the messages of the core."""
    table = MessageTable(2, "ue").fit(log)
    said = table.predictions(log)
    true = {place: Predicted.of(log[place]) for place in said}
    right = [
        (vector[0], tuple(vector[1:7]), *vector[7:])
        == (true[place].kind, true[place].fields, true[place].active_sessions,
            true[place].presence)
        for place, vector in said.items()
    ]  # fmt: skip
    assert np.mean(right) == pytest.approx(table.exact(log))
    assert 0.5 < np.mean(right) < 1.0
