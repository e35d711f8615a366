"""Hypothesis strategies that draw scenarios whose numbers are as small and as large as can be.

Each number is drawn evenly by its logarithm from the field's own least to its greatest, or is one
of the two. Many are refused where they are built: each strategy gives what builds a scenario.
"""

import math
import sys
from functools import partial

from hypothesis import strategies as st

from twin_gym.environments.massive_access.scenario import (
    AccessScenario,
    BetaArrivals,
    SimultaneousArrivals,
    UniformArrivals,
)
from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    SyncScenario,
    TwoState,
    Walk,
)
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.scenario import (
    MMPP,
    Daily,
    Deterministic,
    Empirical,
    Exponential,
    Lognormal,
    Pareto,
    Poisson,
    Schedule,
)
from twin_gym.scenario.objective import KpiObjective

TINY = 5e-324
LONGEST_S = 1e8
JUST_OVER_1 = 1.0 + sys.float_info.epsilon
JUST_UNDER_1 = 1.0 - sys.float_info.epsilon


def between(low, high):
    """Evenly by the logarithm, or an end."""
    spread = st.floats(math.log(low), math.log(high)).map(math.exp)
    return st.sampled_from((low, high)) | spread.map(lambda one: min(max(one, low), high))


durations_s = between(1e-9, 1e8)
rates_hz = between(1e-9, 1e6)
non_negative = st.sampled_from((0.0, TINY, 1.0, 1e9)) | between(1e-300, 1e9)
shares = st.sampled_from((TINY, 1e-300, JUST_UNDER_1, 1.0)) | between(1e-20, 1.0)
probabilities = st.just(0.0) | shares
objectives = st.sampled_from(
    ("usual", "vector", KpiObjective(), KpiObjective(prioritised_share=TINY))
)


@st.composite
def whole_slots(draw, slot_s, most):
    """A number of slots, in seconds, that is no longer than an episode may be."""
    return draw(st.sampled_from([n for n in (1, 2, 7, most) if n * slot_s <= LONGEST_S])) * slot_s


@st.composite
def arrival_laws(draw):
    """Every law, with rates that differ by as much as can be."""
    law = draw(st.sampled_from((Poisson, Daily, Schedule, MMPP)))
    if law is Poisson:
        return partial(Poisson)
    factors = tuple(draw(st.lists(non_negative, min_size=2, max_size=4)))
    if law is MMPP:
        sojourns = tuple(draw(durations_s) for _ in factors)
        return partial(MMPP, factors=factors, mean_sojourn_s=sojourns)
    return partial(law, period_s=draw(durations_s), factors=factors)


@st.composite
def holding_laws(draw):
    """Every law, at the ends of its shape."""
    quantiles = tuple(sorted(draw(st.lists(non_negative, min_size=2, max_size=4))))
    return draw(
        st.sampled_from(
            (
                partial(Exponential),
                partial(Deterministic),
                partial(Lognormal, sigma=draw(st.sampled_from((TINY, 5.0)))),
                partial(Pareto, shape=draw(st.sampled_from((JUST_OVER_1, 1.5, 100.0)))),
                partial(Empirical, quantiles=quantiles),
            )
        )
    )


@st.composite
def admission(draw):
    """Draws a function that builds a network of one or two slices, or says why not."""
    capacity = draw(st.sampled_from((1e-6, 1.0, 1e9)))
    amounts = st.sampled_from((capacity, max(round(capacity / 8, 6), 1e-6)))
    slices = [
        {
            "name": f"s{number}",
            "demand": {"r": draw(amounts)},
            "arrival_rate_hz": draw(rates_hz),
            "mean_holding_time_s": draw(durations_s),
            "revenue": draw(non_negative),
            "lost_penalty": draw(non_negative),
            "mean_patience_s": draw(durations_s),
            "queue_limit": draw(st.sampled_from((0, 1, 40, 4096))),
            "agreed_loss_ratio": draw(st.none() | probabilities),
        }
        for number in range(draw(st.integers(1, 2)))
    ]
    laws = [(draw(arrival_laws()), draw(holding_laws())) for _ in slices]
    horizon_s = draw(durations_s)
    patience_law = draw(st.sampled_from(("deterministic", "exponential")))

    def build():
        made = tuple(
            Slice(**one, arrival=arrival(), holding=holding())
            for one, (arrival, holding) in zip(slices, laws, strict=True)
        )
        return AdmissionScenario(
            name="extreme", capacity={"r": capacity}, slices=made, horizon_s=horizon_s,
            patience_law=patience_law,
        )  # fmt: skip

    return build


