"""Files are written atomically, under unique names; folders have one writer at a time."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from twin_gym.errors import ConfigError
from twin_gym.files.lines import append_line, append_text
from twin_gym.files.locks import adding_to, in_turn, writing_to
from twin_gym.files.places import check_file, check_folder
from twin_gym.files.whole import replacing, write_bytes, write_text

ROOT = Path(__file__).parents[2]


@pytest.fixture
def umask():
    """A mask that takes rights from the group and all rights from others."""
    before = os.umask(0o027)
    yield
    os.umask(before)


def mode(path):
    """Permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_has_the_rights_that_open_gives(tmp_path, umask):
    """The mask of the process decides, as everywhere."""
    write_text(tmp_path / "ours", "x")
    (tmp_path / "theirs").write_text("x")
    assert mode(tmp_path / "ours") == mode(tmp_path / "theirs") == 0o640


def test_a_replaced_file_keeps_its_rights(tmp_path, umask):
    """Private files stay private, and public ones public."""
    path = tmp_path / "file"
    path.write_text("before")
    for rights in (0o600, 0o664):
        path.chmod(rights)
        write_text(path, "after")
        assert (mode(path), path.read_text()) == (rights, "after")


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit, OSError])
def test_a_failure_leaves_the_former_file_and_nothing_else(tmp_path, failure):
    """Ctrl-C in the middle too."""
    path = tmp_path / "file"
    path.write_text("before")

    def fail():
        with replacing(path) as file:
            file.write(b"half")
            assert path.read_text() == "before"
            raise failure

    with pytest.raises(failure):
        fail()
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "before"


def test_files_of_users_with_likely_names_are_left_alone(tmp_path):
    """No name aside is one that somebody may have."""
    names = [".x.toml.", "aside-x.toml", "x.toml.tmp", "x.tmp", "x.new", "x.toml.new", "x.part"]
    for name in names:
        (tmp_path / name).write_text("mine")
    write_text(tmp_path / "x.toml", "ours")
    assert {(tmp_path / name).read_text() for name in names} == {"mine"}
    assert len(list(tmp_path.iterdir())) == len(names) + 1


def test_a_link_is_replaced_and_not_followed(tmp_path):
    """The target of the link stays."""
    (tmp_path / "target").write_text("mine")
    (tmp_path / "link").symlink_to("target")
    write_text(tmp_path / "link", "ours")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "mine"


def test_the_longest_names_can_be_written(tmp_path):
    """The name aside does not grow with them."""
    path = tmp_path / ("n" * 255)
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


