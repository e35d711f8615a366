"""Fidelity: the figures are what they say, and JSON can hold them."""

import json
import math

import numpy as np
import pytest

from tests.twins.cases import DearestPolicy
from twin_gym.errors import ConfigError
from twin_gym.policies import world_seeds
from twin_gym.twins import agreement, fidelity


def test_agreement_with_itself_is_perfect(twin, log, small):
    """Labelled by its own likeliest actions, a twin agrees everywhere."""
    labels = twin.actions(log.observations, log.masks)
    measures = agreement(twin, log.observations, log.masks, labels, small)
    assert (measures.agreement, measures.open_agreement) == (1.0, 1.0)
    assert set(measures.recall.values()) == {1.0}


def test_measures_are_their_definitions(twin, log, small):
    """Against the sums written out, state by state."""
    measures = agreement(twin, log.observations, log.masks, log.actions, small)
    logs = twin.log_probabilities(log.observations, log.masks).astype(float)
    likeliest = twin.actions(log.observations, log.masks)
    likelihood, entropy = [], []
    for row, mask, label in zip(logs, log.masks, log.actions, strict=True):
        likelihood.append(-row[label])
        entropy.append(-sum(math.exp(x) * x for x in row[mask != 0]))
    assert measures.agreement == pytest.approx((likeliest == log.actions).mean())
    assert measures.negative_log_likelihood == pytest.approx(np.mean(likelihood))
    assert measures.entropy == pytest.approx(np.mean(entropy))
    width = 1 if log.action == "slice" else 3
    for index, name in enumerate(small.slice_names):
        mine = log.actions // width == index
        assert measures.recall[name] == pytest.approx((likeliest == log.actions)[mine].mean())
    assert "wait" not in measures.recall  # the rule never waits
    is_open = log.masks[:, :-1].sum(axis=1) > 1
    assert measures.num_open == is_open.sum()


def test_fidelity_is_reported_apart_and_as_json(twin, small, action):
    """On-policy and uniform states are two sets; without worlds there is no revenue."""
    report = fidelity(twin, DearestPolicy(), small, num_states=300)
    assert report.on_policy != report.uniform
    assert math.isnan(report.revenue_rate)
    values = report.to_dict()
    assert values["uniform"]["num_states"] == 300
    assert (values["twin"], values["policy"]) == ("twin-of-dearest-300", "dearest")
    worlds = world_seeds("validation", 2)
    acted = fidelity(twin, DearestPolicy(), small, num_states=50, worlds=worlds)
    assert json.loads(json.dumps(acted.to_dict()))["policy_revenue_rate"] > 0
    again = fidelity(twin, DearestPolicy(), small, num_states=50, worlds=worlds)
    assert acted == again


def test_no_states_are_refused(twin, log, small):
    """A share of nothing is not a share."""
    none = np.arange(0)
    with pytest.raises(ConfigError, match="no states"):
        agreement(twin, log.observations[none], log.masks[none], log.actions[none], small)
