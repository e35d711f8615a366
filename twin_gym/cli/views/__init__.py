"""What the commands tell of each kind of scenario: one file a kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from twin_gym.cli.views.access import AccessView
from twin_gym.cli.views.admission import AdmissionView
from twin_gym.cli.views.base import Column, Measure, View
from twin_gym.cli.views.sync import SyncView
from twin_gym.cli.views.tic import TicView

VIEW_OF_KIND: Mapping[str, View] = MappingProxyType(
    {"admission": AdmissionView(), "access": AccessView(), "tic": TicView(), "sync": SyncView()}
)
"""By kind of scenario, what is told of it."""

__all__ = ["VIEW_OF_KIND", "Column", "Measure", "View"]
