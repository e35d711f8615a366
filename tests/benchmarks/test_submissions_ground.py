"""Files and code that scores rest on are unchanged by a submission, or nothing of it counts."""

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.anchors import as_toml
from benchmarks.protocol import Anchors, digest_of_anchors, read_anchors
from benchmarks.submissions import commands, ground, running
from benchmarks.submissions.commands import EQUAL
from benchmarks.submissions.confining import landlock_version
from benchmarks.submissions.ground import ChangedError, unchanged
from benchmarks.submissions.manifest import MANIFEST_FILE, read_manifest
from benchmarks.submissions.running import SubmissionError
from benchmarks.submissions.verifying import make_claims, verify_claims
from tests.benchmarks.submitting import DENSITY, POLICY, QUICK, submission, use_tiny_track
from tests.benchmarks.test_submissions_confined import UNCONFINED
from twin_gym.console.error_reporting import FAILED
from twin_gym.errors import ConfigError


@pytest.fixture(name="track", autouse=True)
def _track(tmp_path, monkeypatch):
    """The only track there is, and a checkout of its own: other tests write into the real one."""
    checkout = tmp_path / "checkout"
    for place in ("twin_gym/presets", "agents", "benchmarks/results", "benchmarks/__pycache__"):
        (checkout / place).mkdir(parents=True)
        (checkout / place / "file.py").write_text("ours\n")
    monkeypatch.setattr(ground, "_CHECKOUT", checkout)
    monkeypatch.setattr(ground, "_RESULTS", checkout / "benchmarks" / "results")
    return use_tiny_track(tmp_path, monkeypatch)


def quiet(cell):
    """Says nothing."""


def editing(line):
    """The rule of the other tests, which does something else when it is made."""
    return DENSITY.replace("        def density", f"        {line}\n        def density", 1)


HIGHER = "text = open({file!r}).read(); open({file!r}, 'w').write(text.replace('30.0', '20.0'))"
EDITS = {
    "anchors": HIGHER,
    "anchors, and back": HIGHER + "; open({file!r}, 'w').write(text)",
    "anchors, by another file": (
        "import os; open('mine', 'w').write('x'); os.replace('mine', {file!r})"
    ),
    "anchors, gone": "import os; os.unlink({file!r})",
    "a pipe": "import os; os.unlink({file!r}); os.mkfifo({file!r})",
    "the scenario": "open({root!r} + '/tiny.toml', 'a').write('# more')",
    "a scenario that is none": "open({root!r} + '/tiny.toml', 'w').write('[[')",
    "a preset": "open({root!r} + '/checkout/twin_gym/presets/file.py', 'a').write('more')",
    "code": "open({root!r} + '/checkout/benchmarks/file.py', 'w').write('other')",
    "more code": "open({root!r} + '/checkout/agents/new.py', 'w').write('new')",
}


@pytest.fixture(name="paths")
def _paths(tmp_path):
    """Where the files of this test lie; there is code in each folder."""
    (tmp_path / "checkout" / "benchmarks" / "file.py").write_text("ours\n")
    return {"file": str(tmp_path / "anchors.toml"), "root": str(tmp_path)}


@pytest.mark.parametrize("line", EDITS.values(), ids=EDITS.keys())
def test_what_code_edits_while_it_runs_ends_the_claim(line, paths, tmp_path, monkeypatch):
    """On a system that keeps it from nothing; no claim is written."""
    monkeypatch.setattr(running, "_SUPERVISE", UNCONFINED)
    folder = submission(tmp_path / "mine", code=editing(line.format(**paths)))
    before = (folder / MANIFEST_FILE).read_text()
    with pytest.raises(ChangedError, match=r"changed while the submission ran.*git status"):
        make_claims(folder, [], 2, QUICK, quiet)
    assert (folder / MANIFEST_FILE).read_text() == before


def test_what_code_edits_while_it_runs_ends_the_verifying(paths, tmp_path, monkeypatch):
    """With an honest claim before; the command ends with a code that is not 0."""
    monkeypatch.setattr(running, "_SUPERVISE", UNCONFINED)
    folder = submission(tmp_path / "mine")
    make_claims(folder, [], 2, QUICK, quiet)
    (folder / "agent.py").write_text(editing(EDITS["anchors, and back"].format(**paths)))
    done = CliRunner().invoke(app, ["verify", str(folder), "--run-code"])
    assert done.exit_code == FAILED
    assert "anchors" in done.stderr
    assert "reproduced to the last bit" not in done.output


@pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock")
def test_where_files_are_kept_from_it_the_edit_fails_and_nothing_changed(paths, tmp_path):
    """The submission is told why, and the anchors are as they were."""
    before = Path(paths["file"]).read_bytes()
    folder = submission(tmp_path / "mine", code=editing(HIGHER.format(**paths)))
    with pytest.raises(SubmissionError, match="PermissionError"):
        make_claims(folder, [], 2, QUICK, quiet)
    assert Path(paths["file"]).read_bytes() == before


def test_results_and_compiled_caches_may_change(track, tmp_path):
    """They are written by who runs it."""
    with unchanged([track]):
        for place in ("benchmarks/results/new.jsonl", "benchmarks/__pycache__/file.pyc"):
            (tmp_path / "checkout" / place).write_text("new")
        (tmp_path / "checkout" / "agents" / "file.nbi").write_text("new")


def run_and_change(track, path, text, after=None):
    """A run in whose time a file is written."""
    with unchanged([track]):
        about = path.stat() if path.exists() else None
        path.write_text(text)
        if after is not None:
            raise after
        if about is not None:
            os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def test_a_change_is_told_also_where_the_run_fails(track, tmp_path):
    """A failed run is checked too, as the submission may have caused it."""
    path = tmp_path / "checkout" / "agents" / "odd\x1bname.py"
    with pytest.raises(ChangedError, match=re.escape("agents/odd\\x1bname.py changed")):
        run_and_change(track, path, "new", SubmissionError("it failed"))


def test_time_that_is_set_back_hides_nothing(track, tmp_path):
    """The time of the content can be set, that of the change cannot."""
    with pytest.raises(ChangedError, match=r"agents/file.py"):
        run_and_change(track, tmp_path / "checkout" / "agents" / "file.py", "ours\n")


def other_anchors(tmp_path, track, bound=20.0, proof="none"):
    """Those of the track, with another bound or another origin."""
    digest = track.test_scenarios()[0].digest
    anchors = Anchors(track.name, digest, "revenue", 10.0, 0.1, bound, "LP", proof)
    (tmp_path / "anchors.toml").write_text(as_toml([anchors]))
    read_anchors.cache_clear()


def test_claims_between_other_anchors_are_refused(tmp_path, track):
    """With the digest of both; where they come from is no part of it."""
    folder = submission(tmp_path / "mine")
    (claim,) = make_claims(folder, [], 2, QUICK, quiet)
    assert claim.anchors_digest == digest_of_anchors(track)
    other_anchors(tmp_path, track, 30.0, proof="another one")
    assert read_manifest((folder / MANIFEST_FILE).read_bytes()).claims == (claim,)
    other_anchors(tmp_path, track)
    with pytest.raises(ConfigError, match=rf"between other anchors \({claim.anchors_digest}, here"):
        verify_claims(folder, QUICK, quiet)


@pytest.fixture(name="run")
def _run(monkeypatch):
    """Grows with each submission that is run, which none is."""
    run = []
    monkeypatch.setattr("benchmarks.submissions.verifying.rows_of", lambda *_: run.append(1) or [])
    return run


def test_code_is_not_run_without_a_word(tmp_path, run):
    """Where nobody can be asked, an option is needed; what would keep the code in is said."""
    folder = str(submission(tmp_path / "mine"))
    done = CliRunner().invoke(app, ["verify", folder])
    assert done.exit_code == FAILED
    assert "--run-code" in done.stderr
    assert not run
    done = CliRunner().invoke(app, ["verify", folder, "--run-code"])
    assert (done.exit_code, len(run)) == (EQUAL, 1)
    assert running.confinement() in done.output


def test_somebody_who_is_there_is_asked(tmp_path, monkeypatch, run):
    """And nothing is run after another answer than yes."""
    monkeypatch.setattr(commands, "_somebody_is_there", lambda: True)
    folder = str(submission(tmp_path / "mine"))
    done = CliRunner().invoke(app, ["verify", folder], input="n\n")
    assert (done.exit_code, "nothing was run" in done.stderr) == (FAILED, True)
    assert not run
    assert CliRunner().invoke(app, ["verify", folder], input="y\n").exit_code == EQUAL
    assert len(run) == 1


def test_a_policy_needs_no_word(tmp_path, run):
    """Nothing of it is run."""
    folder = tmp_path / "mine"
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "actor.json").write_text("{}")
    submission(folder, code=None, **POLICY)
    assert CliRunner().invoke(app, ["verify", str(folder)]).exit_code == EQUAL
    assert len(run) == 1
