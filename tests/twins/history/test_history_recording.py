"""A store is filled from a run of each environment, and emptied into other programs' files."""

import sys

import numpy as np
import pytest

from tests.twins.realtime.cases import SCENARIOS
from twin_gym.environments.factory import vector_env
from twin_gym.errors import ConfigError, MissingExtraError
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load
from twin_gym.twins import export_minari, import_minari
from twin_gym.twins.history import (
    check_store,
    export_duckdb,
    export_parquet,
    export_store_minari,
    open_store,
    record_run,
    to_transitions,
)
from twin_gym.twins.realtime import Link

RULES = {"admission": "density", "tic": "equal", "access": "none", "sync": "oldest-first"}


def recorded(store, kind, seed, steps, **arguments):
    """A run of a rule on the scenario of a kind."""
    scenario = load(SCENARIOS[kind])
    policy = make_policy(RULES[kind], scenario)
    return record_run(store, policy, scenario, seed, max_steps=steps, **arguments)


@pytest.mark.parametrize("kind", list(SCENARIOS))
def test_recording_of_an_environment_is_what_happened(tmp_path, kind):
    """The decisions replayed in the same world earn the same; the last graph is the twin's."""
    with open_store(tmp_path / "store.db") as store:
        link = Link(loss=0.1, delay_s=1e-4, seed=2)
        twin = recorded(store, kind, 5, 60, link=link, snapshot_period_s=1e-2)
        (episode,) = store.episodes()
        assert episode.kind == kind
        assert episode.load_scenario() == load(SCENARIOS[kind])
        assert store.snapshot_as_of(twin.now_s) == twin.graph.snapshot()
        assert len(store.last_snapshots(999)) > 1
        logs = list(store.decisions())
        env = vector_env(SCENARIOS[kind], 1, action=episode.action, autoreset_mode="Disabled")
        observations, _ = env.reset(seed=5)
        for log in logs:
            for k in range(len(log)):
                assert np.array_equal(log.observations[k], observations[0])
                observations, rewards, _, ended, infos = env.step(log.actions[k : k + 1])
                assert (rewards[0], infos["elapsed_s"][0]) == (log.rewards[k], log.elapsed_s[k])
        assert sum(map(len, logs)) == 60 or ended[0]
        properties = set(store.properties())
        for state in twin.graph.snapshot().twins:
            for name, known in state[1].known:
                if (state[0], name) in properties:
                    assert store.value_as_of(state[0], name, known.time_s) == known.value
        check_store(store._database, store.path)


def test_steps_of_a_long_run_are_in_order_across_batches(tmp_path):
    """Committed by the hundred, each log goes on where the one before ended."""
    with open_store(tmp_path / "store.db") as store:
        recorded(store, "admission", 1, 600)
        logs = list(store.decisions())
        assert [len(one) for one in logs] == [256, 256, 88]
        times_s = np.concatenate([one.times_s for one in logs])
        assert (np.diff(times_s) >= 0).all()
        assert np.allclose(np.diff(times_s), np.concatenate([x.elapsed_s for x in logs])[:-1])
        with pytest.raises(ConfigError, match="max_steps"):
            recorded(store, "admission", 1, 0)
        with pytest.raises(ConfigError, match="snapshot_period_s"):
            recorded(store, "admission", 1, 5, snapshot_period_s=0.0)


def test_graphs_are_stored_as_of_every_period(tmp_path):
    """A tenth of a second, counted: a sum of tenths would miss the third."""
    scenario = load("access-small-45")
    with open_store(tmp_path / "store.db") as store:
        policy = make_policy("none", scenario)
        twin = record_run(store, policy, scenario, 1, max_steps=100, snapshot_period_s=0.1)
        times_s = [one.time_s for one in store.last_snapshots(99)]
        assert times_s == [*(k / 10 for k in range(len(times_s) - 1)), twin.now_s]
        for k in range(len(times_s) - 1):
            snapshot = store.snapshot_as_of(k / 10)
            assert snapshot is not None
            assert snapshot.time_s == k / 10
        assert store.snapshot_as_of(np.float64(0.3)).time_s == 0.3


def test_what_others_recorded_meanwhile_is_asked_by_any_number(tmp_path):
    """NumPy's numbers of episodes; two exports to one name: the first stays."""
    with open_store(tmp_path / "store.db") as store:
        recorded(store, "admission", np.int64(3), np.int64(20))
        asked = np.array([1])
        assert len(to_transitions(store, load("contention"), asked)) == 20
        with pytest.raises(ConfigError, match="whole number"):
            to_transitions(store, load("contention"), [1.5])
        pytest.importorskip("duckdb")
        target = tmp_path / "tables.db"
        telemetry = store.telemetry

        def meanwhile():
            target.write_text("made by another process")
            yield from telemetry()

        store.telemetry = meanwhile
        with pytest.raises(ConfigError, match="there already"):
            export_duckdb(store, target)
        assert target.read_text() == "made by another process"
        assert sorted(one.suffix for one in tmp_path.iterdir() if one.name[0] == ".") == []


