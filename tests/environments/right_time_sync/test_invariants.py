"""Invariants of right-time synchronisation at every step, for all scenarios and actions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.environments.right_time_sync.strategies import sync_scenarios
from twin_gym.environments.right_time_sync.layout import build_tables
from twin_gym.environments.right_time_sync.vector import RightTimeSyncVectorEnv
from twin_gym.environments.right_time_sync.world import World

SHARES = ("scenario_accuracy", "final_accuracy", "known_share", "beyond_share")

seeds = st.integers(0, 2**40)
forms = st.sampled_from(["pick", "rounds"])
errors = st.sampled_from(["expected", "realised"])


def stepped(env, seed, steps):
    """Yields what every step of an environment gave, the reset first, until rows are over."""
    rng = np.random.default_rng(seed)
    observations, infos = env.reset(seed=seed)
    space = env.single_action_space
    yield None, observations, np.zeros(env.num_envs), infos
    for _ in range(steps):
        if space.shape:
            actions = rng.random((env.num_envs, *space.shape)).astype(np.float32)
        else:
            actions = rng.integers(0, space.n, env.num_envs)
        observations, rewards, _, truncated, infos = env.step(actions)
        yield actions, observations, rewards, infos
        if truncated.all():
            break


def check_row(env, index):
    """Ages, counts, budget and indicators of a row are what they can be."""
    row, twin, scenario = env.batch.row(index), env.batch.twin(index), env.batch.scenario_of(index)
    slot = int(env.batch.heads["slot"][index])
    ages, known = twin["age"], twin["is_known"]
    assert (ages >= 0).all()
    assert (ages <= slot).all()
    assert np.array_equal(ages, np.rint(ages))
    assert row["age_now"] == ages.sum()
    assert row["known"] == known.sum()
    assert (ages[known == 1.0] >= min(scenario.delay_slots, slot)).all()
    assert (twin["value"][known == 0.0] == 0.0).all()
    assert (twin["error"] >= 0.0).all()
    assert row["delivered"] == row["peaks"] <= row["updates"]
    if scenario.update_budget is None:
        assert row["budget_left"] == -1
    else:
        assert row["budget_left"] == scenario.update_budget - row["updates"] >= 0
    assert row["step_beyond"] == (twin["error"] > scenario.tolerance**2).sum()
    weights = env.batch.tables.laws[env.batch.heads["network"][index], 4]
    assert np.isclose(weights.sum(), 1.0)
    if slot:
        assert np.isclose(row["step_error"], weights @ twin["error"], rtol=1e-12, atol=1e-300)


def check_kpis(env):
    """Shares are shares, ages no older than the episode, no more delivered than sent."""
    scenario, kpi = env.batch.scenario, env.batch.kpis()
    for name in SHARES:
        assert ((kpi[name] >= 0.0) & (kpi[name] <= 1.0)).all(), name
    assert (kpi["delivered"] <= kpi["updates"]).all()
    slots = env.batch.heads["slot"]
    assert (kpi["mean_age_s"] >= 0.0).all()
    assert (kpi["mean_age_s"] <= slots * scenario.slot_s).all()
    assert (kpi["peak_age_s"] <= slots * scenario.slot_s).all()
    assert np.allclose(kpi["energy_j"], kpi["updates"] * scenario.energy_per_update_j)
    planned = slots * (1.0 if scenario.planned_period_s is None else np.nan)
    assert np.allclose(kpi["alignment_ratio"] * planned, kpi["delivered"])
    assert env.batch.is_by_round or (kpi["alignment_ratio"] <= 1.0).all()


@given(sync_scenarios(), forms, errors, seeds)
@settings(max_examples=60)
def test_everything_stays_where_it_belongs(scenario, action, error, seed):
    """Step after step: ages, counts, errors, budget, observations, rewards, costs."""
    env = RightTimeSyncVectorEnv(2, scenario, action=action, error=error, autoreset_mode="Disabled")
    places = scenario.round_size if action == "rounds" else 1
    before = np.zeros(2, np.int64)
    for actions, observations, rewards, infos in stepped(env, seed, 25):
        assert ((observations >= 0.0) & (observations <= 1.0)).all()
        assert np.array_equal(rewards, infos["error"] + infos["updates"])
        assert (rewards <= 0.0).all()
        assert ((infos["cost"] >= 0.0) & (infos["cost"] <= 1.0)).all()
        for index in range(2):
            check_row(env, index)
        check_kpis(env)
        sent = env.batch.arrays["rows"]["updates"] - before
        before += sent
        assert (sent <= places).all()
        if actions is not None:
            assert np.allclose(infos["updates"], -scenario.update_cost * sent)


@given(sync_scenarios(), seeds)
@settings(max_examples=30)
def test_mask_allows_what_the_budget_allows(scenario, seed):
    """Nobody can always be picked; an entity as long as there is budget; else it is counted."""
    env = RightTimeSyncVectorEnv(2, scenario, autoreset_mode="Disabled")
    disallowed, masks = np.zeros(2, np.int64), None
    for actions, _, _, infos in stepped(env, seed, 25):
        if actions is not None:
            disallowed += masks[np.arange(2), actions] == 0
        assert np.array_equal(infos["disallowed_actions"], disallowed)
        masks = infos["action_mask"].copy()
        has_budget = env.batch.arrays["rows"]["budget_left"] != 0
        assert (masks[:, -1] == 1).all()
        assert (masks[:, :-1] == has_budget[:, None]).all()


@given(sync_scenarios(), st.sampled_from(["hold", "fitted"]), seeds)
@settings(max_examples=30)
def test_expected_errors_rise_until_something_is_delivered(scenario, predictor, seed):
    """And are back at what the delay leaves of them as soon as it is."""
    env = RightTimeSyncVectorEnv(
        1, scenario.replace(predictor=predictor), autoreset_mode="Disabled"
    )
    errors, born, is_unknown = None, None, None
    for _ in stepped(env, seed, 25):
        twin = env.batch.twin(0)
        if errors is not None:
            is_same = (twin["born"] == born) & (twin["is_known"] == 1.0) & ~is_unknown
            assert (twin["error"][is_same] >= errors[is_same] - 1e-15).all()
        errors, born, is_unknown = twin["error"], twin["born"], twin["is_known"] == 0.0


@given(sync_scenarios(), seeds)
@settings(max_examples=30)
def test_twin_holds_what_was_true(scenario, seed):
    """Every held value is the entity's own at the slot it was born in."""
    env = RightTimeSyncVectorEnv(1, scenario, autoreset_mode="Disabled")
    for _ in stepped(env, seed, 25):
        pass
    twin, world = env.batch.twin(0), env.batch.world(0)
    for k in np.flatnonzero(twin["is_known"]):
        assert twin["value"][k] == world.value(int(k), int(twin["born"][k]))


@given(sync_scenarios(), st.integers(0, 2**63))
@settings(max_examples=30)
def test_two_state_values_are_two(scenario, key):
    """-1/2 or 1/2, in every slot; all values are finite."""
    world = World(build_tables([scenario]), 0, key)
    laws = [group.process.law for group in scenario.groups for _ in range(group.count)]
    for k, law in enumerate(laws):
        path = world.path(k)
        assert np.isfinite(path).all()
        assert law != "two-state" or set(np.abs(path)) == {0.5}
