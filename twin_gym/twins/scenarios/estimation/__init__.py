"""Estimation of network parameters from the telemetry in a store."""

from twin_gym.twins.scenarios.estimation.windows import current_state_from_store, history_from_store

__all__ = ["current_state_from_store", "history_from_store"]
