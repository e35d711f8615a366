"""The file of results: whole after a kill, one writer, nothing twice, nothing outdated."""

import json
import time
from dataclasses import replace

import pytest

from benchmarks.cell import Cell, Result
from benchmarks.protocol import PROTOCOL
from benchmarks.store import Store
from twin_gym.errors import ConfigError
from twin_gym.files.sealed import sealed

NOW, BEFORE = "0" * 16, "1" * 16


def result(seed: int = 0, track: str = "mild", agent: str = "fifo", digest: str = NOW) -> Result:
    """One with a value that has no short decimal form."""
    earned = {track: [1 / 3 + seed] * 32}
    return Result(PROTOCOL, Cell(track, agent, seed), digest, earned, "f" * 16, {})


@pytest.fixture
def store(tmp_path):
    """An empty one whose tracks all have the digest `NOW`."""
    return Store(tmp_path / "board", lambda track: NOW)


def fill(store: Store, *results: Result) -> None:
    """Appends them."""
    with store.writing() as writer:
        for one in results:
            writer.append(one)


def test_results_are_read_back_to_the_last_bit(store):
    """By their cells; before the first one there are none."""
    assert store.read() == {}
    fill(store, result(0), result(1))
    assert store.read() == {one.cell: one for one in (result(0), result(1))}


def test_a_file_cut_anywhere_keeps_its_whole_lines_and_is_continued(store, monkeypatch):
    """Wherever a kill cuts: what is whole is kept, the rest is done again."""
    monkeypatch.setattr("os.fsync", lambda file: None)  # hundreds would take long
    fill(store, result(0), result(1))
    whole = store.path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in sorted({*range(0, len(whole), 31), first - 1, first, first + 1, len(whole) - 1}):
        store.path.write_bytes(whole[:end])
        kept = store.read()
        assert list(kept) == [Cell("mild", "fifo", 0)] * (end >= first)
        fill(store, *(one for one in (result(0), result(1)) if one.cell not in kept))
        assert store.path.read_bytes() == whole


def test_a_cell_that_is_done_is_refused(store):
    """In the same session and in a later one; the first result stays."""
    fill(store, result(0))
    content = store.path.read_bytes()
    with pytest.raises(ConfigError, match="has a result already"):
        fill(store, result(0))
    with pytest.raises(ConfigError, match="has a result already"):
        fill(store, result(1), result(1))
    assert store.path.read_bytes().startswith(content)


def test_a_line_that_is_there_twice_is_refused(store):
    """As a merge of two branches may leave it: with the numbers of both lines."""
    fill(store, result(0), result(1))
    lines = store.path.read_text().splitlines(keepends=True)
    store.path.write_text("".join([*lines, lines[0]]))
    with pytest.raises(ConfigError, match=r"line 3: .* in line 1 already"):
        store.read()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (sealed('{"protocol": "twin_gym board 0"}'), "run the cell again"),  # another protocol
        (sealed('{"protocol": "twin_gym board 1"}'), "no result"),  # something is missing
        ('{"protocol"', "no check sum"),  # damaged
        (result(1).to_json(), "no check sum"),  # taken away, or from before there were sums
        ("", "no check sum"),  # empty
        ("\x00\x00", "no check sum"),  # what a crash of the system may leave
    ],
)
def test_a_damaged_or_foreign_line_is_refused_with_its_number(store, line, said):
    """Neither read over nor written after."""
    fill(store, result(0), result(1))
    first, second = store.path.read_text().splitlines(keepends=True)
    store.path.write_text(f"{first}{line}\n{second}")
    for use in (store.read, lambda: fill(store, result(2))):
        with pytest.raises(ConfigError, match=rf"results.jsonl, line 2: .*{said}"):
            use()


