"""The content of a leaderboard as values, which Markdown and HTML render."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.contestant import Cost
from benchmarks.protocol import Anchors, BoardFamily

BOUND_SCORE = 100.0


@dataclass(frozen=True)
class Measure:
    """An estimate, and its 95 % interval where there is one.

    Attributes:
        estimate: the number.
        low: lower end; None where a single seed tells nothing of the spread.
        high: upper end, or None.
    """

    estimate: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class About:
    """The origin of the results.

    Attributes:
        protocol: version of what a score is.
        family: of the worlds.
        commit: of the code, or "".
        date: when, or "".
        uses: of the test worlds until then, as the ledger says.
        stale: results of former versions of tracks, which are left out.
        machine: in words, or "".
        versions: of the packages: name and all versions that results say.
        resamples: of each bootstrap.
        smallest_difference: of interest, in points of the score.
    """

    protocol: str
    family: BoardFamily
    commit: str
    date: str
    uses: int
    stale: int
    machine: str
    versions: tuple[tuple[str, str], ...]
    resamples: int
    smallest_difference: float


@dataclass(frozen=True)
class Versus:
    """A row against the reference of its track, on common worlds.

    Attributes:
        reference: the other agent.
        difference: of the scores, this row less the reference.
        corrected_p: after Holm's correction over all rows of the track.
        verdict: `better`, `worse`, `equivalent` or `inconclusive`.
    """

    reference: str
    difference: Measure
    corrected_p: float
    verdict: str


@dataclass(frozen=True)
class Row:
    """An agent on a track.

    Attributes:
        agent: its name.
        track: name of the track.
        kind: of the agent.
        score: mean over seeds and worlds; 0 is random, 100 the bound.
        iqm: interquartile mean over seeds.
        earned_per_s: return a simulated second.
        cost: of making it, mean over seeds.
        seeds: how many.
        rank: 1 is the best score.
        field: agents that are ranked.
        is_reference: whether the others are compared with it.
        versus: against the reference; None for the reference itself and where too few seeds are
            common.
        command: that gives this row again.
        above_bound: whether the whole interval lies above the track's bound.
    """

    agent: str
    track: str
    kind: str
    score: Measure
    iqm: Measure
    earned_per_s: Measure
    cost: Cost
    seeds: int
    rank: int
    field: int
    is_reference: bool
    versus: Versus | None
    command: str
    above_bound: bool


@dataclass(frozen=True)
class Skipped:
    """An agent without a result on a track, and why."""

    agent: str
    track: str
    reason: str


@dataclass(frozen=True)
class TrackPage:
    """A track and who was tested on it.

    Attributes:
        name: of the track.
        title: one sentence.
        environment: id.
        objective: what is earned.
        scenarios: that scores are earned on.
        worlds: of one seed, over all scenarios.
        learner_steps: that a learner may take.
        log: what learners are given instead of an environment, in words, or "".
        anchors: of each scenario.
        bound_per_s: what 100 is; mean over scenarios.
        random_per_s: what 0 is, with the interval it was measured with.
        random_score: the same interval in points of the score, about 0.
        reference: agent that the others are compared with.
        rows: agents, the best score first.
        seers: those who see what is hidden from agents; not ranked, and compared with nobody.
        skipped: agents without a result.
    """

    name: str
    title: str
    environment: str
    objective: str
    scenarios: int
    worlds: int
    learner_steps: int
    log: str
    anchors: tuple[Anchors, ...]
    bound_per_s: float
    random_per_s: Measure
    random_score: Measure
    reference: str
    rows: tuple[Row, ...]
    seers: tuple[Row, ...]
    skipped: tuple[Skipped, ...]

    @property
    def bound_score(self) -> Measure:
        """The score of the bound, by definition."""
        return Measure(BOUND_SCORE)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of bounds of the track, each once."""
        return tuple(dict.fromkeys(one.kind for one in self.anchors))


