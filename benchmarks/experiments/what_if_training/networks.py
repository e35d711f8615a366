"""The networks that were, the one that comes, and what is fitted to the former alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.environments.slice_admission.fit import (
    DAY_S,
    FIRST_S,
    LAST_S,
    TRACE_PATH,
    calibrated,
    fit_slice,
    read_window,
    replayed,
)
from twin_gym.environments.slice_admission.replay import load_trace
from twin_gym.environments.slice_admission.request_windows import history_from_requests
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.scenario import Poisson, RequestTrace, Schedule, Trace
from twin_gym.scenario.changes import path_of
from twin_gym.scenario.loading import load
from twin_gym.twins.scenarios import ParameterHistory, ParameterSpace

HISTORY_DAYS = 20
"""Of the 29 days of the trace; the nine after them are what comes."""

PHASE_S = 100.0
"""The rates of `shift` swap so long after its beginning."""
SHIFT_WINDOW_S = 25.0
EPISODES_BEFORE = 10
"""Of `shift` that have been lived."""

_SEED_OF_HISTORY = 20_263


@dataclass(frozen=True)
class Case:
    """One question: a past, and the network that comes.

    Attributes:
        name: of the case, in file names.
        title: of its section.
        history: what was, as a network to train on.
        base: one network fitted to all of the past; twins differ from it in their rates and mean
            holding times.
        lived: the windows of the past.
        later: the network that comes, which nothing is fitted to.
    """

    name: str
    title: str
    history: AdmissionScenario
    base: AdmissionScenario
    lived: ParameterHistory
    later: AdmissionScenario


def service_case() -> Case:
    """The real trace: its first 20 days are history, its last nine come.

    Raises:
        ConfigError: if TWIN_GYM_DATA is not set.
    """
    data = os.environ.get("TWIN_GYM_DATA")
    if not data:
        raise ConfigError(
            "the trace is needed: set TWIN_GYM_DATA to the directory of the traces, or name other "
            "cases with --case"
        )
    split_s = FIRST_S + HISTORY_DAYS * DAY_S
    pods = read_window(Path(data) / TRACE_PATH, FIRST_S, split_s)
    fits = {name: fit_slice(own, duration_s=split_s - FIRST_S) for name, own in pods.items()}
    base = calibrated(fits).replace(name="service-first")
    history = _part(replayed(fits), "service-history", FIRST_S, split_s)
    later = _part(replayed(fits), "service-later", split_s, LAST_S)
    requests = load_trace(_trace(history), history.slice_names)
    lived = history_from_requests(_space(base), requests, DAY_S)
    return Case("service", "`service-trace`: the last nine days", history, base, lived, later)


def unforeseen_case() -> Case:
    """`shift` before its first swap: the history has the windows before it alone."""
    before, after = phases()
    requests = drawn_requests(
        [before] * EPISODES_BEFORE, PHASE_S, np.random.default_rng(_SEED_OF_HISTORY)
    )
    base = fitted(before, requests, "before")
    lived = history_from_requests(_space(base), requests, SHIFT_WINDOW_S)
    title = "`shift`, unforeseen: the rates swap for the first time"
    return Case("unforeseen", title, base, base, lived, after)


def seen_case() -> Case:
    """`shift` after whole earlier episodes; now is just before the swap of the next one."""
    before, after = phases()
    phases_lived = [before, after] * EPISODES_BEFORE + [before]
    requests = drawn_requests(phases_lived, PHASE_S, np.random.default_rng(_SEED_OF_HISTORY))
    base = fitted(before, requests, "mean")
    lived = history_from_requests(_space(base), requests, SHIFT_WINDOW_S)
    shift = load("shift", AdmissionScenario)
    title = "`shift`, seen before: the next swap"
    return Case("seen", title, shift, base, lived, after)


def phases() -> tuple[AdmissionScenario, AdmissionScenario]:
    """`shift` before and after its swap, each as a network of its own."""
    shift = load("shift", AdmissionScenario)
    halves = []
    for phase, name in enumerate(("before", "after")):
        slices = [
            one.replace(
                arrival=Poisson(),
                arrival_rate_hz=one.arrival_rate_hz * one.arrival.relative_rates()[phase],
            )
            if isinstance(one.arrival, Schedule)
            else one
            for one in shift.slices
        ]
        halves.append(shift.replace(name=name, slices=tuple(slices)))
    return halves[0], halves[1]


def drawn_requests(
    networks: list[AdmissionScenario], each_s: float, rng: np.random.Generator
) -> RequestTrace:
    """Requests of Poisson networks that follow one another.

    Args:
        networks: with Poisson arrivals and exponential holding times.
        each_s: how long each of them lasts.
        rng: of the draws.

    Returns:
        All requests, in order of arrival.
    """
    arrivals, holdings, owners = [], [], []
    for place, network in enumerate(networks):
        for one in network.slices:
            count = rng.poisson(one.arrival_rate_hz * each_s)
            arrivals.append(each_s * (place + rng.random(count)))
            holdings.append(rng.exponential(one.mean_holding_time_s, count))
            owners += [one.name] * count
    arrival_s = np.concatenate(arrivals)
    order = np.argsort(arrival_s)
    return RequestTrace(
        arrival_s[order], np.concatenate(holdings)[order], np.array(owners)[order],
        each_s * len(networks),
    )  # fmt: skip


def fitted(like: AdmissionScenario, requests: RequestTrace, name: str) -> AdmissionScenario:
    """A network with the rates and mean holding times of all requests, otherwise like another."""
    slices = []
    for one in like.slices:
        mine = requests.slice_names == one.name
        rate_hz = float(f"{mine.sum() / requests.duration_s:.5g}")
        holding_s = float(f"{requests.holding_s[mine].mean():.5g}")
        slices.append(one.replace(arrival_rate_hz=rate_hz, mean_holding_time_s=holding_s))
    return like.replace(name=name, slices=tuple(slices))


def _space(base: AdmissionScenario) -> ParameterSpace:
    fields = ("arrival_rate_hz", "mean_holding_time_s")
    paths = [path_of("slices", name, field) for field in fields for name in base.slice_names]
    return ParameterSpace.of(base, paths)


def _part(
    network: AdmissionScenario, name: str, first_s: float, last_s: float
) -> AdmissionScenario:
    trace = _trace(network).replace(first_s=first_s, last_s=last_s)
    return network.replace(name=name, trace=trace)


def _trace(network: AdmissionScenario) -> Trace:
    if network.trace is None:
        raise ConfigError(f"{network.name!r} replays nothing")
    return network.trace
