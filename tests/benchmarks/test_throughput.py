"""The throughput report: counts, medians, rows driven apart, tables of the figures."""

import json
import math
import time
from dataclasses import asdict

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.throughput import __main__ as command
from benchmarks.throughput import growth, rows, tables
from benchmarks.throughput.slotted import (
    fitting_calls,
    period,
    stagger_rows,
    steps_of_an_episode,
    subjects,
    vector_line,
)
from benchmarks.throughput.timing import Line, Timing, cpu_timing, machine, rate_line
from twin_gym.errors import ConfigError

KINDS = tuple(subjects())


def busy(seconds):
    """Uses so much CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_median_of_the_calls_is_told():
    """One slow call of five, and a slow first one, change nothing; the spread tells."""
    waits = iter([0.05, 0.01, 0.01, 0.03, 0.01, 0.01])
    timing = cpu_timing(lambda: busy(next(waits)), rounds=1)
    assert timing.median_s == pytest.approx(0.01, rel=0.3)
    assert timing.spread == pytest.approx(2.0, rel=0.4)


def test_calls_that_lie_apart_are_taken_again():
    """The first round is uneven and the second even: the second counts, and there is no third."""
    waits = iter([0.0, 0.01, 0.02, 0.03, 0.04, 0.05, *[0.02] * 15])
    timing = cpu_timing(lambda: busy(next(waits)))
    assert timing.spread < 0.5
    assert timing.median_s == pytest.approx(0.02, rel=0.3)


def test_rate_is_the_count_over_the_time():
    """A hundred units in ten milliseconds are ten thousand a second."""
    line = rate_line("busy", 100, "steps/s", lambda: busy(0.01))
    assert line.value == pytest.approx(10_000, rel=0.3)


def test_calls_fit_the_wanted_time():
    """A multiple of the unit that takes about so long, and one unit at least."""
    assert fitting_calls(lambda calls: busy(0.001 * calls), 5, 0.02) in (15, 20, 25)
    assert fitting_calls(lambda calls: busy(0.001 * calls), 5, 0.0001) == 5


@pytest.mark.parametrize("kind", ["tic", "access"])
def test_rows_are_driven_apart(kind):
    """Each sixteenth of the rows is elsewhere in its episode, evenly over all of it."""
    subject = subjects()[kind]
    batch = rows.begun_batch(subject.cases[0].scenario, kind, rows.STRETCHES)
    stagger_rows(subject, batch, rows.sampled_actions(batch.action_space, batch.num_rows))
    steps = steps_of_an_episode(subject, batch)
    gaps = np.diff(batch.heads["slot"]) / subject.slots % steps
    assert np.all(np.abs(gaps - steps / rows.STRETCHES) <= 1.0)
    assert period(subject, batch) == pytest.approx(steps / rows.STRETCHES, abs=1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_vector_form_is_measured(kind):
    """A short run of a few rows: some thousand units a second at the least, with a spread."""
    subject = subjects()[kind]
    line = vector_line(subject, subject.cases[0], 2, 0.001)
    assert line.unit == subject.unit
    assert line.value > 5_000
    assert line.spread is not None


@pytest.mark.parametrize("kind", KINDS)
def test_grown_networks_keep_the_load_of_a_sensor(kind):
    """Twice the sensors bring twice the messages, on as many a gateway or in as short a turn."""
    small, large = (growth.growths()[kind].grown(size) for size in (100, 200))
    if kind == "tic":
        assert large.uplinks_per_slot == pytest.approx(2.0 * small.uplinks_per_slot)
        assert large.num_sensors / large.num_gateways == small.num_sensors / small.num_gateways
    elif kind == "access":
        assert large.num_devices == 2 * small.num_devices
        assert large.arrivals == small.arrivals
    else:
        assert large.num_entities == 2 * small.num_entities
        assert large.num_entities * large.slot_s == small.num_entities * small.slot_s


def test_cost_of_a_slot_is_measured_by_size():
    """A network of 400 sensors costs more than one of 50, and not eight times as much and more."""
    small, large = (growth.point("tic", size, 0.005) for size in (50, 400))
    assert small.memory_bytes < large.memory_bytes
    assert 1.0 < large.cost_s / small.cost_s < 16.0


def test_power_of_the_growth_is_that_of_the_last_decade():
    """Cost as the square above 100, constant below: 2."""
    costs = {10: 1e-6, 100: 1e-6, 1_000: 1e-4}
    measured = [growth.Point("tic", size, cost, 1, 0.0, 0.0) for size, cost in costs.items()]
    assert growth.exponents(measured) == {"tic": pytest.approx(2.0)}


def made_record():
    """Figures of an environment and of the growth, as the command keeps them."""
    line = Line("gym.make", 12_345.6, "steps/s", "1 M", 0.042, 1.5)
    ratio = Line("loop over C", 0.8125, "ratio")
    point = growth.Point("tic", 50, 2e-6, 4_000, 0.01, 1.0)
    return {
        "parts": {
            "tic": {"machine": machine(), "lines": [asdict(line), asdict(ratio)]},
            "growth": {
                "machine": machine(), "points": [asdict(point)], "exponents": {"tic": 0.98},
            },
        }
    }  # fmt: skip


def test_page_shows_the_figures(tmp_path):
    """Median, aim, spread and load stand in a row; the growth has its table and its figure."""
    path = tmp_path / "throughput.json"
    record = made_record()
    record["parts"]["tic"]["note"] = "Measured while others worked."
    tables.write(path, record)
    text = path.with_suffix(".md").read_text()
    assert "| gym.make | 12,346 | steps/s | 1 M | 4 % | 1.5 |" in text
    assert "| loop over C | 0.81 | ratio |  |  |  |" in text
    assert "Measured while others worked." in text
    assert "| 50 |  | 2.00 (40.0) |  |" in text
    assert "throughput_growth.png" in text


def test_parts_of_an_earlier_run_are_kept(tmp_path):
    """Written parts are read again; a missing file is empty."""
    path = tmp_path / "throughput.json"
    assert tables.kept(path) == {"parts": {}}
    tables.write(path, made_record())
    assert tables.kept(path)["parts"]["tic"]["lines"][0]["value"] == 12_345.6
    path.write_text(json.dumps({"lines": []}))
    with pytest.raises(ConfigError, match="holds no measurements"):
        tables.kept(path)


def test_growth_is_drawn(tmp_path):
    """A PNG, and nothing is left beside it."""
    points = [growth.Point("tic", size, size * 1e-8, 1, 0.0, 0.0) for size in (50, 500)]
    growth.draw(points, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(tmp_path.iterdir())) == 1


def test_timings_are_finite_where_a_call_takes_no_time():
    """The clock may not have moved: the rate is then large, not infinite."""
    timing = cpu_timing(lambda: None, rounds=1)
    assert isinstance(timing, Timing)
    assert math.isfinite(timing.spread)
    assert timing.median_s > 0.0


def test_parts_are_measured_one_by_one(tmp_path, monkeypatch):
    """A second run measures another part, at full length, and leaves the first one as it was."""
    path = tmp_path / "throughput.json"
    scales = []

    def lines(scale):
        scales.append(scale)
        yield Line("gym.make", 10.0 * len(scales), "steps/s")

    monkeypatch.setattr(command, "lines_by_kind", lambda: {"access": lines, "tic": lines})
    for name, quick in (("tic", []), ("access", ["--quick"])):
        result = CliRunner().invoke(command.app, ["--only", name, "--result", str(path), *quick])
        assert result.exit_code == 0, result.output
    parts = tables.kept(path)["parts"]
    assert [parts[name]["lines"][0]["value"] for name in ("tic", "access")] == [10.0, 20.0]
    assert scales == [1.0, command.QUICK]


def test_broken_off_run_keeps_what_it_had(tmp_path, monkeypatch):
    """The lines before the one that failed are in the files, and so are the points."""
    path = tmp_path / "throughput.json"

    def lines(scale):
        yield Line("first", scale, "s")
        raise KeyboardInterrupt

    def points(scale):
        yield growth.Point("tic", 50, 1e-6, 1, 0.0, 0.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "lines_by_kind", lambda: {"tic": lines})
    monkeypatch.setattr(growth, "points", points)
    for name in ("tic", "growth"):
        CliRunner().invoke(command.app, ["--only", name, "--result", str(path)])
    parts = tables.kept(path)["parts"]
    assert [line["what"] for line in parts["tic"]["lines"]] == ["first"]
    assert [point["size"] for point in parts["growth"]["points"]] == [50]
    assert (tmp_path / "throughput_growth.png").exists()


def test_quick_figures_are_kept_nowhere(monkeypatch):
    """Without a path of its own, a quick run only shows."""
    lines = {"tic": lambda scale: iter([Line("x", 1.0, "s")])}
    monkeypatch.setattr(command, "lines_by_kind", lambda: lines)
    monkeypatch.setattr(tables, "write", lambda path, record: pytest.fail("something was written"))
    assert CliRunner().invoke(command.app, ["--only", "tic", "--quick"]).exit_code == 0


def test_unknown_part_is_refused():
    """Exit code 2, and the nearest name."""
    result = CliRunner().invoke(command.app, ["--only", "tik", "--quick"])
    assert result.exit_code == 2
    assert "tic" in result.output
