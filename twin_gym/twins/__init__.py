"""Policy twins: what a network's default policy would do, learned from a log of its decisions."""

from twin_gym.errors import missing_extra

try:
    import safetensors.torch  # noqa: F401 - brings torch: both are asked for at once
except ImportError as error:
    raise missing_extra("twin_gym.twins", "twins") from error

from twin_gym.twins.layout import ObservationLayout
from twin_gym.twins.networks import (
    ObservedMask,
    SliceNetwork,
    SlotNetwork,
    build_network,
    mask_from_observations,
)

__all__ = [
    "ObservationLayout",
    "ObservedMask",
    "SliceNetwork",
    "SlotNetwork",
    "build_network",
    "mask_from_observations",
]
