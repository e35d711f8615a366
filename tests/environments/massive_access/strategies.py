"""Hypothesis strategies that draw scenarios of massive access: small ones, with every corner."""

from hypothesis import strategies as st

from twin_gym.environments.massive_access.scenario import (
    AccessScenario,
    BetaArrivals,
    SimultaneousArrivals,
    UniformArrivals,
)


@st.composite
def access_scenarios(draw, max_devices=60, max_opportunities=60):
    """Scenarios of a few dozen devices, most of them crowded.

    Args:
        max_devices: largest number of devices.
        max_opportunities: longest episode.
    """
    slot_s = draw(st.sampled_from((0.005, 0.25, 1.0)))
    opportunities = draw(st.integers(1, max_opportunities))
    horizon_s = opportunities * slot_s
    window_s = horizon_s * draw(st.sampled_from((0.1, 0.5, 0.77, 1.0)))
    law = draw(st.sampled_from(("beta", "uniform", "simultaneous")))
    if law == "beta":
        arrivals = BetaArrivals(window_s=window_s)
    elif law == "uniform":
        arrivals = UniformArrivals(window_s=window_s)
    else:
        arrivals = SimultaneousArrivals(
            window_s=window_s,
            fraction=draw(st.sampled_from((0.0, 0.2, 0.45, 0.7, 1.0))),
            bursts=draw(st.integers(1, 3)),
        )
    return AccessScenario(
        name="drawn",
        horizon_s=horizon_s,
        num_devices=draw(st.integers(1, max_devices)),
        arrivals=arrivals,
        slot_s=slot_s,
        preambles=draw(st.sampled_from((1, 2, 3, 8, 54, 64))),
        max_tries=draw(st.sampled_from((1, 2, 3, 10))),
        backoff_s=slot_s * draw(st.sampled_from((0.0, 0.3, 1.0, 2.5, 4.0, 10.0))),
        delay_weight=draw(st.sampled_from((0.0, 0.5, 1.0))),
    )
