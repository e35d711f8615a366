"""Hypothesis strategies that draw scenarios: small ones, but with every law and every corner."""

import hashlib
import math
from collections.abc import Collection
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.scenario import (
    MMPP,
    Daily,
    Deterministic,
    Empirical,
    Exponential,
    Lognormal,
    Pareto,
    Poisson,
    Schedule,
    Trace,
)
from twin_gym.scenario.laws import ArrivalLaw, HoldingLaw

ARRIVAL_LAWS = ("poisson", "daily", "schedule", "mmpp")
HOLDING_LAWS = ("exponential", "deterministic", "lognormal", "pareto", "empirical")
PATIENCE_LAWS = ("deterministic", "exponential")

# Round values make events coincide, the others do not.
durations_s = st.sampled_from((0.25, 0.5, 1.0, 2.0)) | st.floats(0.05, 8.0)
rates_hz = st.sampled_from((0.5, 1.0, 2.0)) | st.floats(0.1, 4.0)
amounts = st.integers(1, 20).map(float) | st.integers(1, 20_000_000).map(lambda n: n / 1e6)
horizons_s = st.sampled_from((2.0, 10.0, 50.0)) | st.floats(2.0, 50.0)
money = st.sampled_from((0.0, 1.0, 5.0)) | st.floats(0.0, 10.0)


@st.composite
def factors(draw: DrawFn, min_size: int = 2, max_size: int = 6) -> tuple[float, ...]:
    """Factors of a rate profile: some may be zero, not all."""
    drawn = draw(st.lists(st.floats(0.0, 3.0), min_size=min_size, max_size=max_size))
    position = draw(st.integers(0, len(drawn) - 1))
    drawn[position] = max(drawn[position], 0.25)
    return tuple(drawn)


@st.composite
def mmpps(draw: DrawFn) -> MMPP:
    """Markov-modulated Poisson processes of two to four phases."""
    drawn = draw(factors(max_size=4))
    sojourns = draw(
        st.lists(st.floats(0.25, 10.0), min_size=len(drawn), max_size=len(drawn)).map(tuple)
    )
    return MMPP(factors=drawn, mean_sojourn_s=sojourns)


def arrival_laws(laws: Collection[str], period_s: float) -> SearchStrategy[ArrivalLaw]:
    """Arrival processes with one of the named laws; Poisson where none of them is one."""
    known: dict[str, SearchStrategy[ArrivalLaw]] = {
        "poisson": st.just(Poisson()),
        "daily": factors().map(lambda drawn: Daily(period_s=period_s, factors=drawn)),
        "schedule": st.builds(Schedule, period_s=durations_s, factors=factors()),
        "mmpp": mmpps(),
    }
    return st.one_of([known[law] for law in ARRIVAL_LAWS if law in laws] or [known["poisson"]])


def holding_laws(laws: Collection[str]) -> SearchStrategy[HoldingLaw]:
    """Holding times with one of the named laws; exponential where none of them is one."""
    quantiles = st.lists(st.floats(0.0, 5.0), min_size=2, max_size=9)
    known: dict[str, SearchStrategy[HoldingLaw]] = {
        "exponential": st.just(Exponential()),
        "deterministic": st.just(Deterministic()),
        "lognormal": st.builds(Lognormal, sigma=st.floats(0.1, 2.0)),
        "pareto": st.builds(Pareto, shape=st.floats(1.1, 5.0)),
        "empirical": quantiles.map(
            lambda drawn: Empirical(quantiles=(*sorted(drawn), max(drawn) + 0.5))
        ),
    }
    return st.one_of([known[law] for law in HOLDING_LAWS if law in laws] or [known["exponential"]])


@st.composite
def demands(draw: DrawFn, capacity: dict[str, float]) -> dict[str, float]:
    """Demands that fit: a positive amount of at least one resource, some left out or zero."""
    first = draw(st.sampled_from(sorted(capacity)))
    demand = {}
    for resource, available in capacity.items():
        amount = draw(amounts if resource == first else st.just(0.0) | amounts)
        if amount > 0:
            # No more than 10,000 fit at once: so many have room in a row.
            least = math.ceil(available * 1e6 / 10_000) / 1e6
            demand[resource] = min(max(amount, least), available)
        elif draw(st.booleans()):
            demand[resource] = 0.0
    return demand


