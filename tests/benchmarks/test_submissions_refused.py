"""A submission is refused with the reason, before anything in it is imported or unpacked."""

import gzip
import io
import os
import pickle
import socket
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.protocol import PROTOCOL
from benchmarks.submissions import checking
from benchmarks.submissions.checking import opened
from benchmarks.submissions.contents import check_content, is_pickle
from benchmarks.submissions.manifest import MAX_MANIFEST_BYTES, read_manifest
from tests.benchmarks.submitting import POLICY, TRACK, manifest, submission, use_tiny_track
from twin_gym.errors import ConfigError


@pytest.fixture(autouse=True)
def _tiny_track(tmp_path, monkeypatch):
    """The only track there is."""
    use_tiny_track(tmp_path, monkeypatch)


class Harmful:
    """A pickle of it would create a file when it is loaded."""

    def __reduce__(self):
        return os.mkdir, ("was-executed",)


def pickled(protocol):
    """A harmful pickle."""
    return pickle.dumps(Harmful(), protocol)


def zipped():
    """A small zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("data.pkl", "x")
    return stream.getvalue()


def array(values, **how):
    """The file of an array."""
    stream = io.BytesIO()
    np.save(stream, values, **how)
    return stream.getvalue()


def tensors(header, data=b""):
    """A file of safetensors with a header of one's own."""
    text = header.encode()
    return struct.pack("<Q", len(text)) + text + data


ONE = '{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'


def put(name, content=b"x"):
    """Writes a file into the folder."""

    def change(folder):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return change


def link(name, target):
    """Puts a symbolic link into the folder."""
    return lambda folder: (folder / name).symlink_to(target)


def sock(folder):
    """Puts a socket into the folder."""
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket may not be long
        try:
            one.bind("talk.txt")
        finally:
            os.chdir(here)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("weights.pkl"), "may hold pickles"),  # by its name
        (put("model.PT"), "may hold pickles"),  # in capitals
        (put("a/b/model.zip", zipped()), "may hold pickles"),  # further down
        (put("numbers.npz"), "may hold pickles"),  # an archive of arrays
        (put("agent.pyc"), "compiled code"),  # what would be run in place of the source
        (put("fast.so", b"\x7fELF"), "of no kind that is allowed"),  # machine code
        (put("weights"), "of no kind that is allowed"),  # no ending at all
        (put("notes.txt", pickled(0)), "is a pickle"),  # the protocol that is text
        (put("notes.md", pickled(4)), "is a pickle"),  # a binary one
        (put("a.json", pickled(2) + b"more"), "is a pickle"),  # with something behind it
        (put("LICENSE", pickled(0) + b"\nmore"), "is a pickle"),  # where no ending is asked for
        (put("w.safetensors", pickled(3)), "is a pickle"),  # called weights
        (put("data.csv", zipped()), "is a zip archive"),  # a zip called otherwise
        (put("code.py", b"print(1)\n" + zipped()), "is a zip archive"),  # Python would run this one
        (put("data.txt", gzip.compress(b"x")), "must be UTF-8"),  # packed
        (put("data.txt", b"a\0b"), "zero byte"),  # binary
        (put("data.txt", "é".encode("latin-1")), "must be UTF-8"),  # another encoding
        (put("x.npy", array(np.array([{}]), allow_pickle=True)), "may be pickled"),  # objects
        (put("x.npy", array(np.zeros(2, "M8[s]"))), "may be pickled"),  # no numbers
        (put("x.npy", array(np.zeros(4))[:-1]), "not as long as"),  # cut short
        (put("x.npy", b"\x93NUMPY\x09\x00"), "no file of an array"),  # an unknown version
        (put("w.safetensors", b"\x01"), "no header"),  # cut short
        (put("w.safetensors", tensors("[]")), "one object"),  # no object
        (put("w.safetensors", tensors(ONE, b"x" * 9)), "do not fill"),  # something behind
        (put("w.safetensors", tensors(ONE.replace("0, 8", "1, 9"), b"x" * 9)), "do not fill"),
        (put("w.safetensors", tensors(ONE.replace("[2]", "[3]"), b"x" * 8)), "no F32"),  # longer
        (put("w.safetensors", tensors(ONE.replace("F32", "OBJ"), b"x" * 8)), "no type"),  # type
        (put("w.safetensors", tensors(f"{ONE[:-1]}, {ONE[1:]}", b"x" * 8)), "stands twice"),
        (put("w.safetensors", struct.pack("<Q", 2**63) + b"{}"), "no header"),  # longer than all
        (link("passwords.txt", "/etc/passwd"), "is a link"),  # out of the folder
        (link("copy.py", "agent.py"), "is a link"),  # within: refused all the same
        (link("up", ".."), "is a link"),  # a folder
        (link("gone.txt", "nowhere"), "is a link"),  # to nothing
        (lambda folder: os.mkfifo(folder / "wait.txt"), "neither a file nor"),  # would wait
        (sock, "neither a file nor"),  # a socket
        (put(".hidden.txt"), "names are of letters"),  # hidden
        (put("-rf.txt"), "names are of letters"),  # an option
        (put("a b.txt"), "names are of letters"),  # a space
        (put("é.txt"), "names are of letters"),  # no ASCII: may look like another one
        (put("a\nb.txt"), "names are of letters"),  # a line break
        (put("x" * 101 + ".txt"), "names are of letters"),  # long
        (put("a/b/c/d/e/f/g.txt"), "at most 6 deep"),  # deep
        (lambda folder: (folder / "agent.toml").unlink(), "no agent.toml"),
        (lambda folder: (folder / "agent.py").unlink(), "names the file agent.py"),
        (put("agent.toml", b"x = 1\n" * MAX_MANIFEST_BYTES), "at most 262,144"),
        (put("agent.toml", b"\xff"), "must be UTF-8"),
    ],
)  # fmt: skip
def test_folder_is_refused(change, reason, tmp_path):
    """Forbidden contents are refused, and nothing of them is executed."""
    folder = submission(tmp_path / "mine", code="raise SystemExit('was imported')")
    change(folder)
    with pytest.raises(ConfigError, match=reason), opened(folder):
        pass
    assert not Path("was-executed").exists()


