"""`twin-gym signalling`: what it records, reads, answers and explains, and what it refuses."""

import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from twin_gym.cli import app
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.presets import load
from twin_gym.twins.signalling.why import rejections
from twin_gym.twins.signalling.wire import read_pcap

MIX = "10 registrations, 8 sessions, 3 handovers"
CROWDED = ("-s", "signalling-four-slices", "--seed", 3, "--set", "slices.massive.max_sessions=0")


def run(*arguments, code=0):
    """Runs the command at 80 columns; returns its output: results, or errors where it fails."""
    result = CliRunner(env={"COLUMNS": "80", "TERM": "dumb"}).invoke(
        app, ["signalling", *map(str, arguments)]
    )
    assert result.exit_code == code, result.output
    if "--json" not in arguments:
        assert max(map(len, result.stdout.splitlines()), default=0) <= 80
    return result.stdout if code == 0 else result.stderr


def row(said, first):
    """The cells of the row of a table that begins with a word."""
    return next(line.split() for line in said.splitlines() if line.split()[:1] == [first])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A capture and a log of the same crowded world, and what was said of it."""
    folder = tmp_path_factory.mktemp("signalling")
    files = folder / "core.pcap", folder / "core.npz"
    said = run(
        "record", "--output", files[0], "-o", files[1], "--mix", MIX, *CROWDED
    )  # fmt: skip
    return *files, said


@pytest.mark.parametrize("command", [[], ["record"], ["decode"], ["answer"], ["train"], ["why"]])
def test_help_is_for_80_columns(command):
    """Every command explains itself, and no sentence of the overview is cut off."""
    said = run(*command, "--help")
    assert "Usage" in said
    assert "..." not in said.replace("[ARGS]...", "")


def test_mix_is_recorded_and_counted(recorded):
    """What was asked for is what happened, by procedure and by slice; repetitions count too."""
    _, _, said = recorded
    for name, count in (("registrations", 10), ("sessions", 8), ("handovers", 3)):
        cells = row(said, name)
        assert cells[1] == str(count)
        assert int(cells[2]) >= count
    assert row(said, "releases")[1:3] == ["0", "0"]
    slices = [row(said, name) for name in ("immersive", "hrllc", "massive", "ubiquitous")]
    assert sum(int(cells[2]) for cells in slices) == int(row(said, "sessions")[2])
    assert row(said, "massive")[3] == "0"


def test_mix_alone_happens_exactly():
    """Without a scenario of failures: every procedure is completed, once."""
    said = run("record", "--mix", "100 registrations, 30 sessions, 10 handovers")
    for name, count in (("registrations", "100"), ("sessions", "30"), ("handovers", "10")):
        assert row(said, name)[1:] == [count, count, count, "0"]


def test_capture_and_log_hold_the_same_messages(recorded):
    """But for the time, which counts from the first message, and the numbers of UEs."""
    capture, path, _ = recorded
    from_bytes, kept = read_pcap(capture), MessageLog.load(path)
    np.testing.assert_array_equal(from_bytes.column("kind"), kept.column("kind"))
    np.testing.assert_array_equal(from_bytes.column("decision"), kept.column("decision"))
    assert from_bytes.slices == kept.slices


def test_record_tells_as_json_what_the_tables_tell(recorded):
    """The same world gives the same counts."""
    said = json.loads(run("record", "--mix", MIX, "--json", *CROWDED))
    assert said["procedures"]["sessions"]["asked"] == int(row(recorded[2], "sessions")[2])
    assert [one["s_nssai"] for one in said["slices"]] == ["1-000001", "2", "3", "1-000002"]
    assert said["files"] == []


def test_horizon_that_is_too_short_for_the_mix_is_told(tmp_path):
    """On standard error; the exit code is that of success."""
    result = CliRunner(env={"COLUMNS": "80"}).invoke(
        app, ["signalling", "record", "--mix", "9 registrations, 9 handovers", "--horizon-s", "2"]
    )
    assert result.exit_code == 0
    assert "raise --horizon-s" in " ".join(result.stderr.split())


def test_messages_are_shown_with_numbers_and_what_they_carry(recorded):
    """Of one UE, and no more than asked for."""
    capture, _, _ = recorded
    said = run("decode", capture, "--ue", 0, "--most", 6)
    first = next(line for line in said.splitlines() if "Registration request" in line)
    assert first.split()[3:5] == ["N1", "up"]
    assert "more: give --most 0" in said
    document = json.loads(run("decode", capture, "--ue", 0, "--json"))
    assert document["not_understood"] == {}
    assert {one["ue"] for one in document["messages"]} == {0}
    assert document["messages"][0]["kind"] == "InitialUEMessage[Registration request]"
    assert "SUCI" in document["messages"][0]["presence"]


def test_decoded_capture_is_kept_as_a_log(recorded, tmp_path):
    """Which the other commands read without pycrate."""
    path = tmp_path / "kept.npz"
    run("decode", recorded[0], "--output", path)
    assert len(MessageLog.load(path)) == len(read_pcap(recorded[0]))


def test_capture_is_not_decoded_into_itself(recorded):
    """What was not understood of it would be gone."""
    before = recorded[0].read_bytes()
    said = run("decode", recorded[0], "-o", recorded[0], code=2)
    assert "core.pcap" in said
    assert recorded[0].read_bytes() == before


@pytest.mark.parametrize("command", ["decode", "why"])
def test_ue_that_is_not_in_the_log_is_named(command, recorded):
    """With those that are."""
    assert "has no UE 999: its UEs are 0 to" in run(command, recorded[1], "--ue", 999, code=2)


def test_rejections_are_explained_as_the_library_explains_them(recorded):
    """Cause, slice, in use and free; a capture needs the scenario for the limits."""
    capture, path, _ = recorded
    scenario = load("signalling-four-slices")
    changes = "--set", "slices.massive.max_sessions=0"
    document = json.loads(run("why", path, *changes, "--scenario", scenario.name, "--json"))
    limited = scenario.replace(
        slices=tuple(
            one.replace(max_sessions=0) if one.name == "massive" else one for one in scenario.slices
        )
    )
    found = rejections(MessageLog.load(path), limited)
    assert [(one["time_s"], one["cause"], one["free"]) for one in document["rejections"]] == [
        (one.time_s, one.cause, one.free) for one in found
    ]
    assert document["limits_known"]
    said = run("why", capture, "--scenario", scenario.name, *changes)
    assert f"{len(found)} sessions rejected" in said
    assert "69, Insufficient" in said
    assert "massive 0" in " ".join(said.split())


def test_capture_of_an_unknown_network_is_explained_without_limits(recorded):
    """Slices are called by their S-NSSAI."""
    said = run("why", recorded[0])
    assert "slice-3" in said
    assert "not known" in said
    assert json.loads(run("why", recorded[0], "--json"))["limits_known"] is False


def test_log_without_rejection_says_so(tmp_path):
    """In a sentence."""
    path = tmp_path / "calm.npz"
    run("record", "-s", "signalling-single-slice", "--ues", 1, "--horizon-s", 20, "-o", path)
    assert "No PDU session was rejected." in run("why", path)


def test_core_answers_a_message_of_the_capture(recorded):
    """As it did, or as another decision would have it."""
    capture, _, _ = recorded
    log = read_pcap(capture)
    number = 1 + next(
        place for place in range(len(log)) if "establishment request" in log[place].name
        and log[place].decision == 0
    )  # fmt: skip
    said = run("answer", capture, "--message", number)
    assert "PFCP Session Establishment Request" in " ".join(said.split())
    refused = run("answer", capture, "--message", number, "--decision", "5GSM 69")
    assert "PDU session establishment reject" in " ".join(refused.split())
    document = json.loads(run("answer", capture, "--message", number, "--json"))
    assert document["answers"][0]["presence"] == ["F-SEID", "Create PDR"]
    assert document["request"]["decision"] == 0


def test_last_message_of_a_ue_is_answered_unless_another_is_named(recorded):
    """Also where the core waits for more."""
    log = MessageLog.load(recorded[1])
    said = run("answer", recorded[1])
    number = int(said.split()[1].replace(",", ""))
    assert not log[number - 1].described.is_from_core
    assert all(log[place].described.is_from_core or log[place].ue < 0
               for place in range(number, len(log)))  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["record", "--mix", "30 sessions"], "a mix needs registrations"),
        (["record", "--mix", "ten registrations"], "a count and a procedure"),
        (["record", "--mix", "1 registration, 2 handoffs"], "did you mean 'handovers'"),
        (["record", "--mix", "1 registration, 2 registrations"], "twice in the mix"),
        (["record", "-o", "core.txt"], "must end in .pcap or .npz"),
        (["record", "-s", "four-slices"], "did you mean 'signalling-four-slices'"),
        (["record", "--set", "slices.hrllc.max_session=1"], "did you mean 'max_sessions'"),
        (["decode", "absent.pcap"], "there is no capture 'absent.pcap'"),
        (["decode", "absent.npz"], "there is no log 'absent.npz'"),
        (["answer", "FILE", "--message", "999999"], "there is no number 999,999"),
        (["answer", "FILE", "--message", "1"], "choose another message"),
        (["answer", "FILE", "--decision", "no"], "'granted' or a cause"),
        (["answer", "FILE", "--decision", "5GSM 1"], "unknown cause '5GSM 1'"),
        (["why", "FILE", "-s", "signalling-single-slice"], "name the scenario of this network"),
        (["why", "FILE", "--set", "num_ues=3"], "name it by --scenario"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments, said, recorded):
    """With what is allowed; the exit code is 2."""
    named = [str(recorded[0]) if one == "FILE" else one for one in arguments]
    error = run(*named, code=2)
    assert said in error
    assert error.count("\n") == 1


def test_missing_extra_is_told_with_the_command(recorded, monkeypatch, tmp_path):
    """Captures need pycrate; logs do not."""
    for name in ("pycrate_asn1dir", "pycrate_mobile"):
        monkeypatch.setitem(sys.modules, name, None)
    error = run("decode", recorded[0], code=2)
    assert 'pip install "twin-gym[signalling]"' in error
    assert "messages" in run("decode", recorded[1], "--most", 3)
    error = run("record", "--ues", 1, "--horizon-s", 5, "-o", tmp_path / "x.pcap", code=2)
    assert 'pip install "twin-gym[signalling]"' in error


def test_twin_is_trained_and_answers(tmp_path):
    """Scores beside the grammar's violations; the training leaves the two files of the twin."""
    log, folder = tmp_path / "core.npz", tmp_path / "twin"
    run("record", "-s", "signalling-single-slice", "--ues", 8, "--horizon-s", 500, "-o", log)
    size = ("--steps", 5, "--width", 16, "--layers", 1, "--window", 12, "--network", "lstm")
    said = run("train", log, "-o", folder, *size)
    assert row(said, "grammar")[-1] == "0.0000"
    assert row(said, "free")[-1] > "0.0000"
    assert {one.name for one in folder.iterdir()} == {"message.json", "message.safetensors"}
    told = json.loads(run("answer", log, "--twin", folder, "--json"))
    assert "up" in told["request"]["link"]
    assert all("down" in one["link"] for one in told["answers"])
    scores = json.loads(run("train", log, "-o", folder, *size, "--json"))["scores"]
    assert scores["grammar"]["violations"] == 0.0


