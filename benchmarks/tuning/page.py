"""`benchmarks/results/tuning.md`: what was searched, with what budget, and what it gained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agents.settings import to_stored
from benchmarks.statistics.basics import mean_interval
from benchmarks.tuning.rules import BUDGET, RuleTuning, read_tunings
from benchmarks.tuning.space import GROUPS, RANGES, ROLLOUTS, SMOOTHING, TUNABLE
from benchmarks.tuning.study import FINALISTS, FRESH_SEEDS, MORE_SEEDS, Study
from benchmarks.tuning.summary import read_studies
from benchmarks.tuning.trainings import (
    FRESH_FIRST,
    FRESH_WORLDS,
    SEARCH_FIRST,
    SEARCH_WORLDS,
)
from twin_gym.files.whole import write_text

PAGE = Path(__file__).parents[1] / "results" / "tuning.md"

_HEAD = """\
# How the agents of the board were tuned

On validation worlds alone; those that scores are earned in have never been seen. Written by
`python -m benchmarks tune-rules` and `python -m benchmarks tune`. All values are returns a
simulated second with 95 % intervals; gains are paired (rules: by world, learners: by seed). What
gains no more than noise is not used: then the rule or the learner takes part untuned.
"""

_RULES = f"""\
## Rules

`reservation` has a threshold for each slice and resource, `tuned-bid-price` for each resource a
rise and, where it has a shadow price, a factor. `fifo`, `density`, `max-revenue` and `bid-price`
have no parameters, `optimum` needs none. Untuned, `reservation` is `density` and `tuned-bid-price`
is `bid-price`.

On the tracks of massive access `tuned-estimator` has the load that the estimator from idle
preambles aims at and the gain of its rate (untuned: `idle-estimator`); `fixed` comes tuned with the
package. In tiny instant communication `tuned-weights` has four constant weights (untuned: equal
ones; the search begins with a grid of the simplex in quarters, so that `edf` and its like are among
what is tried). In right-time synchronisation `tuned-periodic` has its period (untuned: one turn
through all); what a rule earns is negative there: errors and the cost of updates. In truck routing
`tuned-threshold` has the predicted fill from which on a bin is due (untuned: `threshold`, 70 %),
`tuned-schedule` the mean fill at a visit, which gives each bin its days (untuned: `schedule`, with
75 %); what they earn is negative, too.

All were searched by the same coordinate search with common random numbers and a budget of
{BUDGET:,} episodes on every track; it ends earlier where no step of a fortieth of a range gains.
For bid prices it begins with a grid of one factor and one rise for all resources, out of the same
budget: changing either alone leads nowhere.
Validation worlds 0 to 23 of each track, then the 96 after them for the values below; on `what-if`
the eight training scenarios together, six worlds each, then 24 each (the mean over scenarios is
shown; a scenario counts in the search relative to its fluid bound). On teletraffic tracks episodes
are cut to 200 s, here too. Worlds of `service-trace` are windows of one month and overlap: its
intervals are too narrow.
"""

_LEARNERS = f"""\
## Learners

An Optuna study (seeded TPE, first trial the defaults) for each agent and group of tracks, with the
same trials and steps for every agent of a group. Trials have seed 0; the best {FINALISTS} and the
defaults go
on to seed {MORE_SEEDS[0]}, and the better mean is chosen. It is then compared with the defaults on
seeds {FRESH_SEEDS[0]} to {FRESH_SEEDS[-1]}, which nothing was chosen by. Searched in validation
worlds {SEARCH_FIRST} to {SEARCH_FIRST + SEARCH_WORLDS - 1} (episodes of \
45 mean holding times), compared in {FRESH_FIRST} to \
{FRESH_FIRST + FRESH_WORLDS - 1} (whole episodes).
Every trial stands in `benchmarks/tuning/studies.json`, in the order in which it was tried; "an
update" is how many decisions lay between updates in them. The greedy clone has nothing to tune: its
smoothing does not change which action is likeliest.
"""


_NOTES = """\
## What did not help

- Bid prices as the linear programme gives them are no better than `density` on most tracks (better
  on `what-if`, worse on `shift`): the slice that the programme admits in part has exactly the value
  of its price, and so is always admitted. Prices must rise with use; then they come within 1 % of
  what the thresholds of `reservation` earn (`service-trace`: 4 %), with a third of the parameters.
