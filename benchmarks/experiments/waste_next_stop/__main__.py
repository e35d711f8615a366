"""Where does the truck go next? Paper A's arms for planned trucks, over twelve rounds of twinning.

Duran et al., arXiv:2411.14222, 2024, section III-C.2: planned trucks run "Support Vector Machines
to estimate the truck paths"; its arms are history alone (H), with the real-time twin (H+R), and
with generated scenarios too (H+R+GAI). It prints no result of trucks: there is no figure to reach.

Here a truck drives a shift a round as a planner says (`overflow-pyvrp`), and a support vector
machine that ranks bins (`svm-route`) learns from all rounds so far to name its next stop. By H it
knows when each bin was emptied last and what is thrown in on average; by H+R it has the readings of
the bins, too; by H+R+GAI it also learns from what the planner answers from states that a GAN of the
twin's states generates. The accuracy is the share of the planner's ways to one of several bins, in
fresh worlds, in which the bin that it ranks first is the one.

`python -m benchmarks.experiments.waste_next_stop` can be stopped and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from matplotlib import pyplot as plt

from benchmarks.experiments.blocks import Cell, Floats, Measured, over_blocks
from benchmarks.experiments.command import Asked, Page, experiment
from benchmarks.experiments.drawing import draw_lines, save, styles_of
from benchmarks.experiments.pages import format_interval, page_of, table
from benchmarks.experiments.waste_next_stop import arms
from benchmarks.experiments.waste_next_stop.arms import (
    ARMS,
    EVEN,
    GAN,
    MORE,
    PLANNER,
    RULE_NAMES,
    TWIN,
    H,
    Protocol,
)
from twin_gym.environments.truck_routing.scenario import DAY_S, TruckScenario
from twin_gym.scenario.loading import load
from twin_gym.twins.scenarios.gan_training import ScenarioGanSettings

NAME = "waste_next_stop"
PRESET, QUICK_PRESET = "truck-grid-50", "truck-grid-20"
WHOLE = Protocol(
    rounds=12, generated=4,
    gan=ScenarioGanSettings(max_steps=400, check_every=100, width=64, noise_size=16),
)  # fmt: skip
QUICK = Protocol(
    rounds=2, generated=2, gan=ScenarioGanSettings(max_steps=20, check_every=10, width=16)
)
MEASURES = {
    "accuracy": "all decisions", "field": "decisions in the field", "depot": "departures",
}  # fmt: skip
SHOWN_ROUNDS = (1, 2, 3, 6, 12)
PAIRS = ((TWIN, H), (GAN, TWIN), (GAN, EVEN), (MORE, GAN))

Found = Mapping[tuple[str, int, str], Floats]
"""By arm, round and measure, one value a block."""


def _protocol(asked: Asked) -> Protocol:
    return QUICK if asked.quick else WHOLE


def _cells(asked: Asked) -> list[Cell]:
    """One measurement a block."""
    protocol = _protocol(asked)
    preset = QUICK_PRESET if asked.quick else PRESET
    scenario = load(preset, TruckScenario).replace(
        name=f"{preset}-{protocol.rounds}-shifts", horizon_s=(protocol.rounds + 1) * DAY_S
    )
    return [
        Cell("arms", scenario, (block,), asked.worlds, partial(arms.measure, protocol=protocol),
             str(protocol))
        for block in range(asked.seeds)
    ]  # fmt: skip


def _results(asked: Asked, measured: Sequence[Measured]) -> Page:
    found = {
        (arm, int(round_), measure): values
        for name, values in measured[0].values.items()
        for arm, round_, measure in (name.split("|"),)
    }
    return Page(_page(found, asked), {".png": lambda path: _draw(path, found)})


def _rounds(found: Found) -> list[int]:
    return sorted({round_ for _, round_, _ in found if round_ > 0})


def _draw(path: Path, found: Found) -> None:
    """Accuracy over the rounds: of all decisions, in the field, and when a truck leaves."""
    figure, axes = plt.subplots(1, len(MEASURES), figsize=(18.0, 5.4))
    styles = styles_of((*ARMS, *RULE_NAMES))
    rounds = _rounds(found)
    for axis, (measure, title) in zip(axes, MEASURES.items(), strict=True):
        lines = {
            arm: [(float(k), over_blocks(100.0 * found[arm, k, measure])) for k in rounds]
            for arm in ARMS
        }
        for rule in RULE_NAMES:
            level = over_blocks(100.0 * found[rule, 0, measure])
            lines[rule] = [(float(k), level) for k in (rounds[0], rounds[-1])]
        draw_lines(axis, lines, styles)
        axis.set_title(f"planner's next stop named (%), {title}", fontsize=10)
        axis.set_xlabel("rounds: shifts that were driven")
    figure.subplots_adjust(wspace=0.55)
    save(figure, path)


def _page(found: Found, asked: Asked) -> str:
    parts = [
        f"![accuracy over the rounds]({NAME}.png)",
        _sizes(found, asked),
        "## What readings and generated scenarios add\n\n" + _pairs(found),
        "## Accuracy\n\n" + _accuracies(found),
        "## What the routes cost\n\n" + _costs(found),
    ]
    return page_of("Where the truck goes next", __doc__, asked.command, parts)


def _sizes(found: Found, asked: Asked) -> str:
    protocol, rounds = _protocol(asked), _rounds(found)
    kept = sum(float(found[GAN, k, "kept"].sum()) for k in rounds)
    return (
        f"{asked.seeds} blocks, each with {rounds[-1]} shifts to learn from and {asked.worlds} "
        f"fresh world{'s' if asked.worlds > 1 else ''} of {rounds[-1]} shifts to be asked about; "
        f"{protocol.generated} generated states a round. Each follows one that the twin held in "
        "the last shift; the planner drives what is left of that shift from it, in a world in "
        "which all comes as expected. Beside the GAN stand as many states that are drawn evenly, "
        f"whatever the twin holds (`{EVEN}`), and more lived shifts, of two more trucks in other "
        f"worlds (`{MORE}`). Of {len(rounds) * asked.seeds} GANs, {kept:.0f} came clearly nearer "
        "to held-out states than the normal law of changes that they begin as; the others are "
        "that law.\n\n"
        "A perfect score is out of reach: a round trip may be driven either way, so that the first "
        "stop of a trip is as good as a coin's toss, and the search of the planner has ties. What "
        "may be chosen is the same for all arms, by the mask of the twin with readings."
    )


def _pairs(found: Found) -> str:
    rows = []
    for one, other in PAIRS:
        for k in (_rounds(found)[0], _rounds(found)[-1]):
            gains = [
                format_interval(
                    over_blocks(found[one, k, measure] - found[other, k, measure]), 2, scale=100
                )
                for measure in MEASURES
            ]
            rows.append([f"{one} over {other}", str(k), *gains])
    heads = ["arms", "round", *(f"{title} (points)" for title in MEASURES.values())]
    note = (
        "Paired by blocks: the same shifts, the same fresh worlds. In the first shift history "
        "knows of no emptying yet, so that all fills are one guess and H learns nothing of them."
    )
    return (
        f"{_verdict(found, TWIN, H)} {_verdict(found, GAN, TWIN)}\n\n{table(heads, rows)}\n\n{note}"
    )


def _verdict(found: Found, one: str, other: str) -> str:
    """Whether an arm is better than another, in the first round and in the last."""
    words = []
    for k in (_rounds(found)[0], _rounds(found)[-1]):
        gain = over_blocks(found[one, k, "accuracy"] - found[other, k, "accuracy"])
        better = "better" if gain.low > 0.0 else "worse" if gain.high < 0.0 else "no different"
        told = better if gain.is_known else "not to be told from one block"
        words.append(f"{told} in round {k} ({format_interval(gain, 2, scale=100)} points)")
    return f"{one} is, beside {other}, {' and '.join(words)}."


def _accuracies(found: Found) -> str:
    rows = []
    shown = [k for k in _rounds(found) if k in SHOWN_ROUNDS]
    for arm, rounds in (*((arm, shown) for arm in ARMS), *((rule, [0]) for rule in RULE_NAMES)):
        for k in rounds:
            cells = [
                format_interval(over_blocks(found[arm, k, measure]), 2, scale=100)
                for measure in MEASURES
            ]
            learned = f"{found[arm, k, 'examples'].mean():,.0f}" if k else ""
            rows.append([arm, str(k) if k else "", learned, *cells])
    return table(
        [
            "arm",
            "round",
            "decisions learned from",
            *(f"{title} (%)" for title in MEASURES.values()),
        ],
        rows,
    )


def _costs(found: Found) -> str:
    last = _rounds(found)[-1]
    planner = found[PLANNER, 0, "cost"]
    rows = []
    for arm in (*ARMS, *RULE_NAMES, PLANNER):
        cost = found[arm, last if arm in ARMS else 0, "cost"]
        more = format_interval(over_blocks(cost / planner - 1.0), 1, scale=100)
        rows.append([arm, format_interval(over_blocks(cost), 3), "" if arm == PLANNER else more])
    note = (
        "A bin and day, in the fresh worlds, by the rankings of the last round; H drives where no "
        "bin reports. Which bins need emptying at all is told by the machine of `svm-fill`, the "
        "same for all. A ranking drives its own way from its first mistake on, so that accuracy "
        "and cost need not agree."
    )
    return table(["policy", "cost", "over the planner's (%)"], rows) + "\n\n" + note


app = experiment(NAME, __doc__, _cells, _results, seeds=5, worlds=2, trains=False)

if __name__ == "__main__":
    app()