@st.composite
def slices(
    draw: DrawFn, name: str, capacity: dict[str, float], laws: Collection[str], period_s: float
) -> Slice:
    """One slice of a network with the given capacity."""
    return Slice(
        name=name,
        demand=draw(demands(capacity)),
        arrival_rate_hz=draw(rates_hz),
        mean_holding_time_s=draw(durations_s),
        revenue=draw(money),
        mean_patience_s=draw(durations_s),
        queue_limit=draw(st.sampled_from((0, 0, 1, 2, 5, 16))),
        arrival=draw(arrival_laws(laws, period_s)),
        holding=draw(holding_laws(laws)),
        lost_penalty=draw(money),
        agreed_loss_ratio=draw(st.none() | st.floats(0.0, 1.0)),
    )


@st.composite
def admission_scenarios(
    draw: DrawFn,
    max_slices: int = 4,
    max_resources: int = 3,
    laws: Collection[str] = ARRIVAL_LAWS + HOLDING_LAWS,
    patience_laws: Collection[str] = PATIENCE_LAWS,
) -> AdmissionScenario:
    """Scenarios of a few hundred requests at most a slice.

    Args:
        max_slices: 1 to 16.
        max_resources: 1 to 8.
        laws: names of arrival and holding laws to choose from, in one collection; without any
            arrival law it is Poisson, without any holding law exponential.
        patience_laws: names of patience laws to choose from.
    """
    num_resources = draw(st.integers(1, max_resources))
    capacity = {f"resource_{index}": draw(amounts) for index in range(num_resources)}
    num_slices = draw(st.integers(1, max_slices))
    period_s = draw(durations_s)
    return AdmissionScenario(
        name="drawn",
        capacity=capacity,
        slices=tuple(
            draw(slices(f"slice_{index}", capacity, laws, period_s)) for index in range(num_slices)
        ),
        horizon_s=draw(horizons_s),
        patience_law=draw(st.sampled_from(sorted(patience_laws))),
    )


@st.composite
def request_rows(
    draw: DrawFn, slice_names: tuple[str, ...], last_s: float, max_requests: int = 60
) -> list[tuple[float, str, float]]:
    """Rows (arrival_s, slice, holding_s) of a request trace: in order, some at the same time."""
    arrivals = draw(
        st.lists(
            st.integers(0, int(last_s)).map(float) | st.floats(0.0, last_s, exclude_max=True),
            min_size=1,
            max_size=max_requests,
        )
    )
    arrivals = sorted(min(arrival, last_s * 0.999) for arrival in arrivals)
    return [
        (arrival, draw(st.sampled_from(slice_names)), draw(durations_s)) for arrival in arrivals
    ]


def write_requests(path: Path, rows: list[tuple[float, str, float]]) -> None:
    """Write rows (arrival_s, slice, holding_s) as the CSV file that `read_requests` reads."""
    lines = [f"{arrival_s!r},{name},{holding_s!r}\n" for arrival_s, name, holding_s in rows]
    path.write_text("arrival_s,slice,holding_s\n" + "".join(lines), "utf-8")


@st.composite
def replayed_scenarios(
    draw: DrawFn, folder: Path, max_slices: int = 4, max_resources: int = 3
) -> AdmissionScenario:
    """Scenarios that replay a trace drawn with them and written into the folder.

    Args:
        folder: where the trace files go, such as a session's temporary directory.
        max_slices: 1 to 16.
        max_resources: 1 to 8.
    """
    scenario = draw(admission_scenarios(max_slices, max_resources, laws=()))
    last_s = draw(st.sampled_from((2.0, 20.0)) | st.floats(2.0, 80.0))
    rows = draw(request_rows(scenario.slice_names, last_s))
    # Named by its content: the same draw always finds the same file.
    path = folder / f"{hashlib.sha256(repr(rows).encode()).hexdigest()[:16]}.csv"
    write_requests(path, rows)
    period_s = draw(st.none() | durations_s)
    return scenario.replace(trace=Trace(path=str(path), last_s=last_s, period_s=period_s))
