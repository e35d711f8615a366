"""Every preset of every environment, as it is and not shortened, passes every checker."""

import functools
import warnings

import gymnasium
import pytest
import stable_baselines3.common.env_checker as sb3_checker
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

import twin_gym  # noqa: F401 - registers the environments
from twin_gym.environments.kinds import kind_named, kinds
from twin_gym.errors import TraceError
from twin_gym.scenario.loading import load, names
from twin_gym.testing import check_seeding, check_vector_env

CASES = [(kind_named(load(name).kind).id, name) for name in names()]
STEPS = {"twin_gym/MassiveAccess-v0": 400}  # it takes some until the first device asks
FEW_STEPS = 12


def test_every_environment_has_presets():
    """And every preset has an environment."""
    assert (
        {env_id for env_id, _ in CASES}
        == {one.id for one in kinds()}
        == {one.id for one in kinds()}
    )


@pytest.mark.parametrize(("env_id", "preset"), CASES, ids=[preset for _, preset in CASES])
def test_preset_passes_every_checker(env_id, preset):
    """Gymnasium's, Stable-Baselines3's, that of vector forms, that of seeds: no warning."""
    make = functools.partial(gymnasium.make, env_id, scenario=preset, disable_env_checker=True)
    try:
        env = make()
    except TraceError as error:
        if "TWIN_GYM_DATA" in str(error):
            pytest.skip(f"{preset} replays real data: {error}")
        raise
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)
        if isinstance(env.action_space, spaces.Box):  # advice, and an amount is from 0 to 1
            warnings.filterwarnings("ignore", message=".*symmetric and normalized Box action.*")
        sb3_checker.check_env(env, warn=True, skip_render_check=True)
    steps = STEPS.get(env_id, FEW_STEPS)
    check_seeding(make, steps=steps)
    check_vector_env(
        functools.partial(gymnasium.make_vec, env_id, num_envs=2, scenario=preset),
        make,
        steps=steps,
        require_end=False,
    )
