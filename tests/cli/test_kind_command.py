"""`twin-gym kind` and `twin-gym new-environment`: what is told, and what is refused in a line."""

import pytest
from typer.testing import CliRunner

from twin_gym.cli import app
from twin_gym.environments.kinds import FACETS, kinds


def output_of(*command, code=0):
    """Runs a command; returns its output on both streams."""
    done = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    return done.output


def test_kinds_are_listed():
    """Each with its id and its package."""
    said = output_of("kind")
    for one in kinds():
        assert one.name in said
        assert one.id in said
        assert one.package in said


@pytest.mark.parametrize("kind", kinds(), ids=lambda one: one.name)
def test_facets_of_a_kind_are_listed(kind):
    """Each with its status and its file; nothing is missing."""
    lines = {
        line.split()[0]: line for line in output_of("kind", kind.name).splitlines() if line.strip()
    }
    for name, facet in FACETS.items():
        assert f"{facet.module}.py: {kind.where(name)[1]}" in lines[name]
        assert kind.status(name) in lines[name]
        assert "missing" not in lines[name]


def test_unknown_kind_is_refused_in_a_line():
    """With the nearest one."""
    said = output_of("kind", "tick", code=2).splitlines()
    assert said[-1].startswith("twin-gym: unknown kind of scenario 'tick'; did you mean 'tic'?")


def test_bad_name_is_refused_in_a_line(tmp_path):
    """And nothing is written."""
    said = output_of("new-environment", "My Net", "--folder", str(tmp_path / "new"), code=2)
    assert "such as my_network; got 'My Net'" in said
    assert not (tmp_path / "new").exists()


def test_new_environment_says_how_to_try_it(tmp_path):
    """The package and its tests are there, and nothing aside."""
    said = output_of("new-environment", "my_network", "--folder", str(tmp_path))
    assert "twin-gym kind my-network" in said
    assert {path.name for path in tmp_path.iterdir()} == {"my_network", "test_my_network.py"}
    assert (tmp_path / "my_network" / "presets" / "my-network-small.toml").exists()
