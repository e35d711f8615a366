"""Formatting of numbers, shared by Markdown and HTML."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import floor, isnan, log10

from benchmarks.contestant import Cost
from benchmarks.environments import facet
from benchmarks.leaderboard.summary import About, Measure, Overall, Row, TrackPage
from twin_gym.environments.kinds import kind_names, kind_of_id

MINUS = "\u2212"
NONE = "\u2013"
ROOM = (
    "Points between the best agent and the bound. A bound that is proven need not be within reach, "
    "so that this is the most that can be left. `control`: a rule is within a point of it, and "
    "learning cannot win. Otherwise who is in front by the interval of their paired difference, "
    "which is theirs alone and not corrected; `level`: it holds 0."
)
_SIGNIFICANT = 4
_MOST_DIGITS = 10
_MINUTE_S, _HOUR_S = 60.0, 3600.0
_SMALLEST_P = 0.001


def number(value: float, digits: int = 1) -> str:
    """A number with a true minus sign and thousands apart; nothing is minus zero.

    Example:
        >>> number(1234.56), number(-0.04)
        ('1,234.6', '0.0')
    """
    if isnan(value):
        return NONE
    text = f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float, digits: int = 1) -> str:
    """A difference, with its sign.

    Example:
        >>> signed(0.31), signed(0.0)
        ('+0.3', '0.0')
    """
    text = number(value, digits)
    return f"+{text}" if value > 0.0 and text.strip("0.,") else text


def ends(measure: Measure, digits: int = 1) -> str:
    """The interval in brackets, or that there is none.

    Example:
        >>> ends(Measure(1.0, 0.5, 1.5)), ends(Measure(1.0))
        ('[0.5, 1.5]', 'one seed, no interval')
    """
    if measure.low is None or measure.high is None:
        return "one seed, no interval"
    return f"[{number(measure.low, digits)}, {number(measure.high, digits)}]"


def with_interval(measure: Measure, digits: int = 1) -> str:
    """The estimate and its interval."""
    return f"{number(measure.estimate, digits)} {ends(measure, digits)}"


def digits_for(size: float) -> int:
    """Digits after the point, such that numbers of this size have four that mean something.

    Example:
        >>> digits_for(29.06), digits_for(0.5), digits_for(12_345.0)
        (2, 4, 0)
    """
    if size == 0.0:
        return 1
    return min(_MOST_DIGITS, max(0, _SIGNIFICANT - 1 - floor(log10(abs(size)))))


def duration(seconds: float) -> str:
    """A time in the unit that fits.

    Example:
        >>> duration(0.0), duration(42.4), duration(754.0), duration(9000.0)
        ('0 s', '42 s', '12.6 min', '2.5 h')
    """
    if seconds == 0.0:
        return "0 s"
    if seconds >= _HOUR_S:
        return f"{seconds / _HOUR_S:,.1f} h"
    if seconds >= 2 * _MINUTE_S:
        return f"{seconds / _MINUTE_S:.1f} min"
    return f"{seconds:.1f} s" if seconds < 10.0 else f"{seconds:.0f} s"  # noqa: PLR2004


def costs(cost: Cost) -> tuple[str, str, str, str]:
    """Steps, wall-clock time, core time and parameters; a rule costs nothing."""
    return (
        f"{cost.steps:,}",
        duration(cost.seconds),
        duration(cost.core_seconds),
        f"{cost.parameters:,}",
    )


def p_value(value: float) -> str:
    """A corrected p-value.

    Example:
        >>> p_value(0.0002), p_value(0.0312)
        ('p < 0.001', 'p = 0.031')
    """
    return f"p < {_SMALLEST_P}" if value < _SMALLEST_P else f"p = {value:.3f}"


def difference(row: Row) -> str:
    """The difference of a row from the reference with its interval, both signed."""
    if row.is_reference:
        return "reference"
    if row.versus is None:
        return NONE
    interval = row.versus.difference
    if interval.low is None or interval.high is None:
        return signed(interval.estimate)
    return f"{signed(interval.estimate)} [{signed(interval.low)}, {signed(interval.high)}]"


def share(value: float) -> str:
    """A share as whole per cent.

    Example:
        >>> share(0.934)
        '93 %'
    """
    return f"{100.0 * value:.0f} %"


def share_ends(measure: Measure) -> str:
    """The interval of a share, in per cent."""
    if measure.low is None or measure.high is None:
        return ends(measure)
    return f"[{100 * measure.low:.0f}, {100 * measure.high:.0f}]"


def share_with_interval(measure: Measure) -> str:
    """A share with its interval, in per cent."""
    return f"{share(measure.estimate)} {share_ends(measure)}"


def reading(about: About) -> str:
    """The notes on how to read the numbers."""
    return (
        "A score is 100 (J - random) / (bound - random), where J is the return a simulated second: "
        "0 is the random policy, 100 what is proven that no policy exceeds on average, or the best "
        "known where it says so. Brackets are 95 % intervals of a bootstrap over seeds and then "
        f"worlds ({about.resamples:,} resamples); IQM is the interquartile mean over seeds. "
        "Differences are paired, on the same worlds, with p-values after Holm's correction over "
        'the rows of a table: "equivalent" means that the whole interval lies within '
        f'{about.smallest_difference:g} points, "inconclusive" that the data do not tell. Where '
        "the reference is the best row, it was picked by the same scores, which favours it a "
        "little. Costs are means over seeds. What is earned is revenue in slice admission and the "
        "reward of the environment elsewhere; scores are averaged within an environment alone."
    )


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    Example:
        >>> counted(1, "seed"), counted(10, "seed")
        ('1 seed', '10 seeds')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def to_learn(page: TrackPage) -> str:
    """The log or the steps that a track gives a learner."""
    return page.log or f"{page.learner_steps:,} steps"


def more(first: Overall, other: Overall) -> str:
    """The agents in a table over fewer tracks that are not in the first one."""
    there = {row.agent for row in first.rows}
    return ", ".join(row.agent for row in other.rows if row.agent not in there)


def indicator(name: str) -> tuple[str, str]:
    """The group and the subject of an indicator.

    Example:
        >>> indicator("loss_ratio/hrllc"), indicator("fairness")
        (('loss', 'hrllc'), ('fairness', ''))
    """
    kind, _, of = name.partition("/")
    return _words(kind_names()).get(kind, kind.removesuffix("_s").replace("_", " ")), of


@cache
def _words(kinds: tuple[str, ...]) -> Mapping[str, str]:
    """The display names of all indicators; where environments differ, the first one counts."""
    parts = [facet(kind, "indicators", {}) for kind in reversed(kinds)]
    return {name: word for part in parts for name, word in part.items()}


def indicator_value(name: str, value: float) -> str:
    """Its value: times in seconds, counts as they are, everything else is a share.

    Example:
        >>> indicator_value("mean_delay_s", 0.25), indicator_value("updates", 720.0)
        ('0.250 s', '720')
        >>> indicator_value("on_time_share", 0.941), indicator_value("mean_age_s", 43_210.0)
        ('94.1 %', '43,210 s')
    """
    kind = name.partition("/")[0]
    if kind.endswith("_s"):
        return f"{number(value, max(0, digits_for(value) - 1) if value else 0)} s"
    if any(kind in facet(one, "counts", ()) for one in kind_names()):
        return number(value, 0)
    return f"{number(100.0 * value, 1)} %"


def environment_name(environment: str) -> str:
    """The display name of an environment.

    Example:
        >>> environment_name("twin_gym/MassiveAccess-v0")
        'Massive access'
    """
    title: str = facet(kind_of_id(environment).name, "title", environment)
    return title
