"""Claims of submissions are verified by running them again."""

import json
import pickle
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from agents.actor import write_actor
from benchmarks import cell as cells
from benchmarks.__main__ import app
from benchmarks.cell import Cell, run_cell
from benchmarks.contestant import Cost
from benchmarks.runner.ledger import USES_FILE
from benchmarks.store import Store
from benchmarks.submissions import verifying
from benchmarks.submissions.commands import DIFFERENT, EQUAL, EQUAL_IN_SCORE
from benchmarks.submissions.contestant import as_contestant
from benchmarks.submissions.manifest import MANIFEST_FILE, MARKER, read_manifest
from benchmarks.submissions.verifying import compared, make_claims, verify_claims
from tests.benchmarks.submitting import DENSITY, POLICY, QUICK, TRACK, submission, use_tiny_track
from twin_gym.environments.slice_admission.observation import field_names
from twin_gym.errors import ConfigError
from twin_gym.twins import PolicyMetadata, PolicyTwin, SliceNetwork
from twin_gym.twins.networks import build_network


@pytest.fixture(name="track", autouse=True)
def _track(tmp_path, monkeypatch):
    """The only track there is."""
    return use_tiny_track(tmp_path, monkeypatch)


@pytest.fixture(name="scenario")
def _scenario(track):
    """The one of the track."""
    return track.test_scenarios()[0]


def save_actor(folder, scenario, seed=0):
    """An actor with random weights."""
    generator = torch.Generator().manual_seed(seed)
    network = SliceNetwork(len(field_names(scenario)), len(scenario.slices) + 1, [8])
    weights = {
        name: torch.randn(one.shape, generator=generator)
        for name, one in network.state_dict().items()
    }
    write_actor(weights, scenario, folder, agent="random", hidden=[8], steps=0, settings={})


def quiet(cell):
    """Told of each cell."""


def command(*words):
    """Runs `python -m benchmarks` with some words."""
    return CliRunner().invoke(app, [str(word) for word in words])


def edit(folder, old, new):
    """Changes the claims of a folder by hand."""
    path = folder / MANIFEST_FILE
    head, marker, claims = path.read_text().partition(MARKER)
    assert old in claims
    path.write_text(head + marker + claims.replace(old, new))


@pytest.fixture(name="claimed")
def _claimed(tmp_path, scenario):
    """A policy with claims, of two seeds."""
    folder = submission(tmp_path / "mine", code=None, **POLICY)
    save_actor(folder / "weights", scenario)
    make_claims(folder, [], 2, QUICK, quiet)
    return folder


@pytest.mark.slow
def test_code_is_claimed_verified_and_tested(tmp_path, track):
    """By the commands; it scores what the same rule of the board does."""
    folder = submission(tmp_path / "mine")
    head = (folder / MANIFEST_FILE).read_text()
    made = command("claim", folder, "--seeds", 2)
    assert made.exit_code == 0, made.output
    text = (folder / MANIFEST_FILE).read_text()
    assert text.startswith(head.rstrip())
    claims = read_manifest(text.encode()).claims
    for one in claims[0].seeds:
        board = run_cell(Cell(TRACK, "density", one.seed), tmp_path / "board")
        assert one.trajectory == board.trajectory
        assert one.score == board.scores().mean()
    out = tmp_path / "out"
    words = ("verify", folder, "--run-code", "--family", "test", "--why", "to see", "--out", out)
    result = command(*words)
    assert result.exit_code == EQUAL, result.output
    assert "reproduced to the last bit" in result.output
    use = json.loads((out / USES_FILE).read_text())
    assert (use["agents"], use["tracks"], use["why"]) == (["mine"], [TRACK], "to see")
    assert set(Store(out).read()) == {Cell(TRACK, "mine", seed, "test") for seed in (0, 1)}


def test_policy_is_verified(claimed):
    """To the last bit; claiming again changes nothing."""
    rows = verify_claims(claimed, QUICK, quiet)
    assert [(row.seed, row.verdict) for row in rows] == [
        (0, "equal"),
        (1, "equal"),
        (None, "equal"),
    ]
    text = (claimed / MANIFEST_FILE).read_text()
    make_claims(claimed, [TRACK], 2, QUICK, quiet)
    assert (claimed / MANIFEST_FILE).read_text() == text