def test_decisions_become_transitions_and_a_minari_data_set(tmp_path):
    """Two episodes, one log after the other; other scenarios and unknown episodes are refused."""
    scenario = load("contention")
    with open_store(tmp_path / "store.db") as store:
        recorded(store, "admission", 3, 300)
        recorded(store, "tic", 3, 20)
        recorded(store, "admission", 4, 20)
        transitions = to_transitions(store, scenario)
        assert len(transitions) == 320
        assert transitions.seeds.tolist() == [3, 4]
        assert np.flatnonzero(transitions.truncated).tolist() == [299, 319]
        assert np.array_equal(transitions.next_observations[:299], transitions.observations[1:300])
        assert transitions.policy == "density"
        assert len(to_transitions(store, scenario, episodes=[3])) == 20
        for wrong in ([2], [9]):
            with pytest.raises(ConfigError):
                to_transitions(store, scenario, episodes=wrong)
        with pytest.raises(ConfigError):
            to_transitions(store, load("mild"))
    pytest.importorskip("minari")
    folder = export_minari(transitions, scenario, tmp_path / "sets", "twin_gym/history-v0")
    assert import_minari(folder).digest == transitions.digest


@pytest.mark.parametrize("kind", ["admission", "tic", "access", "sync"])
def test_decisions_of_any_network_become_a_minari_data_set(tmp_path, kind):
    """Observations, masks, actions and rewards, an episode each; other networks are refused."""
    pytest.importorskip("minari")
    from minari.dataset.minari_storage import MinariStorage

    given = {"root": tmp_path / "sets", "dataset_id": "twin_gym/history-v0"}
    with open_store(tmp_path / "store.db") as store:
        for seed in (3, 4):
            recorded(store, kind, seed, 7)
        folder = export_store_minari(store, **given)
        logs = [next(iter(store.decisions(number))) for number in (1, 2)]
        recorded(store, "tic" if kind == "sync" else "sync", 5, 7)
        for wrong in ({"dataset_id": "b-v0"}, {"dataset_id": "b-v0", "episodes": [9]}, {}):
            asked = {"episodes": [1]} if not wrong else {}
            with pytest.raises(ConfigError):
                export_store_minari(store, **(given | asked | wrong))
    storage = MinariStorage.read(folder / "data")
    assert storage.metadata["policy"]
    assert storage.metadata["world_seeds"] == [3, 4]
    for log, episode in zip(logs, storage.get_episodes([0, 1]), strict=True):
        assert np.array_equal(episode["observations"], log.observations)
        assert np.array_equal(episode["actions"], log.actions)
        assert np.array_equal(episode["rewards"], log.rewards)
        assert np.array_equal(episode["infos"]["elapsed_s"][1:], log.elapsed_s)
        assert episode["truncations"].tolist() == [False] * 6 + [True]
        if log.masks.shape[1]:
            assert np.array_equal(episode["infos"]["action_mask"], log.masks)
        else:
            assert "action_mask" not in episode["infos"]


def test_tables_go_to_parquet(tmp_path, monkeypatch):
    """Every row, in pieces; the folder is there whole, and not put in place of another."""
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("twin_gym.twins.history.export.ROWS_AT_ONCE", 7)
    with open_store(tmp_path / "store.db") as store:
        recorded(store, "access", 3, 20)
        folder = export_parquet(store, tmp_path / "tables")
        expected = list(store.telemetry())
        episodes = [vars(one) for one in store.episodes()]
        with pytest.raises(ConfigError, match="there already"):
            export_parquet(store, folder)
        with pytest.raises(ConfigError, match="make it first"):
            export_parquet(store, tmp_path / "no" / "tables")
    rows = parquet.read_table(folder / "telemetry.parquet").to_pylist()
    assert [tuple(row.values()) for row in rows] == expected
    assert len(expected) > 14
    assert parquet.read_table(folder / "episodes.parquet").to_pylist() == episodes
    assert {path.name for path in tmp_path.iterdir()} == {"store.db", "tables"}


def test_tables_go_to_duckdb(tmp_path):
    """The same rows, asked in its SQL."""
    duckdb = pytest.importorskip("duckdb")
    with open_store(tmp_path / "store.db") as store:
        recorded(store, "access", 3, 20)
        path = export_duckdb(store, tmp_path / "history.duckdb")
        expected = list(store.telemetry())
    with duckdb.connect(str(path), read_only=True) as database:
        assert database.execute("SELECT * FROM telemetry").fetchall() == expected
        assert database.execute("SELECT policy FROM episodes").fetchall() == [("none",)]


def test_missing_extra_is_named(tmp_path, monkeypatch):
    """With the command that installs it, and nothing is left behind."""
    with open_store(tmp_path / "store.db") as store:
        monkeypatch.setitem(sys.modules, "duckdb", None)
        with pytest.raises(MissingExtraError, match=r"twin-gym\[history\]"):
            export_duckdb(store, tmp_path / "x")
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(MissingExtraError, match=r"twin-gym\[history\]"):
            export_parquet(store, tmp_path / "x")
    assert {path.name for path in tmp_path.iterdir()} == {"store.db"}
