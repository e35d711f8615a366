"""The definition of a score: its worlds, the two anchors that it stands between, and its unit.

A score is 100 (J - random) / (bound - random), where J is the return a simulated second over whole
episodes. It is worth as much as what surrounds it: the version of this protocol, a named track, the
seed (a training of its own and a block of worlds of its own) and the family of those worlds. Agents
meet the same worlds under the same seed, so that their differences are paired.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from benchmarks.environments import own_file
from twin_gym.environments.kinds import kind_of_id
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.files.reading import reading
from twin_gym.policies import world_seeds
from twin_gym.scenario import Scenario
from twin_gym.scenario.base import FrozenModel
from twin_gym.scenario.documents import read_toml
from twin_gym.scenario.loading import load

PROTOCOL = "twin_gym board 2"
"""Changes whenever a score could: worlds, anchors, unit, or what a track is.

2: the random policy of tiny instant communication draws row by row, and its anchors were worked out
anew. Tracks, worlds and unit are those of 1.
"""

KEPT_PROTOCOLS = frozenset({PROTOCOL, "twin_gym board 1"})
"""Of results that still count: they say what was earned, on tracks and worlds that are the same,
and their scores are taken between the anchors of today."""

_TASKS = "twin_gym board 1"
"""The protocol that tracks and worlds are from; digests of tracks are made of it."""

ANCHORS_FILE = Path(__file__).with_name("anchors.toml")
MAX_SEEDS = 1000
_FIRST = 2**20
"""The board's worlds of a family begin here. Tuning and curves use validation worlds before it, and
experiments of the time before the board have looked at some of the first test worlds."""

BoardFamily = Literal["validation", "test"]
BoundKind = Literal[
    "exact optimum",
    "option bound",
    "LP",
    "service ceiling",
    "relaxation",
    "perfect information",
    "best known",
]


@dataclass(frozen=True)
class LoggedData:
    """The log that all learners of an offline track are given, the same to the last bit.

    Attributes:
        policy: the operator's.
        epsilon: chance that a decision is another allowed one, drawn evenly.
        num_steps: logged decisions.
        seed: of worlds (of the `train` family) and draws.
    """

    policy: str
    epsilon: float
    num_steps: int
    seed: int = 0


@dataclass(frozen=True)
class Track:
    """A named task that agents are compared on.

    Attributes:
        name: what commands and tables call it.
        title: one sentence.
        train: scenarios that learners may use, by preset name or path of a TOML file.
        test: scenarios that scores are earned on; the score is the mean of theirs.
        learner_steps: environment steps that a learner may take; 0: nobody is trained.
        environment: id of the environment, whose kind the scenarios are of.
        objective: what the rewards are, as the environment calls it.
        worlds: test worlds of one seed, for each scenario.
        data: the log of the first training scenario that learners are given instead of an
            environment; None: they are given the environment.
        action: the form of the actions; None: the default of the environment.
    """

    name: str
    title: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    learner_steps: int
    environment: str = field(kw_only=True)
    objective: str = field(kw_only=True)
    worlds: int = 32
    data: LoggedData | None = None
    action: str | None = None

    @property
    def kind(self) -> str:
        """Kind of its scenarios, such as `admission`.

        Raises:
            UnknownNameError: if there is no such environment; the message has the nearest one.
        """
        return kind_of_id(self.environment).name

    def train_scenarios(self) -> tuple[Scenario, ...]:
        """The training scenarios, loaded."""
        return self._loaded(self.train)

    def test_scenarios(self) -> tuple[Scenario, ...]:
        """The test scenarios, loaded."""
        return self._loaded(self.test)

    def _loaded(self, names: tuple[str, ...]) -> tuple[Scenario, ...]:
        scenarios = tuple(load(one) for one in names)
        for one in scenarios:
            if one.kind != self.kind:
                raise ConfigError(
                    f"track {self.name!r} is one of {self.kind} and {one.name!r} a scenario of "
                    f"{one.kind}: name another scenario, or another environment"
                )
        return scenarios

    def unavailable(self) -> str | None:
        """Why this track cannot be run here (a trace that is absent), or None."""
        try:
            for scenario in (*self.train_scenarios(), *self.test_scenarios()):
                traces_of(scenario)
        except TwinGymError as error:
            return str(error)
        return None

    @property
    def is_replayed(self) -> bool:
        """Whether a score needs a real trace."""
        return any(has_trace(one) for one in self.test_scenarios())

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name the task with the contents of its scenarios."""
        parts: list[object] = [_TASKS, self.environment, self.objective]
        parts += [self.worlds, self.learner_steps]
        parts += [one.digest for one in self.train_scenarios()]
        parts += ["/", *(one.digest for one in self.test_scenarios())]
        parts.append(asdict(self.data) if self.data else "")
        if self.action is not None:  # tracks from before it existed keep their names
            parts.append(self.action)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def seeds_of_worlds(self, family: BoardFamily, seed: int) -> list[int]:
        """The worlds of one seed: no two seeds share one.

        Args:
            family: `validation` for everything but the `test` command.
            seed: 0 to 999.

        Returns:
            Seeds for `reset`, `worlds` of them.

        Raises:
            ConfigError: if the seed is out of range.
        """
        if not 0 <= seed < MAX_SEEDS:
            raise ConfigError(f"seeds of a board are 0 to {MAX_SEEDS - 1}, got {seed}")
        return world_seeds(family, self.worlds, first=_FIRST + seed * self.worlds)