- On `contention` and `service-calibrated` most trials of A2C and A2C from the twin earn the same to
  the last bit, whatever the credit, the entropy and the learning rate: they end at one greedy
  policy. Trials that did not got no further. Rollouts of fewer than 2,048 decisions were not tried
  there. MaskablePPO with tuned settings reaches that return more often on `contention`; four seeds
  do not tell it from luck.
- With the defaults a training on the teletraffic tracks has eight updates, and the greedy policies
  of most trainings still admit everything (19.6 on `teletraffic-medium`, optimum 21.1). The studies
  there try updates every 256 decisions and more trials; those of the other groups were made before
  and did not. Space and trials were enlarged after the outcome of eight trials was seen (A2C:
  nothing; MaskablePPO: +1.16), and the fresh seeds were used for both. MaskablePPO gains most of
  what there is; A2C does in some seeds and not in others.
- Tuning finds nothing on Erlang's systems, where to admit all is optimal.
"""


def as_markdown(tunings: Sequence[RuleTuning], studies: Sequence[Study]) -> str:
    """The whole page.

    Args:
        tunings: of rules.
        studies: of learners.

    Returns:
        Markdown, with a newline at the end.
    """
    parts = [_HEAD, _RULES, _rules_table(tunings), _LEARNERS, _space(), _studies_table(studies)]
    parts += [_missing(studies), _NOTES]
    return "\n".join(part for part in parts if part)


def write_page(path: Path = PAGE) -> None:
    """Writes the page from the committed files."""
    write_text(path, as_markdown(read_tunings(), read_studies()), makes_folder=True)


def _rules_table(tunings: Sequence[RuleTuning]) -> str:
    lines = [
        "| track | rule | parameters | episodes | untuned | tuned | gain | used |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    ]
    for one in tunings:
        tuned = f"{one.tuned_per_s:.5g} ± {one.half_width_per_s:.2g}"
        lines.append(
            f"| {one.track} | {one.method} | {one.parameters} | {one.episodes:,} | "
            f"{one.untuned_per_s:.5g} | {tuned} | {_gain(one.gain_per_s)} | {_yes(one.adopted)} |"
        )
    return "\n".join(lines) + "\n"


def _studies_table(studies: Sequence[Study]) -> str:
    lines = [
        "| group (studied on) | agent | trials | steps | an update | defaults | chosen | gain "
        "| used |",
        "|---|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for one in studies:
        where = f"{one.group} ({one.studied_on})"
        start = f"| {where} | {one.agent} | {len(one.candidates)} | {one.steps:,} | "
        start += f"{_updates(one)} | "
        if not one.chosen:
            lines.append(start + f"{_searched(one)} | the defaults | | no |")
            continue
        values = [
            f"{mean_interval(list(by_seed.values())):.4g}"
            for by_seed in (one.default_per_s, one.chosen_per_s)
        ]
        settings = ", ".join(f"{name} {value:g}" for name, value in to_stored(one.settings).items())
        used = settings or "no"
        lines.append(start + f"{values[0]} | {values[1]} | {_gain(one.difference)} | {used} |")
    return "\n".join(lines) + "\n"


def _updates(one: Study) -> str:
    """The fewest and the most decisions between updates."""
    tried = [c.changes["n_envs"] * c.changes["n_steps"] for c in one.candidates]
    return f"{min(tried):,} to {max(tried):,}"


def _searched(one: Study) -> str:
    """The return of the defaults in the search, and those of the worst and the best trial."""
    values = [candidate.mean_per_s for candidate in one.candidates]
    return f"{values[0]:.4g} in the search (trials {min(values):.4g} to {max(values):.4g})"


def _space() -> str:
    ranges = [
        f"`{name}` {low:g} to {high:g} (log)" for name, (low, high) in to_stored(RANGES).items()
    ]
    rollouts = ", ".join(ROLLOUTS)
    return (
        f"Searched over: {', '.join(ranges)}; rows x decisions between updates: {rollouts}; "
        f"`smoothing` {SMOOTHING[0]:g} to {SMOOTHING[1]:g} where there is a twin.\n"
    )


def _missing(studies: Sequence[Study]) -> str:
    done = {(one.group, one.agent) for one in studies}
    missing = [
        f"{agent} on {group}" for group in GROUPS for agent in TUNABLE if (group, agent) not in done
    ]
    return f"Not studied, so on defaults: {', '.join(missing)}.\n" if missing else ""


def _gain(gain: tuple[float, float, float]) -> str:
    estimate, low, high = gain
    return f"{estimate:+.3g} [{low:.3g}, {high:.3g}]"


def _yes(adopted: bool) -> str:
    return "yes" if adopted else "no"
