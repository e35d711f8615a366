"""Twins of a network: of its default policy, its current state, and of its history.

The policy twins (all names of this module) learn, and need the extra `twins`; they are imported
when they are asked for. `twin_gym.twins.realtime` and `twin_gym.twins.history` need no extra.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from twin_gym.errors import missing_extra

if TYPE_CHECKING:
    from twin_gym.twins.clone import CloneSettings, clone, smoothed_cross_entropy
    from twin_gym.twins.decision_log import DecisionLog
    from twin_gym.twins.decision_space import DecisionSpace
    from twin_gym.twins.fidelity import (
        Agreement,
        AmountAgreement,
        Fidelity,
        agreement,
        amount_agreement,
        fidelity,
    )
    from twin_gym.twins.forward import PlainNetwork
    from twin_gym.twins.gan import DecisionGenerator, GanSettings, synthesise, train_generator
    from twin_gym.twins.layout import QueueLayout
    from twin_gym.twins.metadata import PolicyMetadata
    from twin_gym.twins.minari_data import export_minari, import_minari
    from twin_gym.twins.networks import (
        FlatNetwork,
        ObservedMask,
        PolicyNetwork,
        SliceNetwork,
        SlotNetwork,
        build_network,
        mask_from_observations,
        masked_log_probabilities,
        network_for,
    )
    from twin_gym.twins.policy_twin import PolicyTwin
    from twin_gym.twins.recording import record
    from twin_gym.twins.transition_recording import Exploring, record_transitions
    from twin_gym.twins.transitions import Transitions

_MODULE_OF = {
    "Agreement": "fidelity",
    "AmountAgreement": "fidelity",
    "CloneSettings": "clone",
    "DecisionGenerator": "gan",
    "DecisionLog": "decision_log",
    "DecisionSpace": "decision_space",
    "Exploring": "transition_recording",
    "Fidelity": "fidelity",
    "FlatNetwork": "networks",
    "GanSettings": "gan",
    "QueueLayout": "layout",
    "ObservedMask": "networks",
    "PlainNetwork": "forward",
    "PolicyMetadata": "metadata",
    "PolicyNetwork": "networks",
    "PolicyTwin": "policy_twin",
    "SliceNetwork": "networks",
    "SlotNetwork": "networks",
    "Transitions": "transitions",
    "agreement": "fidelity",
    "amount_agreement": "fidelity",
    "build_network": "networks",
    "clone": "clone",
    "export_minari": "minari_data",
    "fidelity": "fidelity",
    "import_minari": "minari_data",
    "mask_from_observations": "networks",
    "masked_log_probabilities": "networks",
    "network_for": "networks",
    "record": "recording",
    "record_transitions": "transition_recording",
    "smoothed_cross_entropy": "clone",
    "synthesise": "gan",
    "train_generator": "gan",
}

__all__ = [
    "Agreement",
    "AmountAgreement",
    "CloneSettings",
    "DecisionGenerator",
    "DecisionLog",
    "DecisionSpace",
    "Exploring",
    "Fidelity",
    "FlatNetwork",
    "GanSettings",
    "ObservedMask",
    "PlainNetwork",
    "PolicyMetadata",
    "PolicyNetwork",
    "PolicyTwin",
    "QueueLayout",
    "SliceNetwork",
    "SlotNetwork",
    "Transitions",
    "agreement",
    "amount_agreement",
    "build_network",
    "clone",
    "export_minari",
    "fidelity",
    "import_minari",
    "mask_from_observations",
    "masked_log_probabilities",
    "network_for",
    "record",
    "record_transitions",
    "smoothed_cross_entropy",
    "synthesise",
    "train_generator",
]


class _Face(ModuleType):
    """Python binds a submodule to its package's attribute: functions of its name keep theirs."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and name in _MODULE_OF):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has the name
    """Imports what is asked for, once.

    Raises:
        MissingExtraError: if torch or safetensors is not installed.
        AttributeError: if there is no such name.
    """
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import safetensors.torch  # noqa: F401 - brings torch: both are asked for at once
    except ImportError as error:
        raise missing_extra("twin_gym.twins", "twins") from error
    found = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The names that are asked for, whether or not they are imported yet."""
    return sorted({*globals(), *__all__})
