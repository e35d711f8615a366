"""Bad input of access and TIC is refused, with the reason and what to do."""

import gymnasium
import numpy as np
import pytest

import twin_gym  # noqa: F401 - registers the environments
from twin_gym.environments.massive_access.env import MassiveAccessEnv
from twin_gym.environments.tic_scheduling.env import TicSchedulingEnv
from twin_gym.environments.tic_scheduling.scenario import Placement
from twin_gym.environments.tic_scheduling.vector import TicSchedulingVectorEnv
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load

NOT_FINITE = [np.nan, np.inf, -np.inf]


def test_sensor_without_a_gateway_is_refused():
    """Fewer entries than sensors, or a gateway that is not there."""
    places = {"sensors_m": ((0.0, 0.0), (5.0, 5.0)), "gateways_m": ((1.0, 1.0),)}
    with pytest.raises(ConfigError, match="every sensor has exactly one gateway: 2 sensors need"):
        Placement(gateway_of=(0,), **places)
    with pytest.raises(ConfigError, match="there are gateways 0 to 0"):
        Placement(gateway_of=(0, 1), **places)
    with pytest.raises(ConfigError, match=r"gateway_of.1: .*greater than or equal to 0"):
        Placement(gateway_of=(0, -1), **places)


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_position_that_is_not_finite_is_refused(bad):
    """Of a sensor and of a gateway."""
    with pytest.raises(ConfigError, match=r"sensors_m.0.1: must be"):
        Placement(sensors_m=((0.0, bad),), gateways_m=((1.0, 1.0),), gateway_of=(0,))
    with pytest.raises(ConfigError, match=r"gateways_m.0.0: must be"):
        Placement(sensors_m=((0.0, 0.0),), gateways_m=((bad, 1.0),), gateway_of=(0,))


@pytest.mark.parametrize("field", ["deadline_slots", "answer_deadline_slots"])
def test_deadline_below_one_slot_is_refused(field):
    """No slot, less than none, and a part of one."""
    scenario = load("tic-small-45")
    for bad in (0, -1):
        with pytest.raises(ConfigError, match=f"{field}: must be greater than or equal to 1"):
            scenario.replace(**{field: bad})
    with pytest.raises(ConfigError, match=f"{field}: must be a valid integer"):
        scenario.replace(**{field: 0.5})


def test_sizes_over_the_limit_are_refused():
    """The number and the limit are in the message."""
    with pytest.raises(ConfigError, match=r"num_devices: must be .* 30000, got 30001"):
        load("access-beta-30000").replace(num_devices=30_001)
    with pytest.raises(ConfigError, match=r"num_sensors: must be .* 10000, got 10001"):
        load("tic-large-70").replace(num_sensors=10_001)


@pytest.mark.parametrize("bad", NOT_FINITE)
@pytest.mark.parametrize(
    ("preset", "field"),
    [
        ("tic-small-45", "good_success"),
        ("tic-small-45", "background_rate_hz"),
        ("tic-small-45", "side_m"),
        ("access-small-45", "delay_weight"),
        ("access-small-45", "backoff_s"),
        ("access-small-45", "horizon_s"),
    ],
)
def test_numbers_that_are_not_finite_are_refused(preset, field, bad):
    """Weights, rates, lengths and times: the field is named."""
    with pytest.raises(ConfigError, match=f"{field}: must be"):
        load(preset).replace(**{field: bad})


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_weights_that_are_not_finite_are_refused_in_a_step_and_change_nothing(bad):
    """Single form and vector form; the episode goes on as if they had not been given."""
    weights = np.array([0.1, bad, 0.2, 0.3], np.float32)
    env, other = TicSchedulingEnv(), TicSchedulingEnv()
    env.reset(seed=4)
    other.reset(seed=4)
    with pytest.raises(ConfigError, match="actions"):
        env.step(weights)
    good = np.full(4, 0.5, np.float32)
    for _ in range(6):
        mine, theirs = env.step(good), other.step(good)
        assert np.array_equal(mine[0], theirs[0])
        assert mine[1:] == theirs[1:]
    vector = TicSchedulingVectorEnv(2, "tic-small-45")
    vector.reset(seed=0)
    with pytest.raises(ConfigError, match="actions"):
        vector.step(np.stack([good, weights]))


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_probability_that_is_not_finite_is_refused_and_changes_nothing(bad):
    """A barring probability in a step."""
    envs = [MassiveAccessEnv("access-large-70", action="probability") for _ in range(2)]
    for env in envs:
        env.reset(seed=1)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        envs[0].step(np.array([bad], np.float32))
    half = np.array([0.5], np.float32)
    for _ in range(20):
        mine, theirs = (env.step(half) for env in envs)
        assert np.array_equal(mine[0], theirs[0])
        assert mine[1:] == theirs[1:]


def test_all_weights_zero_are_equal_weights():
    """The only point of the box that has no place on the simplex."""
    env, other = TicSchedulingEnv(), TicSchedulingEnv()
    env.reset(seed=2)
    other.reset(seed=2)
    for _ in range(12):
        mine, theirs = env.step(np.zeros(4, np.float32)), other.step(np.ones(4, np.float32))
        assert np.array_equal(mine[0], theirs[0])
        assert mine[1] == theirs[1]


def test_scenario_of_another_environment_is_refused():
    """With those that fit."""
    for env_id, preset, fits in (
        ("twin_gym/TicScheduling-v0", "access-small-45", "tic-small-45"),
        ("twin_gym/MassiveAccess-v0", "sync-small", "access-small-45"),
    ):
        with pytest.raises(ConfigError, match=f"is needed: .*{fits}"):
            gymnasium.make(env_id, scenario=preset)
