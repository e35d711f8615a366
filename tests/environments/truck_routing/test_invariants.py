"""What always holds in truck routing: volumes, masks, shifts, and what agents may not see."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.case import examples
from tests.environments.truck_routing.strategies import truck_scenarios
from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.scenario import DAY_S
from twin_gym.environments.truck_routing.vector import TruckRoutingVectorEnv
from twin_gym.scenario.loading import load

forms = st.sampled_from(("pick", "nearest"))


def vector_of(scenario, form, rows=2):
    """Rows that wait when they are over."""
    return TruckRoutingVectorEnv(rows, scenario, action=form, autoreset_mode=AutoresetMode.DISABLED)


def driven(env, seed, steps, is_allowed=True):
    """Random steps until a row is over; before each, the actions that are about to be taken."""
    _, infos = env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        wishes = rng.random(infos["action_mask"].shape)
        actions = (wishes * infos["action_mask"] if is_allowed else wishes).argmax(axis=1)
        yield actions, infos
        *_, truncated, infos = env.step(actions)
        if truncated.any():
            return


@given(truck_scenarios(), forms, st.integers(0, 2**32))
@examples(40)
def test_waste_is_in_a_bin_in_a_truck_at_the_depot_or_on_the_street(scenario, form, seed):
    """What was there at first and was thrown in is what is found in these places."""
    env = vector_of(scenario, form)
    unloaded, loads = np.zeros(2), None
    for _ in driven(env, seed, 40):
        rows = env.batch.arrays["rows"]
        if loads is not None:
            unloaded += np.maximum(loads - rows["load"], 0.0).sum(axis=1)
        loads = rows["load"].copy()
        for i in range(2):
            world = env.batch.world(i)
            first = sum(world.initial_l(k) for k in range(scenario.num_bins))
            there = env.batch.contents_l(i).sum() + rows["load"][i].sum() + unloaded[i]
            thrown_in = first + rows["deposited_l"][i]
            assert there + rows["overflow_l"][i] == pytest.approx(thrown_in, abs=1e-6)
            assert rows["collected_l"][i] == pytest.approx(rows["load"][i].sum() + unloaded[i])
            assert rows["load"][i].max() <= scenario.truck_capacity_l * (1.0 + 1e-12)


@given(truck_scenarios(), forms, st.integers(0, 2**32), st.booleans())
@examples(40)
def test_masks_keep_every_promise(scenario, form, seed, is_allowed):
    """An allowed bin is reached in the shift with the way home, fits as predicted, and is free.

    The promise is worked out from what `believed` shows, not from the kernel's tables.
    """
    env = vector_of(scenario, form)
    depot = scenario.num_bins
    for _, infos in driven(env, seed, 40, is_allowed):
        for i in range(2):
            world, known = env.batch.world(i), env.batch.believed(i)
            travel_s = world.travel_ms / 1000.0
            rounds_s = travel_s[known.place, :depot] + travel_s[:depot, depot]
            rounds_s += scenario.service_s + scenario.unload_s
            in_time = rounds_s <= known.left_s + 1e-9
            fits = known.predicted_l <= scenario.truck_capacity_l - known.load_l
            allowed = in_time & fits & ~known.reserved
            assert known.allowed.tolist() == allowed.tolist()
            places = env.batch.candidates(i)
            mask = infos["action_mask"][i]
            assert mask[-1] == 1
            assert mask[:-1].tolist() == [int(k >= 0 and allowed[k]) for k in places]


@given(truck_scenarios(), st.integers(0, 2**32), st.booleans())
@examples(40)
def test_trucks_are_back_when_the_shift_ends(scenario, seed, is_allowed):
    """Whatever they were told: no truck is out, or unloading, after the shift."""
    env = vector_of(scenario, "pick")
    for _ in driven(env, seed, 60, is_allowed):
        rows = env.batch.arrays["rows"][:, None]
        goals, free_at = (rows[name][:, 0, : scenario.num_trucks] for name in ("goal", "free_at"))
        now = rows["now"] - rows["now"] % layout.DAY_MS
        is_out = goals != layout.RESTING
        assert (free_at <= now + scenario.shift_length_s * 1000.0)[is_out].all()


@given(truck_scenarios(), st.integers(0, 2**32))
@examples(25)
def test_candidates_are_the_nearest_that_are_worth_it(scenario, seed):
    """By travel time, then number; empty places last, with zeros and a mask of 0."""
    env = vector_of(scenario, "nearest")
    layout_of_fields = env.batch.settings.form.layout(scenario)
    for _, infos in driven(env, seed, 30):
        for i in range(2):
            world, known = env.batch.world(i), env.batch.believed(i)
            fills = known.predicted_l * world.bins[layout.INVERSE_CAPACITY]
            worth = np.flatnonzero(known.allowed & (fills >= scenario.candidate_fill))
            ways = world.travel_ms[known.place]
            best = sorted(worth.tolist(), key=lambda k: (ways[k], k))[: scenario.num_candidates]
            found = env.batch.candidates(i)
            assert found[: len(best)].tolist() == best
            assert (found[len(best) :] == -1).all()
            assert infos["action_mask"][i].sum() == len(best) + 1
            for group in ("allowed", "predicted", "reading", "age", "travel", "returning"):
                seen = env.batch.observations[i][layout_of_fields.span(group)]
                assert not seen[len(best) :].any()


@given(truck_scenarios(), forms, st.integers(0, 2**32))
@examples(25)
def test_the_truth_that_no_report_has_told_is_not_seen(scenario, form, seed):
    """The bins hold something else, and only later steps can show it.

    The volumes and the contents of all bins are replaced while trucks are under way: what is
    observed at this moment is worked out anew and stays the same.
    """
    env = vector_of(scenario, form)
    batch = env.batch
    for _, infos in driven(env, seed, 15):
        before = batch.observations.copy(), infos["action_mask"].copy()
        arrays = batch.arrays
        kept = arrays["volumes"].copy(), arrays["states"].copy()
        arrays["volumes"] *= 1.7
        arrays["states"][:, layout.BASE] -= 11.0
        batch._observe(0, 2)
        assert (batch.observations == before[0]).all()
        assert (batch.masks == before[1]).all()
        arrays["volumes"][:], arrays["states"][:] = kept


def test_worlds_that_differ_since_the_last_reports_look_alike():
    """Until the first report of a bin that holds something else, decisions see the same."""
    one = load("truck-grid-20").replace(report_period_s=6 * 3600.0, delivery_probability=1.0)
    env = vector_of(one, "pick")
    seen, _ = env.reset(seed=[5, 5])
    visited, others = 3, np.arange(20) != 3
    env.batch.arrays["volumes"][1, :, :20][:, others] *= 2.0
    first_report = env.batch.arrays["states"][0, layout.OFFSET, others].min() + 60_000.0
    alike = []
    for place in (visited, 20, 20):
        seen, *_ = env.step(np.array([place, place]))
        alike.append(bool((seen[0] == seen[1]).all()))
        assert alike[-1] == (env.batch.arrays["rows"]["now"][0] < first_report)
    assert alike == [True, True, False] or alike == [True, False, False]


@given(truck_scenarios(), forms, st.integers(0, 2**32))
@examples(25)
def test_observations_are_shares(scenario, form, seed):
    """Every field lies in [0, 1], and no step goes back in time."""
    env = vector_of(scenario, form)
    before = -1.0
    for _ in driven(env, seed, 60, is_allowed=False):
        seen = env.batch.observations
        assert np.isfinite(seen).all()
        assert seen.min() >= 0.0
        assert seen.max() <= 1.0
        assert env.batch.arrays["rows"]["now"][0] >= before
        before = env.batch.arrays["rows"]["now"][0]


@pytest.mark.parametrize("form", ["pick", "nearest"])
def test_disallowed_actions_are_the_depot_and_counted(form):
    """The same trajectory as with the depot in their place."""
    one = load("truck-grid-20")
    wild, tame = (vector_of(one, form, rows=4) for _ in range(2))
    rng = np.random.default_rng(0)
    _, infos = wild.reset(seed=3)
    tame.reset(seed=3)
    depot, told = wild.single_action_space.n - 1, np.zeros(4, int)
    for _ in range(60):
        actions = rng.integers(0, depot + 1, 4)
        is_allowed = infos["action_mask"][np.arange(4), actions] == 1
        told += ~is_allowed
        mine, theirs = wild.step(actions), tame.step(np.where(is_allowed, actions, depot))
        infos = mine[-1]
        assert (mine[0] == theirs[0]).all()
        assert (mine[1] == theirs[1]).all()
        assert infos["disallowed_actions"].tolist() == told.tolist()
        if mine[3].any():
            break
    assert told.sum() > 0


def test_episode_ends_at_the_horizon():
    """At the end of the last day, and elapsed times add up to it."""
    env = TruckRoutingVectorEnv(1, "truck-grid-20", autoreset_mode=AutoresetMode.DISABLED)
    passed, truncated = 0.0, [False]
    _, infos = env.reset(seed=2)
    while not truncated[0]:
        *_, truncated, infos = env.step(infos["action_mask"].argmax(axis=1))
        passed += infos["elapsed_s"][0]
    assert passed == pytest.approx(3 * DAY_S)
    assert env.batch.arrays["rows"]["now"][0] == 3 * layout.DAY_MS
