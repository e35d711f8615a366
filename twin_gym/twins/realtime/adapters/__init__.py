"""From the public state of each environment to twins and events: one file an environment."""

from twin_gym.twins.realtime.adapters.access import AccessAdapter
from twin_gym.twins.realtime.adapters.admission import AdmissionAdapter
from twin_gym.twins.realtime.adapters.base import Adapter, network_twin
from twin_gym.twins.realtime.adapters.choosing import ADAPTER_OF_KIND, adapter_of
from twin_gym.twins.realtime.adapters.sync import SyncAdapter
from twin_gym.twins.realtime.adapters.tic import TicAdapter

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
