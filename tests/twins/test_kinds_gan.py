"""GAN and fidelity of every kind besides admission: bounds, masks, held-out decisions, measures."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.twins.cases import small_network
from tests.twins.conftest import QUICK
from tests.twins.kinds import (
    AMOUNTS,
    DISCRETE,
    FORMS,
    SeenAmountsPolicy,
    default_policy,
    scenario_of,
)
from twin_gym.errors import ConfigError
from twin_gym.policies import world_seeds
from twin_gym.twins import (
    DecisionGenerator,
    GanSettings,
    agreement,
    amount_agreement,
    clone,
    fidelity,
    record,
    synthesise,
    train_generator,
)

HASTY = GanSettings(num_steps=5, batch_size=16)


@pytest.fixture(scope="module", params=list(FORMS))
def name(request):
    """Every form of every kind."""
    return request.param


def logged(name, count=200):
    """Decisions of the default policy."""
    return record(default_policy(name), scenario_of(name), count, action=FORMS[name][1])


def test_synthetic_decisions_stay_within_bounds(name):
    """States and actions are possible, new, and the same for the same seed."""
    log, scenario = logged(name), scenario_of(name)
    made = train_generator(log, scenario, settings=HASTY)
    pairs = synthesise(made, log, scenario, 500, seed=1)
    pairs.check_fits(scenario)
    assert pairs.policy == f"gan-of-{log.policy}"
    assert np.isfinite(pairs.observations).all()
    assert pairs.observations.min() >= 0.0
    assert pairs.observations.max() <= 1.0
    known = {row.tobytes() for row in log.observations}
    assert not all(row.tobytes() in known for row in pairs.observations)
    again = synthesise(made, log, scenario, 500, seed=1)
    np.testing.assert_array_equal(pairs.observations, again.observations)
    np.testing.assert_array_equal(pairs.actions, again.actions)
    other = synthesise(made, log, scenario, 500, seed=2)
    assert (pairs.observations != other.observations).any()
    if not log.is_discrete:
        assert pairs.actions.min() >= 0.0
        assert pairs.actions.max() <= 1.0
        return
    assert pairs.masks[np.arange(500), pairs.actions].all()


def test_values_at_a_bound_are_not_moved():
    """Nobody waits, or never heard of: such a value stays, however many pairs are made up."""
    log, scenario = logged("tic pick"), scenario_of("tic pick")
    made = DecisionGenerator(scenario, "pick", 2, torch.Generator().manual_seed(0))
    pairs = synthesise(made, log, scenario, 2000)
    learned, _ = log.split(made.held_out_share)
    empty = {row.tobytes() for row in (learned.observations == 0.0)}
    assert {row.tobytes() for row in (pairs.observations == 0.0)} <= empty
    assert len(empty) > 1
    moved = np.abs(pairs.observations[:, None, :24] - learned.observations[None, :, :24])
    assert 0.0 < moved.max(axis=2).min(axis=1).mean() < 0.1


def test_held_out_decisions_are_not_looked_at():
    """The pairs come from the earlier decisions alone: masks of the held-out ones never appear."""
    log, scenario = logged("access level"), scenario_of("access level")
    late = np.arange(len(log)) >= 0.8 * len(log)
    masks = log.masks.copy()
    masks[late, 7] = 0
    changed = replace(log, masks=masks)
    made = train_generator(changed, scenario, settings=HASTY)
    assert synthesise(made, changed, scenario, 500).masks.all()
    half = replace(HASTY, held_out_share=0.1)
    made = train_generator(changed, scenario, settings=half)
    assert not synthesise(made, changed, scenario, 500).masks.all()


def test_whole_state_space_is_that_of_admission_alone(name):
    """States drawn over it are refused, with the reason; no pairs at all, too."""
    log, scenario = logged(name, 40), scenario_of(name)
    half = GanSettings(num_steps=5, batch_size=16, logged_share=0.5)
    with pytest.raises(ConfigError, match="`logged_share` of a GAN is 1"):
        train_generator(log, scenario, settings=half)
    made = train_generator(log, scenario, settings=HASTY)
    with pytest.raises(ConfigError, match="at least one"):
        synthesise(made, log, scenario, 0)
    with pytest.raises(ConfigError, match="the log is of the"):
        synthesise(made, log, small_network(), 5)


def test_generator_of_amounts_learns_the_rule():
    """In logged states its amounts come nearer to the rule's than those of an untrained one."""
    scenario = scenario_of("tic weights")
    log = record(SeenAmountsPolicy(4), scenario, 500)
    states, masks = torch.from_numpy(log.observations), torch.from_numpy(log.masks)
    generator = torch.Generator().manual_seed(0)
    differences = []
    for made in (
        DecisionGenerator(scenario, "weights", 4, torch.Generator().manual_seed(0)),
        train_generator(log, scenario, settings=GanSettings(num_steps=400)),
    ):
        with torch.no_grad():
            differences.append(
                np.abs(made(states, masks, 1.0, generator).numpy() - log.actions).mean()
            )
    assert differences[1] < 0.7 * differences[0]


