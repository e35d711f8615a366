"""How far ahead learners look, where an environment knows better than its time unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Credit:
    """Discount time and trace time of learners that discount in simulated time.

    Attributes:
        unit: of the two times: a slot, or the time unit of the scenario.
        discount: time after which a reward counts 1/e.
        trace: time after which an advantage estimate trusts the critic.
    """

    unit: Literal["slot", "time unit"]
    discount: float
    trace: float

    def of(self, scenario: Any) -> dict[str, float]:  # noqa: ANN401 - one model a kind
        """The settings of learners, in time units of a scenario."""
        units = scenario.slot_s / scenario.time_unit_s if self.unit == "slot" else 1.0
        return {
            "discount_holding_times": self.discount * units,
            "trace_holding_times": self.trace * units,
        }
