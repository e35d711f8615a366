"""The checkers of twin_gym.testing: sound environments pass, each broken one is found out."""

import functools
import pickle
import random  # noqa: TID251 - only to misuse it

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space

from twin_gym.errors import TwinGymError
from twin_gym.testing import CheckFailed, check_seeding, check_vector_env
from twin_gym.testing.equality import first_difference


class Walk(gymnasium.Env):
    """A random walk of four to eight steps with an action mask; the base of the broken ones."""

    observation_space = spaces.Box(-1e6, 1e6, (2,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.age = self.draw(), 0
        self.length = int(self.np_random.integers(4, 9))
        return self.observation(), self.info()

    def draw(self):
        return float(self.np_random.normal())

    def step(self, action):
        self.age += 1
        self.place += self.draw() * (1.0 + action)
        return self.observation(), self.place, False, self.age >= self.length, self.info()

    def observation(self):
        return np.array([self.place, self.age], np.float32)

    def info(self):
        return {"action_mask": np.array([1, 1, self.place > 0], np.int8), "place": self.place}


class SeedIgnored(Walk):
    """Draws from a generator of its own."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None)


class SeedTooStrong(Walk):
    """An environment whose world is the same for all seeds."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=0)


class ResetRepeats(Walk):
    """reset() without a seed plays the first episode again."""

    last = 0

    def reset(self, *, seed=None, options=None):
        self.last = self.last if seed is None else seed
        return super().reset(seed=self.last)


class InfoFromOutside(Walk):
    """Observations obey the seed, an info does not."""

    drawn = 0

    def info(self):
        type(self).drawn += 1
        return super().info() | {"count": self.drawn}


class SharedGenerator(Walk):
    """All instances draw from one generator, seeded by each reset."""

    generator = np.random.default_rng(0)

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            SharedGenerator.generator = np.random.default_rng(seed)
        return super().reset(seed=seed)

    def draw(self):
        return float(self.generator.normal())


class GlobalNumpy(Walk):
    """Seeds NumPy's global generator, with a number that no other test leaves it at."""

    def reset(self, *, seed=None, options=None):
        np.random.seed(271_828_183)  # noqa: NPY002, TID251
        return super().reset(seed=seed)


class GlobalPython(Walk):
    """Draws from Python's global generator, to no effect."""

    def draw(self):
        random.random()
        return super().draw()


BROKEN_SINGLE = [
    (SeedIgnored, "one seed, on a new instance"),
    (SeedTooStrong, "the seeds 0 and 1000003 give the same"),
    (ResetRepeats, "the next episode"),
    (InfoFromOutside, r"on a new instance: info\['count'\]"),
    (SharedGenerator, "with another environment in between"),
    (GlobalNumpy, "the global state of numpy.random"),
    (GlobalPython, "the global state of random"),
]


def test_sound_single_environment_passes():
    """An environment that obeys its seed passes."""
    check_seeding(Walk, steps=30)
    check_seeding(functools.partial(gymnasium.make, "CartPole-v1"), steps=50)


@pytest.mark.parametrize(("broken", "message"), BROKEN_SINGLE)
def test_broken_single_environment_is_found(broken, message):
    """Each way to disobey a seed is found, with what was seen and what the contract says."""
    state = np.random.get_state(), random.getstate()  # noqa: NPY002
    with pytest.raises(CheckFailed, match=message) as caught:
        check_seeding(broken, steps=30)
    np.random.set_state(state[0])  # noqa: NPY002
    random.setstate(state[1])
    assert "The contract: " in str(caught.value)


def test_single_environment_of_one_episode_without_end_passes():
    """Shorter than an episode is enough to compare."""
    check_seeding(Walk, steps=3)


class Lanes(VectorEnv):
    """Walks side by side, as SyncVectorEnv would run them; the base of the broken ones."""

    mode = AutoresetMode.NEXT_STEP

    def __init__(self):
        self.envs = SyncVectorEnv([Walk] * 3, autoreset_mode=self.mode)
        self.num_envs = 3
        self.metadata = {"autoreset_mode": self.mode}
        self.single_observation_space, self.single_action_space = (
            Walk.observation_space,
            Walk.action_space,
        )
        self.observation_space = batch_space(Walk.observation_space, 3)
        self.action_space = batch_space(Walk.action_space, 3)

    def reset(self, *, seed=None, options=None):
        return self.envs.reset(seed=seed, options=options)

    def step(self, actions):
        return self.envs.step(actions)


class SameStep(Lanes):
    """As above, in the mode that SB3 knows."""

    mode = AutoresetMode.SAME_STEP


class Disabled(Lanes):
    """As above, in the mode in which the caller resets."""

    mode = AutoresetMode.DISABLED


class ModeAsString(Lanes):
    def __init__(self):
        super().__init__()
        self.metadata = {"autoreset_mode": "NextStep"}


class WrongSpace(Lanes):
    def __init__(self):
        super().__init__()
        self.observation_space = Walk.observation_space


class DoublePrecision(Lanes):
    def step(self, actions):
        observations, *rest = super().step(actions)
        return observations.astype(np.float64), *rest


class OutOfSpace(Lanes):
    def step(self, actions):
        observations, *rest = super().step(actions)
        return observations + np.float32(1e7), *rest


class ListOfRewards(Lanes):
    def step(self, actions):
        observations, rewards, *rest = super().step(actions)
        return observations, list(rewards), *rest


class InfiniteReward(Lanes):
    def step(self, actions):
        observations, rewards, *rest = super().step(actions)
        return observations, rewards / 0.0 if self.envs.envs[0].age == 2 else rewards, *rest


class FlagsAsNumbers(Lanes):
    def step(self, actions):
        observations, rewards, terminated, truncated, infos = super().step(actions)
        return observations, rewards, terminated, truncated.astype(np.int8), infos


class InfoWithoutMask(Lanes):
    def step(self, actions):
        *rest, infos = super().step(actions)
        infos.pop("_place")
        return *rest, infos


class InfoOfOneLane(Lanes):
    def step(self, actions):
        *rest, infos = super().step(actions)
        infos["place"] = infos["place"][:1]
        return *rest, infos


class InfosAsList(Lanes):
    def reset(self, *, seed=None, options=None):
        observations, infos = super().reset(seed=seed)
        return observations, [infos]


class MaskOfBooleans(Lanes):
    def reset(self, *, seed=None, options=None):
        observations, infos = super().reset(seed=seed)
        return observations, infos | {"action_mask": infos["action_mask"].astype(np.bool_)}


class MaskOfNothing(Lanes):
    def step(self, actions):
        *rest, infos = super().step(actions)
        infos["action_mask"][1] = 0
        return *rest, infos


class LanesCopied(Lanes):
    """Every lane is seeded alike: what mobile-env does under SB3."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None if seed is None else [seed] * 3)


class LanesFromSeed(Lanes):
    """Lanes differ and obey the seed, but lane i is not the single environment of seed + i."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None if seed is None else [seed * 3 + 5, seed * 3 + 6, seed + 7])


class SeedDropped(Lanes):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None)


class SeedFixed(Lanes):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None if seed is None else 1)


