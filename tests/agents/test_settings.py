"""Settings of a training: what is refused, and what names them."""

import dataclasses
import json
import re

import pytest

from agents.settings import AGENTS, STORED_NAMES, TrainSettings, whole_rollouts
from tests.agents.cases import TINY
from twin_gym.errors import ConfigError, UnknownNameError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"agent": "a2c-twn"}, "did you mean 'a2c-twin'"),
        ({"seed": -1}, "`seed` must be 0 to"),
        (
            {"total_timesteps": 100},
            "n_envs x n_steps = 32, got 100: round it to 96",
        ),
        ({"total_timesteps": 0}, "`total_timesteps` must be positive, got 0"),
        ({"leg_steps": -32}, "`leg_steps` must be positive, got -32"),
        ({"leg_steps": 48}, "round it to 64"),
        ({"n_envs": 0}, "`n_envs` must be 1 to"),
        ({"n_steps": 0}, "`n_steps` must be 1 to"),
        ({"learning_rate": 0.0}, "`learning_rate`"),
        ({"learning_rate": float("nan")}, "got nan"),
        ({"ent_coef": -0.1}, "`ent_coef`"),
        ({"net_arch": ()}, "one or more widths"),
        ({"net_arch": (64, 0)}, "one or more widths"),
        ({"net_arch": (64,) * 9}, "8 at most"),
        ({"net_arch": [64]}, "`net_arch` must be a tuple of whole numbers"),
        ({"net_arch": (64.0,)}, "`net_arch` must be a tuple of whole numbers"),
        ({"more_scenarios": "mild"}, "`more_scenarios` must be a tuple of texts"),
        ({"agent": ["a2c"]}, "`agent` must be text"),
        ({"seed": True}, "`seed` must be a whole number, got True"),
        ({"seed": "1"}, "`seed` must be a whole number, got '1'"),
        ({"learning_rate": "1"}, "`learning_rate` must be a number"),
        ({"learning_rate": True}, "`learning_rate` must be a number"),
        ({"shared": 1}, "`shared` must be True or False"),
        ({"action": 1}, "`action` must be text or None"),
        ({"discount_holding_times": 0.0}, "`discount_holding_times`"),
        ({"trace_holding_times": float("inf")}, "`trace_holding_times`"),
        ({"num_decisions": 0}, "`num_decisions`"),
        ({"smoothing": 1.0}, "`smoothing`"),
        ({"temperature": 0.0}, "`temperature`"),
        ({"synthetic_share": -1.0}, "`synthetic_share`"),
        ({"guard_looks": -1}, "`guard_looks` must be 0 to"),
        ({"guard_worlds": 1}, "`guard_worlds` must be 2 to"),
        ({"critic_warm_up_steps": 32}, "'a2c' has none"),
        ({"agent": "a2c-twin", "critic_warm_up_steps": 40}, "multiple of"),
        ({"agent": "a2c-twin", "critic_warm_up_steps": 96}, "in the first leg, at most 64"),
        ({"learner_share": 0.0}, "`learner_share` must be 1e-06 to 1"),
        ({"learner_share": 0.5}, "got 'a2c': leave it 1"),
        (
            {"agent": "a2c-twin", "learner_share": 0.5, "simulated_time": False},
            "and `simulated_time`",
        ),
    ],
)
def test_wrong_values_are_refused(changes, message):
    """At construction, with the value and what is allowed."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        dataclasses.replace(TINY, **changes)


def test_unknown_setting_is_named():
    """With the nearest one that exists."""
    with pytest.raises(UnknownNameError, match="did you mean 'learning_rate'"):
        TINY.with_(learning_rat=0.1)


def test_every_agent_has_the_defaults():
    """They are valid for each."""
    for agent in AGENTS:
        assert TrainSettings(agent=agent).agent == agent


def test_digest_names_the_settings():
    """Equal settings have one digest, and each field changes it."""
    assert TINY.digest == dataclasses.replace(TINY).digest
    assert re.fullmatch("[0-9a-f]{16}", TINY.digest)
    changes = {
        "agent": "a2c-twin", "scenario": "mild", "seed": 1, "total_timesteps": 192, "leg_steps": 32,
        "n_envs": 8, "n_steps": 4, "learning_rate": 0.5, "ent_coef": 0.5,
        "net_arch": (4,), "discount_holding_times": 9.0, "trace_holding_times": 9.0,
        "default_policy": "fifo", "num_decisions": 99, "smoothing": 0.2, "temperature": 2.0,
        "synthetic_share": 0.5, "centre_rewards": False, "simulated_time": False,
        "more_scenarios": ("mild",), "action": "slice", "initial_std": 0.5, "batch_size": 64,
        "n_epochs": 2, "shared": True, "anneal": True, "staggered": True,
        "guard_looks": 3, "guard_worlds": 8, "guard_share": 0.1,
        "critic_rate_ratio": 4.0, "clone_epochs": 30,
    }  # fmt: skip
    fields = {field.name for field in dataclasses.fields(TINY)}
    assert changes.keys() == fields - {"critic_warm_up_steps", "learner_share"}
    digests = {TINY.with_(**{name: value}).digest for name, value in changes.items()}
    with_twin = TINY.with_(agent="a2c-twin")
    digests |= {TINY.digest, with_twin.with_(critic_warm_up_steps=32).digest}
    digests.add(with_twin.with_(learner_share=0.5).digest)
    assert len(digests) == len(changes) + 3


@pytest.mark.parametrize(("steps", "legs"), [(64, 1), (96, 2), (128, 2), (160, 3)])
def test_last_leg_may_be_shorter(steps, legs):
    """Legs of 64 steps."""
    assert TINY.with_(total_timesteps=steps).num_legs == legs


def test_whole_rollouts_are_the_nearest():
    """One at least."""
    assert [whole_rollouts(steps, 32) for steps in (1, 32, 47, 49, 100)] == [32, 32, 32, 64, 96]


@pytest.mark.parametrize(
    ("values", "digest"),
    [
        ({}, "4c7095fe07a4c899"),
        ({"agent": "maskable-ppo", "scenario": "mild", "seed": 3}, "9d4b7b17cbd6c8c8"),
        (
            {"anneal": True, "staggered": True, "n_envs": 32, "n_steps": 16, "ent_coef": 0.5},
            "8a66e2f1fd85fcd7",
        ),
        (
            {
                "agent": "a2c",
                "scenario": "what-if",
                "more_scenarios": ("x", "y"),
                "net_arch": (32,),
                "n_envs": 64,
            },
            "2079a2d68b74e1a3",
        ),
    ],
)
def test_trainings_of_before_keep_their_names(values, digest):
    """Committed results hang on them: a setting that comes later counts only where it is given."""
    assert TrainSettings(**values).digest == digest


def test_files_keep_the_names_of_before():
    """Stored settings have them, also where a value is a list there, and are read back."""
    settings = TINY.with_(ent_coef=0.5, anneal=True, staggered=True, more_scenarios=("mild",))
    stored = json.loads(json.dumps(settings.as_stored()))
    assert stored["entropy_weight"] == 0.5
    assert (stored["num_rows"], stored["rollout_steps"]) == (TINY.n_envs, TINY.n_steps)
    assert stored["annealed"]
    assert stored["spread_rows"]
    assert not stored.keys() & STORED_NAMES.keys()
    assert TrainSettings.from_stored(stored) == settings
