"""`agent.toml`: who made an agent, how it is started, and what it claims to earn."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from benchmarks.protocol import PROTOCOL, digest_of_anchors
from benchmarks.tracks import track_named
from twin_gym.errors import ConfigError
from twin_gym.scenario.base import FrozenModel, Name
from twin_gym.scenario.documents import parse_toml

MANIFEST_FILE = "agent.toml"
MAX_MANIFEST_BYTES = 262_144
MIN_SEEDS, MAX_SEEDS = 2, 100
MARKER = "# Written by `python -m benchmarks claim`; what follows is not edited by hand."

_LONGEST_SCORE = 1e6
_ENTRY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,4}:[A-Za-z_]\w*", re.ASCII)
_PART = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,99}|\{track\}|\{seed\})", re.ASCII)
_DIGITS = re.compile(r"[0-9a-f]{16}")
_MAX_PARTS = 5
_BLANK = dict.fromkeys((0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0))
"""Letters and signs that nobody sees, though they count as printable."""
_MOST_MARKS = 4


def _line(text: str) -> str:
    marks = [unicodedata.category(one) == "Mn" for one in text]
    if not any(map(str.isalnum, text.translate(_BLANK))) or not text.isprintable():
        raise ConfigError(f"must be one line of printable text, got {text!a:.80}")
    if marks[0] or any(map(all, zip(*(marks[k:] for k in range(_MOST_MARKS + 1)), strict=False))):
        raise ConfigError(f"must not pile up marks on a letter, got {text!a:.80}")
    return text


def _entry(text: str) -> str:
    if not _ENTRY.fullmatch(text):
        raise ConfigError(f"must be `module:Class` in a file of the folder, got {text!r:.80}")
    return text


def _inside(text: str) -> str:
    parts = text.split("/")
    if len(parts) > _MAX_PARTS or not all(_PART.fullmatch(part) for part in parts):
        raise ConfigError(
            "must be the path of a folder inside the submission, with `/` between its parts, no "
            f"`..` and no beginning `/`; `{{track}}` and `{{seed}}` may be parts; got {text!r:.80}"
        )
    return text


def _digits(text: str) -> str:
    if not _DIGITS.fullmatch(text):
        raise ConfigError(f"must be sixteen hexadecimal digits, got {text!r:.80}")
    return text


_Text = Field(strict=True, max_length=500)
Line = Annotated[str, _Text, AfterValidator(_line)]
Entry = Annotated[str, _Text, AfterValidator(_entry)]
Inside = Annotated[str, _Text, AfterValidator(_inside)]
Digits = Annotated[str, _Text, AfterValidator(_digits)]
Score = Annotated[
    float, Field(strict=True, ge=-_LONGEST_SCORE, le=_LONGEST_SCORE, allow_inf_nan=False)
]
Count = Annotated[int, Field(strict=True, ge=0, le=10**15)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e12, allow_inf_nan=False)]


class SaidCost(FrozenModel):
    """The cost of making the agent for one track and seed, as stated by its authors.

    Attributes:
        steps: environment steps.
        seconds: wall-clock time.
        core_seconds: processor time.
        parameters: numbers that were learned or tuned.
    """

    steps: Count = 0
    seconds: Seconds = 0.0
    core_seconds: Seconds = 0.0
    parameters: Count = 0


class SeedClaim(FrozenModel):
    """One cell.

    Attributes:
        seed: of the cell.
        score: normalised, mean over the worlds.
        trajectory: names every action, reward and time.
    """

    seed: Annotated[int, Field(strict=True, ge=0, lt=MAX_SEEDS)]
    score: Score
    trajectory: Digits


class Claim(FrozenModel):
    """The score that an agent claims on a track.

    Attributes:
        track: its name.
        protocol: of the score; another one than that of this code is refused.
        track_digest: of the track as it was.
        anchors_digest: of its anchors as they were; "" in claims from before it was kept.
        family: of the worlds; claims are made on validation worlds alone.
        score: mean over seeds and worlds.
        low: lower end of its 95 % interval.
        high: upper end.
        processor: that the claim was made on.
        versions: of the packages that made it.
        seeds: 0, 1, 2 and so on.
    """

    track: Name
    protocol: Line
    track_digest: Digits
    anchors_digest: Digits | Literal[""] = ""
    family: Literal["validation"]
    score: Score
    low: Score
    high: Score
    processor: Line
    versions: Annotated[Mapping[Line, Line], Field(max_length=32)]
    seeds: Annotated[tuple[SeedClaim, ...], Field(min_length=MIN_SEEDS, max_length=MAX_SEEDS)]

    @model_validator(mode="after")
    def _is_of_this_board(self) -> Self:
        track = track_named(self.track)
        if self.protocol != PROTOCOL:
            raise ConfigError(
                f"the claim for {self.track!r} was made under the protocol {self.protocol!r}, and "
                f"this is {PROTOCOL!r}: run `python -m benchmarks claim` again"
            )
        if self.track_digest != track.digest:
            raise ConfigError(
                f"the claim for {self.track!r} was made on another version of the track "
                f"({self.track_digest}, now {track.digest}): run `python -m benchmarks claim` again"
            )
        anchors = digest_of_anchors(track)
        if self.anchors_digest not in ("", anchors):
            raise ConfigError(
                f"the claim for {self.track!r} was made between other anchors "
                f"({self.anchors_digest}, here {anchors}), so that its scores mean something else: "
                "run `python -m benchmarks claim` again, or bring benchmarks/anchors.toml back"
            )
        if [one.seed for one in self.seeds] != list(range(len(self.seeds))):
            raise ConfigError(f"the seeds of the claim for {self.track!r} must be 0, 1, 2 ...")
        return self


class Manifest(FrozenModel):
    """The content of `agent.toml`.

    Attributes:
        format: of the folder.
        name: of the agent, unlike those of the board.
        authors: who made it.
        description: one sentence.
        licence: of all that is in the folder.
        kind: `code` is run, `policy` is weights and a card.
        entry: of code, `module:Class`.
        policy: of a policy, the folder of its two files; `{track}` and `{seed}` stand for theirs.
        per_seed: of code, whether the class wants the `seed` beside the scenario.
        tracks: that it takes part in.
        cost: of making it.
        claims: one a track.
    """

    format: Literal["twin_gym submission 1"]
    name: Name
    authors: Annotated[tuple[Line, ...], Field(min_length=1, max_length=50)]
    description: Line
    licence: Line
    kind: Literal["code", "policy"]
    entry: Entry | None = None
    policy: Inside | None = None
    per_seed: Annotated[bool, Field(strict=True)] = False
    tracks: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)]
    cost: SaidCost = SaidCost()
    claims: Annotated[tuple[Claim, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.kind == "code") != (self.entry is not None):
            raise ConfigError("`entry` belongs to the kind 'code', which needs it")
        if (self.kind == "policy") != (self.policy is not None):
            raise ConfigError("`policy` belongs to the kind 'policy', which needs it")
        if self.per_seed and self.kind == "policy":
            raise ConfigError("a policy that is another for each seed has `{seed}` in `policy`")
        for name in self.tracks:
            track_named(name)
        claimed = [one.track for one in self.claims]
        if len(set(self.tracks)) < len(self.tracks) or len(set(claimed)) < len(claimed):
            raise ConfigError("a track stands once in `tracks` and has one claim")
        foreign = sorted(set(claimed) - set(self.tracks))
        if foreign:
            raise ConfigError(f"claims are made for `tracks` alone, not for {foreign}")
        return self

    def check_claims(self) -> None:
        """Refuses tracks without a claim.

        Raises:
            ConfigError: naming them.
        """
        claimed = {one.track for one in self.claims}
        missing = [name for name in self.tracks if name not in claimed]
        if missing:
            raise ConfigError(
                f"{MANIFEST_FILE} claims nothing for {', '.join(missing)}: run "
                "`python -m benchmarks claim` on the folder"
            )


def read_manifest(content: bytes) -> Manifest:
    """Reads `agent.toml`, and checks every key and value.

    Args:
        content: of the file.

    Returns:
        The manifest.

    Raises:
        ConfigError: if it is too large, no UTF-8, no TOML, or a value is missing, unknown or wrong.
    """
    if len(content) > MAX_MANIFEST_BYTES:
        raise ConfigError(
            f"{MANIFEST_FILE} has {len(content):,} bytes, and at most {MAX_MANIFEST_BYTES:,} are "
            "read"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{MANIFEST_FILE} is not UTF-8 text: {error}") from None
    values = parse_toml(text, MANIFEST_FILE)
    try:
        return Manifest(**values)
    except ConfigError as error:
        raise ConfigError(f"{MANIFEST_FILE}: {error}") from None
