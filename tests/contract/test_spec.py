"""The spec of an environment goes to JSON and makes an equal one, whatever its arguments."""

import json
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode

import twin_gym  # noqa: F401 - registers
from tests.contract.cases import batch_of, case_of, every_kind
from twin_gym.environments.factory import vector_env
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load
from twin_gym.scenario.objective import Demand, KpiObjective

KPI = {"objective": KpiObjective(demand=Demand(num_devices=250)), "objective_seed": np.int64(3)}


def preset_of(kind):
    """One that needs no data: that of the default form."""
    return next(iter(case_of(kind).presets.values()))


def objective_of(kind):
    """Arguments with an objective as a value; none where there is nothing to read it off."""
    return KPI if batch_of(kind).HAS_READER else {}


def given(kind, form, folder):
    """A scenario in one of the forms that environments take."""
    first = preset_of(kind)
    one = load(first).replace(name="own", description="a\nb", provenance="c")
    if form == "path":
        (folder / "own.toml").write_text(to_toml(one), "utf-8")
    return {
        "name": first,
        "path": folder / "own.toml",
        "value": one,
        "mapping": one.as_values(),
        "several": (one, first, one.replace(name="third")),
    }[form]


@pytest.mark.parametrize("form", ["name", "path", "value", "mapping", "several"])
@every_kind
def test_spec_survives_json(kind, form, tmp_path):
    """The single form and the vector form, with an objective as a value and without."""
    scenario = given(kind, form, tmp_path)
    for more in ({}, objective_of(kind)):
        env = gym.make(kind_named(kind).id, scenario=scenario, **more)
        again = gym.make(EnvSpec.from_json(env.spec.to_json()))
        check(env.unwrapped, again.unwrapped)
        assert again.spec == env.spec
        check(env.unwrapped, gym.make(env.spec).unwrapped)
        check(env.unwrapped, pickle.loads(pickle.dumps(env)).unwrapped)  # noqa: S301 - ours
        assert (env.reset(seed=5)[0] == again.reset(seed=5)[0]).all()
        several = gym.make_vec(
            kind_named(kind).id, 3, "vector_entry_point", scenario=scenario,
            autoreset_mode=AutoresetMode.SAME_STEP, **more,
        )  # fmt: skip
        other = gym.make_vec(EnvSpec.from_json(several.spec.to_json()))
        check(several, other)
        assert (other.num_envs, other.metadata) == (3, several.metadata)


def check(env, other):
    """Equal scenarios, in order, and arguments."""
    assert list(env.batch.scenarios) == list(other.batch.scenarios)
    assert env.batch.arguments == other.batch.arguments


@pytest.mark.parametrize("mode", ["sync", "async"])
@every_kind
def test_spec_of_gymnasiums_own_vectors_survives_json(kind, mode, tmp_path):
    """Scenario, objective, number of rows and arguments of the vectorizer, as values."""
    made = gym.make_vec(
        kind_named(kind).id, np.int64(2), mode, {"autoreset_mode": AutoresetMode.SAME_STEP},
        scenario=given(kind, "value", tmp_path), **objective_of(kind),
    )  # fmt: skip
    other = gym.make_vec(EnvSpec.from_json(made.spec.to_json()))
    assert (other.num_envs, other.spec) == (2, made.spec)
    assert (made.reset(seed=5)[0] == other.reset(seed=5)[0]).all()
    made.close()
    other.close()


def test_a_spec_holds_plain_values():
    """The scenario in the file consists of plain values."""
    one = load("teletraffic-small").replace(horizon_s=20.0)
    told = json.loads(gym.make("twin_gym/SliceAdmission-v0", scenario=one).spec.to_json())
    assert told["kwargs"]["scenario"]["horizon_s"] == 20.0
    assert told["kwargs"]["scenario"]["kind"] == "admission"


@pytest.mark.parametrize(
    "scenario", [{1: 2}, {}, {"kind": "tic"}, {"kind": "sync", "name": "a"}, [{}], [], 5, [None]]
)
def test_values_of_no_scenario_are_refused(scenario):
    """In words, in both ways to an environment."""
    with pytest.raises(ConfigError):
        gym.make("twin_gym/SliceAdmission-v0", scenario=scenario)
    with pytest.raises(ConfigError):
        vector_env(scenario, 2)


@pytest.mark.parametrize("objective", [{1: 2}, {"demand": 5}, {"wish": 1}, np.ones(2)])
def test_values_of_no_objective_are_refused(objective):
    """In words."""
    with pytest.raises(ConfigError):
        gym.make("twin_gym/SliceAdmission-v0", objective=objective)
