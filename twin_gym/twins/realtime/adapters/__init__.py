"""Adapters: they translate the public state of an environment into twins and events."""

from typing import TYPE_CHECKING

from twin_gym.moved import moved_names
from twin_gym.twins.realtime.adapters.base import Adapter, network_twin
from twin_gym.twins.realtime.adapters.registry import adapter_of

__all__ = ["Adapter", "adapter_of", "network_twin"]

if not TYPE_CHECKING:  # a type checker knows the new names alone
    __getattr__ = moved_names(__name__)
