"""Fit the presets `sync-beijing-calibrated` and `sync-campusiot-calibrated` to measured series.

    TWIN_GYM_DATA=… python -m benchmarks.environments.right_time_sync.fit
    TWIN_GYM_DATA=… python -m benchmarks.environments.right_time_sync.fit --write    # two presets

Measured: how far values move over a lag, how sensors of a group differ, which share of the frames
arrives. All else is as the preset that replays the series has it. Nothing is drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    Replay,
    SyncScenario,
    Walk,
)
from twin_gym.environments.right_time_sync.series import load_series
from twin_gym.files.places import check_folder
from twin_gym.files.whole import write_text
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load

_CHECKOUT = Path(__file__).parents[3]
PRESETS = _CHECKOUT / "twin_gym" / "environments" / "right_time_sync" / "presets"
LAGS = {
    "sync-beijing": (1, 2, 3, 6, 12, 24, 36, 48),
    "sync-campusiot": (1, 2, 3, 6, 12, 18, 24, 36),
}
"""Slots: those that ages of the preset's entities reach, about two turns and four."""

RELAXATIONS = np.geomspace(0.5, 5000.0, 801)
"""In slots: those that are tried."""

WORTH = 0.9
"""A law with one number more must leave this part of the other's deviation, or less."""

Floats = NDArray[np.float64]

TOP = """
`{replayed}` without the data: laws fitted to the series. Written by the command below.
"""

PROVENANCE = """
{source}

Fitted: a random walk or a mean-reverting law for each group, to the mean square by which the values
of its sensors move over a lag (what a held value is off at that age), by least squares of the
logarithm over the lags below; the mean-reverting law where it leaves at most nine tenths of the
walk's deviation. `spread`: how these squares at one slot differ between the sensors of a group.
{delivery}
In 1e-6 squared ranges, measured and fitted, and the root mean square of the logarithm of their
ratio:
{table}

Lost: what sensors have in common, the cycles of day and year, jumps, and all that is not Gaussian.
{remark}
All else is as in {replayed}, this project's choices included.

Reproduce: python -m benchmarks.environments.right_time_sync.fit --write
"""

REMARKS = {
    "sync-beijing": (
        "Temperatures are further apart after twelve hours than after a day, which no law here\n"
        "can have."
    ),
    "sync-campusiot": (
        "Between frames the replayed values are straight lines, so that over few slots they move\n"
        "less than any law here has it; over a whole day they come back, and no law here does."
    ),
}


@dataclass(frozen=True)
class Fit:
    """The parameters fitted to the series of a group.

    Attributes:
        group: the group as fitted.
        lags: in slots; shape (lags,).
        measured: mean square increments in squared ranges; shape (lags,).
        fitted: the same of the law.
    """

    group: EntityGroup
    lags: Floats
    measured: Floats
    fitted: Floats

    @property
    def deviation(self) -> float:
        """Root mean square of the logarithm of fitted over measured."""
        return float(np.sqrt(np.mean(np.log(self.fitted / self.measured) ** 2)))


def mean_square_increments(values: Floats, lags: Sequence[int]) -> Floats:
    """Mean square increments of a series, by lag.

    Args:
        values: of all slots.
        lags: in slots, each shorter than the series.

    Returns:
        Mean squares; shape (lags,).
    """
    return np.array([np.mean((values[lag:] - values[:-lag]) ** 2) for lag in lags])


def fit_law(
    increments: Floats, lags: Floats, sd: float, slot_s: float
) -> tuple[Walk | MeanReverting, Floats]:
    """The law whose held error is nearest to mean square increments, in logarithms.

    Args:
        increments: in squared ranges, positive; shape (lags,).
        lags: in slots; likewise.
        sd: standard deviation of the series, with which a walk begins.
        slot_s: length of a slot.

    Returns:
        The law with its numbers as they are written down, and its increments.
    """
    log_ratio = np.log(increments / lags)
    rate = float(np.exp(log_ratio.mean()))
    shapes = -np.expm1(-lags / RELAXATIONS[:, None])
    offsets = np.log(increments / shapes)
    deviations = offsets.std(axis=1)
    best = int(deviations.argmin())
    if deviations[best] > WORTH * log_ratio.std() or best == len(RELAXATIONS) - 1:
        rate_hz = float(f"{rate / slot_s:.4g}")
        walk = Walk(variance_rate_hz=rate_hz, initial_sd=float(f"{sd:.3g}"))
        return walk, rate_hz * slot_s * lags
    law = MeanReverting(
        sd=float(f"{np.sqrt(np.exp(offsets[best].mean()) / 2.0):.4g}"),
        relaxation_s=float(f"{RELAXATIONS[best] * slot_s:.4g}"),
    )
    fitted: Floats = -2.0 * law.sd**2 * np.expm1(-lags * slot_s / law.relaxation_s)
    return law, fitted