def test_no_writer_but_one_renames_or_has_fixed_names_aside():
    """A new writer takes `twin_gym.files`; folders are renamed by who makes them."""
    allowed = {"twin_gym/files/whole.py", "benchmarks/runner/cluster.py"}
    faults = [
        str(path.relative_to(ROOT))
        for folder in ("twin_gym", "agents", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if any(
            word in path.read_text("utf-8") for word in ('f"aside-', '".new"', '".tmp"', '".part"')
        )
    ]
    assert set(faults) <= allowed


def test_lines_are_added_and_a_torn_one_is_cut_off(tmp_path):
    """A line that a kill cut short is replaced by the next one."""
    path = tmp_path / "deep" / "lines"
    append_line(path, "one")
    with path.open("a") as file:
        file.write("tw")
    append_line(path, "three")
    assert path.read_bytes() == b"one\nthree\n"


def test_text_is_added_at_the_end(tmp_path):
    """To what is there, whether a newline ends it or not."""
    path = tmp_path / "file"
    append_text(path, "a")
    append_text(path, "b\n")
    assert path.read_text() == "ab\n"


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE")
def test_an_addition_that_does_not_fit_leaves_the_file_as_it_was(tmp_path):
    """As where a disk is full in the middle of a line."""
    path = tmp_path / "lines"
    path.write_bytes(b"whole\n")
    code = (
        "import resource, signal, sys, pathlib\n"
        "from twin_gym.files.lines import append_line\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "append_line(pathlib.Path(sys.argv[1]), 'x' * 1000)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False, cwd=ROOT,
                          capture_output=True, text=True)  # fmt: skip
    assert "File too large" in done.stderr
    assert path.read_bytes() == b"whole\n"


def elsewhere(code, *arguments):
    """Runs a few lines in another process."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)


WRITE = (
    "import sys, pathlib\n"
    "from twin_gym.files.locks import writing_to\n"
    "with writing_to(pathlib.Path(sys.argv[1])):\n    print('alone')\n"
)


def test_a_second_writer_is_refused_by_the_number_of_the_first(tmp_path):
    """While the first one writes, and not afterwards."""
    with writing_to(tmp_path):
        refused = elsewhere(WRITE, tmp_path)
    assert f"process {os.getpid()} is writing to" in refused.stderr
    assert elsewhere(WRITE, tmp_path).stdout == "alone\n"


def test_a_lock_of_a_dead_process_holds_nobody_up(tmp_path):
    """However it died: the file stays, the right is gone."""
    code = WRITE.replace("print('alone')", "import os; os._exit(9)")
    assert elsewhere(code, tmp_path).returncode == 9
    with writing_to(tmp_path):
        pass


def test_two_files_of_a_folder_are_added_to_side_by_side(tmp_path):
    """Each has a lock of its own, and the message names the option."""
    with adding_to(tmp_path / "a"), adding_to(tmp_path / "b", "--out"):
        with (
            pytest.raises(ConfigError, match="another file with --kept"),
            adding_to(tmp_path / "a"),
        ):
            pass
        with (
            pytest.raises(ConfigError, match="another file with --out"),
            adding_to(tmp_path / "b", "--out"),
        ):
            pass


def test_lines_that_are_added_in_turn_are_all_there(tmp_path):
    """Eight at once, each with its own."""

    def add(k):
        for _ in range(20):
            with in_turn(tmp_path / "lock"):
                append_line(tmp_path / "lines", str(k) * 100)

    threads = [threading.Thread(target=add, args=(k,)) for k in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    lines = (tmp_path / "lines").read_bytes().splitlines()
    assert len(lines) == 160
    assert {len(line) for line in lines} == {100}


def test_places_that_cannot_receive_a_file_are_refused(tmp_path):
    """Each for its own reason; and nothing is left by the look."""
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "input.toml").write_text("x")
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    (tmp_path / "same.toml").symlink_to("input.toml")
    before = sorted(tmp_path.iterdir())
    for name, reason in {
        "x.png": "must end in .toml",
        "folder.toml": "is a folder",
        "pipe.toml": "no ordinary file",
        "none/x.toml": "there is no folder",
        "file/x.toml": "there is no folder",
        "input.toml": "named twice",
        "same.toml": "named twice",
        "n" * 300 + ".toml": "File name too long",
        "nul\0.toml": "cannot be written",
    }.items():
        with pytest.raises(ConfigError, match=reason):
            check_file(
                tmp_path / name, [".toml"], apart_from=[tmp_path / "input.toml", "contention"]
            )
    check_file(tmp_path / "loop.toml", [".toml"], apart_from=[tmp_path / "input.toml"])
    check_file(tmp_path / "deep" / "er" / "x.toml", makes_folder=True)
    assert sorted(tmp_path.iterdir()) == before


def test_places_that_cannot_be_folders_are_refused(tmp_path):
    """Under a file, in one that nobody can make files in, too long."""
    (tmp_path / "file").write_text("x")
    for place in (
        tmp_path / "file",
        tmp_path / "file" / "x",
        Path("/proc/x"),
        tmp_path / ("n" * 300),
    ):
        with pytest.raises(ConfigError):
            check_folder(place)
    with pytest.raises(ConfigError, match="there is no folder"):
        check_folder(tmp_path / "a" / "b", with_parents=False)
    check_folder(tmp_path / "a" / "b")
    check_folder(Path())
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_closed_places_are_refused(tmp_path):
    """A folder, and a file, without the right to write."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").chmod(0o444)
    with pytest.raises(ConfigError, match="denied"):
        check_file(tmp_path / "file")
    tmp_path.chmod(0o555)
    with pytest.raises(ConfigError, match="denied"):
        check_file(tmp_path / "new")
    with pytest.raises(ConfigError, match="denied"):
        check_folder(tmp_path / "new")
    tmp_path.chmod(0o755)


def test_what_is_no_file_is_not_replaced(tmp_path):
    """A rename would put a file in the place of a device, as which it is then lost to all."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, reason in ((pipe, "no ordinary file"), (tmp_path, "is a folder")):
        with pytest.raises(ConfigError, match=reason):
            write_bytes(path, b"x")
    assert pipe.is_fifo()
    assert [one.name for one in tmp_path.iterdir()] == ["pipe"]
