"""Decisions of a row do not depend on its neighbours, in every kind, form of action and policy."""

import ast
from pathlib import Path

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from twin_gym.core.forms import form_names
from twin_gym.environments.factory import forms_of, vector_env
from twin_gym.environments.kinds import kind_names
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.policies import Draws, PrivilegedPolicy, evaluate, make_policy, policies_of
from twin_gym.scenario.loading import load

ROOT = Path(__file__).parents[2]
FEW, MANY, STEPS = 3, 8, 40
SEEDS = [11, 5, 8, 21, 3, 17, 2, 30]
HORIZONS_S = {
    "contention": 4.0,
    "shift": 4.0,
    "teletraffic-heavy": 6.0,
    "access-small-45": 1.5,
    "tic-pick": 0.02,
    "sync-small": 25.0,
    "truck-grid-20": 2 * 86_400.0,
}
"""Short: but in access, rows end and begin anew while they are watched."""
DRAW = {("random", "weights"), ("objective-base", "weights")} | {
    ("random", form) for kind in kind_names() for form in form_names(forms_of(kind))
}
KINDS = {
    "contention": "admission",
    "teletraffic-heavy": "admission",
    "shift": "admission",
    "access-small-45": "access",
    "tic-pick": "tic",
    "sync-small": "sync",
    "truck-grid-20": "truck",
}
CASES = [
    (preset, form, name)
    for preset, kind in KINDS.items()
    for form in form_names(forms_of(kind))
    for name in policies_of(kind)
]


def made(preset, form, name):
    """The policy, or None where it has nothing for this scenario and form."""
    try:
        return make_policy(name, preset, form)
    except (ConfigError, TooLargeError):
        return None


def decisions(policy, preset, form, seeds, *, seed=7, hidden=MANY):
    """Those of some steps, shape (steps, rows, ...), in worlds with these seeds.

    Rows from `hidden` on show the policy nothing but zeros and allow it the last action alone.
    """
    scenario = load(preset).replace(horizon_s=HORIZONS_S[preset])
    env = vector_env(scenario, len(seeds), action=form, autoreset_mode=AutoresetMode.SAME_STEP)
    if isinstance(policy, PrivilegedPolicy):
        policy.bind(env.batch)
    observations, infos = env.reset(seed=list(seeds))
    policy.reset(seed)
    chosen = []
    for _ in range(STEPS):
        masks = infos.get("action_mask", np.ones((len(seeds), 0), np.int8))
        seen, allowed = observations.copy(), masks.copy()
        seen[hidden:], allowed[hidden:, :-1] = 0.0, 0
        chosen.append(np.array(policy.actions(seen, allowed)))
        observations, _, _, _, infos = env.step(chosen[-1])
    return np.array(chosen)


def test_every_policy_is_tried():
    """Each of them in one case at least."""
    tried = {(KINDS[preset], name) for preset, form, name in CASES if made(preset, form, name)}
    assert tried == {(kind, name) for kind in kind_names() for name in policies_of(kind)}


@pytest.mark.parametrize("preset", KINDS)
def test_rows_decide_alone(preset):
    """The same beside 0 and 5 others, of whatever worlds, and beside such as are at their end."""
    for _, form, name in (case for case in CASES if case[0] == preset):
        policy = made(preset, form, name)
        if policy is None:
            continue
        alone = decisions(policy, preset, form, SEEDS[:FEW])
        others = [*SEEDS[:FEW], *range(100, 100 + MANY - FEW)]
        for seeds, hidden in ((SEEDS, MANY), (others, MANY), (SEEDS, FEW)):
            beside = decisions(made(preset, form, name), preset, form, seeds, hidden=hidden)
            np.testing.assert_array_equal(beside[:, :FEW], alone, err_msg=f"{form} {name}")


