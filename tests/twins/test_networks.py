"""Networks of the policy twin: names, equivariance, and the mask read out of observations."""

import numpy as np
import pytest
import torch

from tests.twins.cases import small_network
from twin_gym.environments.slice_admission.feasible_states import draw_feasible_states
from twin_gym.environments.slice_admission.observation import field_names
from twin_gym.environments.slice_admission.vector import SliceAdmissionVectorEnv
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load
from twin_gym.twins import (
    ObservedMask,
    QueueLayout,
    SliceNetwork,
    build_network,
    masked_log_probabilities,
)


def drawn(scenario, action, count=50, seed=0):
    """Feasible states and their masks, as tensors."""
    states = draw_feasible_states(scenario, count, np.random.default_rng(seed), action=action)
    return torch.from_numpy(states.observations), torch.from_numpy(states.masks)


def slot_network(scenario, seed=0):
    """A slot network whose outputs are not as small as those at the start of a training."""
    generator = torch.Generator().manual_seed(seed)
    network = build_network(field_names(scenario, "slot"), "slot", generator=generator)
    with torch.no_grad():
        network.action_net.weight *= 100
        network.wait_net[2].weight *= 100
    return network


def test_slice_network_has_the_names_of_sb3():
    """Every parameter is called as in the actor of Stable-Baselines3's MlpPolicy."""
    assert {name: tuple(p.shape) for name, p in SliceNetwork(19, 5).state_dict().items()} == {
        "policy_net.0.weight": (64, 19),
        "policy_net.0.bias": (64,),
        "policy_net.2.weight": (64, 64),
        "policy_net.2.bias": (64,),
        "action_net.weight": (5, 64),
        "action_net.bias": (5,),
    }


def test_slice_network_is_the_actor_of_sb3(contention):
    """With the same weights, SB3's policy gives the same logits."""
    policies = pytest.importorskip("stable_baselines3.common.policies")
    env = SliceAdmissionVectorEnv(1, contention)
    space, choices = env.single_observation_space, env.single_action_space
    theirs = policies.ActorCriticPolicy(space, choices, lambda _: 1e-3)
    network = SliceNetwork(space.shape[0], int(choices.n))
    weights = network.state_dict()
    theirs.mlp_extractor.policy_net.load_state_dict(
        {k.removeprefix("policy_net."): v for k, v in weights.items() if k.startswith("policy")}
    )
    theirs.action_net.load_state_dict({k[11:]: v for k, v in weights.items() if "action_net" in k})
    observations, _ = drawn(contention, "slice")
    logits = torch.log_softmax(network(observations), 1)
    torch.testing.assert_close(theirs.get_distribution(observations).distribution.logits, logits)


def test_permuting_positions_permutes_logits(contention):
    """A slot network does not care in which order the requests stand."""
    observations, _ = drawn(contention, "slot")
    network, first = slot_network(contention), QueueLayout.of(contention).num_global
    order = torch.randperm(64, generator=torch.Generator().manual_seed(3))
    permuted = observations.clone()
    positions = observations[:, first:].reshape(len(observations), -1, 3)
    permuted[:, first:] = positions[:, order].flatten(1)
    logits, moved = network(observations), network(permuted)
    torch.testing.assert_close(moved[:, :-1], logits[:, :-1][:, order])
    torch.testing.assert_close(moved[:, -1], logits[:, -1])


def test_permuting_matters_to_the_test(contention):
    """The logits of the occupied positions do differ: the test above sees more than zeros."""
    observations, masks = drawn(contention, "slot")
    logits = slot_network(contention)(observations)
    assert logits[masks.bool()].std() > 0.1


def test_weights_work_with_another_queue_length(small):
    """Longer queues with the same requests in them give the same logits for these requests."""
    longer = small.replace(slices=tuple(s.replace(queue_limit=7) for s in small.slices))
    network, first = slot_network(small), QueueLayout.of(small).num_global
    observations, _ = drawn(small, "slot")
    positions = observations[:, first:].reshape(len(observations), 3, 3, 3)
    wider = torch.zeros(len(observations), 3, 7, 3)
    wider[:, :, :3] = positions
    stretched = torch.cat((observations[:, :first], wider.flatten(1)), 1)
    assert stretched.shape[1] == len(field_names(longer, "slot"))
    logits, others = network(observations), network(stretched)
    torch.testing.assert_close(others[:, -1], logits[:, -1])
    torch.testing.assert_close(
        others[:, :-1].reshape(-1, 3, 7)[:, :, :3].flatten(1), logits[:, :-1]
    )


def test_observed_mask_is_the_mask_of_the_environment(action):
    """Over rollouts of several presets, the mask can be read out of the observation."""
    rng = np.random.default_rng(0)
    for name in ("contention", "mild", "service-calibrated", "teletraffic-small"):
        scenario = load(name)
        env = SliceAdmissionVectorEnv(4, scenario, action=action)
        observed_mask = ObservedMask(QueueLayout.of(scenario), action)
        observations, infos = env.reset(seed=1)
        for _ in range(300):
            masks = infos["action_mask"]
            found = observed_mask(torch.from_numpy(observations))
            np.testing.assert_array_equal(found.numpy(), masks != 0)
            actions = (rng.random(masks.shape) * masks).argmax(axis=1)
            observations, _, _, _, infos = env.step(actions)


def test_disallowed_actions_have_no_probability():
    """The softmax is over the allowed actions, however large the logits of the others are."""
    logits = torch.tensor([[100.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    masks = torch.tensor([[0, 1, 1], [1, 0, 1]])
    probabilities = masked_log_probabilities(logits, masks).exp()
    torch.testing.assert_close(probabilities, torch.tensor([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5]]))


def test_same_generator_gives_same_weights(small, action):
    """First weights come from the generator alone, and torch's own state stays as it was."""
    before = torch.random.get_rng_state()
    made = [
        build_network(
            field_names(small, action), action, generator=torch.Generator().manual_seed(seed)
        ).state_dict()
        for seed in (1, 1, 2)
    ]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])
    assert not torch.equal(made[0]["action_net.weight"], made[2]["action_net.weight"])


@pytest.mark.parametrize(
    ("action", "hidden"), [("slice", ()), ("slice", (0,)), ("slot", (8, 8)), ("slot", (0,))]
)
def test_bad_widths_are_refused(action, hidden):
    """No layer is empty, and a slot network has one width."""
    with pytest.raises(ConfigError, match="width"):
        build_network(field_names(small_network(), action), action, hidden=hidden)


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("free/radio",),  # no slices
        ("admissible/a", "free/radio", "admissible/b", "head_patience/a", "head_patience/b"),
        ("head_patience/a", "admissible/a", "position_slice/0"),  # a position without the rest
        ("position_slice/0", "position_age/0", "position_valid/0", "head_patience/a"),
    ],
)
def test_fields_that_no_network_can_read_are_refused(names):
    """The groups that a network looks for must be there, each in one piece."""
    with pytest.raises(ConfigError):
        QueueLayout.from_names(names)
