"""Completeness in outages: drawn values against closed forms, and a quick run."""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments import knowledge_outages
from benchmarks.experiments.knowledge_outages import CITIES
from benchmarks.experiments.knowledge_series import (
    CHANGE_RATE_HZ,
    LEAVING_RATE_HZ,
    PROPERTIES,
    gone,
    leaving_times_s,
    over_outage,
    rise_held,
    state_held,
    walk_held,
)
from twin_gym.twins.knowledge import PREDICTORS, completeness, predict_outage


@pytest.mark.parametrize("told", PROPERTIES, ids=lambda told: told.name)
def test_hold_is_as_complete_as_the_closed_form_says(told):
    """4,000 entities 2, 10, 60 and 120 s after the last report; five standard errors."""
    values = told.draw(np.random.default_rng(8), 70, 4_000, 2.0)
    assumed = predict_outage("hold", values[:10], 60, is_state=told.is_state)
    for age in (1, 5, 30, 60):
        counts = completeness(assumed[age - 1 : age], values[9 + age : 10 + age], told.tolerance)
        exact = told.held(2.0 * age)
        error = math.sqrt(max(exact * (1.0 - exact), 1e-12) / 4_000)
        assert abs(counts.share - exact) <= 5.0 * error


@pytest.mark.parametrize("told", [one for one in PROPERTIES if one.known], ids=lambda one: one.name)
def test_a_well_fitted_process_reaches_the_closed_form(told):
    """With 3,000 reports a law is known well: within five points 60 s after the last one."""
    values = told.draw(np.random.default_rng(9), 3_030, 1_000, 2.0)
    assumed = predict_outage("fitted", values[:3_000], 30)
    share = completeness(assumed[29:], values[3_029:], told.tolerance).share
    assert share == pytest.approx(told.known(60.0), abs=0.05)


def test_a_state_is_unchanged_as_often_as_an_exponential_says():
    """Held is right if nothing changed, or if an even number of changes did."""
    rate = CHANGE_RATE_HZ
    for age_s in (1.0, 60.0, 600.0):
        terms = [
            math.exp(-rate * age_s) * (rate * age_s) ** k / math.factorial(k)
            for k in range(0, 60, 2)
        ]
        assert terms[0] == pytest.approx(math.exp(-rate * age_s))
        assert state_held(age_s) == pytest.approx(math.fsum(terms))


def test_laws_of_age_have_their_limits():
    """All is known at once; of a state half remains, of a walk and a rise nothing."""
    assert walk_held(0.0) == state_held(0.0) == over_outage(walk_held, 0.0, 2.0) == 1.0
    assert state_held(1e9) == pytest.approx(0.5)
    assert walk_held(1e9) < 1e-3
    assert rise_held(600.0) < 1e-9
    assert over_outage(lambda age: age, 6.0, 2.0) == pytest.approx(4.0)


def test_sensors_leave_at_the_given_rate():
    """Of 20,000 sensors after 600 s; five standard errors."""
    times = leaving_times_s(np.random.default_rng(2), 20_000)
    exact = gone(600.0)
    assert exact == pytest.approx(1.0 - math.exp(-600.0 * LEAVING_RATE_HZ))
    error = math.sqrt(exact * (1.0 - exact) / 20_000)
    assert abs((times < 600.0).mean() - exact) < 5.0 * error


def test_all_predictors_meet_the_same_outage():
    """The same sensors join and leave; only `none` tells nothing of those that left."""
    counts = {
        name: knowledge_outages.count_values(CITIES[2], name, PROPERTIES[0], 4, 600.0)
        for name in PREDICTORS
    }
    assert len({(one.expected, one.joined) for one in counts.values()}) == 1
    hold = counts["hold"]
    assert hold.share == 1.0
    assert counts["none"].share == 0.0
    assert hold.left == hold.joined > 0 == counts["none"].left
    assert hold.expected + hold.joined == 250 * 300


@pytest.mark.slow
def test_quick_run_writes_its_page_and_goes_on_where_it_was(tmp_path, monkeypatch):
    """The second run measures nothing and writes the same page."""
    options = ["--quick", "--out", str(tmp_path), "--kept", str(tmp_path / "kept.jsonl")]
    run = CliRunner().invoke(knowledge_outages.app, options, catch_exceptions=False)
    assert run.exit_code == 0
    page = (tmp_path / "knowledge_outages.md").read_text()
    assert "| identifier | hold | 100.0 ± 0.0 | 100.0 ± 0.0 |" in page
    assert len(json.loads((tmp_path / "knowledge_outages.json").read_text())) == 8

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(knowledge_outages, "predict_outage", refuse)
    run = CliRunner().invoke(knowledge_outages.app, options, catch_exceptions=False)
    assert run.exit_code == 0
    assert (tmp_path / "knowledge_outages.md").read_text() == page