def test_clone_learns_from_synthetic_amounts():
    """They are counted, and change the weights."""
    log, scenario = logged("tic weights"), scenario_of("tic weights")
    pairs = synthesise(train_generator(log, scenario, settings=HASTY), log, scenario, 50)
    plain = clone(log, scenario, settings=QUICK)
    more = clone(log, scenario, settings=QUICK, synthetic=pairs)
    assert (plain.metadata.num_synthetic, more.metadata.num_synthetic) == (0, 50)
    weights = [twin.network.action_net.weight for twin in (plain, more)]
    assert not torch.equal(*weights)


@pytest.mark.parametrize("name", AMOUNTS)
def test_measures_of_amounts_are_their_definitions(name):
    """Against the sums written out, for labels that are off by known amounts."""
    log, scenario = logged(name), scenario_of(name)
    twin = clone(log, scenario, settings=QUICK)
    own = twin.actions(log.observations, log.masks).astype(np.float64)
    same = amount_agreement(twin, log.observations, log.masks, own, scenario)
    assert (same.agreement, same.mean_absolute_difference) == (1.0, 0.0)
    off = np.where(own > 0.5, -0.04, 0.04)
    off[:50] = 0.0
    off[:50, 0] = np.where(own[:50, 0] > 0.5, -0.1, 0.1)  # one amount that differs is enough
    measures = amount_agreement(twin, log.observations, log.masks, own + off, scenario)
    assert measures.agreement == 0.75
    assert measures.mean_absolute_difference == pytest.approx(
        0.25 * 0.1 / own.shape[1] + 0.75 * 0.04
    )
    labels = own + off
    residual = ((labels - own) ** 2).sum()
    total = ((labels - labels.mean(axis=0)) ** 2).sum()
    assert measures.r_squared == pytest.approx(1.0 - residual / total)
    constant = amount_agreement(twin, log.observations, log.masks, np.full_like(own, 0.5), scenario)
    assert math.isnan(constant.r_squared)
    with pytest.raises(ConfigError, match="no states"):
        amount_agreement(twin, log.observations[:0], log.masks[:0], own[:0], scenario)
    with pytest.raises(ConfigError, match="amounts"):
        agreement(twin, log.observations, log.masks, own, scenario)


@pytest.mark.parametrize("name", DISCRETE)
def test_recall_is_by_name_of_the_action(name):
    """Labelled by its own likeliest actions, a twin recalls each by its name."""
    log, scenario = logged(name), scenario_of(name)
    twin = clone(log, scenario, settings=QUICK)
    labels = twin.actions(log.observations, log.masks)
    measures = agreement(twin, log.observations, log.masks, labels, scenario)
    names = twin.metadata.action_names
    assert measures.recall == dict.fromkeys([names[label] for label in np.unique(labels)], 1.0)
    with pytest.raises(ConfigError, match="discrete"):
        amount_agreement(twin, log.observations, log.masks, labels, scenario)


def test_fidelity_knows_the_policys_path_alone(name):
    """No states over the whole space, no revenue; the rewards are those of the evaluation."""
    scenario = scenario_of(name)
    twin = clone(logged(name), scenario, settings=QUICK)
    if scenario.kind != "access":  # whose episodes are short
        scenario = scenario.replace(horizon_s=scenario.horizon_s / 4)
    worlds = world_seeds("validation", 2)
    report = fidelity(twin, default_policy(name), scenario, num_states=100, worlds=worlds)
    assert report.uniform is None
    assert math.isnan(report.revenue_rate)
    assert math.isfinite(report.return_per_s)
    assert report == fidelity(twin, default_policy(name), scenario, num_states=100, worlds=worlds)
    assert json.loads(json.dumps(report.to_dict()))["on_policy"]["num_states"] == 100
    own = fidelity(twin, twin, scenario, num_states=50, worlds=worlds)
    assert own.on_policy.agreement == 1.0
    assert own.return_per_s == own.policy_return_per_s
