"""Parameters of a network estimated from what its twin has heard: windows of a store."""

from twin_gym.twins.scenarios.watching.windows import lived_of_store, now_of_store

__all__ = ["lived_of_store", "now_of_store"]
