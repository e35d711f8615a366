"""`twin-gym kind` and `twin-gym new-environment`: what is told, and what is refused in a line."""

import pytest
from typer.testing import CliRunner

from twin_gym.cli import app
from twin_gym.cli.plain_view import PlainView
from twin_gym.environments.kinds import FACETS, EnvironmentKind, kinds

WIDTHS = [60, 80, 120]


def output_of(*command, code=0, columns=200):
    """Runs a command; returns its output on both streams."""
    done = CliRunner().invoke(app, command, env={"COLUMNS": str(columns)})
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize("columns", WIDTHS)
def test_kinds_are_listed(columns):
    """Each with its id and its package, of which no name is broken."""
    output = output_of("kind", columns=columns)
    assert max(map(len, output.splitlines())) <= columns
    for one in kinds():
        assert one.name in output
        assert one.id in output
        assert one.package in output


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("kind", kinds(), ids=lambda one: one.name)
def test_facets_of_a_kind_are_listed(kind, columns):
    """Each with its status, its file and its meaning, of which no name is broken."""
    lines = output_of("kind", kind.name, columns=columns).splitlines()
    assert max(map(len, lines)) <= columns
    starts = [place for place, line in enumerate(lines) if line.partition(" ")[0] in FACETS]
    assert len(starts) == len(FACETS)
    rows = [lines[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
    for (name, facet), row in zip(FACETS.items(), rows, strict=True):
        assert row[0].split()[:3] == [name, kind.status(name), f"{facet.module}.py:"]
        assert kind.where(name)[1] in " ".join(row).split()
        text = " ".join(" ".join(row).split())
        assert facet.meaning in text
        assert (f"without it: {facet.without}" in text) == (kind.status(name) == "default")
        assert kind.status(name) != "missing"


@pytest.mark.parametrize(
    ("package", "file", "output"),
    [
        (
            "lamp_bound",
            "benchmarks/bound.py",
            "A bound is in lamp_bound/benchmarks/bound.py; lamp_",
        ),
        ("lamp_tracks", "benchmarks/tracks.py", "No bound or exact figure is told: lamp_tracks/vi"),
        (
            "lamp_alone",
            "batch.py",
            "No bound or exact figure is told: lamp_alone/view.py with VIEW",
        ),
    ],
)
def test_bound_is_told_of_without_a_view(tmp_path, monkeypatch, package, file, output):
    """By the file that it is in; and that there is none only where there is none."""
    path = tmp_path / package / file
    path.parent.mkdir(parents=True)
    path.write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    kind = EnvironmentKind("lamp", "lamp/Lamp-v0", package)
    assert PlainView(kind).known(None).startswith(output)


def test_unknown_kind_is_refused_in_a_line():
    """With the nearest one."""
    output = output_of("kind", "tick", code=2).splitlines()
    assert output[-1].startswith("twin-gym: unknown kind of scenario 'tick'; did you mean 'tic'?")


def test_bad_name_is_refused_in_a_line(tmp_path):
    """And nothing is written."""
    output = output_of("new-environment", "My Net", "--folder", str(tmp_path / "new"), code=2)
    assert "such as my_network; got 'My Net'" in output
    assert not (tmp_path / "new").exists()


def test_new_environment_says_how_to_try_it(tmp_path):
    """The package and its tests are there, and nothing aside."""
    output = output_of("new-environment", "my_network", "--folder", str(tmp_path))
    assert "twin-gym kind my-network" in output
    assert {path.name for path in tmp_path.iterdir()} == {"my_network", "test_my_network.py"}
    assert (tmp_path / "my_network" / "presets" / "my-network-small.toml").exists()
