"""What the commands tell of each kind of scenario: one file a kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from twin_gym.cli.view import Column, Measure, View
from twin_gym.environments.massive_access.view import AccessView
from twin_gym.environments.right_time_sync.view import SyncView
from twin_gym.environments.slice_admission.view import AdmissionView
from twin_gym.environments.tic_scheduling.view import TicView

VIEW_OF_KIND: Mapping[str, View] = MappingProxyType(
    {"admission": AdmissionView(), "access": AccessView(), "tic": TicView(), "sync": SyncView()}
)
"""By kind of scenario, what is told of it."""

__all__ = ["VIEW_OF_KIND", "Column", "Measure", "View"]
