"""A submission as one of the board's agents, so that its scores mean what theirs do."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from benchmarks.contestant import Contestant, Cost, Fitted, Kind, OnProgress
from benchmarks.protocol import Track
from benchmarks.submissions.checking import Submission, opened, place_of
from benchmarks.submissions.manifest import Manifest
from benchmarks.submissions.policies import ChildPolicy, read_policy
from benchmarks.submissions.running import Child, Limits
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy
from twin_gym.scenario import Scenario


@dataclass(frozen=True)
class SubmittedAgent(Contestant):
    """An agent out of a folder.

    Attributes:
        source: the folder.
        manifest: what its `agent.toml` said.
        limits: of its process, if it is code.
        files: a copy of the folder that was checked, which is used for as long as it is there;
            None: the folder is checked anew each time.
    """

    name: str
    kind: Kind
    description: str
    source: Path
    manifest: Manifest
    limits: Limits = field(default_factory=Limits)
    files: Path | None = None

    def reason_not_eligible(self, track: Track) -> str | None:
        """It takes part where its authors say, if a policy fits there."""
        if track.name not in self.manifest.tracks:
            return f"its agent.toml names {', '.join(self.manifest.tracks)}"
        if self.manifest.kind == "code":
            return None
        try:
            with self._checked() as submission:
                for scenario in track.test_scenarios():
                    _read(submission, track, 0, scenario)
        except ConfigError as error:
            return str(error)
        return None

    def fit(self, track: Track, seed: int, folder: Path, on_progress: OnProgress) -> Fitted:
        """Starts its process, or reads its weights; nothing is learned here.

        Raises:
            ConfigError: if the folder is refused, or has become another agent.
        """
        with ExitStack() as stack:
            submission = stack.enter_context(self._checked())
            if submission.manifest.name != self.name:
                raise ConfigError(
                    f"{str(self.source)!r} holds another agent than {self.name!r} by now"
                )
            policies = _Policies(submission, track, seed, self.limits)
            weakref.finalize(policies, stack.pop_all().close)
        return Fitted(policies.policy_for, Cost(**self.manifest.cost.model_dump()))

    @contextmanager
    def _checked(self) -> Iterator[Submission]:
        if self.files is None:
            with opened(self.source) as submission:
                yield submission
        else:
            yield Submission(self.manifest, self.files)


class _Policies:
    """Gives the policy for each scenario; all of a cell are asked of one process.

    The process ends when this object and the policies are forgotten.
    """

    def __init__(self, submission: Submission, track: Track, seed: int, limits: Limits) -> None:
        manifest = submission.manifest
        self._name = manifest.name
        self._more = {"seed": seed} if manifest.per_seed else {}
        self._child = None
        if manifest.entry is not None:
            self._child = Child(submission.files, manifest.entry, limits)
        self._read = partial(_read, submission, track, seed)

    def policy_for(self, scenario: Scenario) -> Policy:
        """See `benchmarks.contestant.PolicyFor`."""
        if self._child is None:
            return self._read(scenario)
        return ChildPolicy(self._child, self._name, scenario, self._more)


def as_contestant(folder: Path, limits: Limits | None = None) -> SubmittedAgent:
    """A submission as an agent of the board; it can be pickled.

    Args:
        folder: of the submission.
        limits: of its process, if it is code.

    Returns:
        The agent, which takes part in the tracks that its `agent.toml` names.

    Raises:
        ConfigError: with the reason why the folder is refused.
    """
    with held(folder, limits or Limits()) as contestant:
        return replace(contestant, files=None)


@contextmanager
def held(folder: Path, limits: Limits) -> Iterator[SubmittedAgent]:
    """A submission that is checked and copied once, for all that is done in the context.

    Args:
        folder: of the submission.
        limits: of its process, if it is code.

    Yields:
        The agent; what becomes of the folder meanwhile does not change it.

    Raises:
        ConfigError: with the reason why the folder is refused.
    """
    with opened(folder) as submission:
        manifest = submission.manifest
        kind: Kind = "learned" if manifest.cost.steps else "rule"
        yield SubmittedAgent(
            manifest.name,
            kind,
            manifest.description,
            folder.resolve(),
            manifest,
            limits,
            submission.files,
        )


def _read(submission: Submission, track: Track, seed: int, scenario: Scenario) -> Policy:
    place = place_of(submission.manifest, track.name, seed)
    return read_policy(submission.files / place, scenario, track.action)
