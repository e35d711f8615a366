"""Claims of a submission: made by running it, and found true or not by running it again."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.cell import Cell, Result, fit, tested
from benchmarks.machine import processor_model
from benchmarks.protocol import PROTOCOL, BoardFamily
from benchmarks.statistics import Interval, mean_score
from benchmarks.submissions.contestant import SubmittedAgent, held
from benchmarks.submissions.ground import unchanged
from benchmarks.submissions.manifest import (
    MANIFEST_FILE,
    MARKER,
    MAX_SEEDS,
    MIN_SEEDS,
    Claim,
    Manifest,
    SeedClaim,
    read_manifest,
)
from benchmarks.submissions.running import Limits
from benchmarks.tracks import track_named
from twin_gym.console.error_reporting import deliver
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.files.places import check_file
from twin_gym.files.whole import write_text
from twin_gym.scenario.toml import toml_text

SCORE_TOLERANCE = 1.0
"""Points by which a score may differ on another processor or with other packages."""
_ROUNDING = 1e-9

Verdict = Literal["equal", "equal in score", "different", "failed"]
OnCell = Callable[[Cell], None]
OnMade = Callable[[Sequence[Claim]], None]


@dataclass(frozen=True)
class Row:
    """The claimed and the measured scores of a track and seed.

    Attributes:
        track: its name.
        seed: of a cell; None: the mean over all seeds.
        claimed: score.
        measured: score; None where the agent failed.
        verdict: what to think of it.
        reason: in words, where it is not equal.
    """

    track: str
    seed: int | None
    claimed: float
    measured: float | None
    verdict: Verdict
    reason: str = ""


def make_claims(
    folder: Path,
    tracks: Sequence[str],
    seeds: int,
    limits: Limits,
    tell: OnCell,
    on_made: OnMade | None = None,
) -> tuple[Claim, ...]:
    """Runs a submission on validation worlds and writes what it earns into its `agent.toml`.

    Claims of other tracks that the file has are kept.

    Args:
        folder: of the submission.
        tracks: names; none: all that the submission names.
        seeds: how many, 2 to 100.
        limits: of its process, if it is code.
        tell: told of each cell before it is run.
        on_made: told of the claims before they are written.

    Returns:
        The claims that were made.

    Raises:
        ConfigError: if the folder is refused, or the agent does not take part in a track.
        SubmissionError: if the agent fails.
        ChangedError: if something that scores depend on changed meanwhile; nothing is written.
    """
    if not MIN_SEEDS <= seeds <= MAX_SEEDS:
        raise ConfigError(f"a claim is of {MIN_SEEDS} to {MAX_SEEDS} seeds, got {seeds}")
    with held(folder, limits) as contestant:
        names = tracks or contestant.manifest.tracks
        check_file(folder / MANIFEST_FILE)
        _head(folder, contestant.manifest)
        with unchanged(map(track_named, names), contestant.files):
            claims = tuple(
                _claim(run(contestant, name, seeds, "validation", tell)) for name in names
            )
        deliver(
            lambda: None if on_made is None else on_made(claims),
            lambda: _write(folder, contestant.manifest, claims),
        )
    return claims


def verify_claims(folder: Path, limits: Limits, tell: OnCell) -> list[Row]:
    """Runs all that a submission claims, and compares.

    Args:
        folder: of the submission.
        limits: of its process, if it is code.
        tell: told of each cell before it is run.

    Returns:
        A row a seed, and one for the mean of each track.

    Raises:
        ConfigError: if the folder is refused, or claims nothing for a track.
        ChangedError: if something that scores depend on changed meanwhile.
    """
    with held(folder, limits) as contestant:
        return rows_of(contestant, tell)


def rows_of(contestant: SubmittedAgent, tell: OnCell) -> list[Row]:
    """See `verify_claims`, of a submission that is held already."""
    claims = contestant.manifest.claims
    contestant.manifest.check_claims()
    with unchanged((track_named(one.track) for one in claims), contestant.files):
        return [row for claim in claims for row in _verified(contestant, claim, tell)]


def run(
    contestant: SubmittedAgent, track: str, seeds: int, family: BoardFamily, tell: OnCell
) -> list[Result]:
    """Results of the first seeds on a track.

    Raises:
        ConfigError: if the agent does not take part.
        SubmissionError: if it fails.
    """
    return [
        _run_cell(contestant, Cell(track, contestant.name, k, family), tell) for k in range(seeds)
    ]


def mean_of(results: Sequence[Result]) -> Interval:
    """The score of a track with its interval, as the leaderboard has it."""
    return mean_score(np.array([one.scores() for one in results]))


def processor() -> str:
    """Architecture and model of this machine's processor: other ones may round otherwise."""
    return " ".join(dict.fromkeys((platform.machine(), processor_model())))


