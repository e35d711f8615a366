"""Logs, clones and twins of every kind of scenario besides admission, in every form of action."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import torch
from gymnasium import spaces

from tests.twins.cases import DearestPolicy, small_network
from tests.twins.conftest import QUICK
from tests.twins.kinds import (
    AMOUNTS,
    DISCRETE,
    FORMS,
    SeenAmountsPolicy,
    default_policy,
    scenario_of,
    varied_policy,
)
from twin_gym.environments.factory import vector_env
from twin_gym.environments.slice_admission.feasible_states import draw_feasible_states
from twin_gym.errors import ConfigError
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load
from twin_gym.twins import (
    CloneSettings,
    DecisionLog,
    DecisionSpace,
    PolicyTwin,
    censored_square_error,
    clone,
    record,
    record_transitions,
)

CARD = "policy.json"
LATER = ("kind", "action_names", "action_low", "action_high")


@pytest.fixture(scope="module", params=list(FORMS))
def name(request):
    """Every form of every kind."""
    return request.param


@pytest.fixture(scope="module")
def logged(name):
    """300 decisions of the default policy, in two networks."""
    return record(
        default_policy(name), scenario_of(name), 300, action=FORMS[name][1], num_networks=2
    )


@pytest.fixture(scope="module")
def made(name, logged):
    """A hasty twin of it."""
    return clone(logged, scenario_of(name), settings=QUICK)


@pytest.mark.parametrize(
    ("preset", "action"),
    [(preset, action) for preset, action, _ in FORMS.values()]
    + [("contention", "slice"), ("contention", "slot"), ("tic-medium-20", "weights")],
)
def test_space_is_that_of_the_environment(preset, action):
    """As many fields and actions, and the same bounds; each has a name of its own."""
    scenario = load(preset)
    space, env = DecisionSpace.of(scenario, action), vector_env(scenario, 1, action=action)
    assert (len(space.field_names),) == env.single_observation_space.shape
    assert len({*space.field_names}) == len(space.field_names)
    assert len({*space.action_names}) == len(space.action_names)
    box = env.single_action_space
    assert space.is_discrete == isinstance(box, spaces.Discrete)
    if space.is_discrete:
        assert space.num_actions == int(box.n)
        return
    assert (space.num_actions,) == box.shape
    assert (space.low, space.high) == (tuple(box.low.tolist()), tuple(box.high.tolist()))


@pytest.mark.parametrize("kind", ["access-small-45", "tic-small-45", "sync-small", "contention"])
def test_no_action_is_the_default_of_the_environment(kind):
    """The form that the environment itself takes if none is named."""
    scenario = load(kind)
    form = vector_env(scenario, 1).batch.arguments["action"]
    assert DecisionSpace.of(scenario).action == form
    name = {"access": "fixed", "tic": "first-come", "sync": "round-robin", "admission": "density"}
    policy = make_policy(name[scenario.kind], scenario)
    assert record(policy, scenario, 3).action == form
    with pytest.raises(ConfigError, match="action"):
        record(policy, scenario, 3, action="sideways")


def test_record_holds_the_default_policy(name, logged):
    """Every logged action is what the policy does in the logged state."""
    _, action, policy = FORMS[name]
    expected = default_policy(name).actions(logged.observations, logged.masks)
    np.testing.assert_array_equal(logged.actions, expected)
    assert (logged.action, logged.policy) == (action, policy)
    assert logged.kind == scenario_of(name).kind
    assert np.bincount(logged.networks).tolist() == [150, 150]
    space = logged.check_fits(scenario_of(name))
    assert logged.is_discrete == space.is_discrete
    assert logged.masks.shape == (300, space.num_actions if space.is_discrete else 0)
    shorter = record(default_policy(name), scenario_of(name), 40, action=action)
    longer = record(default_policy(name), scenario_of(name), 90, action=action)
    np.testing.assert_array_equal(shorter.observations, longer.observations[:40])


def test_steps_without_a_choice_are_not_logged():
    """A spent budget leaves nothing to decide; elsewhere every step is a decision."""
    scenario = load("sync-small").replace(update_budget=20)
    log = record(make_policy("round-robin", scenario, "pick"), scenario, 50, action="pick")
    assert log.masks[:, :-1].any(axis=1).all()
    time = np.rint(log.observations[:, -1] * scenario.num_slots).astype(int)
    assert time.tolist() == [*range(20), *range(20), *range(10)]


def test_log_round_trip(name, logged, tmp_path):
    """The loaded log equals the saved one: types, empty masks and the kind too."""
    logged.save(tmp_path / "log")
    loaded = DecisionLog.load(tmp_path / "log")
    for array in ("observations", "masks", "actions", "networks"):
        ours, theirs = getattr(logged, array), getattr(loaded, array)
        np.testing.assert_array_equal(ours, theirs)
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert (loaded.kind, loaded.action, loaded.policy) == (
        logged.kind,
        logged.action,
        logged.policy,
    )


def test_logs_of_before_are_of_admission(log, tmp_path):
    """Files in which no kind is named were written when there was one alone."""
    about = {
        "format": "twin_gym decision log 1",
        "scenario_digest": log.scenario_digest,
        "action": log.action,
        "policy": log.policy,
    }
    arrays = {n: getattr(log, n) for n in ("observations", "masks", "actions", "networks")}
    content = safetensors.numpy.save(arrays, {"about": json.dumps(about)})
    (tmp_path / "log").write_bytes(content)
    loaded = DecisionLog.load(tmp_path / "log")
    assert loaded.kind == "admission"
    np.testing.assert_array_equal(loaded.actions, log.actions)


def changed(array, index, value):
    """A copy with one value changed."""
    copy = array.copy()
    copy[index] = value
    return copy


@pytest.mark.parametrize(
    ("attribute", "change"),
    [
        ("actions", lambda a: changed(a, (0, 0), np.nan)),
        ("actions", lambda a: changed(a, (0, 0), 1.1)),
        ("actions", lambda a: changed(a, (0, 0), -0.1)),
        ("actions", lambda a: a.astype(np.int64)),
        ("actions", lambda a: a[:, 0].copy()),
        ("actions", lambda a: a[:, :0]),
        ("actions", lambda a: a[:-1]),
        ("masks", lambda a: np.ones((len(a), 4), np.int8)),
        ("kind", lambda _: "admission"),
        ("kind", lambda _: "nothing"),
        ("action", lambda _: "pick"),
    ],
)
def test_amounts_that_do_not_fit_are_refused(attribute, change):
    """A log of amounts is checked as one of whole numbers is."""
    scenario = load("tic-small-45")
    log = record(make_policy("first-come", scenario), scenario, 20)
    with pytest.raises(ConfigError, match="decision log"):
        replace(log, **{attribute: change(getattr(log, attribute))})


def test_log_fits_its_scenario_alone(name, logged):
    """Another kind, other values, or as many fields and actions as another scenario has."""
    with pytest.raises(ConfigError, match="the log is of the"):
        logged.check_fits(small_network())
    scenario = scenario_of(name)
    with pytest.raises(ConfigError, match="scenario that was logged"):
        logged.check_fits(scenario.replace(horizon_s=scenario.horizon_s * 2))
    narrower = replace(logged, observations=logged.observations[:, 1:])
    with pytest.raises(ConfigError, match="fields and actions"):
        narrower.check_fits(scenario)
    with pytest.raises(ConfigError, match="fields and actions"):
        clone(narrower, scenario, settings=QUICK)


@pytest.mark.parametrize("name", ["access probability", "tic weights"])
def test_clone_of_amounts_recovers_a_rule(name):
    """From 1,000 decisions: nearly the same amounts where it has not been, and an honest loss."""
    scenario, action = scenario_of(name), FORMS[name][1]
    rule = SeenAmountsPolicy(DecisionSpace.of(scenario, action).num_actions)
    twin = clone(record(rule, scenario, 1000, action=action), scenario)
    other = record(rule, scenario, 500, action=action, seed=9)
    differences = twin.actions(other.observations, other.masks) - other.actions
    assert np.abs(differences).mean() < 0.02
    assert (differences**2).mean() < 0.05 * other.actions.var()
    _, held_out = record(rule, scenario, 1000, action=action).split(0.2)
    outputs = twin.network(torch.from_numpy(held_out.observations)).detach()
    wanted = torch.from_numpy(held_out.actions.astype(np.float32))
    loss = censored_square_error(outputs, wanted, CloneSettings().margin)
    assert twin.metadata.held_out_loss == pytest.approx(float(loss), rel=1e-4)
    assert twin.metadata.smoothing == 0.0


def test_clone_of_picks_recovers_a_rule():
    """The last queue that may be picked, from 1,000 decisions."""
    scenario = load("tic-pick")
    log = record(DearestPolicy(), scenario, 1000, action="pick")
    twin = clone(log, scenario, settings=CloneSettings(smoothing=0.0))
    other = record(DearestPolicy(), scenario, 500, action="pick", seed=9)
    assert (twin.actions(other.observations, other.masks) == other.actions).mean() > 0.9


def test_twin_acts_within_its_space(name, logged, made):
    """Allowed actions; or amounts within their bounds, where the means are beyond them too."""
    space = DecisionSpace.of(scenario_of(name), FORMS[name][1])
    assert made.metadata.space == space
    chosen = made.actions(logged.observations, logged.masks)
    if space.is_discrete:
        masks = np.zeros_like(logged.masks)
        masks[:, [1, 3]] = 1
        chosen = made.actions(logged.observations, masks)
        assert set(chosen.tolist()) <= {1, 3}
        return
    wide = PolicyTwin(copy.deepcopy(made.network), made.metadata)
    with torch.no_grad():
        wide.network.action_net.bias += torch.linspace(-9.0, 9.0, space.num_actions)
    moved = wide.actions(logged.observations, logged.masks)
    assert moved.min() >= 0.0
    assert moved.max() <= 1.0
    means = made.network(torch.from_numpy(logged.observations)).detach().numpy()
    assert chosen == pytest.approx(np.clip(means, 0.0, 1.0), abs=1e-6)
    if space.num_actions > 1:
        assert (moved[:, 0] == 0.0).all()
        assert (moved[:, -1] == 1.0).all()


def test_saved_twin_is_the_same(logged, made, tmp_path):
    """It decides exactly as before, and knows the same about itself."""
    made.save(tmp_path)
    loaded = PolicyTwin.load(tmp_path)
    assert loaded.metadata.replace(weights_sha256="") == made.metadata
    ours, theirs = (one.actions(logged.observations, logged.masks) for one in (made, loaded))
    np.testing.assert_array_equal(ours, theirs)


def test_cards_of_before_are_of_admission(twin, log, tmp_path):
    """Metadata without the later keys loads, and its twin decides as before."""
    twin.save(tmp_path)
    values = json.loads((tmp_path / CARD).read_text())
    assert values["kind"] == "admission"
    older = {key: value for key, value in values.items() if key not in LATER}
    (tmp_path / CARD).write_text(json.dumps(older))
    loaded = PolicyTwin.load(tmp_path)
    ours, theirs = (one.actions(log.observations, log.masks) for one in (twin, loaded))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "nothing"},
        {"kind": "admission"},
        {"kind": "access"},
        {"action": "pick"},
        {"action": "slice"},
        {"action_names": []},
        {"action_names": ["density"]},
        {"action_low": []},
        {"action_low": [0.0, 0.0, 0.0, 1.0]},
        {"action_high": [1.0, 1.0, 1.0]},
        {"action_high": ["1"] * 4},
    ],
)
def test_cards_that_contradict_themselves_are_refused(changes, tmp_path):
    """Kind, form, names and bounds belong together."""
    scenario = load("tic-small-45")
    log = record(make_policy("first-come", scenario), scenario, 20)
    clone(log, scenario, settings=CloneSettings(max_epochs=1, min_steps=1)).save(tmp_path)
    PolicyTwin.load(tmp_path)
    values = json.loads((tmp_path / CARD).read_text()) | changes
    (tmp_path / CARD).write_text(json.dumps(values))
    with pytest.raises(ConfigError):
        PolicyTwin.load(tmp_path)


def test_actions_of_admission_have_no_names(twin, tmp_path):
    """The fields tell how many there are: metadata that names them is refused."""
    twin.save(tmp_path)
    values = json.loads((tmp_path / CARD).read_text()) | {"action_names": ["wait"]}
    (tmp_path / CARD).write_text(json.dumps(values))
    with pytest.raises(ConfigError, match="action_names"):
        PolicyTwin.load(tmp_path)


def test_twin_fits_scenarios_that_mean_the_same(name, made):
    """The scenario itself and one of another length; not another kind, form, or meaning."""
    scenario, action = scenario_of(name), FORMS[name][1]
    made.check_fits(scenario.replace(horizon_s=scenario.horizon_s * 2), action)
    with pytest.raises(ConfigError, match="of the kind 'admission'"):
        made.check_fits(small_network(), action)
    with pytest.raises(ConfigError, match="of the form"):
        made.check_fits(scenario, "slice")


def test_other_actions_are_refused():
    """Barring levels of other values, and other entities, though their number is the same."""
    access = load("access-small-45")
    log = record(make_policy("fixed", access), access, 20)
    twin = clone(log, access, settings=QUICK)
    with pytest.raises(ConfigError, match="takes other actions"):
        twin.check_fits(access.replace(least_barring=access.least_barring / 2), "level")
    sync = load("sync-small")
    log = record(make_policy("oldest-first", sync), sync, 20)
    twin = clone(log, sync, settings=QUICK)
    renamed = sync.groups[0].replace(name="others")
    with pytest.raises(ConfigError, match="sees other fields"):
        twin.check_fits(sync.replace(groups=(renamed, *sync.groups[1:])), "pick")


def test_arrays_of_another_network_are_refused(logged, made):
    """Too few fields, another mask, or fewer rows of it."""
    observations, masks = logged.observations, logged.masks
    wrong = np.ones((len(masks), masks.shape[1] + 1), np.int8)
    for bad in ((observations[:, 1:], masks), (observations, wrong), (observations, masks[1:])):
        with pytest.raises(ConfigError, match="check_fits"):
            made.actions(*bad)


@pytest.mark.parametrize("name", AMOUNTS)
def test_amounts_are_not_drawn(name):
    """A twin of amounts knows means and no probabilities."""
    scenario, action = scenario_of(name), FORMS[name][1]
    log = record(default_policy(name), scenario, 20, action=action)
    twin = clone(log, scenario, settings=CloneSettings(max_epochs=1, min_steps=1))
    with pytest.raises(ConfigError, match="amounts"):
        twin.sampled()
    with pytest.raises(ConfigError, match="amounts"):
        twin.log_probabilities(log.observations, log.masks)


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_twins_are_drawn(name):
    """By their probabilities, as those of admission."""
    scenario, action = scenario_of(name), FORMS[name][1]
    space = DecisionSpace.of(scenario, action)
    log = record(varied_policy(name, space), scenario, 60, action=action)
    twin = clone(log, scenario, settings=CloneSettings(max_epochs=1, min_steps=1)).sampled()
    first = twin.actions(log.observations, log.masks)
    second = twin.actions(log.observations, log.masks)
    assert (first != second).any()
    assert log.masks[np.arange(60), first].all()


def test_what_admission_has_alone_says_so(name):
    """States over the whole space, and transitions: refused with the kind."""
    scenario = scenario_of(name)
    with pytest.raises(ConfigError, match=f"of the kind '{scenario.kind}'"):
        draw_feasible_states(scenario, 5, np.random.default_rng(0))
    with pytest.raises(ConfigError, match=f"of the kind '{scenario.kind}'"):
        record_transitions(default_policy(name), scenario, 20)
