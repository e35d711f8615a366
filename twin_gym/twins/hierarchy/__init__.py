"""The hierarchy of twins: a message twin that asks a policy twin at every decision."""

from twin_gym.twins.hierarchy.recorder import SignallingRecorder
from twin_gym.twins.hierarchy.tracker import ServiceTracker

__all__ = ["ServiceTracker", "SignallingRecorder"]