def _run_cell(contestant: SubmittedAgent, cell: Cell, tell: OnCell) -> Result:
    tell(cell)
    track = track_named(cell.track)
    fitted = fit(track, contestant, cell.seed, contestant.source, lambda what, share: None)
    return tested(cell, track, fitted, lambda what, share: None)


def _claim(results: Sequence[Result]) -> Claim:
    mean, first = mean_of(results), results[0]
    return Claim(
        track=first.cell.track,
        protocol=PROTOCOL,
        track_digest=first.track_digest,
        anchors_digest=first.anchors_digest,
        family="validation",
        score=mean.estimate,
        low=mean.low,
        high=mean.high,
        processor=processor(),
        versions=first.versions,
        seeds=tuple(
            SeedClaim(
                seed=one.cell.seed, score=float(one.scores().mean()), trajectory=one.trajectory
            )
            for one in results
        ),
    )


def _verified(contestant: SubmittedAgent, claim: Claim, tell: OnCell) -> Iterator[Row]:
    """Rows of one claim; the mean is left out where a seed failed."""
    results: list[Result] = []
    for said in claim.seeds:
        cell = Cell(claim.track, contestant.name, said.seed, claim.family)
        try:
            result = _run_cell(contestant, cell, tell)
        except TwinGymError as error:
            yield Row(claim.track, said.seed, said.score, None, "failed", str(error))
            continue
        results.append(result)
        score = float(result.scores().mean())
        same_steps = result.trajectory == said.trajectory
        verdict, reason = compared(
            [said.score], [score], same_steps=same_steps, elsewhere=_elsewhere(claim, result)
        )
        yield Row(claim.track, said.seed, said.score, score, verdict, reason)
    if len(results) == len(claim.seeds):
        mean, elsewhere = mean_of(results), _elsewhere(claim, results[0])
        verdict, reason = compared(
            [claim.score, claim.low, claim.high],
            [mean.estimate, mean.low, mean.high],
            same_steps=True,
            elsewhere=elsewhere,
        )
        yield Row(claim.track, None, claim.score, mean.estimate, verdict, reason)


def compared(
    claimed: Sequence[float], measured: Sequence[float], *, same_steps: bool, elsewhere: str
) -> tuple[Verdict, str]:
    """Whether a claim is true.

    Args:
        claimed: scores.
        measured: the same ones, run again.
        same_steps: whether the trajectories are the same.
        elsewhere: what is different from where the claim was made; nothing if nothing is.

    Returns:
        `equal` to the last bit; `equal in score`, within `SCORE_TOLERANCE`, which counts only where
        something else is different too; otherwise `different`. And the reason.
    """
    apart = float(np.abs(np.subtract(claimed, measured)).max())
    if same_steps and apart <= _ROUNDING:
        return "equal", ""
    what = "scores or interval differ" if same_steps else "the trajectory is another one"
    if elsewhere and apart <= SCORE_TOLERANCE:
        return "equal in score", f"{what} ({apart:.3g} points); {elsewhere}"
    return "different", f"{what} ({apart:.3g} points)" + (f"; {elsewhere}" if elsewhere else "")


def _elsewhere(claim: Claim, result: Result) -> str:
    names = sorted(claim.versions.keys() | result.versions.keys())
    other = [
        f"{name} {claim.versions.get(name)}, here {result.versions.get(name)}"
        for name in names
        if claim.versions.get(name) != result.versions.get(name)
    ]
    here = processor()
    if claim.processor != here:
        other.append(f"claimed on {claim.processor}, here {here}")
    return ", ".join(other)


def _write(folder: Path, manifest: Manifest, made: Sequence[Claim]) -> None:
    """Puts claims in place of what follows the marker; the rest of the file is left as it is."""
    head = _head(folder, manifest)
    new = {one.track for one in made}
    kept = [one for one in manifest.claims if one.track not in new]
    order = {name: k for k, name in enumerate(manifest.tracks)}
    claims = sorted([*kept, *made], key=lambda one: order[one.track])
    entries = toml_text({"claims": [one.model_dump(mode="json") for one in claims]})
    text = f"{head}\n\n{MARKER}\n\n{entries}"
    read_manifest(text.encode())
    write_text(folder / MANIFEST_FILE, text, makes_folder=True)


def _head(folder: Path, manifest: Manifest) -> str:
    """The part of the file that was written by hand."""
    head, marker, _ = (folder / MANIFEST_FILE).read_text("utf-8").partition(MARKER)
    if manifest.claims and not marker:
        raise ConfigError(f"{MANIFEST_FILE} has claims that no command wrote: remove them first")
    return head.rstrip()
