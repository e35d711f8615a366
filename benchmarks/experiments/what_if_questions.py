"""The what-if questions whose pairs of worlds are measured: networks, and what may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.experiments.blocks import Cell, policy_cell
from twin_gym.policies import Policy, make_policy
from twin_gym.scenario import Scenario
from twin_gym.scenario.changes import changed, names_of, value_at
from twin_gym.scenario.loading import load

FACTORS = (1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0)
SMALL, LARGE = 1.05, 2.0
BASE = "as it is"


@dataclass(frozen=True)
class Subject:
    """A network and what is asked of it.

    Attributes:
        scenario: name of the preset.
        policy: that runs it.
        kpis: that are compared.
        rate: path of the rate, or number of devices, that grows.
        capacity: changes of capacity by label.
        others: policies that might run it instead.
        horizons: lengths of the episode with a rate 1 % higher, in seconds; none where an episode
            has an end of its own.
    """

    scenario: str
    policy: str
    kpis: tuple[str, ...]
    rate: str
    capacity: Mapping[str, Mapping[str, Any]]
    others: tuple[str, ...]
    horizons: tuple[float, ...] = ()


SUBJECTS = (
    Subject(
        "contention", "density",
        ("revenue_rate", "loss_ratio", "mean_wait_s", "utilisation", "fairness"),
        "slices.hrllc.arrival_rate_hz",
        {"radio +5 %": {"capacity.radio": 105.0}, "radio +50 %": {"capacity.radio": 150.0}},
        ("fifo", "reservation"), (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0),
    ),
    Subject(
        "tic-small-45", "equal",
        ("return", "loss_ratio", "latency_mean_s", "latency_p99_s", "throughput_bps"),
        "background_rate_hz",
        {"a fourth grant": {"grants": 4}, "70 % at once": {"burst_fraction": 0.7}},
        ("edf",), (0.02, 0.05, 0.1, 0.2, 0.5),
    ),
    Subject(
        "access-large-45", "idle-estimator",
        ("access_success_probability", "mean_delay_s", "p95_delay_s", "service_time_s",
         "mean_tries"),
        "num_devices",
        {"57 preambles": {"preambles": 57}, "64 preambles": {"preambles": 64}},
        ("fixed", "none"),
    ),
    Subject(
        "sync-small", "round-robin",
        ("scenario_accuracy", "mean_error", "mean_age_s", "delivered"),
        "groups.load.process.variance_rate_hz",
        {"delivery 0.81": {"delivery_probability": 0.81},
         "delivery 0.95": {"delivery_probability": 0.95}},
        ("whittle",), (200.0, 500.0, 1000.0),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One side of a question: a network and who runs it.

    Attributes:
        label: names it among those of its subject.
        scenario: the network.
        base: that the policy is configured for, as an operator's stays.
        policy: by name.
    """

    label: str
    scenario: Scenario
    base: Scenario
    policy: str

    def cell(self, kpis: Sequence[str], worlds: int) -> Cell:
        """The measurement of this side: every world is a block."""
        make = partial(_configured, base=self.base, policy=self.policy)
        return policy_cell(
            self.label, self.scenario, make, kpis, blocks=range(worlds), worlds=1,
            setting=self.policy,
        )  # fmt: skip


@dataclass(frozen=True)
class Question:
    """Two sides that are compared.

    Attributes:
        label: in words.
        before: one side.
        after: the other one.
        group: `rate`, `capacity`, `policy` or `horizon`.
        x: where the figure draws it: growth of the rate in per cent, or seconds.
    """

    label: str
    before: Side
    after: Side
    group: str
    x: float = 0.0


def _configured(_: Scenario, base: Scenario, policy: str) -> Policy:
    return make_policy(policy, base)


def questions(subject: Subject, factors: Sequence[float]) -> list[Question]:
    """All questions on a network.

    Args:
        subject: the network.
        factors: by which its rate grows.

    Returns:
        Questions; many share a side.
    """
    base = load(subject.scenario)
    here = Side(BASE, base, base, subject.policy)
    asked = [
        Question(f"{short(subject.rate)} {factor - 1:+.0%}", here, side, "rate", 100 * (factor - 1))
        for factor in factors
        for side in [_grown(here, subject.rate, factor)]
    ]
    for label, change in subject.capacity.items():
        side = Side(label, changed(base, change), base, subject.policy)
        asked.append(Question(label, here, side, "capacity"))
    for other in subject.others:
        label = f"{other} for {subject.policy}"
        asked.append(Question(label, here, Side(label, base, base, other), "policy"))
    for horizon_s in subject.horizons:
        shorter = base.replace(horizon_s=horizon_s)
        side = Side(f"{BASE}, {horizon_s:g} s", shorter, shorter, subject.policy)
        label = f"{short(subject.rate)} +1%, {horizon_s:g} s"
        after = _grown(side, subject.rate, min(factors))
        asked.append(Question(label, side, after, "horizon", horizon_s))
    return asked


def _grown(side: Side, path: str, factor: float) -> Side:
    """The same network with a rate or number that is higher."""
    value = value_at(side.scenario, path)
    new = round(value * factor) if isinstance(value, int) else value * factor
    label = f"{side.label}, {path} x {factor:g}"
    return Side(label, changed(side.scenario, {path: new}), side.base, side.policy)


def short(path: str) -> str:
    """The part of a path that names a value.

    Args:
        path: as in `changed`.

    Example:
        >>> short("slices.hrllc.arrival_rate_hz")
        'hrllc arrival_rate_hz'
    """
    return " ".join(name for name in names_of(path) if name not in ("slices", "groups", "process"))
