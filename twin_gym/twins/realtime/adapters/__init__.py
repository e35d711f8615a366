"""From the public state of each environment to twins and events: one file an environment."""

from twin_gym.environments.massive_access.twin import AccessAdapter
from twin_gym.environments.right_time_sync.twin import SyncAdapter
from twin_gym.environments.slice_admission.twin import AdmissionAdapter
from twin_gym.environments.tic_scheduling.twin import TicAdapter
from twin_gym.twins.realtime.adapters.base import Adapter, network_twin
from twin_gym.twins.realtime.adapters.choosing import ADAPTER_OF_KIND, adapter_of

__all__ = [
    "ADAPTER_OF_KIND",
    "AccessAdapter",
    "Adapter",
    "AdmissionAdapter",
    "SyncAdapter",
    "TicAdapter",
    "adapter_of",
    "network_twin",
]
