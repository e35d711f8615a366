"""Every preset of every environment, in every form of action, passes every checker."""

import warnings

import pytest
import stable_baselines3.common.env_checker as sb3_checker
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from tests.contract.cases import (
    KINDS,
    MODES,
    PRESETS,
    case_of,
    every_form,
    every_kind,
    every_mode,
    every_preset,
    every_simpy_form,
    makers,
    single,
)
from twin_gym.environments import kinds
from twin_gym.testing import check_seeding, check_vector_env


@every_kind
def test_every_environment_has_a_case_and_presets(kind):
    """A folder without either fails here, with a sentence that says what to write."""
    case = case_of(kind)
    assert any(kind == one for one, _, _ in PRESETS)
    for form, preset in case.presets.items():
        assert (kind, form, preset) in PRESETS


@every_preset
def test_preset_passes_the_checkers_of_others(kind, form, preset):
    """Gymnasium's and Stable-Baselines3's, as it is and not shortened: no warning."""
    env = single(kind, form, case_of(kind).whole(preset), disable_env_checker=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=preset not in case_of(kind).presets.values())
        if isinstance(env.action_space, spaces.Box):  # advice, and an amount is from 0 to 1
            warnings.filterwarnings("ignore", message=".*symmetric and normalized Box action.*")
        sb3_checker.check_env(env, warn=True, skip_render_check=True)


@every_preset
def test_preset_obeys_its_seed_in_both_forms(kind, form, preset):
    """Seeds, and rows against single environments; the modes of autoreset take turns."""
    case = case_of(kind)
    scenario = case.shorten(case.whole(preset))
    mode = MODES[PRESETS.index((kind, form, preset)) % len(MODES)]
    make, make_single = makers(kind, form, scenario, mode)
    check_seeding(make_single, steps=40)
    check_vector_env(make, make_single, steps=45)


@every_form
@every_mode
def test_vector_form_keeps_the_contract_whatever_is_earned(kind, form, mode):
    """Each objective, vectors of components too, in each mode of autoreset."""
    for objective in (*case_of(kind).objectives, "vector"):
        make, make_single = makers(kind, form, mode=mode, objective=objective)
        check_vector_env(make, make_single, steps=45)
        check_seeding(make_single, steps=30)


@every_simpy_form
@every_mode
def test_simpy_engine_keeps_the_contract(kind, form, mode):
    """The slow engine is the same environment: its rows are the kernel's single environments."""
    make, make_single = makers(kind, form, mode=mode, vector_only={"engine": "simpy"})
    check_vector_env(make, make_single, steps=40, pickling=False)


def test_an_environment_without_a_case_is_told():
    """In a sentence that names the file to write."""
    kind = kinds.EnvironmentKind("caching", "twin_gym/EdgeCaching-v0", "own.edge_caching")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(kinds._TABLE, "caching", kind)
        with pytest.raises(AssertionError, match=r"write own/edge_caching/case\.py with"):
            case_of("caching")
    assert "caching" not in KINDS
