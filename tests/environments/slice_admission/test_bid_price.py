"""The bid-price rule against prices worked out by hand."""

import numpy as np
import pytest

from twin_gym.environments.slice_admission.policies.bid_price import BidPricePolicy
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.vector import SliceAdmissionVectorEnv
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario.loading import load


def two_slices(**changes) -> AdmissionScenario:
    """Ten units; `cheap` pays 1 and `dear` 4 for a unit and a second; 6 + 6 Erlang are offered."""
    cheap = Slice(name="cheap", demand={"units": 1.0}, arrival_rate_hz=6.0, mean_holding_time_s=1.0)
    dear = cheap.replace(name="dear", revenue=4.0, arrival_rate_hz=6.0)
    return AdmissionScenario(
        name="two", capacity={"units": 10.0}, slices=(cheap, dear), horizon_s=200.0
    ).replace(**changes)


def chosen(policy: BidPricePolicy, scenario: AdmissionScenario, free_share: float) -> int:
    """The rule's choices where a request of each slice waits and so much is free."""
    env = SliceAdmissionVectorEnv(1, scenario)
    observation, info = env.reset(seed=[0])
    observation = observation.copy()
    observation[:, 0] = free_share
    mask = np.ones_like(info["action_mask"])
    return int(policy.actions(observation, mask)[0])


CHEAP, DEAR, WAIT = 0, 1, 2


def test_slice_that_programme_admits_in_part_is_taken_and_dear_one_comes_first():
    """The price of a unit is what the marginal slice pays: its bargain is 0, and 0 suffices."""
    scenario = two_slices()
    assert chosen(BidPricePolicy(scenario), scenario, 1.0) == DEAR
    env = SliceAdmissionVectorEnv(1, scenario)
    observation, info = env.reset(seed=[0])
    only_cheap = np.array([[1, 0, 1]], info["action_mask"].dtype)
    assert BidPricePolicy(scenario).actions(observation, only_cheap)[0] == CHEAP
    assert BidPricePolicy(scenario, factor=1.01).actions(observation, only_cheap)[0] == WAIT


def test_slice_that_programme_does_not_admit_is_turned_down_without_tuning():
    """With 12 Erlang of `dear` a unit costs 4 a second: `cheap` never gets in."""
    scenario = two_slices()
    cheap, dear = scenario.slices
    scenario = scenario.replace(slices=(cheap, dear.replace(arrival_rate_hz=12.0)))
    evaluation = evaluate(
        make_policy("bid-price", scenario), scenario, world_seeds("validation", 4)
    )
    assert (evaluation.kpi["loss_ratio/cheap"] == 1.0).all()
    assert (evaluation.kpi["loss_ratio/dear"] < 0.5).all()


@pytest.mark.parametrize(("free_share", "taken"), [(0.5, DEAR), (0.45, WAIT), (0.25, WAIT)])
def test_price_rises_with_used_share(free_share, taken):
    """The network is worth R = 24 + 4 a second and a unit 2.8; with rise 2.5 the last unit costs 7.

    With factor 0 `dear` (4) is taken while 7 u <= 4, u = 1 - free + 0.1 the share once it is in:
    while at least 0.529 is free before. Free 0.5 gives 4.2 with rise 2.5, and 3.96 with 2.357.
    """
    scenario = two_slices()
    rise = 2.357 if taken == DEAR else 2.5
    assert chosen(BidPricePolicy(scenario, factor=0.0, rise=rise), scenario, free_share) == taken
    assert chosen(BidPricePolicy(scenario, factor=0.0, rise=2.5), scenario, 0.5) == WAIT


def test_penalty_of_a_lost_request_counts_as_value():
    """A request that costs 3 when lost is worth its revenue and 3."""
    scenario = two_slices()
    cheap, dear = scenario.slices
    scenario = scenario.replace(slices=(cheap.replace(lost_penalty=3.5), dear))
    assert chosen(BidPricePolicy(scenario), scenario, 1.0) == CHEAP


def test_free_prices_are_those_of_a_rule_that_takes_the_best_payer():
    """With factor 0 and rise 0 nothing costs anything, and the order is that of the revenue."""
    scenario = load("contention").replace(horizon_s=30.0)
    worlds = world_seeds("validation", 4)
    ours = evaluate(BidPricePolicy(scenario, factor=0.0), scenario, worlds)
    assert (
        ours.trajectory
        == evaluate(make_policy("max-revenue", scenario), scenario, worlds).trajectory
    )


def test_rows_may_have_prices_of_their_own():
    """A row of a batch earns what it earns alone with its numbers."""
    scenario = load("contention").replace(horizon_s=20.0)
    worlds = world_seeds("validation", 3)
    factor = np.array([[1.0, 1.0, 1.0], [0.9, 1.0, 1.0], [0.0, 0.0, 0.0]])
    rise = np.array([[0.0, 0.0, 0.0], [0.5, 0.1, 0.2], [1.0, 1.0, 1.0]])
    together = evaluate(BidPricePolicy(scenario, factor=factor, rise=rise), scenario, worlds)
    for row, world in enumerate(worlds):
        own = BidPricePolicy(scenario, factor=factor[row], rise=rise[row])
        assert evaluate(own, scenario, [world]).returns[0] == together.returns[row]


def test_trace_is_priced_by_its_mean_rates():
    """Where the scenario replays a trace, the slices that describe it give the prices."""
    scenario = load("service-trace")
    policy = BidPricePolicy(scenario, factor={"computing": 0.5})
    assert policy.factor.tolist() == [1.0, 0.5, 1.0]
    assert policy.rise.tolist() == [0.0, 0.0, 0.0]


def test_numbers_that_are_no_prices_are_refused():
    """Unknown resources, wrong shapes, negative and endless numbers."""
    scenario = load("contention")
    with pytest.raises(UnknownNameError, match="radio"):
        BidPricePolicy(scenario, factor={"radioo": 1.0})
    with pytest.raises(ConfigError, match="3 numbers"):
        BidPricePolicy(scenario, rise=[1.0, 2.0])
    for wrong in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="0 to 1e"):
            BidPricePolicy(scenario, factor={"radio": wrong})


def test_rising_prices_earn_more_than_greedy_rules_under_contention():
    """The rule earns a third more than density, which turns nobody down."""
    scenario = load("contention").replace(horizon_s=60.0)
    worlds = world_seeds("validation", 32)
    priced = evaluate(BidPricePolicy(scenario, factor=0.9, rise=0.5), scenario, worlds).mean()
    greedy = evaluate(make_policy("density", scenario), scenario, worlds).mean()
    assert priced > 1.3 * greedy
