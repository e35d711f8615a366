"""Fit the presets `service-trace` and `service-calibrated` to the openb trace.

    TWIN_GYM_DATA=… python -m benchmarks.environments.slice_admission.fit
    TWIN_GYM_DATA=… python -m benchmarks.environments.slice_admission.fit --write    # two presets

Measured: rates, hourly profile, holding times, demand mix. Chosen, and said so in the presets:
capacity, revenue, patience, queue limit, service level. Nothing is drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.environments.slice_admission.openb import RESOURCES, SLICES, Pod, read_pods
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.files.places import check_folder
from twin_gym.files.whole import write_text
from twin_gym.scenario import Daily, Empirical, Trace, to_toml

TRACE_PATH = "service_traces/openb_pods.csv"
_CHECKOUT = Path(__file__).parents[3]
PRESETS = _CHECKOUT / "twin_gym" / "environments" / "slice_admission" / "presets"

DAY_S = 86_400.0
FIRST_S, LAST_S = 120 * DAY_S, 149 * DAY_S
HORIZON_S = 5 * DAY_S
HOURS = 24
NUM_QUANTILES = 101
GRID = 100_000

CAPACITY = {"radio": 8.0, "computing": 104.0, "storage": 400.0}
QUEUE_LIMIT = 16


@dataclass(frozen=True)
class Choice:
    """The parameters of a slice that the trace does not determine."""

    revenue: float
    patience_s: float
    agreed_loss_ratio: float | None = None


CHOICES = {
    "immersive": Choice(revenue=3.0, patience_s=900.0),
    "hrllc": Choice(revenue=12.0, patience_s=60.0, agreed_loss_ratio=0.1),
    "massive": Choice(revenue=1.0, patience_s=600.0),
    "ubiquitous": Choice(revenue=6.0, patience_s=120.0),
}

REPLAYED_TOP = """
Replay of real service requests; needs TWIN_GYM_DATA. Written by the command below.
A rule that keeps a third of the room free of `immersive` earns a sixth more than a greedy one.
""".strip()

FITTED_TOP = """
`service-trace` without the trace: laws fitted to it. Written by the command below.
""".strip()

COMMON = """
Source: openb, a production GPU cluster (Alibaba cluster-trace-gpu-v2023; Apache-2.0 copy in
hkust-adsl/kubernetes-scheduler-simulator). Cite Weng et al., Beware of Fragmentation: Scheduling
GPU-Sharing Workloads with Fragmentation Gradient Descent, USENIX ATC 2023.

Part used: the 29 whole days 120 to 148 (7,119 pods). Before, pods are sparse; day 149 ends after
eight hours, and whole days keep the clock in step where an episode wraps around.

Analogy: GPUs, CPU cores and GiB of memory stand for radio, computing and storage; class of job and
size of its GPU share for the slice (see slice_admission.openb). They are computing jobs, not
requests to a network.

Measured: rates, mean holding times, mean demands (rounded to 0.01). Lifetimes beyond the horizon
of five days count as five days in the mean: to an episode it is the same, and a single pod of 26
days would be 9 % of the work of its slice. Limit: every request asks for the mean demand of its
slice; how demands differ within a slice, and go with lifetimes, is lost.

Choices of this project: capacity (1.26 to 1.34 times as much is offered as fits), revenue and
patience (long requests of immersive, cheap for what they hold, against short dear ones of hrllc
and ubiquitous; in the trace, pods that were never placed were withdrawn after 95 s in the median),
queue limit, agreed loss ratio.

Reproduce: python -m benchmarks.environments.slice_admission.fit --write
"""

REPLAYED = """
Arrivals and holding times are replayed as they are, the longest (26 days) included.
"""

FITTED = """
Arrivals: Poisson with the mean profile of the 24 hours of a day, each slice its own. Lost is what
the trace has beyond it: quiet and busy days (103 to 678 requests), bursts (the gaps of a slice have
coefficients of variation of 1.6 to 2.2) and slices that are busy together.

