"""Policy twins: what a network's default policy would do, learned from a log of its decisions."""

from twin_gym.errors import missing_extra

try:
    import safetensors.torch  # noqa: F401 - brings torch: both are asked for at once
except ImportError as error:
    raise missing_extra("twin_gym.twins", "twins") from error

from twin_gym.twins.card import PolicyCard
from twin_gym.twins.clone import CloneSettings, clone, smoothed_cross_entropy
from twin_gym.twins.decision_log import DecisionLog
from twin_gym.twins.decision_space import DecisionSpace
from twin_gym.twins.feasible_states import FeasibleStates, draw_feasible_states
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
from twin_gym.twins.layout import ObservationLayout
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

__all__ = [
    "Agreement",
    "AmountAgreement",
    "CloneSettings",
    "DecisionGenerator",
    "DecisionLog",
    "DecisionSpace",
    "Exploring",
    "FeasibleStates",
    "Fidelity",
    "FlatNetwork",
    "GanSettings",
    "ObservationLayout",
    "ObservedMask",
    "PlainNetwork",
    "PolicyCard",
    "PolicyNetwork",
    "PolicyTwin",
    "SliceNetwork",
    "SlotNetwork",
    "Transitions",
    "agreement",
    "amount_agreement",
    "build_network",
    "clone",
    "draw_feasible_states",
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
