"""How large the experiment is, and which rows it has."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.scenario.loading import load

NAME = "hierarchy"
ID = "twin_gym/SliceAdmission-v0"
DEFAULT = "density"
ITSELF = "the policy itself"
AUTOMATON, NETWORK, ALONE = "exact automaton", "message twin", "message twin alone"
FEW_STEPS = 100
HASTY = f"message twin of {FEW_STEPS} steps"
BASE_RATE = "most frequent of the slice"


@dataclass(frozen=True)
class Plan:
    """Sizes.

    Attributes:
        horizon_s: of every episode.
        message_steps: training steps of a message twin.
        width: of its network.
        decisions: that policy twins learn from, the fewest first.
        agent_steps: of an agent.
        agent_worlds: in which an agent is tested, a block.
        losses: probabilities that a tap loses a message.
    """

    horizon_s: float = 100.0
    message_steps: int = 800
    width: int = 32
    decisions: tuple[int, ...] = (100, 1_000, 10_000)
    agent_steps: int = 32_768
    agent_worlds: int = 16
    losses: tuple[float, ...] = (0.0, 0.001, 0.01, 0.05)

    @property
    def key(self) -> str:
        """Names the plan in the files of what is done."""
        return "-".join(str(value) for value in asdict(self).values()).replace(" ", "")

    @property
    def scenario(self) -> AdmissionScenario:
        """The network of all episodes."""
        return load("contention", AdmissionScenario).replace(horizon_s=self.horizon_s)


QUICK = Plan(20.0, 60, 16, (50, 300), 1_024, 2)


@dataclass(frozen=True)
class Row:
    """A control plane that is compared with the real one.

    Attributes:
        messages: who says the messages.
        decisions: that its policy twin has learned from; 0: the policy itself; -1: none is asked.
    """

    messages: str
    decisions: int = -1

    @property
    def label(self) -> str:
        """Its name on the page."""
        if self.decisions < 0:
            return self.messages
        asked = ITSELF if not self.decisions else f"policy twin of {self.decisions:,}"
        return f"{self.messages} + {asked}"


def rows_of(plan: Plan) -> list[Row]:
    """All rows; those with a known answer first."""
    asked = [0, *reversed(plan.decisions)]
    made = [Row(name, count) for name in (AUTOMATON, NETWORK) for count in asked]
    return [*made, Row(HASTY, 0), Row(ALONE), Row(BASE_RATE)]
