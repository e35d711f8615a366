"""Every kind of environment, form of action and preset, from the table of kinds."""

import functools
import importlib
from pathlib import Path

import gymnasium
import pytest
from gymnasium.vector import AutoresetMode

import twin_gym  # noqa: F401 - registers the environments
from tests.contract.case import Case
from twin_gym.environments.factory import forms_of
from twin_gym.environments.kinds import kind_named, kind_names
from twin_gym.scenario.loading import load, names


def folder_of(kind):
    """The folder of an environment, in its package and in the tests."""
    return kind_named(kind).package.rpartition(".")[2]


def is_ours(kind):
    """Whether a kind is one of twin_gym's own, which has everything that the suite asks for."""
    return kind_named(kind).package.startswith("twin_gym.")


def case_module(kind):
    """Dotted name of the file with the `CASE` of a kind."""
    if is_ours(kind):
        return f"tests.environments.{folder_of(kind)}.case"
    return f"{kind_named(kind).package}.case"


@functools.cache
def case_of(kind):
    """The `CASE` that an environment gives to the contract suite.

    Raises:
        AssertionError: if there is nothing; the message says what to write.
    """
    name = case_module(kind)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise AssertionError(
            f"the environment {kind!r} is not tested: write {name.replace('.', '/')}.py "
            f"with its CASE (see tests/contract/case.py): {error}"
        ) from error
    case = module.CASE if isinstance(module.CASE, Case) else Case(**module.CASE)
    forms = tuple(form.name for form in forms_of(kind))
    assert tuple(case.presets) == forms, f"presets of {folder_of(kind)} are by form: {forms}"
    return case


def golden_path(kind):
    """The hashes of an environment's roll-outs, beside its case."""
    return Path(importlib.import_module(case_module(kind)).__file__).with_name("golden.json")


def batch_of(kind):
    """The class of the rows."""
    return kind_named(kind).facet("vector").BATCH


def _takes(kind, form, preset):
    try:
        return case_of(kind).takes(form, load(preset))
    except AssertionError:  # told by the tests
        return True


KINDS = kind_names()
FORMS = [(kind, form.name) for kind in KINDS for form in forms_of(kind)]
MASKED_FORMS = [(kind, form.name) for kind in KINDS for form in forms_of(kind) if form.is_masked]
SIMPY_FORMS = [(kind, form) for kind, form in FORMS if "simpy" in batch_of(kind).ENGINES]
READER_FORMS = [(kind, form) for kind, form in FORMS if batch_of(kind).HAS_READER]
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
every_masked_form_and_engine = _by_names(
    ("kind", "form", "engine"),
    [(kind, form, engine) for kind, form in MASKED_FORMS for engine in batch_of(kind).ENGINES],
)
every_simpy_form = _by_names(("kind", "form"), SIMPY_FORMS)
every_reader_form = _by_names(("kind", "form"), READER_FORMS)
every_reader = _by_names(
    ("kind", "form"),
    [(kind, form) for kind, form in READER_FORMS if form == forms_of(kind)[0].name],
)
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
