"""How complete a twin stays while nothing arrives.

Duran et al., "GenTwin", 2025, DOI 10.1109/TCCN.2025.3527719, Table IV: a "data completeness" of
99.8 % with reports every 2 s and of 99.7 % with an outage of 10 s, in cities of 30, 100 and 250
sensors (99.7 and 99.6 % in the largest); sensors send "only their unique ID". Neither the length of
the run nor a formula is given. Here a value is complete if it is within 5 % of its range (equal, if
it is a state or a name), and completeness is the share of (sensor, property, period) of the outage
that is; sensors that join or leave meanwhile are counted apart, for no twin can know of them.

`python -m benchmarks.experiments.knowledge_outages` draws values of known laws, lets four
predictors fill the outage, and sets the closed forms beside; it can be stopped and goes on where it
was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from benchmarks.experiments.blocks import Cell, Measured, Values, over_blocks
from benchmarks.experiments.command import Asked, Page, experiment
from benchmarks.experiments.drawing import draw_lines, save, styles_of
from benchmarks.experiments.knowledge_cities import CityScenario, city_of
from benchmarks.experiments.knowledge_series import (
    PROPERTIES,
    Property,
    gone,
    leaving_times_s,
    over_outage,
)
from benchmarks.experiments.pages import format_interval, page_of, table
from twin_gym.twins.knowledge import PREDICTORS, Completeness, completeness, predict_outage

NAME = "knowledge_outages"
OUTAGES_S = (0.0, 10.0, 60.0, 600.0)
REPORTS = 300
"""Reports of each sensor before the outage, from which predictors are fitted."""

CITIES = tuple(
    CityScenario(name=f"city-{size}", horizon_s=3600.0, sensors=sensors, gateways=sensors // 5)
    for size, sensors in (("small", 30), ("medium", 100), ("large", 250))
)
JOINED, LEFT = "joined", "left"

Key = tuple[CityScenario, str, float]
Points = Mapping[Key, Measured]
"""By city, predictor and length of the outage in seconds."""


def runs(asked: Asked) -> list[Key]:
    """City, predictor and outage of each measurement."""
    cities = CITIES[:1] if asked.quick else CITIES
    outages = OUTAGES_S[:2] if asked.quick else OUTAGES_S
    return [(city, name, outage) for city in cities for name in PREDICTORS for outage in outages]


def _cells(asked: Asked) -> list[Cell]:
    return [
        Cell(
            predictor, city, tuple(range(asked.seeds)), asked.worlds,
            partial(measure, outage_s=outage_s), f"outage {outage_s:g} s", outage_s,
        )
        for city, predictor, outage_s in runs(asked)
    ]  # fmt: skip


def measure(cell: Cell, outage_s: float) -> Values:
    """Completeness in an outage: the means over the worlds of each block.

    Args:
        cell: its label is the predictor.
        outage_s: length of the outage.

    Returns:
        By name of a property its completeness; `joined` and `left` as shares of the values that
        are due; a value a block.
    """
    city = city_of(cell)
    rows = [_outage(city, cell.label, seed, outage_s) for seed in cell.seeds]
    return {
        name: np.reshape([row[name] for row in rows], (-1, cell.worlds)).mean(axis=1).tolist()
        for name in rows[0]
    }


def _outage(city: CityScenario, predictor: str, seed: int, outage_s: float) -> dict[str, float]:
    counts = {one.name: count_values(city, predictor, one, seed, outage_s) for one in PROPERTIES}
    values = {name: one.share for name, one in counts.items()}
    due = sum(one.expected + one.joined for one in counts.values())
    values[JOINED] = sum(one.joined for one in counts.values()) / max(due, 1)
    values[LEFT] = sum(one.left for one in counts.values()) / max(due, 1)
    return values


def count_values(
    city: CityScenario, predictor: str, told: Property, seed: int, outage_s: float
) -> Completeness:
    """What a twin has of a property in an outage; old sensors and those that join, side by side.

    Args:
        city: whose sensors they are.
        predictor: that fills the outage.
        told: the property.
        seed: of values, and of the times at which sensors leave.
        outage_s: length of the outage.

    Returns:
        The counts.
    """
    periods, sensors = round(outage_s / city.period_s), city.sensors
    rng = np.random.default_rng([seed, PROPERTIES.index(told)])
    values = told.draw(rng, REPORTS + periods, 2 * sensors, city.period_s)
    leaving = leaving_times_s(np.random.default_rng([seed, len(PROPERTIES)]), sensors)
    age_s = city.period_s * np.arange(1, periods + 1)[:, None]
    reports = values[:REPORTS, :sensors]
    assumed = np.full((periods, 2 * sensors), np.nan)
    assumed[:, :sensors] = predict_outage(predictor, reports, periods, is_state=told.is_state)
    return completeness(
        assumed,
        values[REPORTS:],
        told.tolerance,
        is_there=np.hstack([age_s < leaving, age_s >= leaving]),
        is_known=np.arange(2 * sensors) < sensors,
    )


def _results(asked: Asked, measured: Sequence[Measured]) -> Page:
    points = dict(zip(runs(asked), measured, strict=True))
    return Page(_page(points, asked), {".png": lambda path: _draw(path, points)})


def _draw(path: Path, points: Points) -> None:
    """Completeness over the length of the outage, a panel a property, in the largest city."""
    city = list(points)[-1][0]
    outages = [outage for where, name, outage in points if (where, name) == (city, "none")]
    figure, axes = plt.subplots(1, len(PROPERTIES), figsize=(5.0 * len(PROPERTIES), 4.0))
    for axis, told in zip(axes, PROPERTIES, strict=True):
        axis.set_xscale("symlog", linthresh=10.0)
        axis.set_xticks(outages, [f"{one:g}" for one in outages])
        lines = {
            name: [(outage, points[city, name, outage].interval(told.name)) for outage in outages]
            for name in PREDICTORS
        }
        draw_lines(axis, lines, styles_of(PREDICTORS))
        axis.set_title(told.name, fontsize=10)
        axis.set_xlabel("outage (s)")
        axis.set_ylabel("completeness in the outage")
    figure.subplots_adjust(wspace=0.5)
    save(figure, path)


def _page(points: Points, asked: Asked) -> str:
    cities = list(dict.fromkeys(city for city, _, _ in points))
    parts = [
        f"![completeness over the length of the outage]({NAME}.png)",
        "## What is found\n\n" + _findings(points, cities[-1]),
        f"## In the outage, {cities[-1].name}\n\n" + _table(points, cities[-1]),
        "## Beside the closed forms\n\n" + _exact_table(points, cities[-1]),
        "## Sensors that join and leave\n\n" + _membership_table(points, cities[-1]),
        "## By size, and over a whole run\n\n" + _sizes_table(points, cities),
        "## How it is counted\n\n" + _NOTES,
    ]
    return page_of("Completeness in an outage", __doc__, asked.command, parts)


def _findings(points: Points, city: CityScenario) -> str:
    longest = max(outage for _, _, outage in points)
    said = [
        "Identifiers do not change: a twin that remembers the last report has 100 % of them in "
        "every outage, without generating anything. Table IV as described, with identifiers alone, "
        "cannot tell a generative twin from memory.",
        "A twin that assumes nothing loses the periods of the outage: 5 of n at 10 s. A loss of "
        "0.1 points, as published, is that of a run of n = 5,000 periods, 2.8 hours; over an hour "
        "it has 99.72 %. The paper does not say how long its runs were, nor why 0.2 and 0.3 points "
        "are missing without any outage.",
    ]  # fmt: skip
    for told in PROPERTIES[1:]:
        shares = {
            name: points[city, name, longest].values[told.name].mean() for name in PREDICTORS[1:]
        }
        best = max(shares, key=lambda name: shares[name])
        alike = [name for name in shares if shares[name] == shares[best]]
        words = "all alike" if len(alike) == len(shares) else f"best is {' and '.join(alike)}"
        told_ = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
        said.append(f"{told.name}, outage of {longest:g} s: {told_}; {words}.")
    return "\n".join(f"- {one}" for one in said)


def _outages(points: Points, city: CityScenario) -> list[float]:
    return [outage for where, name, outage in points if (where, name) == (city, PREDICTORS[0])]


def _table(points: Points, city: CityScenario) -> str:
    outages = _outages(points, city)
    rows = [
        [told.name, name]
        + [
            format_interval(points[city, name, one].interval(told.name), 1, scale=100)
            for one in outages
        ]
        for told in PROPERTIES
        for name in PREDICTORS
    ]
    return table(["property", "predictor", *(f"{one:g} s (%)" for one in outages)], rows)


def _exact_table(points: Points, city: CityScenario) -> str:
    rows = []
    for told in PROPERTIES:
        rows += _exact_rows(points, city, told, "hold", told.held)
        if told.known is not None:
            rows += _exact_rows(points, city, told, "fitted", told.known)
    heads = ["property", "predictor", "outage (s)", "measured (%)", "closed form (%)",
             "at the end of the outage (%)"]  # fmt: skip
    note = (
        "Held: a walk P(|N(0, s^2 age)| <= 0.05); an on-off value (1 + e^(-2 k age)) / 2, where "
        "e^(-k age) is the probability that it has not changed at all; a value that returns to its "
        "mean by its autocovariance; a rising level P(|N(c age, s^2 age)| <= 0.05). Each is a mean "
        "over the ages of the outage. The closed forms of `fitted` know the law, the twin has "
        f"{REPORTS} reports to estimate it from: the difference is the price of that."
    )
    return table(heads, rows) + "\n\n" + note


def _exact_rows(
    points: Points, city: CityScenario, told: Property, predictor: str,
    law: Callable[[float], float],
) -> list[list[str]]:  # fmt: skip
    return [
        [
            told.name, predictor, f"{outage:g}",
            format_interval(points[city, predictor, outage].interval(told.name), 2, scale=100),
            f"{100.0 * over_outage(law, outage, city.period_s):.2f}", f"{100.0 * law(outage):.2f}",
        ]
        for outage in _outages(points, city)
        if outage
    ]  # fmt: skip


def _membership_table(points: Points, city: CityScenario) -> str:
    rows = []
    for outage in _outages(points, city):
        exact = over_outage(gone, outage, city.period_s) if outage else 0.0
        rows.append([
            f"{outage:g}",
            format_interval(points[city, "hold", outage].interval(JOINED), 2, scale=100),
            format_interval(points[city, "hold", outage].interval(LEFT), 2, scale=100),
            format_interval(points[city, "none", outage].interval(LEFT), 2, scale=100),
            f"{100.0 * exact:.2f}",
        ])  # fmt: skip
    heads = ["outage (s)", "of joined sensors, in no twin (%)",
             "of sensors that left, still told (%)", "the same, predictor `none` (%)",
             "closed form (%)"]  # fmt: skip
    note = (
        "As shares of all values that are due. Each sensor is exchanged at a rate of 1 in 6,000 s, "
        "so that as many join as leave. They are not in the completeness above: whatever a twin "
        "says, it has never heard of a sensor that joins in the outage."
    )
    return table(heads, rows) + "\n\n" + note


def _sizes_table(points: Points, cities: Sequence[CityScenario]) -> str:
    rows = []
    for city in cities:
        for name in PREDICTORS:
            for outage in filter(None, _outages(points, city)):
                one = points[city, name, outage]
                mean = np.mean([one.values[told.name] for told in PROPERTIES], axis=0)
                lost = outage / city.horizon_s
                run = over_blocks(1.0 - lost + lost * one.values[PROPERTIES[0].name])
                rows.append([
                    city.name, f"{city.sensors}", name, f"{outage:g}",
                    format_interval(over_blocks(mean), 1, scale=100),
                    format_interval(over_blocks(1.0 - lost + lost * mean), 2, scale=100),
                    format_interval(run, 2, scale=100),
                ])  # fmt: skip
    heads = ["city", "sensors", "predictor", "outage (s)", "all properties, in the outage (%)",
             "all properties, run of an hour (%)", "identifiers, run of an hour (%)"]  # fmt: skip
    note = (
        "Completeness does not depend on the number of sensors, for each is predicted by itself. "
        "Over a run it depends on its length more than on anything a twin does."
    )
    return table(heads, rows) + "\n\n" + note


_NOTES = (
    "Reports arrive every 2 s and none is lost outside of the outage, where completeness is "
    "therefore 100 %. Each sensor has all five properties; all predictors meet the same values. "
    f"Before the outage there are {REPORTS} reports; `trend` uses two of them, `fitted` all "
    "(`twin_gym.twins.knowledge.predict_outage`). States and names are held by all predictors but "
    "`none`. Laws: a mean square change of 1e-4 a second of the walk; a change of the on-off value "
    "every 120 s; deviation 0.1 and relaxation in 30 s of the value that returns to its mean; a "
    "rise of 1e-3 a second, without end, with a mean square of 1e-6 a second of the level. All of "
    "them are choices: no sensor was measured. A generative model was not tried."
)

app = experiment(NAME, __doc__, _cells, _results, seeds=20, worlds=1, trains=False)

if __name__ == "__main__":
    app()