def test_hard_link_is_refused(tmp_path):
    """A second name of a file outside looks like a plain file."""
    (tmp_path / "secret.txt").write_text("secret")
    folder = submission(tmp_path / "mine")
    (folder / "notes.txt").hardlink_to(tmp_path / "secret.txt")
    with pytest.raises(ConfigError, match="hard link"), opened(folder):
        pass


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("MAX_FILES", 2, "at most 2 files"),  # of three
        ("MAX_FILE_BYTES", 100, "at most 100 are read"),  # a file
        ("MAX_TOTAL_BYTES", 700, "at most 700 bytes in all"),  # all together
    ],
)
def test_too_much_is_refused(limit, value, reason, tmp_path, monkeypatch):
    """Each limit by itself; below all of them the folder is accepted."""
    folder = submission(tmp_path / "mine")
    put("notes.txt", b"x" * 200)(folder)
    with opened(folder):
        pass
    monkeypatch.setattr(checking, limit, value)
    with pytest.raises(ConfigError, match=reason), opened(folder):
        pass


def test_large_file_is_refused_by_its_length(tmp_path):
    """A file of a terabyte of nothing is not read."""
    folder = submission(tmp_path / "mine")
    with (folder / "hole.txt").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ConfigError, match=r"1,099,511,627,776 bytes"), opened(folder):
        pass


