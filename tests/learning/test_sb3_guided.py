"""Rows that a policy acts in: who decides where, and who learns from what."""

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecNormalize

from tests.learning.cases import SMALL, are_equal, make_env, make_model, parameters
from tests.twins.cases import DearestPolicy
from twin_gym.errors import ConfigError
from twin_gym.sb3 import GuidedRows, SemiMarkovMaskablePPO, native_env
from twin_gym.sb3.guided import guided_rows


class Recorder(DearestPolicy):
    """It remembers what it was shown and what it chose."""

    def __init__(self):
        self.calls = []

    def actions(self, observations, masks):
        """The dearest request, written down."""
        chosen = super().actions(observations, masks)
        self.calls.append((observations.copy(), masks.copy(), chosen))
        return chosen


def collected(share, rows=4):
    """A model after one rollout without an update, and the policy of the guided rows."""
    policy = Recorder()
    model = make_model(GuidedRows(make_env(rows), policy, share))
    model.train = lambda: None
    return model.learn(8 * rows), policy


@pytest.mark.parametrize(
    ("share", "own"), [(0.25, [0]), (0.5, [0, 2]), (1.0, [0, 1, 2, 3]), (0.01, [0])]
)
def test_share_of_rows_is_the_learners(share, own):
    """Spread evenly; one at least."""
    env = GuidedRows(make_env(4), DearestPolicy(), share)
    assert np.flatnonzero(~env.guided).tolist() == own


def test_policy_acts_in_guided_rows_alone(monkeypatch):
    """On what is seen there now; the learner's own rows get its actions."""
    taken = []
    native = type(make_env(4))
    plain = native.step_async
    monkeypatch.setattr(
        native,
        "step_async",
        lambda self, actions: (taken.append(actions.copy()), plain(self, actions))[1],
    )
    model, policy = collected(0.5)
    buffer = model.rollout_buffer
    assert len(taken) == len(policy.calls) == 8
    for step, (observations, masks, chosen) in enumerate(policy.calls):
        assert (observations == buffer.observations[step]).all()
        assert masks.shape == (4, masks.shape[1])
        assert (taken[step][[1, 3]] == chosen[[1, 3]]).all()
        assert (taken[step][[0, 2]] == buffer.actions[step, [0, 2], 0]).all()


@pytest.mark.parametrize("batch_size", [None, 5, 16])
def test_batches_hold_the_learners_decisions_once(batch_size):
    """All of its rows, and none of the others."""
    model, _ = collected(0.5)
    buffer = model.rollout_buffer
    wanted = np.sort(buffer.returns[:, [0, 2]].ravel())
    batches = [batch.returns.numpy() for batch in buffer.get(batch_size)]
    assert len(batches[0]) == min(batch_size or 16, 16)
    assert (np.sort(np.concatenate(batches)) == wanted).all()


def test_where_the_learner_acts_in_all_rows_nothing_changes():
    """To the last bit."""
    plain = make_model(make_env(4)).learn(64)
    guided = make_model(GuidedRows(make_env(4), DearestPolicy(), 1.0)).learn(64)
    assert are_equal(parameters(plain), parameters(guided))


def test_maskable_ppo_learns_from_its_own_rows():
    """With masks and batches; another environment tells the buffer of its own rows."""
    env = GuidedRows(make_env(4), DearestPolicy(), 0.25)
    model = SemiMarkovMaskablePPO("MlpPolicy", env, n_steps=8, batch_size=8, n_epochs=2, seed=0)
    before = parameters(model)
    model.learn(32)
    assert not are_equal(before, parameters(model))
    model.set_env(make_env(4))
    assert model.rollout_buffer.guided is None


def test_rows_are_found_under_wrappers():
    """And the native environment below them."""
    env = GuidedRows(make_env(4), DearestPolicy(), 0.5)
    assert guided_rows(VecNormalize(env)).tolist() == [False, True, False, True]
    assert guided_rows(make_env(4)) is None
    assert native_env(env).scenario is SMALL


@pytest.mark.parametrize("share", [0.0, -1.0, 1.1, float("nan")])
def test_share_out_of_range_is_refused(share):
    """With what is allowed."""
    with pytest.raises(ConfigError, match="learner_share must be above 0 to 1"):
        GuidedRows(make_env(4), DearestPolicy(), share)