Holding times: 101 quantiles of min(lifetime, 5 days), linear between them. The last is not the
longest lifetime but such that the table has the measured mean: the mean is exact and the body is
not rescaled; within the longest percentile the law is uniform. Largest difference of the fitted
and measured distribution functions: 0.004 to 0.009; the longest percentile carries 0.49 of the
work of immersive (measured 0.51), 0.45 (0.46) of hrllc, 0.30 (0.32) of massive, 0.13 (0.13) of
ubiquitous.
"""


@dataclass(frozen=True)
class Fit:
    """The parameters of a slice that are fitted to the trace."""

    num_requests: int
    arrival_rate_hz: float
    mean_holding_time_s: float
    demand: dict[str, float]
    factors: tuple[float, ...]
    quantiles: tuple[float, ...]
    distance: float


def fit_slice(pods: list[Pod], *, duration_s: float = LAST_S - FIRST_S) -> Fit:
    """Fit one slice.

    Args:
        pods: its pods within the window.
        duration_s: length of the window, in whole days.

    Returns:
        Rates, means and tables, rounded as they are written down; `distance` is the largest
        difference of the fitted and the measured distribution function of the holding times.
    """
    created_s = np.array([pod.created_s for pod in pods])
    holding_s = np.minimum([pod.lifetime_s for pod in pods], HORIZON_S)
    demand = np.mean([pod.demand for pod in pods], axis=0)
    counts, _ = np.histogram(created_s % DAY_S, bins=HOURS, range=(0.0, DAY_S))
    mean_s = float(np.round(holding_s.mean()))
    quantiles = fit_quantiles(holding_s, mean_s)
    return Fit(
        num_requests=len(pods),
        arrival_rate_hz=float(f"{len(pods) / duration_s:.5g}"),
        mean_holding_time_s=mean_s,
        demand={name: round(float(of), 2) for name, of in zip(RESOURCES, demand, strict=True)},
        factors=tuple(float(one) for one in np.round(counts / counts.mean(), 3)),
        quantiles=tuple(float(one) for one in quantiles),
        distance=distance(holding_s, quantiles),
    )


def fit_quantiles(holding_s: NDArray[np.float64], mean_s: float) -> NDArray[np.float64]:
    """Quantiles at equal steps, the last of them such that the table has the given mean."""
    quantiles = np.round(np.quantile(holding_s, np.linspace(0.0, 1.0, NUM_QUANTILES)))
    # Trapezoids: every quantile counts whole but the first and the last, which count half.
    inner = quantiles[:-1].sum() - quantiles[0] / 2
    last = 2 * (mean_s * (NUM_QUANTILES - 1) - inner)
    quantiles[-1] = max(np.round(last), quantiles[-2])
    return quantiles


def distance(holding_s: NDArray[np.float64], quantiles: NDArray[np.float64]) -> float:
    """Largest difference of the two distribution functions (Kolmogorov-Smirnov)."""
    probabilities = (np.arange(GRID) + 0.5) / GRID
    fitted_s = np.interp(probabilities, np.linspace(0.0, 1.0, len(quantiles)), quantiles)
    measured_s = np.sort(holding_s)
    fitted = np.searchsorted(fitted_s, measured_s, side="right") / GRID
    measured = np.searchsorted(measured_s, measured_s, side="right") / len(measured_s)
    return float(np.abs(fitted - measured).max())


def read_window(
    path: Path, first_s: float = FIRST_S, last_s: float = LAST_S
) -> dict[str, list[Pod]]:
    """The pods of the window, by slice."""
    pods = [pod for pod in read_pods(path) if first_s <= pod.created_s < last_s]
    return {name: [pod for pod in pods if pod.slice_name == name] for name in SLICES}


def replayed(fits: dict[str, Fit]) -> AdmissionScenario:
    """The scenario `service-trace`: the trace itself; rates and means only describe it."""
    return AdmissionScenario(
        name="service-trace",
        description="Replay of a month of service requests to a production cluster.",
        provenance=(COMMON + REPLAYED).strip(),
        capacity=CAPACITY,
        horizon_s=HORIZON_S,
        trace=Trace(
            path=TRACE_PATH, format="openb", first_s=FIRST_S, last_s=LAST_S, period_s=DAY_S
        ),
        slices=tuple(_slice(name, fit) for name, fit in fits.items()),
    )


def calibrated(fits: dict[str, Fit]) -> AdmissionScenario:
    """The scenario `service-calibrated`: the laws fitted to the trace; needs no data."""
    slices = tuple(
        _slice(name, fit).replace(
            arrival=Daily(period_s=DAY_S, factors=fit.factors),
            holding=Empirical(quantiles=fit.quantiles),
        )
        for name, fit in fits.items()
    )
    return AdmissionScenario(
        name="service-calibrated",
        description="Daily profiles and holding times fitted to a month of service requests.",
        provenance=(COMMON + FITTED).strip(),
        capacity=CAPACITY,
        horizon_s=HORIZON_S,
        slices=slices,
    )


def _slice(name: str, fit: Fit) -> Slice:
    choice = CHOICES[name]
    return Slice(
        name=name,
        demand=fit.demand,
        arrival_rate_hz=fit.arrival_rate_hz,
        mean_holding_time_s=fit.mean_holding_time_s,
        revenue=choice.revenue,
        mean_patience_s=choice.patience_s,
        queue_limit=QUEUE_LIMIT,
        agreed_loss_ratio=choice.agreed_loss_ratio,
    )


app = typer.Typer(add_completion=False)


@app.command(cls=ErrorReportingCommand)
def main(
    data: Annotated[Path, typer.Option(envvar="TWIN_GYM_DATA", help="Directory of the traces.")],
    write: Annotated[bool, typer.Option(help="Write the two presets.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the presets are written.")] = PRESETS,
) -> None:
    """Fit the presets service-trace and service-calibrated to the openb trace."""
    if write:
        check_folder(folder)
    fits = {name: fit_slice(pods) for name, pods in read_window(data / TRACE_PATH).items()}
    for name, fit in fits.items():
        print(
            f"{name:<11} {fit.num_requests:>5} requests, {fit.arrival_rate_hz * DAY_S:6.1f} a day, "
            f"mean holding {fit.mean_holding_time_s:5.0f} s (distance {fit.distance:.4f}), "
            f"demand {fit.demand}"
        )
    for scenario, comment in ((replayed(fits), REPLAYED_TOP), (calibrated(fits), FITTED_TOP)):
        loads = ", ".join(f"{name} {load:.2f}" for name, load in scenario.offered_load.items())
        print(f"{scenario.name}: offered load {loads}, digest {scenario.digest}")
        if write:
            path = folder / f"{scenario.name}.toml"
            write_text(path, to_toml(scenario, comment), makes_folder=True)
            print(f"wrote {path}")


if __name__ == "__main__":
    app()