class OneLaneFixed(Lanes):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None if seed is None else [seed, 1, seed + 2])


class BuffersReused(Lanes):
    def __init__(self):
        super().__init__()
        self.buffer = np.zeros((3, 2), np.float32)

    def step(self, actions):
        observations, *rest = super().step(actions)
        self.buffer[:] = observations
        return self.buffer, *rest


class InfoBuffersReused(Lanes):
    def __init__(self):
        super().__init__()
        self.buffer = np.zeros((3, 3), np.int8)

    def step(self, actions):
        *rest, infos = super().step(actions)
        self.buffer[:] = infos["action_mask"]
        return *rest, infos | {"action_mask": self.buffer}


class NoPickle(Lanes):
    def __getstate__(self):
        raise TypeError("there is a generator in it")


class PickleForgets(Lanes):
    """An environment that begins anew when it comes out of pickle."""

    def __setstate__(self, state):
        self.__dict__.update(state)
        for env in self.envs.envs:
            env.np_random.random()


class ResetsAtOnce(Lanes):
    """Declares NEXT_STEP and resets in the step of the end."""

    def step(self, actions):
        observations, rewards, terminated, truncated, infos = super().step(actions)
        for lane in np.flatnonzero(truncated):
            observations[lane], _ = self.envs.envs[lane].reset()
            self.envs._autoreset_envs[lane] = False
        return observations, rewards, terminated, truncated, infos


