"""What a kind has decides what it is asked: nothing that it has goes unasked.

The kinds of twin_gym have everything. Those of other packages may lack a model in SimPy, a reader
of the indicators of a `KpiObjective`, and hashes of their roll-outs; what they lack is refused in
words.
"""

import importlib.util

import pytest

from tests.contract.cases import (
    KINDS,
    MASKED_FORMS,
    READER_FORMS,
    SIMPY_FORMS,
    batch_of,
    case_of,
    every_kind,
    golden_path,
    is_ours,
    single,
    vector,
)
from twin_gym.core.settings import ENGINES
from twin_gym.environments.factory import forms_of
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.scenario.objective import KpiObjective


@pytest.mark.parametrize("kind", [kind for kind in KINDS if is_ours(kind)])
def test_kinds_of_the_package_have_everything(kind):
    """Both engines, a reader of indicators, and hashes: in every form they are asked for them."""
    assert batch_of(kind).ENGINES == ENGINES
    assert golden_path(kind).exists()
    assert case_of(kind).scenarios is not None
    for form in forms_of(kind):
        assert (kind, form.name) in SIMPY_FORMS
        assert (kind, form.name) in READER_FORMS
        assert form.is_continuous or not form.is_masked or (kind, form.name) in MASKED_FORMS


@every_kind
def test_engine_is_there_or_refused_in_words(kind):
    """A package that has `reference.py` has SimPy, with scenarios to compare the engines in."""
    has_model = importlib.util.find_spec(f"{kind_named(kind).package}.reference") is not None
    assert ("simpy" in batch_of(kind).ENGINES) == has_model
    assert not has_model or case_of(kind).scenarios is not None
    for make in (single, vector):
        if has_model:
            make(kind, engine="simpy").reset(seed=0)
            continue
        with pytest.raises(ConfigError, match="have no SimPy model: take engine='kernel'"):
            make(kind, engine="simpy")


@every_kind
def test_kpi_objective_is_taken_or_refused_in_words(kind):
    """As the reward, where the indicators can be read off the rows."""
    for make in (single, vector):
        if batch_of(kind).HAS_READER:
            make(kind, objective=KpiObjective()).reset(seed=0)
            continue
        with pytest.raises(ConfigError, match="cannot be paid by a KpiObjective: take one of"):
            make(kind, objective=KpiObjective())


@every_kind
def test_case_names_every_objective(kind):
    """One that it left out would not be asked about."""
    assert {*case_of(kind).objectives, "vector"} == set(batch_of(kind).SETTINGS.OBJECTIVES)