@dataclass(frozen=True)
class Anchors:
    """The values of 0 and 100 for one scenario.

    Attributes:
        scenario: its name, for people.
        digest: of that scenario: the anchors are for no other.
        objective: what is earned.
        random_per_s: what the random policy earns a second, on validation worlds.
        random_half_width_per_s: half of the 95 % interval of it.
        bound_per_s: what no policy exceeds on average; the best known where nothing is proven.
        kind: what the bound is.
        proof: where it comes from, in a line.
        action: the form of the actions; "": the default of the environment.
    """

    scenario: str
    digest: str
    objective: str
    random_per_s: float
    random_half_width_per_s: float
    bound_per_s: float
    kind: BoundKind
    proof: str
    action: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of the anchors: digest of the scenario, objective and form of the actions."""
        return self.digest, self.objective, self.action

    def normalised(self, earned_per_s: float) -> float:
        """The score of what was earned: 0 is random, 100 the bound."""
        span = self.bound_per_s - self.random_per_s
        return 100.0 * (earned_per_s - self.random_per_s) / span


def anchors_of(scenario: Scenario, objective: str, action: str | None = None) -> Anchors:
    """The anchors of a scenario.

    Args:
        scenario: of a track.
        objective: of the track.
        action: of the track.

    Returns:
        What stands in `anchors.toml` for its digest.

    Raises:
        ConfigError: if nothing does: without anchors there is no score.
    """
    try:
        known = read_anchors(anchors_file(scenario.kind))
        return known[scenario.digest, objective, action or ""]
    except KeyError:
        raise ConfigError(
            f"no anchors are written down for {scenario.name!r} ({scenario.digest}, {objective}"
            f"{f', {action}' if action else ''}): run `python -m benchmarks anchors`"
        ) from None


def anchors_file(kind: str) -> Path:
    """The file of the anchors; an environment of your own has it beside its tracks."""
    return own_file(kind, ANCHORS_FILE.name) or ANCHORS_FILE


def digest_of_anchors(track: Track) -> str:
    """Sixteen hexadecimal digits that name what 0 and 100 mean on a track.

    Args:
        track: with anchors for each of its test scenarios.

    Returns:
        The same for the same numbers; where they come from is not part of it.

    Raises:
        ConfigError: if a scenario has no anchors.
    """
    anchors = [anchors_of(one, track.objective, track.action) for one in track.test_scenarios()]
    parts = [[*one.key, one.random_per_s, one.bound_per_s] for one in anchors]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@cache
def read_anchors(path: Path) -> Mapping[tuple[str, str, str], Anchors]:
    """The anchors of a file, by `Anchors.key`.

    Raises:
        ConfigError: if it holds something else.
    """
    if not path.exists():
        return {}
    with reading(path, "anchors"):
        entries = read_toml(path).get("anchors", [])
        return {one.key: one for one in (Anchors(**entry) for entry in entries)}


def has_trace(scenario: Scenario) -> bool:
    """Whether a scenario replays what was measured, from a file that is not part of the project.

    Args:
        scenario: of any kind.

    Returns:
        The answer; the same on every machine.
    """
    return next(_traces_in(scenario), None) is not None


def traces_of(scenario: Scenario) -> tuple[Path, ...]:
    """The files that a scenario replays.

    Args:
        scenario: of any kind.

    Returns:
        Their places; none for a scenario without a trace.

    Raises:
        TraceError: if one is not there, with what to set.
    """
    return tuple(one.locate() for one in _traces_in(scenario))


@runtime_checkable
class _Trace(Protocol):
    """Names a file of measurements, as the scenarios of each environment do in their own way."""

    def locate(self) -> Path: ...


def _traces_in(value: object) -> Iterator[_Trace]:
    if isinstance(value, _Trace):
        yield value
    elif isinstance(value, FrozenModel):
        for name in type(value).model_fields:
            yield from _traces_in(getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _traces_in(one)