@pytest.mark.parametrize(
    ("what", "rows_at_fault"),
    [
        ("score", {None}),  # of all seeds
        ("seed score", {1}),
        ("trajectory", {0}),
        ("high", {None}),  # an interval that is narrower than it was
        ("weights", {0, 1, None}),  # another policy than the one of the claim
    ],
)
def test_wrong_claim_is_found_out(what, rows_at_fault, claimed, scenario):
    """Each by itself, in its row."""
    claim = read_manifest((claimed / MANIFEST_FILE).read_bytes()).claims[0]
    match what:
        case "score":
            edit(claimed, f"score = {claim.score!r}\n", f"score = {claim.score + 1e-6!r}\n")
        case "high":
            edit(claimed, f"high = {claim.high!r}", f"high = {claim.high - 0.1!r}")
        case "seed score":
            second = claim.seeds[1].score
            edit(claimed, f"seed = 1, score = {second!r}", f"seed = 1, score = {second + 0.01!r}")
        case "trajectory":
            edit(claimed, claim.seeds[0].trajectory, "0123456789abcdef")
        case _:
            save_actor(claimed / "weights", scenario, seed=1)
    rows = verify_claims(claimed, QUICK, quiet)
    assert {row.seed for row in rows if row.verdict == "different"} == rows_at_fault
    done = command("verify", claimed)
    assert done.exit_code == DIFFERENT
    assert "not reproduced" in done.output


def test_other_machine_is_told(claimed, monkeypatch):
    """Scores within the tolerance are accepted there, and only there, with a code of their own."""
    claim = read_manifest((claimed / MANIFEST_FILE).read_bytes()).claims[0]
    edit(claimed, claim.seeds[0].trajectory, "0123456789abcdef")
    monkeypatch.setattr(verifying, "processor", lambda: "another one")
    done = command("verify", claimed)
    assert done.exit_code == EQUAL_IN_SCORE
    assert "reproduced in score, not to the bit" in done.output
    assert "another one" in done.output


@pytest.mark.parametrize(
    ("measured", "same_steps", "elsewhere", "verdict"),
    [
        (50.0, True, "", "equal"),
        (50.0, True, "numpy 1, here 2", "equal"),  # nothing to forgive
        (50.0, False, "", "different"),  # other steps on the same machine
        (50.9, False, "numpy 1, here 2", "equal in score"),
        (51.1, False, "numpy 1, here 2", "different"),  # beyond the tolerance
        (50.1, True, "", "different"),  # same steps and another score: other anchors
    ],
)
def test_verdict_is(measured, same_steps, elsewhere, verdict):
    """The claimed value is 50."""
    assert compared([50.0], [measured], same_steps=same_steps, elsewhere=elsewhere)[0] == verdict


@pytest.mark.slow
def test_failing_code_is_told_with_its_seed(tmp_path):
    """The other seeds are run, and the table has them."""
    code = DENSITY.replace("def __init__(self, scenario):", "def __init__(self, scenario, seed=0):")
    folder = submission(tmp_path / "mine", code=code, per_seed=True)
    make_claims(folder, [], 2, QUICK, quiet)
    (folder / "agent.py").write_text(
        code.replace("        def density", "        1 / (seed - 1)\n        def density")
    )
    done = command("verify", folder, "--run-code")
    assert done.exit_code == DIFFERENT
    assert "tiny, seed 1: failed: it raised" in done.output
    assert "ZeroDivisionError" in done.output
    assert "yes" in done.output


@pytest.mark.slow
def test_draws_that_nobody_seeded_are_found_out(tmp_path):
    """An agent that is not the same twice."""
    acts = "np.array([np.random.choice(np.flatnonzero(one)) for one in masks])"
    code = DENSITY.replace("np.where(masks == 1, self.worth, -1.0).argmax(axis=1)", acts)
    folder = submission(tmp_path / "mine", code=code)
    make_claims(folder, [], 2, QUICK, quiet)
    verdicts = {row.verdict for row in verify_claims(folder, QUICK, quiet)}
    assert "different" in verdicts