@dataclass(frozen=True)
class Curve:
    """A learning curve over seeds, on validation worlds.

    Attributes:
        steps: environment steps of its points.
        middle: interquartile mean over seeds of the return a second.
        low: lower end of the 95 % band, empty for a single seed.
        high: upper end, or empty.
        tested_per_s: what the finished agents earned in the end on the worlds of the score; None
            where they were tested on other scenarios than the curve's.
    """

    steps: tuple[float, ...]
    middle: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    tested_per_s: float | None


@dataclass(frozen=True)
class Entry:
    """A track on the page of an agent.

    Attributes:
        row: the agent's row on it.
        indicators: means over seeds, by name: `utilisation/...`, `loss_ratio/...` and others.
        curve: None for those who do not learn.
    """

    row: Row
    indicators: tuple[tuple[str, float], ...]
    curve: Curve | None


@dataclass(frozen=True)
class AgentPage:
    """An agent and all its results.

    Attributes:
        name: of the agent.
        kind: what it is.
        description: one sentence.
        entries: tracks in their order.
        skipped: tracks without a result.
    """

    name: str
    kind: str
    description: str
    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class Line:
    """A performance profile: share of runs above each threshold, with its pointwise band."""

    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class OverallRow:
    """An agent over several tracks.

    Attributes:
        agent: its name.
        kind: of the agent.
        mean: of its scores on the tracks, each track weighing the same.
        iqm: interquartile mean over the runs of all tracks.
        improvement: probability that a run of it beats one of the reference on a track drawn at
            random, in [0, 1]; None for the reference and where too few seeds are common.
        profile: share of its runs above each threshold.
        elsewhere: tracks with results of it that are not among those of this table.
    """

    agent: str
    kind: str
    mean: Measure
    iqm: Measure
    improvement: Measure | None
    profile: Line
    elsewhere: tuple[str, ...]


@dataclass(frozen=True)
class Overall:
    """Agents compared over the tracks of an environment that all of them took part in.

    Attributes:
        environment: id: scores of two environments are never put into one mean.
        tracks: over which.
        reference: agent that improvement is measured against.
        rows: agents, the best mean first.
        thresholds: of the profiles, in points of the score.
        absent: agents that are left out, with the number of these tracks that they lack.
    """

    environment: str
    tracks: tuple[str, ...]
    reference: str
    rows: tuple[OverallRow, ...]
    thresholds: tuple[float, ...]
    absent: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Untouched:
    """A track without any result, and why."""

    name: str
    title: str
    reason: str


@dataclass(frozen=True)
class Summary:
    """The whole board.

    Attributes:
        about: what it was made with.
        tracks: with results.
        overall: tables over tracks, by environment, of each the one over most tracks first.
        agents: with results.
        untouched: tracks without results.
    """

    about: About
    tracks: tuple[TrackPage, ...]
    overall: tuple[Overall, ...]
    agents: tuple[AgentPage, ...]
    untouched: tuple[Untouched, ...]

    @property
    def environments(self) -> tuple[str, ...]:
        """Ids of the environments with results, in the order of their tracks."""
        return tuple(dict.fromkeys(one.environment for one in self.tracks))

    def tracks_of(self, environment: str) -> tuple[TrackPage, ...]:
        """The tracks of an environment with results."""
        return tuple(one for one in self.tracks if one.environment == environment)

    def overall_of(self, environment: str) -> tuple[Overall, ...]:
        """The overall tables of an environment, the one over most tracks first."""
        return tuple(one for one in self.overall if one.environment == environment)

    def agents_of(self, environment: str) -> tuple[AgentPage, ...]:
        """Agents with a result in an environment."""
        there = {row.agent for one in self.tracks_of(environment) for row in one.rows}
        return tuple(one for one in self.agents if one.name in there)

    def row(self, agent: str, track: str) -> Row | None:
        """The row of an agent on a track, if it has one."""
        for page in self.tracks:
            if page.name == track:
                return next((row for row in page.rows if row.agent == agent), None)
        return None