def test_any_flipped_bit_and_any_changed_digit_is_found_and_told(store):
    """In whatever place of whatever line; none changes a score in silence."""
    fill(store, result(0), result(1))
    whole = store.path.read_bytes()
    damaged = [
        whole[:k] + bytes([whole[k] ^ 1 << k % 8]) + whole[k + 1 :] for k in range(len(whole))
    ]
    digits = [k for k in range(len(whole)) if whole[k : k + 1].isdigit()]
    damaged += [
        whole[:k] + b"%d" % ((int(whole[k : k + 1]) + 1) % 10) + whole[k + 1 :] for k in digits
    ]
    for content in damaged:
        store.path.write_bytes(content)
        with pytest.raises(
            ConfigError, match=r"results.jsonl(, line [12])?: .*run what it was about"
        ):
            store.read()
        with pytest.raises(ConfigError), store.writing():
            pass
        assert store.path.read_bytes() == content


def test_bytes_that_are_no_text_are_refused(store):
    """With the number of the line."""
    fill(store, result(0))
    with store.path.open("ab") as file:
        file.write(b"\xff\xfe\n")
    with pytest.raises(ConfigError, match="line 2"):
        store.read()


def test_results_of_a_former_track_do_not_count_and_are_replaced(store):
    """They are read, but not as current; a new result takes their place."""
    old = Store(store.folder, lambda track: BEFORE)
    fill(old, result(0, digest=BEFORE), result(1, digest=BEFORE))
    assert len(store.read()) == 2
    assert store.current() == {}
    fill(store, result(0))
    assert store.current() == {result(0).cell: result(0)}
    with store.writing() as writer:
        writer.tidy()
    assert store.read() == {one.cell: one for one in (result(0), result(1, digest=BEFORE))}
    assert len(store.path.read_text().splitlines()) == 2


def test_a_result_of_another_checkout_is_refused(store):
    """A host with other scenarios does not get its results in."""
    with pytest.raises(ConfigError, match="same checkout"):
        fill(store, result(0, digest=BEFORE))
    assert store.read() == {}


def test_results_of_a_track_that_is_gone_do_not_count(tmp_path):
    """The digest of no track is no digest."""
    fill(Store(tmp_path, lambda track: NOW), result(0))
    assert Store(tmp_path, lambda track: None).current() == {}


def test_one_process_at_a_time_writes(store):
    """A second one is told who does and what to do; reading goes on; then it is its turn."""
    with store.writing() as writer:
        with (
            pytest.raises(ConfigError, match=r"process \d+ is writing to .*--out"),
            Store(store.folder).writing(),
        ):
            pass
        writer.append(result(0))
        assert len(store.read()) == 1
    fill(store, result(1))


def test_a_tidy_file_is_sorted_by_track_agent_and_seed(store):
    """The order of the file does not depend on the order of running, so that diffs are small."""
    some = [result(2), result(10), result(0, agent="density"), result(1, track="burst")]
    fill(store, *some)
    with store.writing() as writer:
        writer.tidy()
    cells = [json.loads(line)["cell"] for line in store.path.read_text().splitlines()]
    assert [(c["track"], c["agent"], c["seed"]) for c in cells] == [
        ("burst", "fifo", 1), ("mild", "density", 0), ("mild", "fifo", 2), ("mild", "fifo", 10),
    ]  # fmt: skip
    assert store.read() == {one.cell: one for one in some}


def test_what_is_to_be_run_again_is_forgotten_with_its_training(store):
    """The training too, unless only the test is repeated."""
    tested = replace(result(1), cell=Cell("mild", "fifo", 1, "test"))
    fill(store, result(0), result(1), tested)
    for seed in (0, 1):
        (store.folder_of(Cell("mild", "fifo", seed)) / "actor").mkdir(parents=True)
    with store.writing() as writer:
        assert writer.forget([result(0).cell, tested.cell, result(7).cell]) == 2
    assert list(store.read()) == [result(1).cell]
    assert not store.folder_of(result(0).cell).exists()
    assert store.folder_of(tested.cell).exists()


def test_two_thousand_lines_are_read_in_less_than_a_second(store):
    """Of processor time; a tenth is usual."""
    lines = [
        sealed(result(seed, agent=f"a{k}").to_json()) for seed in range(200) for k in range(10)
    ]
    store.folder.mkdir()
    store.path.write_text("\n".join(lines) + "\n")
    began = time.process_time()
    assert len(store.current()) == 2000
    assert time.process_time() - began < 1.0