CLAIM = f"""
[[claims]]
track = "tiny"
protocol = "{PROTOCOL}"
track_digest = "DIGEST"
family = "validation"
score = 50.0
low = 40.0
high = 60.0
processor = "any"
versions = {{}}
seeds = [
    {{ seed = 0, score = 50.0, trajectory = "0123456789abcdef" }},
    {{ seed = 1, score = 50.0, trajectory = "0123456789abcdef" }},
]
"""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "twin_gym submission 9"}, "format"),  # of tomorrow
        ({"name": None}, "is missing"),  # a key left out
        ({"nane": "mine"}, "did you mean 'name'"),  # a key misspelt
        ({"name": "a/b"}, "must be a letter"),  # a path
        ({"name": "density"}, "agent of the board"),  # somebody else's name
        ({"authors": "A. Person"}, "authors"),  # no list
        ({"authors": []}, "at least 1"),  # nobody
        ({"description": "two\nlines"}, "one line"),
        ({"description": "\u202e"}, "one line"),  # turns the text round
        ({"description": "x" * 501}, "500"),
        ({"licence": 1}, "licence"),  # no text
        ({"kind": "model"}, "kind"),
        ({"entry": None}, "`entry` belongs"),  # code without an entry
        ({"policy": "weights"}, "`policy` belongs"),  # code with weights
        ({"entry": "/tmp/agent:Agent"}, "module:Class"),  # absolute
        ({"entry": "../agent:Agent"}, "module:Class"),  # outside
        ({"entry": "..agent:Agent"}, "module:Class"),  # relative
        ({"entry": "agent"}, "module:Class"),  # no class
        ({"entry": "agent:Agent()"}, "module:Class"),  # a call
        ({"entry": "other:Agent"}, "names the file other.py"),
        (POLICY | {"policy": "/weights"}, "no beginning `/`"),  # absolute
        (POLICY | {"policy": "../weights"}, "`..`"),  # outside
        (POLICY | {"policy": "a/../../b"}, "`..`"),  # in the middle
        (POLICY | {"policy": "C:\\weights"}, "path of a folder"),  # absolute elsewhere
        (POLICY | {"policy": "{name}"}, "path of a folder"),  # another placeholder
        (POLICY | {"policy": "weights/{track}"}, "weights/tiny"),  # not there
        (POLICY | {"per_seed": True}, "has `{seed}`"),  # said in the wrong place
        ({"per_seed": 1}, "per_seed"),  # no boolean
        ({"tracks": []}, "at least 1"),
        ({"tracks": ["tinny"]}, "did you mean 'tiny'"),
        ({"tracks": ["tiny", "tiny"]}, "stands once"),
    ],
)  # fmt: skip
def test_agent_toml_is_refused(changes, reason, tmp_path):
    """Forbidden values are refused."""
    folder = submission(tmp_path / "mine", **changes)
    with pytest.raises(ConfigError, match=reason), opened(folder):
        pass


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (PROTOCOL, "twin_gym board 0", "was made under the protocol 'twin_gym board 0'"),
        (PROTOCOL, "twin_gym board 1", "run `python -m benchmarks claim` again"),
        ("DIGEST", "0" * 16, "another version of the track"),
        ('"validation"', '"test"', "family"),  # claims are not made on test worlds
        ("score = 50.0\n", "score = nan\n", "finite"),
        ("low = 40.0", "low = -inf", "finite|-1000000"),
        ("high = 60.0", 'high = "60"', "high"),  # text
        ("score = 50.0\n", "score = 1e300\n", "1000000"),
        ("seed = 1", "seed = 0", "must be 0, 1, 2"),  # twice the same
        ("seed = 1", "seed = 2", "must be 0, 1, 2"),  # one left out, perhaps a bad one
        ("0123456789abcdef", "0123456789ABCDEF", "hexadecimal"),
        ('track = "tiny"', 'track = "contention"', "unknown track"),
        ("versions = {}", "versions = { numpy = 2 }", "versions"),  # no text
        ("score = 50.0, ", "", "is missing"),
        ("[[claims]]", "[claims]", "claims"),  # a table for a list
        ("[[claims]]", "[[claims]\n", "not valid TOML"),
        ("processor", "procesor", "did you mean 'processor'"),
    ],
)  # fmt: skip
def test_claim_is_refused(old, new, reason, tmp_path, monkeypatch):
    """Claims that no run can make are refused."""
    digest = use_tiny_track(tmp_path, monkeypatch).digest
    good = CLAIM.replace("DIGEST", digest)
    read_manifest((manifest() + good).encode()).check_claims()
    bad = CLAIM.replace(old, new).replace("DIGEST", digest)
    assert bad != good
    with pytest.raises(ConfigError, match=reason):
        read_manifest((manifest() + bad).encode())


def test_missing_claim_is_refused():
    """A track without one."""
    with pytest.raises(ConfigError, match=f"claims nothing for {TRACK}"):
        read_manifest(manifest().encode()).check_claims()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [Harmful(), [1, {"a": "b"}], np.zeros(3)])
def test_pickles_of_all_protocols_are_known(protocol, value):
    """Also those that call nothing."""
    assert is_pickle(pickle.dumps(value, protocol))


@pytest.mark.parametrize(
    "text",
    ["", "Nest.", "N.B. this is text", "I am a text.\n", "# Title\n", "{}", "(a) one.\n(b) two."],
)
def test_text_is_no_pickle(text):
    """Nor where its letters are names of operations."""
    assert not is_pickle(text.encode())


def test_good_files_are_accepted(tmp_path):
    """Weights, arrays and text; the copy has all of them."""
    folder = submission(tmp_path / "mine")
    for change in (
        put("w.safetensors", tensors(ONE, b"x" * 8)),
        put("data/x.npy", array(np.zeros((2, 3), np.float32))),
        put("LICENSE", b"MIT"),
        put("readme.md", "é".encode()),
    ):
        change(folder)
    with opened(folder) as accepted:
        copied = {str(one.relative_to(accepted.files)) for one in accepted.files.rglob("*.*")}
    assert copied == {"agent.toml", "agent.py", "w.safetensors", "data/x.npy", "readme.md"}
    assert not accepted.files.exists()


def test_empty_array_is_accepted():
    """Of any shape."""
    check_content("x.npy", array(np.zeros((0, 3))))
