"""Rows are independent: in one stretch, in threads, and in a loop that Numba makes parallel."""

import numba
import numpy as np
import pytest

from twin_gym.core import batch as batching
from twin_gym.environments.slice_admission.batch import AdmissionBatch, BatchSettings
from twin_gym.environments.slice_admission.rules import Running, begin, decide, run_to_decision
from twin_gym.environments.slice_admission.workload import Outside, begin_world
from twin_gym.scenario.loading import load

ROWS = 37
MANY = 1_000_000


def short():
    """`contention` with episodes that end within the test."""
    return load("contention").replace(horizon_s=1.5)


def sampled(steps, num_rows, num_actions):
    """Uniform actions."""
    return np.random.default_rng(5).integers(0, num_actions, (steps, num_rows))


def assert_same_arrays(one, other):
    """All that the kernel works on is equal, to the last bit."""
    for name, array in one.arrays.items():
        if name not in ("queues", "final_rows", "final_observations"):
            assert array.tobytes() == other.arrays[name].tobytes(), name


def begun(num_rows=ROWS):
    """Rows at their first decisions."""
    batch = AdmissionBatch(num_rows, BatchSettings(short()))
    everyone = np.ones(num_rows, np.bool_)
    batch.seed(np.arange(num_rows, dtype=np.uint64), everyone)
    batch.begin(everyone)
    return batch


def test_order_of_the_stretches_does_not_matter():
    """Backwards, one row at a time."""
    together, apart = begun(), begun()
    for actions in sampled(60, ROWS, together.num_actions):
        together.advance(actions, batching.AUTORESET_NEXT_STEP)
        for row in reversed(range(ROWS)):
            apart.advance(actions, batching.AUTORESET_NEXT_STEP, row, row + 1)
        assert_same_arrays(together, apart)


@pytest.mark.slow
def test_numba_parallel_loop_equals_serial():
    """`prange` over the compiled functions, where helpers inlined by Numba itself went wrong.

    Those are inlined by LLVM here; a return to `inline="always"` would be seen.
    """

    def loop(networks, curves, arrivals, holdings, rows, queues, departures, actions):
        outside = Outside(curves, arrivals, holdings)
        for i in numba.prange(len(rows)):
            row = rows[i]
            begins = row.is_over != 0
            if begins:
                row.episode += 1
                begin_world(row, networks, len(networks))
            network = networks[row.network]
            running = Running(network, row, queues[i], departures[i], outside)
            if begins:
                begin(running)
            if begins or not decide(running, actions[i], np.int64(0)):
                run_to_decision(running, MANY)

    serial, parallel = numba.njit(loop), numba.njit(parallel=True)(loop)
    one, other = begun(), begun()
    tables = one.tables
    for actions in sampled(200, ROWS, len(one.scenario.slices)):
        for run, batch in ((serial, one), (parallel, other)):
            arrays = batch.arrays
            run(
                arrays["networks"], tables.curves, tables.trace_arrivals, tables.trace_holdings,
                arrays["rows"], arrays["queues"], arrays["departures"], actions,
            )  # fmt: skip
        for name in ("rows", "queues", "departures"):
            assert one.arrays[name].tobytes() == other.arrays[name].tobytes(), name
    assert one.arrays["rows"]["episode"].min() > 0
