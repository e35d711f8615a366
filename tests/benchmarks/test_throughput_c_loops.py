"""The rules told in C: after the same steps of the same worlds, the same arrays to the last bit."""

import numpy as np
import pytest

from benchmarks.c_loop import CLoop, compiler, differing, wide
from benchmarks.throughput.rows import begun_batch, check_c_loop, moves_of, sampled_actions
from twin_gym.core.batch import AUTORESET_SAME_STEP
from twin_gym.errors import ConfigError, MissingExtraError
from twin_gym.scenario.loading import load

NEEDS_COMPILER = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")

# Longer than an episode wherever one is affordable, so that ends and beginnings are told, too.
CASES = (
    ("admission", "contention", 3_000),
    ("access", "access-beta-1000", 2_500),
    ("access", "access-beta-10000", 700),
    ("access", "access-small-45", 700),
    ("access", "access-uniform-30000", 150),
    ("tic", "tic-small-20", 1_100),
    ("tic", "tic-medium-45", 1_050),
    ("tic", "tic-large-70", 60),
    ("sync", "sync-small", 1_100),
    ("sync", "sync-large", 250),
)


def both_told(scenario, kind, steps, rows=4):
    """Two batches of the same rows, one moved by the kernel and one by the C loop."""
    ours, theirs = (begun_batch(scenario, kind, rows) for _ in range(2))
    actions = sampled_actions(ours.action_space, rows)
    taken = wide(actions)
    for j in range(steps):
        ours.advance(taken[j % len(taken)], AUTORESET_SAME_STEP)
    CLoop(theirs).step(moves_of(theirs, actions), steps)
    return ours, theirs


@NEEDS_COMPILER
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "scenario", "steps"), CASES)
def test_c_loop_equals_the_kernel(kind, scenario, steps):
    """State, outcomes and observations of every preset's form, over the end of an episode."""
    ours, theirs = both_told(scenario, kind, steps)
    assert differing(ours, theirs) == []


@NEEDS_COMPILER
@pytest.mark.slow
def test_c_loop_equals_the_kernel_at_the_edges():
    """No barring and full barring, one try, no backoff; no answers, short buffers, no bursts."""
    beta = load("access-small-70")
    once = beta.replace(max_tries=1, backoff_s=0.0, preambles=2)
    tic = load("tic-small-70")
    mute = tic.replace(answers=False, burst_messages=3, buffer_messages=2, horizon_s=0.05)
    quiet = tic.replace(burst_fraction=0.0, background_rate_hz=8_000.0, horizon_s=0.05)
    for kind, scenario in (("access", once), ("tic", mute), ("tic", quiet)):
        assert differing(*both_told(scenario, kind, 300)) == []


@NEEDS_COMPILER
def test_counts_of_a_cell_are_the_same_in_c():
    """Successes, collisions and who gave up, in half an episode of small cells."""
    ours, theirs = both_told("access-small-70", "access", 250)
    for name in ("succeeded", "collided", "lost", "attempts", "waited"):
        assert np.array_equal(ours.arrays["rows"][name], theirs.arrays["rows"][name])
    assert ours.arrays["rows"]["collided"].sum() > 0


@NEEDS_COMPILER
def test_counts_of_messages_are_the_same_in_c():
    """Delivered, expired and dropped messages in a few bursts."""
    ours, theirs = both_told("tic-small-70", "tic", 100)
    for name in ("offered", "delivered", "expired", "dropped", "attempts", "waited"):
        assert np.array_equal(ours.arrays["rows"][name], theirs.arrays["rows"][name])
    assert ours.arrays["rows"]["expired"].sum() > 0


@NEEDS_COMPILER
def test_counts_of_updates_are_the_same_in_c():
    """Updates sent and delivered, ages, and entities found accurate, with a delay."""
    scenario = load("sync-small").replace(delay_slots=3, initial="unknown")
    ours, theirs = both_told(scenario, "sync", 250)
    for name in ("updates", "delivered", "age_sum", "accurate", "beyond_sum", "error_sum"):
        assert np.array_equal(ours.arrays["rows"][name], theirs.arrays["rows"][name])
    assert ours.arrays["rows"]["accurate"].min() > 0


@NEEDS_COMPILER
def test_loop_that_tells_something_else_is_refused(monkeypatch):
    """A loop that takes other actions is found before its speed is compared."""
    check_c_loop("tic-small-45", "tic", 20)
    monkeypatch.setattr(
        "benchmarks.throughput.rows.moves_of", lambda batch, actions: wide(actions)[:, ::-1]
    )
    with pytest.raises(RuntimeError, match=r"differ in .*bring rules\.c of tic up"):
        check_c_loop("tic-small-45", "tic", 20)


def test_several_scenarios_are_refused():
    """The C loops know one network at a time."""
    with pytest.raises(ConfigError, match="one scenario"):
        CLoop(begun_batch(["tic-small-20", "tic-small-45"], "tic", 1))


def test_missing_compiler_is_said(monkeypatch):
    """One sentence, with what to do."""
    monkeypatch.setattr("benchmarks.c_loop.compiler", lambda: None)
    with pytest.raises(MissingExtraError, match="install one that answers to `cc`"):
        CLoop(begun_batch("tic-small-45", "tic", 1))
