"""Adapters: they translate the public state of an environment into twins and events."""

from twin_gym.twins.realtime.adapters.base import Adapter, network_twin
from twin_gym.twins.realtime.adapters.registry import adapter_of

__all__ = ["Adapter", "adapter_of", "network_twin"]