class NextStepObeysAction(Lanes):
    """Steps the new episode at once with the action that should be ignored."""

    def step(self, actions):
        over = self.envs._autoreset_envs.copy()
        observations, rewards, *rest = super().step(actions)
        for lane in np.flatnonzero(over):
            observations[lane] = self.envs.envs[lane].step(actions[lane])[0]
        return observations, rewards, *rest


class FinalInNextStep(Lanes):
    def step(self, actions):
        *rest, infos = super().step(actions)
        none = np.zeros(3, np.bool_)
        return *rest, infos | {"final_obs": np.full(3, None), "_final_obs": none}


class NeverEnds(Lanes):
    def step(self, actions):
        observations, rewards, terminated, truncated, infos = super().step(actions)
        return observations, rewards, terminated, truncated & False, infos


class NoFinalInfo(SameStep):
    def step(self, actions):
        *rest, infos = super().step(actions)
        infos.pop("final_info", None)
        infos.pop("_final_info", None)
        return *rest, infos


class FinalOfAll(SameStep):
    def step(self, actions):
        *rest, infos = super().step(actions)
        if "_final_obs" in infos:
            infos["_final_obs"] = np.ones(3, np.bool_)
        return *rest, infos


class NotReset(SameStep):
    """Returns the last observation with the end and not the first one of the next episode."""

    def step(self, actions):
        observations, *rest, infos = super().step(actions)
        for lane in np.flatnonzero(infos.get("_final_obs", ())):
            observations[lane] = infos["final_obs"][lane]
        return observations, *rest, infos


class FinalOutOfSpace(SameStep):
    def step(self, actions):
        *rest, infos = super().step(actions)
        for lane in np.flatnonzero(infos.get("_final_obs", ())):
            infos["final_obs"][lane] = np.full(2, 1e7, np.float32)
        return *rest, infos


class FinalInfoMasks(SameStep):
    """Says that all lanes have the infos of an end."""

    def step(self, actions):
        *rest, infos = super().step(actions)
        if "final_info" in infos:
            infos["final_info"]["_place"] = np.ones(3, np.bool_)
        return *rest, infos


class LastInfoKept(SameStep):
    """The infos of an ended lane are still those of the end."""

    def step(self, actions):
        *rest, infos = super().step(actions)
        for lane in np.flatnonzero(infos.get("_final_info", ())):
            infos["place"][lane] = infos["final_info"]["place"][lane]
        return *rest, infos


class ResetMovesOthers(Disabled):
    """Ignores reset_mask and resets all lanes."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)


BROKEN_VECTOR = [
    (ModeAsString, r"metadata\['autoreset_mode'\] is 'NextStep'"),
    (WrongSpace, "observation_space is Box"),
    (DoublePrecision, "step 1: observations are an array of float64"),
    (OutOfSpace, "outside of observation_space"),
    (ListOfRewards, "rewards are a list"),
    (InfiniteReward, "finite: False"),
    (FlagsAsNumbers, "truncated is an array of int8"),
    (InfoWithoutMask, r"infos\['place'\] has as '_place': a NoneType"),
    (InfoOfOneLane, r"infos\['place'\] is an array of float64 and shape \(1,\)"),
    (InfosAsList, "infos are a list"),
    (MaskOfBooleans, "action_mask is an array of bool"),
    (MaskOfNothing, r"allows \[\d, 0, \d\] actions"),
    (LanesCopied, "sub-environments 0 and 1 saw the same"),
    (LanesFromSeed, "sub-environment 0 and the single environment: observation"),
    (SeedDropped, "one seed on a new instance"),
    (SeedFixed, "the seeds 0 and 1000003 give sub-environment 0 the same"),
    (OneLaneFixed, "the seeds 0 and 1000003 give sub-environment 1 the same"),
    (BuffersReused, r"result 1\[0\].*has been overwritten"),
    (InfoBuffersReused, r"result 1\[4\]\['action_mask'\].*has been overwritten"),
    (NoPickle, "pickling failed: TypeError: there is a generator in it"),
    (PickleForgets, "the unpickled environment: result 0"),
    (ResetsAtOnce, "the step after an end gave the rewards"),
    (NextStepObeysAction, "another action in the step after an episode's end"),
    (FinalInNextStep, r"infos have \['final_obs'\]"),
    (NeverEnds, "no episode ended in 30 steps"),
    (NoFinalInfo, r"those with final_info are \[\]"),
    (FinalOfAll, r"those with final_obs are"),
    (NotReset, "always the final ones"),
    (FinalOutOfSpace, "final_obs of sub-environment 2"),
    (FinalInfoMasks, r"final_info\['_place'\] is True"),
    (LastInfoKept, r"sub-environment 0 and the single environment: info\['place'\]"),
    (ResetMovesOthers, "was not in reset_mask and has moved"),
]


@pytest.mark.parametrize("sound", [Lanes, SameStep, Disabled])
def test_sound_vector_environment_passes(sound):
    """A vector environment that keeps the contract passes in each autoreset mode."""
    check_vector_env(sound, Walk, steps=30)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_gymnasium_s_own_vector_environment_passes(mode):
    """Gymnasium's SyncVectorEnv keeps the contract that is checked here."""
    single = functools.partial(gymnasium.make, "CartPole-v1")
    make = functools.partial(SyncVectorEnv, [single] * 3, autoreset_mode=mode)
    check_vector_env(make, single, steps=60)


