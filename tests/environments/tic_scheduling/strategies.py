"""Hypothesis strategies that draw scenarios of tiny instant communication, with every corner."""

from hypothesis import strategies as st

from twin_gym.environments.tic_scheduling.scenario import TicScenario


@st.composite
def tic_scenarios(draw, max_sensors=12, num_gateways=None, max_frames=30):
    """Scenarios of a few sensors, most of them crowded.

    Args:
        max_sensors: largest number of sensors.
        num_gateways: of the network; None: any from 1 to 4.
        max_frames: longest episode.
    """
    slot_s = draw(st.sampled_from((0.000125, 0.5)))
    frame_slots = draw(st.integers(1, 4))
    frames = draw(st.integers(1, max_frames))
    period = draw(st.integers(1, 12))
    chance = st.sampled_from((0.0, 0.3, 0.9, 1.0))
    background = draw(st.sampled_from((0.0, 0.02, 0.2, 1.0)))
    return TicScenario(
        name="drawn",
        horizon_s=frames * frame_slots * slot_s,
        num_sensors=draw(st.integers(1, max_sensors)),
        num_gateways=num_gateways or draw(st.integers(1, 4)),
        topology_seed=draw(st.integers(0, 50)),
        cells_per_side=draw(st.integers(1, 3)),
        grants=draw(st.integers(1, 3)),
        buffer_messages=draw(st.integers(1, 3)),
        slot_s=slot_s,
        frame_slots=frame_slots,
        deadline_slots=draw(st.integers(1, 8)),
        answer_deadline_slots=draw(st.integers(1, 6)),
        answers=draw(st.booleans()),
        processing_slots=draw(st.integers(0, 4)),
        burst_fraction=1.0 if background == 0.0 else draw(st.sampled_from((0.0, 0.5, 1.0))),
        burst_messages=draw(st.integers(1, 2)),
        burst_period_s=period * slot_s,
        burst_jitter_s=draw(st.integers(0, period - 1)) * slot_s,
        background_rate_hz=background / slot_s,
        good_success=draw(chance),
        bad_success=draw(chance),
        bad_share=draw(chance),
        block_slots=draw(st.integers(1, 5)),
        channel_observable=draw(st.booleans()),
    )
