"""Parameters of a network estimated from what its twin has heard: windows of a store."""

from twin_gym.twins.scenarios.estimation.windows import current_state_from_store, history_from_store

__all__ = ["current_state_from_store", "history_from_store"]