def spread_of(rates: Floats) -> float:
    """The spread of a group whose rates lie in equal ratios and differ as much as given ones.

    Args:
        rates: of its members, positive.

    Returns:
        Fastest over slowest, rounded; 1 for a single one.

    Example:
        >>> spread_of(np.array([1.0, 2.0, 4.0]))
        8.0
    """
    count = len(rates)
    if count == 1:
        return 1.0
    # Of numbers k / count, k = 0 to count - 1, the variance is (count^2 - 1) / (12 count^2).
    unit = np.sqrt((count**2 - 1.0) / 12.0) / count
    return float(f"{np.exp(np.log(rates).std() / unit):.3g}")


def fit_group(group: EntityGroup, lags: Sequence[int], slot_s: float) -> Fit:
    """Fits a replayed group.

    Args:
        group: whose process is a replay.
        lags: in slots.
        slot_s: length of a slot.

    Returns:
        See `Fit`.
    """
    process = group.process
    if not isinstance(process, Replay):
        raise TypeError(f"the group {group.name!r} is not replayed")
    several = load_series(process.file, process.sources, slot_s)
    values = [one.values / (process.high - process.low) for one in several]
    by_source = np.array([mean_square_increments(one, lags) for one in values])
    measured, steps = by_source.mean(axis=0), np.array(lags, np.float64)
    sd = float(np.sqrt(np.mean([one.var() for one in values])))
    law, fitted = fit_law(measured, steps, sd, slot_s)
    delivered = 1.0 - float(np.mean([one.is_lost.mean() for one in several]))
    fitted_group = EntityGroup(
        name=group.name, count=group.count, process=law, weight=group.weight,
        spread=spread_of(by_source[:, 0]),
        delivery_probability=round(delivered, 3) if process.losses else None,
    )  # fmt: skip
    return Fit(fitted_group, steps, measured, fitted)


def calibrated(name: str) -> tuple[SyncScenario, list[Fit]]:
    """A preset that replays series, with laws in their place.

    Args:
        name: of the preset; its data must be at hand.

    Returns:
        The scenario, and the fits of its groups.
    """
    replayed = load(name, SyncScenario)
    fits = [fit_group(group, LAGS[name], replayed.slot_s) for group in replayed.groups]
    has_losses = any(fit.group.delivery_probability is not None for fit in fits)
    delivery = "`delivery_probability`: the share of slots whose frame was not lost. Lost is that\n"
    delivery += "frames are lost one after another.\n"
    scenario = replayed.replace(
        name=f"{name}-calibrated",
        description=f"{replayed.description.partition(', replayed')[0]}, as laws; needs no data.",
        provenance=PROVENANCE.format(
            source=replayed.provenance.partition(" Needs TWIN_GYM_DATA")[0].strip(),
            delivery=delivery if has_losses else "",
            table="\n".join(_lines(fits)),
            remark=REMARKS[name],
            replayed=name,
        ).strip(),
        groups=tuple(fit.group for fit in fits),
    )
    return scenario, fits


def _lines(fits: Sequence[Fit]) -> list[str]:
    """A table of measured and fitted increments by lag."""
    lines = ["lag in slots      " + "".join(f"{lag:>9.0f}" for lag in fits[0].lags)]
    for fit in fits:
        measured = "".join(f"{1e6 * value:>9.3g}" for value in fit.measured)
        fitted = "".join(f"{1e6 * value:>9.3g}" for value in fit.fitted)
        lines += [f"{fit.group.name:<18}{measured}", f"  {fit.deviation:<16.2f}{fitted}"]
    return lines


app = typer.Typer(add_completion=False)


@app.command(cls=ErrorReportingCommand)
def main(
    write: Annotated[bool, typer.Option(help="Write the two presets.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the presets are written.")] = PRESETS,
) -> None:
    """Fit the calibrated presets of synchronisation to measured series."""
    if write:
        check_folder(folder)
    for name in LAGS:
        scenario, fits = calibrated(name)
        print(f"{scenario.name}, digest {scenario.digest}", *_lines(fits), sep="\n")
        for fit in fits:
            print(f"{fit.group.name}: {fit.group.process!r}, spread {fit.group.spread:g}")
        if write:
            path = folder / f"{scenario.name}.toml"
            write_text(
                path, to_toml(scenario, TOP.format(replayed=name).strip()), makes_folder=True
            )
            print(f"wrote {path}")


if __name__ == "__main__":
    app()