@pytest.mark.parametrize(("broken", "message"), BROKEN_VECTOR)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_broken_vector_environment_is_found(broken, message):
    """Each broken promise is found, with what was seen and what the contract says."""
    with pytest.raises(CheckFailed, match=message) as caught:
        check_vector_env(broken, Walk, steps=30)
    assert "The contract: " in str(caught.value)


def test_empty_info_of_the_single_environment_says_nothing():
    """The lanes need not have it; one with something in it they need."""

    class Telling(Walk):
        more = ()

        def reset(self, *, seed=None, options=None):
            observation, info = super().reset(seed=seed, options=options)
            return observation, info | {"more": dict(self.more)}

        def step(self, action):
            *rest, info = super().step(action)
            return *rest, info | {"more": dict(self.more)}

    class TellingSomething(Telling):
        more = (("a", 1.0),)

    check_vector_env(Lanes, Telling)
    with pytest.raises(CheckFailed, match="'more'"):
        check_vector_env(Lanes, TellingSomething)


def test_something_else_is_no_vector_environment():
    """A single environment is refused by its type."""
    with pytest.raises(CheckFailed, match="this is a Walk"):
        check_vector_env(Walk)


def test_less_can_be_asked_for():
    """Ends and pickling are checked unless the caller does without."""
    check_vector_env(NeverEnds, steps=5, require_end=False)
    check_vector_env(NoPickle, steps=30, pickling=False)


def test_check_failed_is_an_assertion_and_an_error_of_twin_gym():
    """Test runners take it for a failed assertion; it survives another process."""
    error = CheckFailed("seen")
    assert isinstance(error, AssertionError)
    assert isinstance(error, TwinGymError)
    assert str(pickle.loads(pickle.dumps(error))) == "seen"  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, "keys"),
        ([1, 2], [1, 2, 3], "entries"),
        (np.zeros(2), np.zeros(2, np.float32), "float32"),
        (np.zeros(2), np.zeros(3), "(3,)"),
        (np.array([0.0, np.nan]), np.array([0.0, 1.0]), "x[1] is nan and 1.0"),
        ((1.0, {"a": np.array([1, 2])}), (1.0, {"a": np.array([1, 3])}), "x[1]['a'][1] is 2 and 3"),
        (1.0, 1.0 + 1e-15, "1.000000000000001"),
        (None, 0, "None and 0"),
        (np.array([None, 1]), np.array([None, 2]), "x[1]"),
    ],
)
def test_difference_is_told(one, other, difference):
    """The first difference is named by its place and its two values."""
    assert difference in first_difference(one, other, "x")
    assert first_difference(one, one, "x") is None


def test_numbers_of_numpy_and_python_are_alike():
    """A lane's float64 equals the float of a single environment, and NaN equals NaN."""
    assert first_difference(np.float64(0.1), 0.1, "x") is None
    assert first_difference(np.bool_(True), True, "x") is None
    assert first_difference(float("nan"), np.float64("nan"), "x") is None