def test_a_policy_for_each_track_and_seed_is_taken(tmp_path, scenario):
    """By the placeholders; a missing one is told."""
    folder = submission(tmp_path / "mine", code=None, **POLICY | {"policy": "w/{track}/{seed}"})
    for seed in (0, 1):
        save_actor(folder / "w" / TRACK / str(seed), scenario, seed)
    made = make_claims(folder, [], 2, QUICK, quiet)
    save_actor(folder / "w" / TRACK / "1", scenario, 0)
    rows = verify_claims(folder, QUICK, quiet)
    assert [row.verdict for row in rows] == ["equal", "different", "different"]
    assert made[0].seeds[0].trajectory != made[0].seeds[1].trajectory
    with pytest.raises(ConfigError, match="neither an actor"):
        make_claims(folder, [], 3, QUICK, quiet)


def test_policy_twin_is_taken(tmp_path, scenario, track):
    """In its own format."""
    folder = submission(tmp_path / "mine", code=None, **POLICY)
    names = field_names(scenario)
    network = build_network(names, "slice", hidden=(8,), generator=torch.Generator().manual_seed(0))
    metadata = PolicyMetadata(
        action="slice", field_names=names, hidden=(8,), scenario=TRACK,
        scenario_digest=scenario.digest, default_policy="density", num_decisions=1,
    )  # fmt: skip
    twin = PolicyTwin(network, metadata)
    twin.save(folder / "weights")
    contestant = as_contestant(folder)
    assert contestant.reason_not_eligible(track) is None
    fitted = contestant.fit(track, 0, tmp_path, print)
    here = replace(fitted, policy_for=lambda scenario: twin)
    cell = Cell(TRACK, "mine", 0)
    assert (
        cells.tested(cell, track, fitted, lambda what, share: None).trajectory
        == cells.tested(cell, track, here, lambda what, share: None).trajectory
    )


def test_contestant_is_one_of_the_board(tmp_path, track):
    """It travels to other processes, says what it costs and where it takes part."""
    folder = submission(tmp_path / "mine", cost=None)
    with (folder / MANIFEST_FILE).open("a") as file:
        file.write("[cost]\nsteps = 5\nparameters = 7\n")
    contestant = pickle.loads(pickle.dumps(as_contestant(folder, QUICK)))  # noqa: S301 - our own
    assert (contestant.name, contestant.kind, contestant.description[:6]) == (
        "mine",
        "learned",
        "Admits",
    )
    assert contestant.reason_not_eligible(track) is None
    assert "names tiny" in str(contestant.reason_not_eligible(replace(track, name="other")))
    assert contestant.fit(track, 0, tmp_path, print).cost == Cost(steps=5, parameters=7)
    (folder / MANIFEST_FILE).write_text((folder / MANIFEST_FILE).read_text().replace("mine", "his"))
    with pytest.raises(ConfigError, match="another agent"):
        contestant.fit(track, 0, tmp_path, print)


def test_policy_that_fits_no_scenario_says_so(tmp_path, scenario, track):
    """It sees other fields than the network of the track has."""
    folder = submission(tmp_path / "mine", code=None, **POLICY)
    other = scenario.replace(slices=scenario.slices[:2])
    save_actor(folder / "weights", other)
    assert "sees other fields" in str(as_contestant(folder).reason_not_eligible(track))


def test_claims_that_no_command_wrote_are_kept(claimed):
    """Without the marker nobody knows where the authors' part ends."""
    path = claimed / MANIFEST_FILE
    path.write_text(path.read_text().replace(MARKER, ""))
    before = path.read_text()
    with pytest.raises(ConfigError, match="remove them first"):
        make_claims(claimed, [], 2, QUICK, lambda _: pytest.fail("a cell was run"))
    assert path.read_text() == before


def test_claims_that_cannot_be_written_are_told(claimed, monkeypatch):
    """The work is not lost where the disk is full at its end."""

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(verifying, "write_text", full)
    messages = []
    with pytest.raises(OSError, match="No space left"):
        make_claims(claimed, [], 2, QUICK, quiet, messages.extend)
    assert [one.track for one in messages] == [TRACK]


def test_test_worlds_are_not_met_without_a_reason(claimed, tmp_path):
    """Nor after claims that are not true; then nothing is written down."""
    words = ("verify", claimed, "--family", "test", "--out", tmp_path / "out")
    assert "--why" in command(*words).stderr
    claim = read_manifest((claimed / MANIFEST_FILE).read_bytes()).claims[0]
    edit(claimed, claim.seeds[0].trajectory, "0123456789abcdef")
    assert command(*words, "--why", "to see").exit_code == DIFFERENT
    assert not (tmp_path / "out").exists()
