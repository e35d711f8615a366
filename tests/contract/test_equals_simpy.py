"""The compiled kernel and the SimPy model are one set of rules: equal to the last bit, always."""

import pickle

import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import event, given
from hypothesis import strategies as st

from tests.contract.case import examples
from tests.contract.cases import MODES, case_of, every_simpy_form, single, vector
from tests.contract.engines import CHOOSERS, run_both

STEPS = 45


def drawn_arguments(kind):
    """Objective, and the other arguments that an environment has."""
    return st.fixed_dictionaries(
        {"objective": st.sampled_from((*case_of(kind).objectives, "vector"))}
        | {name: st.sampled_from(values) for name, values in case_of(kind).arguments.items()}
    )


@every_simpy_form
@given(data=st.data(), seed=st.integers(0, 2**63))
@examples(40)
def test_kernel_equals_simpy(kind, form, data, seed):
    """Every law, objective and mode of autoreset, any decisions, more than an episode."""
    scenario = data.draw(case_of(kind).scenarios(form))
    mode, chooser = data.draw(st.sampled_from(MODES)), data.draw(st.sampled_from(CHOOSERS))
    arguments = data.draw(drawn_arguments(kind))
    ends, _ = run_both(kind, scenario, form, mode, seed, STEPS, chooser, **arguments)
    event(f"episodes that ended: {min(ends, 3)}")


@every_simpy_form
@pytest.mark.parametrize("mode", MODES, ids=[mode.value for mode in MODES])
def test_kernel_equals_simpy_over_several_scenarios(kind, form, mode):
    """Each episode draws one of two: both engines draw the same one, and each gets its turn."""
    one = case_of(kind).scenario(form)
    _, env = run_both(kind, [one, case_of(kind).together(one)], form, mode, 7, 3 * STEPS)
    assert len(env.batch.scenarios) == 2


@every_simpy_form
def test_kernel_equals_simpy_on_its_preset(kind, form):
    """The network that results are shown on, as it is."""
    preset = case_of(kind).presets[form]
    run_both(kind, preset, form, AutoresetMode.SAME_STEP, 11, 3 * STEPS)


@every_simpy_form
def test_simpy_cannot_be_pickled_and_says_so(kind, form):
    """Processes of SimPy are generators."""
    for env in (single(kind, form, engine="simpy"), vector(kind, form, engine="simpy")):
        env.reset(seed=0)
        with pytest.raises(TypeError, match="use engine='kernel'"):
            pickle.dumps(env)
