"""Hypothesis strategies that draw scenarios of right-time synchronisation: small, every corner."""

from hypothesis import strategies as st

from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    SyncScenario,
    TwoState,
    Walk,
)


@st.composite
def processes(draw, slot_s):
    """A process of any law that changes over a few dozen slots, or hardly."""
    law = draw(st.sampled_from(("walk", "mean-reverting", "two-state")))
    slots = draw(st.sampled_from((1.0, 20.0, 1e4)))
    if law == "walk":
        return Walk(variance_rate_hz=max(0.01 / (slots * slot_s), 1e-9))
    if law == "mean-reverting":
        return MeanReverting(relaxation_s=slots * slot_s)
    return TwoState(change_rate_hz=1.0 / (slots * slot_s))


@st.composite
def sync_scenarios(draw, num_entities=None, max_slots=60):
    """Scenarios of a few entities.

    Args:
        num_entities: of all groups; None: 1 to 12.
        max_slots: longest episode.
    """
    slot_s = draw(st.sampled_from((0.1, 1.0, 60.0)))
    left = draw(st.integers(1, 12)) if num_entities is None else num_entities
    total, groups = left, []
    while left:
        count = draw(st.integers(1, left))
        left -= count
        groups.append(
            EntityGroup(
                name=f"group-{len(groups)}", count=count, process=draw(processes(slot_s)),
                spread=draw(st.sampled_from((1.0, 9.0))), weight=draw(st.sampled_from((1.0, 0.3))),
                delivery_probability=draw(st.sampled_from((None, None, 0.5))),
            )
        )  # fmt: skip
    return SyncScenario(
        name="drawn",
        slot_s=slot_s,
        horizon_s=slot_s * draw(st.integers(1, max_slots)),
        groups=tuple(groups),
        predictor=draw(st.sampled_from(("hold", "trend", "fitted"))),
        delivery_probability=draw(st.sampled_from((0.3, 0.8, 1.0))),
        delay_slots=draw(st.sampled_from((0, 0, 1, 2, 7))),
        load_loss=draw(st.sampled_from((0.0, 0.2, 1.0))),
        updates_per_round=draw(st.sampled_from((None, 1, total))),
        update_budget=draw(st.sampled_from((None, None, 0, 1, 9))),
        update_cost=draw(st.sampled_from((0.0, 0.01))),
        tolerance=draw(st.sampled_from((0.01, 0.05, 0.5))),
        initial=draw(st.sampled_from(("synchronised", "unknown"))),
        inspection_slots=draw(st.sampled_from((1, 7, 100))),
    )
