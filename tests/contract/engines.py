"""The same decisions for both engines, compared after each of them."""

import numpy as np
from gymnasium.vector import AutoresetMode

from tests.contract.cases import case_of, vector
from twin_gym.testing.equality import first_difference

CHOOSERS = ("any", "allowed", "eager", "first")
NUM_ROWS = 2


def chosen_actions(env, masks, chooser, rng):
    """Actions of all rows.

    Args:
        env: the vector environment.
        masks: of its discrete actions; None where there are none.
        chooser: discrete actions: any, allowed ones, allowed ones and the last one only where there
            is no other, or the first few; amounts: any with corners, many of them 0, all 1, or none
            below a half.
        rng: what draws them.
    """
    space = env.single_action_space
    if space.shape:
        drawn = rng.random((env.num_envs, *space.shape))
        corners = rng.integers(0, 4, drawn.shape)
        return {
            "any": np.where(corners == 0, 0.0, np.where(corners == 1, 0.5, drawn)),
            "allowed": drawn * (corners % 2),
            "eager": np.ones_like(drawn),
            "first": 0.5 + drawn / 2,
        }[chooser].astype(space.dtype)
    if chooser in ("any", "first"):
        most = space.n if chooser == "any" else max(2, space.n // 4)
        return rng.integers(0, most, env.num_envs)
    wishes = rng.random(masks.shape) * masks
    if chooser == "eager":
        wishes[:, -1] *= 1e-9
    return wishes.argmax(axis=1)


def assert_equal(kind, mine, theirs, told):
    """Compares returned values, indicators so far, and the state of each network."""
    found = first_difference(*told, "what was given")
    assert found is None, found
    found = first_difference(mine.batch.kpis(), theirs.batch.kpis(), "kpi")
    assert found is None, found
    for row in range(mine.num_envs):
        states = [case_of(kind).state(env.batch, row) for env in (mine, theirs)]
        found = first_difference(*states, f"row {row}")
        assert found is None, found


def run_both(kind, scenarios, form, mode, seed, steps, chooser="any", **arguments):
    """Carries the same decisions to both engines and compares after each.

    Returns:
        How many episodes ended, and the environment of the kernel.
    """
    mine, theirs = engines = [
        vector(kind, form, scenarios, NUM_ROWS, engine=engine, autoreset_mode=mode, **arguments)
        for engine in ("kernel", "simpy")
    ]
    rng, ends = np.random.default_rng(seed), 0
    told = [env.reset(seed=seed) for env in engines]
    assert_equal(kind, mine, theirs, told)
    for _ in range(steps):
        actions = chosen_actions(mine, told[0][-1].get("action_mask"), chooser, rng)
        told = [env.step(actions) for env in engines]
        assert_equal(kind, mine, theirs, told)
        over = told[0][3]
        ends += int(over.sum())
        if mode is AutoresetMode.DISABLED and over.any():
            told = [env.reset(options={"reset_mask": over}) for env in engines]
            assert_equal(kind, mine, theirs, told)
    return ends, mine
