"""Response with age and error: changes, answers, closed forms, and a quick run."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments import knowledge_response
from benchmarks.experiments.blocks import Cell
from benchmarks.experiments.knowledge_changes import Changes, impact_of, outdated, queue_wait
from benchmarks.experiments.knowledge_response import (
    AS_OF,
    BATCHED,
    CITY,
    POLICIES,
    REBUILD,
    THROUGH,
    TINY,
    TRIGGER,
    ask_city,
    policy_of,
    tie_alpha,
)
from twin_gym.twins.knowledge.cities import generate_city

SMALL = generate_city(TINY.plan, 2)


def asked(policy: str, rate: float) -> dict[str, float]:
    """The values of a policy in a small city."""
    return ask_city(Cell(policy, TINY, (0,), 1, lambda _: {}), 11, rate)


def test_so_many_sensors_change_in_a_second():
    """A share of 30; each in its range and in that second, in the order of times; truth follows."""
    changes = Changes(SMALL, 0.4, 1)
    before = dict(changes.truth)
    events = changes.second(3.0)
    readings = [one for one in events if one.property != "presence"]
    assert len({one.twin for one in readings}) == 12
    assert [one.time_s for one in events] == sorted(one.time_s for one in events)
    assert all(2.0 <= one.time_s <= 3.0 for one in events)
    changed = {name for name, value in changes.truth.items() if value != before[name]}
    assert changed == {one.twin for one in readings}
    assert all(0.0 <= value <= 1.0 for value in changes.truth.values())


def test_impact_of_a_gateway_is_its_sensors():
    """Five sensors a gateway, with the readings of the truth and ages within a period."""
    impact = impact_of(SMALL.graph(), "gateway/2")
    truth = Changes(SMALL, 1.0, 1).truth
    assert sorted(impact.readings) == [f"sensor/{i}" for i in range(10, 15)]
    for name, value in impact.readings.items():
        assert value == pytest.approx(truth[name])
    assert all(0.0 <= age <= 2.0 for age in impact.ages_s)


@pytest.mark.parametrize("policy", [REBUILD, THROUGH, BATCHED])
def test_policies_that_take_over_all_are_never_wrong(policy):
    """Nothing outdated, no error, and not behind; the same ages for all of them."""
    values = asked(policy, 0.6)
    assert (values["wrong"], values["behind_s"]) == (0.0, 0.0)
    assert values["error"] < 1e-12
    assert values["age_s"] == asked(THROUGH, 0.6)["age_s"]


def test_answers_as_of_a_time_are_as_wrong_as_the_closed_form_says():
    """All sensors change each second: right in the second of the write, wrong in four others."""
    values = asked(AS_OF, 1.0)
    assert values["wrong"] == pytest.approx(0.8)
    assert values["behind_s"] == 2.0
    assert values["wrong"] == pytest.approx(np.mean([outdated(1.0, d) for d in range(5)]))
    assert asked(TRIGGER, 1.0)["wrong"] > 0.0


def test_closed_forms():
    """Outdated after 0, 1 and 3 seconds; no wait of an idle store, endless of a full one."""
    assert [outdated(0.5, d) for d in (0, 1, 3)] == [0.0, 0.5, 0.875]
    assert queue_wait(0.0, 0.01) == 0.0
    assert queue_wait(50.0, 0.01) == pytest.approx(0.005)
    assert queue_wait(100.0, 0.01) == float("inf")


def test_the_first_sensor_to_leave_moves_a_whole_pool():
    """Alpha is 5/6, all of the medium pool, for one of 250 sensors."""
    assert tie_alpha(CITY) == pytest.approx(5.0 / 6.0)


def test_every_policy_has_a_graph():
    """And an unknown one has none."""
    for name in POLICIES:
        assert policy_of(name, SMALL).graph(3.0).entities("Gateway")
    with pytest.raises(KeyError):
        policy_of("magic", SMALL)


@pytest.mark.slow
def test_quick_run_writes_its_page_and_goes_on_where_it_was(tmp_path, monkeypatch):
    """The second run measures nothing and writes the same page."""
    options = ["--quick", "--out", str(tmp_path), "--kept", str(tmp_path / "kept.jsonl")]
    run = CliRunner().invoke(knowledge_response.app, options, catch_exceptions=False)
    assert run.exit_code == 0
    page = (tmp_path / "knowledge_response.md").read_text()
    assert re.search(r"\| as of \| 1 \|.*\| 80\.0 ± 0\.0 \|", page)
    assert len(json.loads((tmp_path / "knowledge_response.json").read_text())) == 10

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(knowledge_response, "impact_of", refuse)
    run = CliRunner().invoke(knowledge_response.app, options, catch_exceptions=False)
    assert run.exit_code == 0
    assert (tmp_path / "knowledge_response.md").read_text() == page
