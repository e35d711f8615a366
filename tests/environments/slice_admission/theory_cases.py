"""Small admission scenarios that exact answers are computed for."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice

KNOWN_OPTIMA = {
    # preset: optimal gain, class 1 is admitted while fewer are busy, gain of admitting all
    "teletraffic-heavy": (28.180845756570, 5, 22.377542570324),
    "teletraffic-medium": (21.114615249208, 8, 19.635441422316),
    "teletraffic-small": (10.324825986080, 3, 8.954393770857),
}


def two_queues(limit: int = 10) -> AdmissionScenario:
    """Two slices that wait for two resources, one cheap and one dear."""
    cheap = Slice(
        name="cheap",
        demand={"radio": 1.0, "computing": 2.0},
        arrival_rate_hz=10.0,
        mean_holding_time_s=1.0,
        revenue=1.0,
        mean_patience_s=1.0,
        queue_limit=limit,
    )
    dear = Slice(
        name="dear",
        demand={"radio": 3.0, "computing": 1.0},
        arrival_rate_hz=6.0,
        mean_holding_time_s=1.5,
        revenue=5.0,
        mean_patience_s=3.0,
        lost_penalty=0.5,
        queue_limit=limit,
    )
    return AdmissionScenario(
        name="two-queues",
        capacity={"radio": 20.0, "computing": 20.0},
        slices=(cheap, dear),
        horizon_s=100.0,
        patience_law="exponential",
    )


@st.composite
def small_scenarios(draw: DrawFn, max_slices: int = 3, max_queue: int = 2) -> AdmissionScenario:
    """Memoryless scenarios of at most some hundred states, with penalties, with and without queues.

    Args:
        max_slices: most slices.
        max_queue: greatest queue limit.
    """
    resources = draw(st.sampled_from((("radio",), ("radio", "storage"))))
    capacity = {name: draw(st.integers(1, 4)) for name in resources}
    rate, time = st.floats(0.2, 5.0), st.floats(0.2, 3.0)
    money = st.sampled_from((0.0, 1.0)) | st.floats(0.0, 9.0)
    slices = []
    for index in range(draw(st.integers(1, max_slices))):
        demand = {name: draw(st.integers(0, most)) for name, most in capacity.items()}
        demand["radio"] = max(demand["radio"], 1)
        slices.append(
            Slice(
                name=f"slice_{index}",
                demand={name: amount / 2 for name, amount in demand.items()},
                arrival_rate_hz=draw(rate),
                mean_holding_time_s=draw(time),
                revenue=draw(money),
                mean_patience_s=draw(time),
                queue_limit=draw(st.integers(0, max_queue)),
                lost_penalty=draw(money),
            )
        )
    return AdmissionScenario(
        name="drawn",
        capacity={name: most / 2 for name, most in capacity.items()},
        slices=tuple(slices),
        horizon_s=10.0,
        patience_law="exponential",
    )
