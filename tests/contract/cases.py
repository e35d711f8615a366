"""Every kind of environment, form of action and preset, from the table of kinds."""

import functools
import importlib
import importlib.util

import gymnasium
import pytest
from gymnasium.vector import AutoresetMode

import twin_gym  # noqa: F401 - registers the environments
from twin_gym.environments.factory import forms_of
from twin_gym.environments.kinds import kind_named, kind_names
from twin_gym.scenario.loading import load, names


def folder_of(kind):
    """The folder of an environment, in the package and in the tests."""
    return kind_named(kind).package.rpartition(".")[2]


@functools.cache
def case_of(kind):
    """The `CASE` that the environment's own tests give to the contract suite.

    Raises:
        AssertionError: if there is nothing; the message says what to write.
    """
    folder = folder_of(kind)
    try:
        module = importlib.import_module(f"tests.environments.{folder}.case")
    except ModuleNotFoundError as error:
        raise AssertionError(
            f"the environment {kind!r} is not tested: write tests/environments/{folder}/case.py "
            f"with CASE = Case(...) (see tests/contract/case.py): {error}"
        ) from error
    forms = tuple(form.name for form in forms_of(kind))
    assert tuple(module.CASE.presets) == forms, f"presets of {folder} are by form: {forms}"
    return module.CASE


def _takes(kind, form, preset):
    try:
        return case_of(kind).takes(form, load(preset))
    except AssertionError:  # told by the tests
        return True


KINDS = kind_names()
FORMS = [(kind, form.name) for kind in KINDS for form in forms_of(kind)]
MASKED_FORMS = [(kind, form.name) for kind in KINDS for form in forms_of(kind) if form.is_masked]
PRESETS = [
    (kind, form, preset)
    for kind, form in FORMS
    for preset in names(kind)
    if _takes(kind, form, preset)
]
MODES = list(AutoresetMode)


def _by_names(arguments, cases):
    return pytest.mark.parametrize(arguments, cases, ids=["-".join(case) for case in cases])


every_kind = pytest.mark.parametrize("kind", KINDS)
every_form = _by_names(("kind", "form"), FORMS)
every_masked_form = _by_names(("kind", "form"), MASKED_FORMS)
every_preset = _by_names(("kind", "form", "preset"), PRESETS)
every_mode = pytest.mark.parametrize("mode", MODES, ids=[mode.value for mode in MODES])


def single(kind, form=None, scenario=None, **arguments):
    """The single form as a user makes it; in the small scenario unless another is given."""
    chosen = case_of(kind).scenario(form) if scenario is None else scenario
    given = {} if form is None else {"action": form}
    return gymnasium.make(kind_named(kind).id, scenario=chosen, **given, **arguments)


def vector(kind, form=None, scenario=None, num_envs=3, **arguments):
    """The vector form, likewise."""
    chosen = case_of(kind).scenario(form) if scenario is None else scenario
    given = {} if form is None else {"action": form}
    return gymnasium.make_vec(
        kind_named(kind).id, num_envs, "vector_entry_point", scenario=chosen, **given, **arguments
    )


def makers(kind, form, scenario=None, mode=AutoresetMode.NEXT_STEP, vector_only=None, **arguments):
    """Factories of the vector form of two rows, and of the single form of one row."""
    only = {"num_envs": 2, "autoreset_mode": mode, **(vector_only or {})}
    return (
        functools.partial(vector, kind, form, scenario, **only, **arguments),
        functools.partial(single, kind, form, scenario, disable_env_checker=True, **arguments),
    )
