"""The real-time twin: a typed graph of the current state of a network, with the age of values.

Types of twins are DTDL interfaces (`object_model`), and their graph is a `TwinGraph`. Measurements
arrive as `Event`s over a lossy, delayed `Link`. A `LiveTwin` mirrors a running environment. No
extra is needed.
"""

from twin_gym.twins.realtime.adapters import Adapter, adapter_of
from twin_gym.twins.realtime.events import Delivery, Event, Link
from twin_gym.twins.realtime.graph import TwinGraph, graph_from_json
from twin_gym.twins.realtime.live import LiveTwin
from twin_gym.twins.realtime.model import (
    Content,
    Interface,
    ObjectModel,
    Relationship,
    Value,
    build_model,
    object_model,
    read_model,
)
from twin_gym.twins.realtime.snapshot import Known, Snapshot, TwinState

__all__ = [
    "Adapter",
    "Content",
    "Delivery",
    "Event",
    "Interface",
    "Known",
    "Link",
    "LiveTwin",
    "ObjectModel",
    "Relationship",
    "Snapshot",
    "TwinGraph",
    "TwinState",
    "Value",
    "adapter_of",
    "build_model",
    "graph_from_json",
    "object_model",
    "read_model",
]
