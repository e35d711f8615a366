"""`twin-gym record`: what it puts into a store, what it says of it, and what it refuses."""

import pytest
from typer.testing import CliRunner

from twin_gym.cli import app, record_command
from twin_gym.policies import make_policy, world_seeds
from twin_gym.scenario.loading import load
from twin_gym.twins.history import open_store, read_store, record_run

QUICK = ["record", "--scenario", "access-small-45"]


def run(*arguments, code=0):
    """Runs the command at 80 columns; returns its output: results, or errors where it fails."""
    result = CliRunner(env={"COLUMNS": "80", "TERM": "dumb"}).invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    assert max(map(len, result.stdout.splitlines()), default=0) <= 80
    return result.stdout if code == 0 else result.stderr


def cells(said, first):
    """The row of a table that begins with a word."""
    return next(line.split() for line in said.splitlines() if line.split()[:1] == [str(first)])


def test_episodes_are_appended_and_told_as_the_store_has_them(tmp_path):
    """Two worlds, then another one: the same file, with the seeds of the family."""
    path = tmp_path / "history.db"
    said = run(*QUICK, "--store", path, "--episodes", 2, "--world", 5)
    again = run(*QUICK, "--store", path, "--policy", "none", "--family", "train")
    with read_store(path, check="all") as store:
        episodes = store.episodes()
        decisions = [sum(map(len, store.decisions(one.id))) for one in episodes]
    assert [one.seed for one in episodes] == [
        *world_seeds("validation", 2, first=5), *world_seeds("train", 1)
    ]  # fmt: skip
    assert [one.policy for one in episodes][1:] == ["fixed", "none"]
    for one, count, world in zip(episodes, decisions, (5, 6, 0), strict=True):
        row = cells(said if one.id < 3 else again, one.id)
        assert row == [str(one.id), str(world), f"{count:,}", "1.5", f"{one.num_rows:,}", "0"]
    assert "3 episodes" in again


def test_link_period_and_retention_are_obeyed(tmp_path):
    """Half is lost, a tenth of the times is measured, graphs are taken, old values are dropped."""
    path = tmp_path / "history.db"
    run(*QUICK, "--store", path)
    with read_store(path) as store:
        (plain,) = store.episodes()
    said = run(*QUICK, "--store", path, "--loss", 0.5, "--snapshot-period-s", 0.5)
    rare = run(*QUICK, "--store", path, "--period-s", 0.05, "--delay-s", 0.01, "--jitter-s", 0.001)
    with read_store(path) as store:
        _, lossy, seldom = store.episodes()
        assert store.snapshot_as_of(0.6, lossy.id).time_s == pytest.approx(0.5, abs=0.05)
        assert store.snapshot_as_of(0.6, seldom.id) is None
    lost = int(cells(said, 2)[-1].replace(",", ""))
    assert lossy.num_rows + lost == plain.num_rows
    assert 0.4 < lost / plain.num_rows < 0.6
    assert 20 < seldom.num_rows < plain.num_rows / 5
    assert cells(rare, 3)[-1] == "0"
    run(*QUICK, "--store", path, "--keep-rows", 100, "--keep-episodes", 2, "--keep-snapshots", 1)
    with read_store(path) as store:
        assert [one.id for one in store.episodes()] == [3, 4]
        assert sum(one.num_rows for one in store.episodes()) <= 100
        assert len(store.last_snapshots(9)) == 1


def test_ctrl_c_leaves_what_was_committed_and_says_so(tmp_path, monkeypatch):
    """In the second episode, after its first batch: the store is whole, and the code is 130."""

    def tired(name, scenario, action):
        policy = make_policy(name, scenario, action)
        decide, left = policy.actions, [300 + 260]  # an episode has 300 decisions

        def actions(*arguments):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return decide(*arguments)

        monkeypatch.setattr(policy, "actions", actions, raising=True)
        return policy

    monkeypatch.setattr(record_command, "make_policy", tired)
    path = tmp_path / "history.db"
    result = CliRunner(env={"COLUMNS": "80"}).invoke(
        app, [*QUICK, "--store", str(path), "--episodes", "3"]
    )
    assert result.exit_code == 130
    assert "stopped" in result.stderr
    assert cells(result.stdout, 2)[1:3] == ["1", "256"]
    assert cells(result.stdout, 2)[-1] == "?"
    with read_store(path, check="all") as store:
        assert [sum(map(len, store.decisions(one.id))) for one in store.episodes()] == [300, 256]


def test_two_recordings_into_one_store_tell_each_its_own(tmp_path, monkeypatch):
    """Another process begins an episode in between, of the same world even."""
    path, real = tmp_path / "history.db", record_command.record_run

    def beside(store, policy, scenario, seed, **more):
        with open_store(path) as other:
            other.begin_episode(scenario, seed)
        recorded = real(store, policy, scenario, seed, **more)
        with open_store(path) as other:
            other.begin_episode(scenario, 123)
        return recorded

    monkeypatch.setattr(record_command, "record_run", beside)
    said = run(*QUICK, "--store", path, "--episodes", 2)
    assert [cells(said, episode)[1] for episode in (2, 5)] == ["0", "1"]
    assert "6 episodes" in said
    with read_store(path, check="all") as store:
        own = [one.id for one in store.episodes() if one.num_rows]
    assert own == [2, 5]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy", "nne"], "did you mean 'none'?"),
        (["--scenario", "acces-small-45"], "did you mean 'access-small-45'?"),
        (["--snapshot-period-s", "0"], "over 0"),
        (["--delay-s", "1e300"], "delay_s"),
        (["--action", "slo"], "slo"),
    ],
)
def test_refused_requests_make_no_store(tmp_path, arguments, said):
    """One line on standard error, and nothing on the disk."""
    answer = run(*QUICK, "--store", tmp_path / "history.db", *arguments, code=2)
    assert said in answer
    assert answer.startswith("twin-gym: ")
    assert answer.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_what_is_no_store_is_not_touched(tmp_path):
    """Another file of this name, or a folder that is not there."""
    path = tmp_path / "notes.db"
    path.write_text("shopping list")
    assert "notes.db" in run(*QUICK, "--store", path, code=2)
    assert path.read_text() == "shopping list"
    assert "make it first" in run(*QUICK, "--store", tmp_path / "no" / "x.db", code=2)
    assert "Missing option '--store'" in run(*QUICK, code=2)


def test_progress_is_told_after_each_kept_batch(tmp_path):
    """The share of the horizon, never falling, 1 at the end."""
    scenario, progress = load("access-small-45"), []
    with open_store(tmp_path / "history.db") as store:

        def note(share):
            kept = sum(map(len, store.decisions()))
            progress.append((kept, share))

        record_run(store, make_policy("none", scenario), scenario, 3, on_progress=note)
    assert progress == [(256, pytest.approx(256 / 300)), (300, 1.0)]


def test_help_is_for_80_columns():
    """Every option in a line or two."""
    said = run("record", "--help")
    assert "history.db" in said
    assert "..." not in said
