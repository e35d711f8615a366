"""The arguments of every environment come from its settings, in both of its forms."""

import copy
import inspect

import numpy as np
import pytest

from twin_gym.core.batch import outcome_record
from twin_gym.core.ratios import quantile, ratio
from twin_gym.core.settings import check_same
from twin_gym.environments.kinds import kinds
from twin_gym.errors import ConfigError, UnknownArgumentError
from twin_gym.scenario.loading import load

FORMS = [
    pytest.param(one, form, id=f"{one.name}-{form}")
    for one in kinds()
    for form in ("env", "vector")
]


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_signature_shows_every_argument_with_its_default(kind, form):
    """`help` and completion show all arguments of the environment."""
    made = kind.facet(form)
    parameters = inspect.signature(made).parameters
    usual = {
        name: one.default for name, one in parameters.items() if one.kind is one.KEYWORD_ONLY
    }  # fmt: skip
    assert {"action", "objective", "objective_seed", "engine", "render_mode"} <= usual.keys()
    assert isinstance(parameters["scenario"].default, str)
    env = made(scenario=parameters["scenario"].default, **usual)
    assert env.batch.arguments == {name: usual[name] for name in env.batch.arguments}
    assert env.batch.arguments == made().batch.arguments
    assert env.scenario == made().scenario


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_unknown_argument_is_refused_in_words(kind, form):
    """As a `TypeError`, for Python's callers expect one, and with the nearest name."""
    with pytest.raises(UnknownArgumentError, match="did you mean 'objective_seed'") as refused:
        kind.facet(form)(objective_sed=3)
    assert isinstance(refused.value, TypeError)
    assert isinstance(refused.value, ConfigError)
    with pytest.raises(ConfigError, match="got None"):
        kind.facet(form)(scenario=None)


def test_class_of_a_user_has_its_own_signature():
    """A constructor that somebody writes is shown as it is; a class without one takes the same."""
    base = kinds()[0].facet("env")

    class Mine(base):
        def __init__(self, speed: float) -> None:
            super().__init__("mild")
            self.speed = speed

    class Same(base):
        """Nothing is changed."""

    assert list(inspect.signature(Mine).parameters) == ["speed"]
    assert inspect.signature(Same) == inspect.signature(base)
    assert Mine(2.0).scenario == load("mild")


@pytest.mark.parametrize("kind", kinds(), ids=lambda one: one.name)
def test_settings_are_values(kind):
    """Equal ones of equal arguments; an objective may be given by its values."""
    settings = kind.facet("env").BATCH.SETTINGS
    assert settings() == settings()
    assert copy.deepcopy(settings()) == settings()
    given = settings(objective={"demand": {"num_devices": 250}}, objective_seed=2)
    assert given.objective.demand.num_devices == 250
    assert given.objective_index == 0
    assert [settings(objective=one).objective_index for one in settings.OBJECTIVES] == [
        *range(len(settings.OBJECTIVES) - 1), 0
    ]  # fmt: skip


def test_scenarios_in_which_an_action_differs_are_refused():
    """With what they need, and what each of them has."""
    scenarios = [load("sync-small"), load("sync-medium")]
    check_same(scenarios, "the same slots", lambda one: one.slot_s > 0)
    with pytest.raises(ConfigError, match=r"need as many entities.*50 in 'sync-small', 250 in"):
        check_same(scenarios, "as many entities", lambda one: one.num_entities)


def test_ratios_and_quantiles():
    """Of nothing to nothing 0; the least value that the share did not exceed."""
    assert ratio(1.0, 4.0) == 0.25
    assert ratio(0.0, 0.0) == 0.0
    counts = np.array([2, 0, 5, 3], np.int32)
    quantiles = [quantile(counts, 10, share) for share in (0.1, 0.2, 0.21, 0.7, 0.71, 1.0)]
    assert quantiles == [0, 0, 2, 2, 3, 3]
    assert quantile(counts, 0, 0.5) == 0.0


def test_outcome_record_has_the_reward_first():
    """The single form reads the reward by its place, and infos by their names."""
    names = outcome_record(("a", "b")).names
    assert names == ("reward", "a", "b", "elapsed_s", "cost", "disallowed_actions", "truncated")