@pytest.mark.parametrize("preset", KINDS)
def test_seeds_are_what_is_drawn_from(preset):
    """One seed decides the same again; another one otherwise, and that for those that draw alone.

    Those that draw nothing decide by what a row shows, wherever it stands.
    """
    for _, form, name in (case for case in CASES if case[0] == preset):
        policy = made(preset, form, name)
        if policy is None:
            continue
        first = decisions(policy, preset, form, SEEDS)
        again = decisions(policy, preset, form, SEEDS)
        np.testing.assert_array_equal(again, first, err_msg=f"{form} {name}")
        other = decisions(policy, preset, form, SEEDS, seed=8)
        assert np.array_equal(first, other) != ((name, form) in DRAW), f"{form} {name}"
        if (name, form) not in DRAW:
            turned = decisions(policy, preset, form, SEEDS[::-1])
            np.testing.assert_array_equal(turned[:, ::-1], first, err_msg=f"{form} {name}")


@pytest.mark.parametrize(
    ("preset", "form"), [(preset, form) for preset, form, name in CASES if name == "random"]
)
def test_random_earns_the_same_in_a_world_beside_others(preset, form):
    """Whole episodes, some of which end before others: anchors of the board are made of them."""
    scenario = load(preset).replace(horizon_s=HORIZONS_S[preset])
    few, many = (
        evaluate(made(preset, form, "random"), scenario, SEEDS[:count], action=form)
        for count in (FEW, MANY)
    )
    np.testing.assert_array_equal(few.returns, many.returns[:FEW])
    np.testing.assert_array_equal(few.steps, many.steps[:FEW])


def test_draws_are_of_seed_call_and_purpose():
    """Each of the three gives others; the same three the same, however much was taken before."""

    def drawn(seed, call, purpose, before):
        draws = Draws(purpose)
        draws.reset(seed)
        for _ in range(call):
            draws.next().random(before)
        return draws.next().random(4).tolist()

    assert drawn(1, 2, 3, 1) == drawn(1, 2, 3, 1000) == drawn(1 + 2**64, 2, 3, 0)
    seeded_draws = [
        drawn(*one, 0) for one in ((1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 4), (1, 2, 0))
    ]
    assert len({tuple(one) for one in seeded_draws}) == len(seeded_draws)


@pytest.mark.parametrize(("purpose", "word"), [(0, 4), (0x7E57, 0x7E57 + (4 << 16))])
def test_draws_stay_what_they_were(purpose, word):
    """Results of the board and logs that are kept were drawn so, before there was `Draws`."""
    draws = Draws(purpose)
    draws.reset(9)
    fifth = [draws.next() for _ in range(5)][-1]
    expected = np.random.Generator(np.random.Philox(key=[9, word]))
    np.testing.assert_array_equal(fifth.random(4), expected.random(4))


@pytest.mark.parametrize("seed", [-1, 1.0, "1", None, True])
@pytest.mark.parametrize(("preset", "form"), [("contention", "slice"), ("tic-pick", "weights")])
def test_seeds_that_are_none_are_refused(preset, form, seed):
    """At `reset`, by all that draw."""
    for name in ("random", "objective-base"):
        policy = made(preset, form, name) if name in policies_of(KINDS[preset]) else None
        if policy is not None:
            with pytest.raises(ConfigError, match="whole number from 0 on"):
                policy.reset(seed)


def test_no_policy_keeps_a_generator():
    """One that runs on from call to call gives a row what its neighbours leave: see `Draws`."""
    made_by = ("default_rng", "Generator", "RandomState", "Philox", "manual_seed")
    decide = {"actions", "choose", "keys", "scores", "probabilities"}
    faults = []
    for folder in ("twin_gym", "agents", "benchmarks", "examples"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.ClassDef):
                    continue
                methods = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
                kept = [
                    ast.unparse(one)
                    for one in ast.walk(node)
                    if isinstance(one, ast.Assign | ast.AnnAssign)
                    and ast.unparse(one).startswith("self.")
                    and any(name in ast.unparse(one) for name in made_by)
                ]
                if kept and "reset" in methods and methods & decide:
                    faults.append(f"{path.relative_to(ROOT)}: {node.name}: {kept}")
    assert not faults
