"""One cell of the board: an agent, a track and a seed give the same result to the last bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from benchmarks.contestant import Contestant, Cost, Fitted, PolicyFor, Stopwatch
from benchmarks.contestants import contestant_named
from benchmarks.environments import facet
from benchmarks.machine import this_machine
from benchmarks.protocol import (
    KEPT_PROTOCOLS,
    PROTOCOL,
    BoardFamily,
    Track,
    anchors_of,
    digest_of_anchors,
)
from benchmarks.tracks import track_named
from twin_gym.errors import ConfigError, shown
from twin_gym.policies import Evaluation, evaluate
from twin_gym.scenario import Scenario
from twin_gym.twins.strict_json import read_object

OnStage = Callable[[str, float], None]
"""Told what is going on (`training`, `testing`) and the share of it that is done, 0 to 1."""

_KEPT_LATER = ("machine", "anchors_digest")


@dataclass(frozen=True, order=True)
class Cell:
    """The key of a cell.

    Attributes:
        track: name of a track.
        agent: name of a contestant.
        seed: of training and worlds.
        family: of the worlds.
    """

    track: str
    agent: str
    seed: int
    family: BoardFamily = "validation"


@dataclass(frozen=True)
class Result:
    """The result of a cell.

    Attributes:
        protocol: `PROTOCOL` of the code that ran it.
        cell: which.
        track_digest: of the track as it was.
        earned_per_s: return a simulated second, by name of the scenario, one a world.
        trajectory: names every action, reward and time of all worlds.
        kpi: other indicators, means over all worlds.
        cost: of making the agent.
        test_seconds: wall-clock time of the testing.
        curve: of the learner, if it is one: `step` and what it earns a second on validation worlds,
            `revenue_rate` of admission and `return_per_s` elsewhere; of the learner behind a guard
            that with `learner_` before it, and with `online_` what was earned while learning.
        versions: of the packages.
        machine: that tested it, in words; "" in lines from before it was kept.
        anchors_digest: of the anchors as they were (see `protocol.digest_of_anchors`); scores are
            taken between those of the checkout, whatever they were then. "" in older lines.
    """

    protocol: str
    cell: Cell
    track_digest: str
    earned_per_s: dict[str, list[float]]
    trajectory: str
    kpi: dict[str, float]
    cost: Cost = field(default_factory=Cost)
    test_seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    machine: str = ""
    anchors_digest: str = ""

    def scores(self) -> NDArray[np.float64]:
        """Normalised scores, one a world, scenario after scenario.

        Returns:
            Shape (scenarios x worlds,); its mean is the score of the cell.

        Raises:
            ConfigError: if the track has become another one, or has no anchors.
        """
        track = track_named(self.cell.track)
        if track.digest != self.track_digest:
            raise ConfigError(
                f"a result of track {track.name!r} was earned on another version of it "
                f"({self.track_digest}, now {track.digest}): run the cell again"
            )
        parts = []
        for scenario in track.test_scenarios():
            anchors = anchors_of(scenario, track.objective, track.action)
            earned = np.array(self.earned_per_s[scenario.name])
            parts.append([anchors.normalised(float(one)) for one in earned])
        return np.array(parts).ravel()

    def to_json(self) -> str:
        """The result as one line of JSON; floats are read back to the last bit.

        What is not known of a result from before it was kept is left out, as it was then.
        """
        values = asdict(self)
        for name in _KEPT_LATER:
            if not values[name]:
                del values[name]
        return json.dumps(values, allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Result:
        """Reads a result from one line of JSON.

        Raises:
            ConfigError: if it is no result, or one of a protocol whose results do not count now
                (see `KEPT_PROTOCOLS`).
        """
        try:
            values = read_object(line, "this line")
            if values.get("protocol") not in KEPT_PROTOCOLS:
                raise ConfigError(
                    f"a result without the protocol {PROTOCOL!r} is refused, this one has "
                    f"{shown(values.get('protocol'))}: run the cell again"
                )
            _check_texts(values)
            if not all("step" in point for point in values.get("curve", ())):
                raise ConfigError("this line is no result of a cell: a point of a curve has a step")
            _shape().validate_json(line, strict=True)
            cell, cost = Cell(**values.pop("cell")), Cost(**values.pop("cost"))
            return cls(cell=cell, cost=cost, **values)
        except ConfigError:
            raise
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ConfigError(
                f"this line is no result of a cell: {shown(where)}: {first['msg']}"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"this line is no result of a cell: {shown(str(error), 200)}"
            ) from None


@cache
def _shape() -> TypeAdapter[Result]:
    return TypeAdapter(Result)


def _check_texts(value: object) -> None:
    """Refuses texts that a page or a terminal cannot show as they are: they may be a stranger's."""
    if isinstance(value, Mapping):
        for key, inside in value.items():
            _check_texts(key)
            _check_texts(inside)
    elif isinstance(value, str) and not value.isprintable():
        raise ConfigError(f"this line is no result of a cell: {shown(value)} is not printable text")