def test_stopped_judging_costs_no_training(tmp_path, monkeypatch):
    """The same command finds the last checkpoint, and leaves the two files of the twin."""
    from twin_gym.twins.signalling.learned.fidelity import MessageFidelity

    def stop(*_, **__):
        raise KeyboardInterrupt

    log, folder = tmp_path / "core.npz", tmp_path / "twin"
    run("record", "-s", "signalling-single-slice", "--ues", 8, "--horizon-s", 500, "-o", log)
    size = ("--steps", 100, "--width", 8, "--layers", 1, "--window", 4, "--network", "lstm")
    with monkeypatch.context() as patched:
        patched.setattr(MessageFidelity, "of", stop)
        run("train", log, "-o", folder, *size, code=130)
    assert (folder / "training.safetensors").exists()
    run("train", log, "-o", folder, *size)
    assert {one.name for one in folder.iterdir()} == {"message.json", "message.safetensors"}


def test_twin_that_is_not_there_is_named(recorded, tmp_path):
    """With its path; a log of one UE is not split."""
    assert "message.json" in run("answer", recorded[1], "--twin", tmp_path, code=2)
    log = tmp_path / "one.npz"
    run("record", "-s", "signalling-single-slice", "--ues", 1, "--horizon-s", 60, "-o", log)
    assert "cannot be split" in run("train", log, "-o", tmp_path / "twin", code=2)
