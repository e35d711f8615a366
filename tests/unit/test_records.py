"""Finished work is kept by name: read first, one line more a result, whatever a kill cut short."""

import os

import pytest

from twin_gym.errors import ConfigError
from twin_gym.files.locks import adding_to
from twin_gym.files.records import Records, read_records, recording
from twin_gym.files.sealed import sealed


def test_what_is_added_is_there_for_the_next_process(tmp_path):
    """By all the members of its name; the last of a name counts."""
    path = tmp_path / "new" / "done.jsonl"
    first = Records(path, "agent", "seed")
    for score in (1.5, 2.5):
        first.add({"agent": "a2c", "seed": 3, "score": score})
    reopened = Records(path, "agent", "seed")
    assert (
        reopened.get("a2c", 3) == first.get("a2c", 3) == {"agent": "a2c", "seed": 3, "score": 2.5}
    )
    assert reopened.get("a2c", 4) is None
    assert len(reopened) == 1
    assert len(read_records(path)) == 2


def test_a_result_is_one_more_line_and_the_others_stay_as_they_are(tmp_path):
    """The file is added to and not written anew: it is the same file, with the same beginning."""
    path = tmp_path / "done.jsonl"
    first = sealed('{"name":"by hand"}') + "\n"
    path.write_text(first)
    inode = path.stat().st_ino
    Records(path, "name").add({"name": "b"})
    assert path.read_text() == first + sealed('{"name": "b"}') + "\n"
    assert path.stat().st_ino == inode


def test_a_line_that_a_kill_cut_short_is_left_out_and_closed(tmp_path):
    """Half a line is no result; what is added next takes its place."""
    path = tmp_path / "done.jsonl"
    path.write_text(sealed('{"name": "a"}') + '\n{"name": "b", "sco')
    done = Records(path, "name")
    assert (len(done), done.get("b")) == (1, None)
    done.add({"name": "c"})
    assert [one["name"] for one in read_records(path)] == ["a", "c"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"no JSON", "line 2: there is no check sum"),
        (b'{"name": "b", "score": 2.0}', "line 2: there is no check sum"),
        (sealed('{"name": "b", "score": 1.0}').replace("1.0", "1.5").encode(), "not that of the"),
        (sealed('{"name": no JSON}').encode(), "line 2, is no JSON"),
        (sealed('{"score": 1.0}').encode(), r"line 2, is no training \(KeyError\('name'\)\)"),
        (sealed('{"name": "b"}').encode(), r"line 2, is no training \(KeyError\('score'\)\)"),
    ],
)
def test_a_damaged_line_is_named_and_not_read_over(tmp_path, line, said):
    """With its number, in one sentence."""
    path = tmp_path / "done.jsonl"
    good = sealed('{"name": "a", "score": 0.5}').encode()
    path.write_bytes(good + b"\n" + line + b"\n" + good + b"\n")
    with pytest.raises(ConfigError, match=said):
        Records(path, "name", what="training", check=lambda record: record["score"])


def test_members_of_a_name_may_be_anything_that_json_says(tmp_path):
    """A list in place of a name is another name and no crash."""
    path = tmp_path / "done.jsonl"
    path.write_text(sealed('{"name": [1]}') + "\n")
    assert Records(path, "name").get("a") is None


def test_one_process_records_at_a_time(tmp_path):
    """The second is told the number of the first; without a file nobody waits."""
    path = tmp_path / "done.jsonl"
    refused = pytest.raises(ConfigError, match=f"process {os.getpid()} is writing")
    with adding_to(path), refused, recording(path, "name"):
        pass
    with recording(path, "name") as done:
        done.add({"name": "a"})
    with recording(None, "name") as in_memory:
        in_memory.add({"name": "a"})
        assert in_memory["a"] == {"name": "a"}
    assert read_records(path) == [{"name": "a"}]