def run_cell(cell: Cell, folder: Path, on_stage: OnStage | None = None) -> Result:
    """Fits the agent and tests it.

    Args:
        cell: which.
        folder: of this agent, track and seed, where what it becomes is kept.
        on_stage: see `OnStage`.

    Returns:
        The result; the same to the last bit for the same cell on the same machine, but for the
        times.

    Raises:
        ConfigError: if the agent does not take part in the track, or a name is unknown.
    """
    track, contestant = track_named(cell.track), contestant_named(cell.agent)
    tell = on_stage or (lambda what, share: None)
    fitted = fit(track, contestant, cell.seed, folder, tell)
    return tested(cell, track, fitted, tell)


def fit(track: Track, contestant: Contestant, seed: int, folder: Path, tell: OnStage) -> Fitted:
    """Fits a contestant; refuses one that is not eligible."""
    reason = contestant.reason_not_eligible(track)
    if reason is not None:
        raise ConfigError(f"{contestant.name!r} does not take part in {track.name!r}: {reason}")
    return contestant.fit(track, seed, folder, lambda share: tell("training", share))


def tested(cell: Cell, track: Track, fitted: Fitted, tell: OnStage) -> Result:
    """Tests a fitted contestant in the worlds of the cell."""
    from agents.session import package_versions  # loads torch

    watch = Stopwatch()
    scenarios = track.test_scenarios()
    evaluations = []
    for index, scenario in enumerate(scenarios):
        evaluations.append(earn(fitted.policy_for, scenario, cell, track))
        tell("testing", (index + 1) / len(scenarios))
    return Result(
        protocol=PROTOCOL,
        cell=cell,
        track_digest=track.digest,
        earned_per_s={
            scenario.name: (one.returns / scenario.horizon_s).tolist()
            for scenario, one in zip(scenarios, evaluations, strict=True)
        },
        trajectory=hashlib.sha256(
            "".join(one.trajectory for one in evaluations).encode()
        ).hexdigest()[:16],
        kpi=_indicators(evaluations, facet(track.kind, "indicators", ())),
        cost=fitted.cost,
        test_seconds=watch.cost(0, 0).seconds,
        curve=fitted.curve,
        versions=package_versions(),
        machine=this_machine(),
        anchors_digest=digest_of_anchors(track),
    )


def earn(policy_for: PolicyFor, scenario: Scenario, cell: Cell, track: Track) -> Evaluation:
    """Evaluates a policy on one scenario: a whole episode in each world of the cell."""
    worlds = track.seeds_of_worlds(cell.family, cell.seed)
    policy = policy_for(scenario)
    return evaluate(policy, scenario, worlds, action=track.action, objective=track.objective)


def _indicators(evaluations: list[Evaluation], groups: Collection[str]) -> dict[str, float]:
    """Means over worlds and scenarios; an indicator that is nowhere defined is left out."""
    names = [name for name in evaluations[0].kpi if name.partition("/")[0] in groups]
    means = {name: float(np.mean([one.kpi[name].mean() for one in evaluations])) for name in names}
    return {name: value for name, value in means.items() if np.isfinite(value)}
