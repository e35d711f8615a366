# The names of the package and the module that each lives in: `__init__.py` reads them here.
# ruff: noqa: TID252 - lazy_loader reads relative imports alone
from .control_plane import ControlPlaneTwin as ControlPlaneTwin
from .control_plane import Emulation as Emulation
from .database import SessionDatabase as SessionDatabase
from .decisions import late_decisions as late_decisions
from .emulation import EmulatedNetwork as EmulatedNetwork
from .message_twin import AutomatonTwin as AutomatonTwin
from .message_twin import RespondingTwin as RespondingTwin
from .message_twin import load_message_twin as load_message_twin
from .message_twin import register_message_twin as register_message_twin
from .network_twin import NetworkTwin as NetworkTwin
from .reconstruction import messages_heard as messages_heard
from .reconstruction import reconstruction_errors as reconstruction_errors
from .recorder import SignallingRecorder as SignallingRecorder
from .services import service_world as service_world
from .tracker import ServiceTracker as ServiceTracker
