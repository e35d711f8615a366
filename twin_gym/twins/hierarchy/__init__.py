"""The hierarchy of twins: a message twin that asks a policy twin at every decision."""

from twin_gym.twins.hierarchy.control_plane import ControlPlaneTwin, Emulation
from twin_gym.twins.hierarchy.database import SessionDatabase
from twin_gym.twins.hierarchy.emulation import EmulatedNetwork
from twin_gym.twins.hierarchy.message_twin import AutomatonTwin, RespondingTwin
from twin_gym.twins.hierarchy.reconstruction import reconstruction_errors
from twin_gym.twins.hierarchy.recorder import SignallingRecorder
from twin_gym.twins.hierarchy.services import service_world
from twin_gym.twins.hierarchy.tracker import ServiceTracker

__all__ = [
    "AutomatonTwin",
    "ControlPlaneTwin",
    "EmulatedNetwork",
    "Emulation",
    "RespondingTwin",
    "ServiceTracker",
    "SessionDatabase",
    "SignallingRecorder",
    "reconstruction_errors",
    "service_world",
]