@st.composite
def tic(draw):
    """Draws a function that builds a few sensors, or says why not."""
    slot_s = draw(between(1e-9, 1e6))
    frame_slots = draw(st.sampled_from((1, 2, 50)))
    period = draw(st.sampled_from([n for n in (1, 3, 2**39) if n * slot_s <= LONGEST_S]))
    return partial(
        TicScenario,
        name="extreme",
        slot_s=slot_s,
        frame_slots=frame_slots,
        horizon_s=draw(whole_slots(frame_slots * slot_s, 100)),
        num_sensors=draw(st.sampled_from((1, 5))),
        num_gateways=draw(st.sampled_from((1, 3))),
        side_m=draw(between(1e-6, 1e6)),
        grants=draw(st.sampled_from((1, 256))),
        buffer_messages=draw(st.sampled_from((1, 1000))),
        deadline_slots=draw(st.sampled_from((1, 3, 100_000))),
        answer_deadline_slots=draw(st.sampled_from((1, 3, 100_000))),
        answers=draw(st.booleans()),
        burst_fraction=draw(probabilities),
        burst_messages=draw(st.sampled_from((1, 1000))),
        burst_period_s=period * slot_s,
        burst_jitter_s=draw(st.sampled_from((0, period - 1))) * slot_s,
        background_rate_hz=draw(
            st.sampled_from((0.0, TINY)) | between(1e-12, 1.0).map(lambda one: one / slot_s)
        ),
        good_success=draw(probabilities),
        bad_success=draw(probabilities),
        bad_share=draw(probabilities),
        block_slots=draw(st.sampled_from((1, 10_000_000))),
        loss_target=draw(probabilities),
    )


@st.composite
def access(draw):
    """Draws a function that builds some devices, or says why not."""
    slot_s = draw(durations_s)
    horizon_s = draw(whole_slots(slot_s, 300))
    window_s = draw(st.sampled_from((horizon_s, 1e-9)))
    law = draw(
        st.sampled_from(
            (
                partial(BetaArrivals, window_s=window_s),
                partial(UniformArrivals, window_s=window_s),
                partial(
                    SimultaneousArrivals, window_s=window_s, fraction=draw(probabilities),
                    bursts=draw(st.sampled_from((1, 64))),
                ),
            )
        )
    )  # fmt: skip
    fields = {
        "slot_s": slot_s,
        "horizon_s": horizon_s,
        "num_devices": draw(st.sampled_from((1, 200))),
        "preambles": draw(st.sampled_from((1, 2, 64))),
        "max_tries": draw(st.sampled_from((1, 200))),
        "backoff_s": draw(st.sampled_from((0.0, TINY, slot_s, min(1e6 * slot_s, 1e9)))),
        "barring_levels": draw(st.sampled_from((2, 64))),
        "least_barring": draw(st.sampled_from((1e-6, JUST_UNDER_1))),
        "delay_weight": draw(probabilities),
    }
    return lambda: AccessScenario(name="extreme", arrivals=law(), **fields)


@st.composite
def sync(draw):
    """Draws a function that builds a few entities, or says why not."""
    slot_s = draw(durations_s)
    processes = st.one_of(
        st.builds(
            partial, st.just(Walk), variance_rate_hz=between(1e-9, 1.0 / slot_s) | rates_hz,
            initial_sd=shares,
        )
        if slot_s < 1e9
        else st.nothing(),
        st.builds(partial, st.just(MeanReverting), sd=shares, relaxation_s=durations_s),
        st.builds(partial, st.just(TwoState), change_rate_hz=rates_hz),
    )  # fmt: skip
    groups = [
        {
            "name": f"g{number}",
            "count": draw(st.sampled_from((1, 3))),
            "spread": draw(st.sampled_from((1.0, 1e6))),
            "weight": draw(st.sampled_from((1e-6, 1e6))),
            "delivery_probability": draw(st.none() | st.sampled_from((1.0, TINY))),
        }
        for number in range(draw(st.integers(1, 2)))
    ]
    laws = [draw(processes) for _ in groups]
    fields = {
        "slot_s": slot_s,
        "horizon_s": draw(whole_slots(slot_s, 100_000)),
        "predictor": draw(st.sampled_from(("hold", "trend", "fitted"))),
        "delivery_probability": draw(st.sampled_from((1.0, 1.0, TINY)) | shares),
        "delay_slots": draw(st.sampled_from((0, 0, 64))),
        "load_loss": draw(st.sampled_from((0.0, TINY, 1.0))),
        "update_budget": draw(st.sampled_from((None, None, 0, 10**9))),
        "update_cost": draw(non_negative),
        "energy_per_update_j": draw(non_negative),
        "tolerance": draw(st.just(TINY) | between(1e-9, 1.0)),
        "agreed_share": draw(probabilities),
        "initial": draw(st.sampled_from(("synchronised", "unknown"))),
        "planned_period_s": draw(st.none() | durations_s),
    }

    def build():
        made = tuple(
            EntityGroup(**one, process=law()) for one, law in zip(groups, laws, strict=True)
        )
        return SyncScenario(name="extreme", groups=made, **fields)

    return build
