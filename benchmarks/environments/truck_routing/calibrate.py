"""Fit and write the presets of truck routing that are made of the bins of Edinburgh.

    TWIN_GYM_DATA=… python -m benchmarks.environments.truck_routing.calibrate            # print
    TWIN_GYM_DATA=… python -m benchmarks.environments.truck_routing.calibrate --write    # and write

Measured: inflows, capacities, places and ways, sizes of deposits, quarters of the day. Chosen, and
said so in the presets: depot, trucks, their times, costs, and how bins report.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.environments.truck_routing.fit import (
    ALL_BINS,
    EMPTYINGS,
    FULL_SHARE,
    ROADS,
    Fit,
    fit_edinburgh,
    profile_of,
)
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.environments.truck_routing.bins import DrawnBins
from twin_gym.environments.truck_routing.deposits import (
    HOURS_A_DAY,
    PoissonGamma,
    ReplayedEmptyings,
)
from twin_gym.environments.truck_routing.emptyings import DAY_S
from twin_gym.environments.truck_routing.roads import StraightRoads
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.files.places import check_folder
from twin_gym.files.whole import write_text
from twin_gym.scenario import to_toml

PRESETS = Path(str(importlib.resources.files("twin_gym.environments.truck_routing") / "presets"))
DAYS = 7
TRUCKS = {30: 1, 100: 1, 334: 3}
"""Trucks by the number of bins."""
REPLAYED_BINS = 100
FIRST_DAY, LAST_DAY = 1, 46

TOP = "Written by benchmarks/environments/truck_routing/calibrate.py."

SOURCE = """
Contains public sector information licensed under the Open Government Licence v3.0 (City of
Edinburgh Council). Contains OS data (c) Crown copyright and database right.
Sources: the council's "Litter bin sensor data" (aileenmcd/bin_project), its register of litter bins
(EdinburghCityScope/cec-litter-bins, Open Government Licence v2.0), and OS Open Roads
(nptscot/corenet). 334 bins, 6,376 emptyings from 2016-06-03 to 2016-07-19.
"""

MOMENTS = """
Inflow of a bin: litres found over hours since the emptying before. A reading of 100 stands for
{full_share:.2g} of the capacity, as the source notes; {full:.2f} of the emptyings read 100, so that
the inflows of busy bins are too low.
"""

LAW = """
Deposits: the variance of what is thrown in is {dispersion:.1f} l times its mean (all bins together,
{intervals:,} intervals), hence exponential deposits of {deposit:.1f} l. They stand for busy and
quiet days too, which are not modelled. Quarters of the day by weighted least squares, with standard
errors from leaving out a twentieth of the bins: {quarters}.
Lost: days of the week (Saturdays have a fifth more), neighbouring bins that are busy together.
"""

PLACES = """
Limits of the places: the source has none; they were matched to the register by name, 116 well, 169
to a bin in the same street, 21 to the middle of the street and 28 roughly (perhaps 300 m off).
Roads have no directions and no speeds.
"""

CHOICES = """
Choices of this project: the depot at the median coordinates of the bins (the data have none),
trucks, their capacity and speed, times of a stop and of unloading, the shift, all costs, an hourly
report of which one in five is lost, CO2 of 0.9 kg a kilometre.
"""

REPRODUCE = """
Reproduce: python -m benchmarks.environments.truck_routing.calibrate --write
"""


def scenarios(fit: Fit) -> tuple[TruckScenario, ...]:
    """All presets that are made of the data.

    Args:
        fit: of all bins.

    Returns:
        Those of recorded bins under the law, the replayed one, and the calibrated one.
    """
    return (*(_recorded(fit, count) for count in TRUCKS), _replayed(fit), calibrated(fit))


def calibrated(fit: Fit) -> TruckScenario:
    """The preset that needs no data: bins drawn from the laws that were fitted.

    Args:
        fit: of all bins.
    """
    inflows = (
        f"Inflows: the logarithm is normal around a line over the logarithm of the capacity, from\n"
        f"{fit.median_inflow_l_per_h:.2f} l/h at the median capacity with the exponent "
        f"{fit.capacity_exponent:.2f}; standard deviation {fit.inflow_sigma:.2f}, both of the\n"
        "middle half of the bins.\n"
        f"Capacities: {len(fit.capacities_l)} quantiles. Places: even over a rectangle with the "
        "standard deviations of\nthe real ones, the density of bins a third of the real one; the "
        "real ones stand in clusters. Ways:\n"
        f"beelines times {fit.detour:.2f}, the length of all shortest ways between bins over that "
        "of the beelines."
    )
    return TruckScenario(
        name="truck-edinburgh-calibrated",
        description="100 bins drawn from laws fitted to those of Edinburgh; needs no data.",
        provenance=_provenance(SOURCE, _moments(fit), inflows, _law(fit), CHOICES, REPRODUCE),
        bins=DrawnBins(
            count=100,
            width_m=round(fit.width_m, -2),
            height_m=round(fit.height_m, -2),
            capacities_l=tuple(float(round(one, -1)) for one in fit.capacities_l),
            median_inflow_l_per_h=round(fit.median_inflow_l_per_h, 2),
            inflow_sigma=round(fit.inflow_sigma, 2),
            capacity_exponent=round(fit.capacity_exponent, 2),
        ),
        roads=StraightRoads(detour=round(fit.detour, 2)),
        deposits=_deposits(fit),
        **_chosen(1),
    )


def _recorded(fit: Fit, count: int) -> TruckScenario:
    """Recorded bins and roads, deposits by the law."""
    taken = "All 334 bins" if count == ALL_BINS.count else f"{count} of the 334 bins, evenly"
    return TruckScenario(
        name=f"truck-edinburgh-{count}",
        description=f"{taken} of Edinburgh's sensored litter bins, on its roads.",
        provenance=_provenance(
            SOURCE, "Needs TWIN_GYM_DATA.", _taken(count), _moments(fit), _law(fit), PLACES,
            CHOICES, REPRODUCE,
        ),
        bins=ALL_BINS.replace(count=count, chosen=_how(count)),
        roads=ROADS,
        deposits=_deposits(fit),
        **_chosen(TRUCKS[count]),
    )  # fmt: skip


def _replayed(fit: Fit) -> TruckScenario:
    """Recorded bins, roads and emptyings."""
    replay = (
        f"Deposits: what was found at the emptyings of days {FIRST_DAY} to {LAST_DAY}, thrown in "
        "evenly since the\nemptying before; before the first and after the last emptying of a bin "
        "at its mean inflow. An\nepisode begins on a day that its world draws."
    )
    count = REPLAYED_BINS
    return TruckScenario(
        name="truck-edinburgh-replay",
        description=f"{count} of Edinburgh's sensored litter bins; six weeks of 2016, replayed.",
        provenance=_provenance(
            SOURCE, "Needs TWIN_GYM_DATA.", _taken(count), _moments(fit), replay, PLACES,
            CHOICES, REPRODUCE,
        ),
        bins=ALL_BINS.replace(count=count, chosen=_how(count)),
        roads=ROADS,
        deposits=ReplayedEmptyings(file=EMPTYINGS, first_day=FIRST_DAY, last_day=LAST_DAY),
        **_chosen(TRUCKS[count]),
    )  # fmt: skip


def _how(count: int) -> str:
    return "first" if count == ALL_BINS.count else "evenly"


def _taken(count: int) -> str:
    if count == ALL_BINS.count:
        return ""
    return (
        f"{count} bins taken at equal steps from the register, which goes street by street: a "
        "choice."
    )


def _deposits(fit: Fit) -> PoissonGamma:
    # Exponential sizes: their square has twice the squared mean.
    return PoissonGamma(
        deposit_mean_l=round(fit.dispersion_l / 2.0, 1), profile=profile_of(fit.quarters)
    )


def _chosen(num_trucks: int) -> Mapping[str, Any]:
    """Fields that the data do not determine; the others are at their default."""
    return {
        "horizon_s": DAYS * DAY_S,
        "num_trucks": num_trucks,
        "sensor_full_share": FULL_SHARE,
    }


def _moments(fit: Fit) -> str:
    return MOMENTS.format(full_share=FULL_SHARE, full=fit.full_share_of_emptyings)


def _law(fit: Fit) -> str:
    pairs = zip(fit.quarters, fit.quarter_errors, strict=True)
    return LAW.format(
        dispersion=fit.dispersion_l,
        intervals=fit.num_intervals,
        deposit=fit.dispersion_l / 2.0,
        quarters=", ".join(f"{factor:.2f} ± {error:.2f}" for factor, error in pairs),
    )


def _provenance(*parts: str) -> str:
    return "\n\n".join(part.strip() for part in parts if part)


app = typer.Typer(add_completion=False)


@app.command(cls=ErrorReportingCommand)
def main(
    write: Annotated[bool, typer.Option(help="Write the presets.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the presets are written.")] = PRESETS,
) -> None:
    """Fit the presets of truck routing to the bins of Edinburgh."""
    if write:
        check_folder(folder)
    fit = fit_edinburgh()
    for name, value in fit._asdict().items():
        print(f"{name:<24} {value}")
    print(f"{'profile':<24} {profile_of(fit.quarters)[:: HOURS_A_DAY // len(fit.quarters)]}")
    for scenario in scenarios(fit):
        print(f"{scenario.name}, digest {scenario.digest}")
        if write:
            path = folder / f"{scenario.name}.toml"
            write_text(path, to_toml(scenario, TOP), makes_folder=True)
            print(f"wrote {path}")


if __name__ == "__main__":
    app()
