"""Hypothesis strategies that draw scenarios of truck routing: small, every corner."""

from hypothesis import strategies as st

from twin_gym.environments.truck_routing.bins import Bin, ListedBins
from twin_gym.environments.truck_routing.deposits import PoissonGamma
from twin_gym.environments.truck_routing.roads import GridRoads, StraightRoads
from twin_gym.environments.truck_routing.scenario import DAY_S, HOUR_S, Depot, TruckScenario

PEAKS = (0.0,) * 8 + (2.0,) * 12 + (0.0,) * 4
"""A profile with nothing at night."""


@st.composite
def bins(draw, count):
    """Bins at crossings, some of them at one place, that fill in hours or in weeks."""
    places = st.sampled_from((0.0, 500.0, 1000.0, 2000.0))
    return ListedBins(
        bins=tuple(
            Bin(
                name=f"b{k}", x_m=draw(places), y_m=draw(places),
                capacity_l=draw(st.sampled_from((100.0, 240.0))),
                inflow_l_per_h=draw(st.sampled_from((0.2, 5.0, 40.0))),
            )
            for k in range(count)
        )
    )  # fmt: skip


@st.composite
def truck_scenarios(draw, num_bins=None, num_trucks=None):
    """Scenarios of a few bins and trucks.

    Args:
        num_bins: 1 to 9 where None.
        num_trucks: 1 to 4 where None.
    """
    count = draw(st.integers(1, 9)) if num_bins is None else num_bins
    trucks = draw(st.sampled_from((1, 1, 2, 4))) if num_trucks is None else num_trucks
    return TruckScenario(
        name="drawn",
        horizon_s=DAY_S * draw(st.integers(1, 2)),
        bins=draw(bins(count)),
        roads=draw(st.sampled_from((StraightRoads(), GridRoads(columns=5, rows=5, block_m=500.0)))),
        depot=draw(st.sampled_from(("median", Depot(x_m=500.0, y_m=0.0)))),
        deposits=PoissonGamma(
            deposit_mean_l=draw(st.sampled_from((2.0, 5.0, 60.0))),
            deposit_shape=draw(st.sampled_from((1, 1, 3))),
            profile=draw(st.sampled_from(((1.0,) * 24, PEAKS, (*(1.0,) * 144, *PEAKS)))),
        ),
        num_trucks=trucks,
        truck_capacity_l=draw(st.sampled_from((240.0, 300.0, 2000.0))),
        service_s=draw(st.sampled_from((60.0, 180.0, 1800.0))),
        unload_s=draw(st.sampled_from((0.001, 900.0))),
        shift_start_hour=draw(st.sampled_from((0, 6, 23))),
        shift_length_s=HOUR_S * draw(st.sampled_from((2.0, 8.0, 23.5))),
        report_period_s=draw(st.sampled_from(("never", 600.0, HOUR_S, 7200.0))),
        delivery_probability=draw(st.sampled_from((0.3, 0.8, 1.0))),
        report_delay_s=draw(st.sampled_from((0.0, 60.0, 5000.0))),
        sensor_full_share=draw(st.sampled_from((0.8, 1.0))),
        predictor=draw(st.sampled_from(("hold", "trend", "fitted"))),
        initial_fill_max=draw(st.sampled_from((0.0, 0.8, 1.0))),
        agreed_share=draw(st.sampled_from((0.0, 0.02))),
        num_candidates=draw(st.sampled_from((1, 3, 12))),
        candidate_fill=draw(st.sampled_from((0.0, 0.25, 0.9))),
    )
