"""Where does a GAN help a policy twin, and does asking the policy help more?

Tao et al., Wireless Network Digital Twin for 6G, IEEE Wireless Communications 31(4), 2024, section
IV-B, augment a short log by pairs that a GAN makes up. Each regime here is one in which it could
pay: 30 or 100 decisions, a default policy that draws a fifth of its decisions, and the logs of two
operators mixed. Compared are the clone of the log alone, with as many pairs of the GAN, and with as
many feasible states in which the policy was asked (`twin_gym.twins.query`).

`python -m benchmarks.experiments.augmentation` can be stopped and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.experiments.blocks import Cell, Measured, Values, over_blocks
from benchmarks.experiments.command import Asked, Page, experiment
from twin_gym.policies import Policy, evaluate, make_policy
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load
from twin_gym.twins import (
    DecisionLog,
    Exploring,
    clone,
    query,
    record,
    synthesise,
    train_generator,
)

SCENARIO, DEFAULT, OTHER = "contention", "density", "fifo"
HORIZON_S = 40.0
TESTED_STATES = 2_000
RANDOM_SHARE = 0.2

CLONE, GAN, ASKED = "clone", "with the GAN", "with answers"
METHODS = (CLONE, GAN, ASKED)
REGIMES: dict[str, tuple[int, str]] = {
    "30 decisions": (30, "plain"),
    "100 decisions": (100, "plain"),
    "100 decisions, a fifth of them random": (100, "random"),
    "100 decisions of two operators": (100, "mixed"),
}
"""By name: decisions in the log, and of whom."""

NAMES = ("return", "own", "feasible")


def log_of(scenario: Scenario, decisions: int, source: str, seed: int) -> DecisionLog:
    """The log of a regime.

    Args:
        scenario: that was logged.
        decisions: how many.
        source: `plain`, `random` or `mixed`.
        seed: of the worlds.

    Returns:
        The log; of two operators, half each.
    """
    policy: Policy = make_policy(DEFAULT, scenario)
    if source == "random":
        return record(Exploring(policy, RANDOM_SHARE), scenario, decisions, seed=seed)
    if source == "plain":
        return record(policy, scenario, decisions, seed=seed)
    half = decisions // 2
    first = record(policy, scenario, half, seed=seed)
    second = record(make_policy(OTHER, scenario), scenario, decisions - half, seed=seed + 500_000)
    return replace(
        first,
        observations=np.concatenate([first.observations, second.observations]),
        masks=np.concatenate([first.masks, second.masks]),
        actions=np.concatenate([first.actions, second.actions]),
        networks=np.concatenate([first.networks, second.networks + 1]),
        policy=f"{DEFAULT}+{OTHER}",
    )


def more_decisions(
    method: str, log: DecisionLog, scenario: Scenario, seed: int
) -> DecisionLog | None:
    """What a method adds to a log, as much again; None: nothing."""
    if method == GAN:
        made = train_generator(log, scenario, seed=seed)
        return synthesise(made, log, scenario, len(log), seed=seed)
    if method == ASKED:
        policy = make_policy(DEFAULT, scenario)
        return query(policy, scenario, len(log), seed, states="feasible")
    return None


def _measure(cell: Cell, method: str, decisions: int, source: str) -> Values:
    """Return over that of the default policy, and how often the twin decides as it does."""
    default = make_policy(DEFAULT, cell.scenario)
    values: dict[str, list[float]] = {name: [] for name in NAMES}
    for at, block in enumerate(cell.blocks):
        worlds = cell.seeds[at * cell.worlds : (at + 1) * cell.worlds]
        log = log_of(cell.scenario, decisions, source, block)
        added = more_decisions(method, log, cell.scenario, block)
        twin = clone(log, cell.scenario, synthetic=added, seed=block)
        earned, usual = (
            evaluate(one, cell.scenario, worlds).returns.mean() for one in (twin, default)
        )
        values["return"].append(float(earned / usual))
        for name in ("own", "feasible"):
            states = query(
                default, cell.scenario, TESTED_STATES, 10_000 + block,
                states="feasible" if name == "feasible" else "visited", random_share=0.0,
            )  # fmt: skip
            answers = twin.actions(states.observations, states.masks)
            values[name].append(float((answers == states.actions).mean()))
    return values


def cells(asked: Asked) -> list[Cell]:
    """One measurement for each regime, method and block."""
    scenario = load(SCENARIO).replace(horizon_s=HORIZON_S)
    regimes = dict(list(REGIMES.items())[:1]) if asked.quick else REGIMES
    return [
        Cell(
            f"{regime}: {method}", scenario, (block,), asked.worlds,
            partial(_measure, method=method, decisions=decisions, source=source),
        )
        for regime, (decisions, source) in regimes.items()
        for block in range(asked.seeds)
        for method in METHODS
    ]  # fmt: skip


def page(asked: Asked, measured: Sequence[Measured]) -> Page:
    """A table a measure, and the difference of each method to the clone of the log alone."""
    by_label = {one.label: one for one in measured}
    head = "| log | method | return over that of the default | against the clone | own states | "
    lines = [head + "feasible states |", "|---|---|---|---|---|---|"]
    for regime in REGIMES:
        for method in METHODS:
            row = by_label.get(f"{regime}: {method}")
            if row is None:
                continue
            gain = row.values["return"] - by_label[f"{regime}: {CLONE}"].values["return"]
            against = "" if method == CLONE else f"{over_blocks(gain):+.3f}"
            cells_ = [regime, method, f"{row.interval('return'):.3f}", against]
            cells_ += [f"{row.interval(name):.3f}" for name in ("own", "feasible")]
            lines.append("| " + " | ".join(cells_) + " |")
    text = "\n\n".join([
        "# Augmenting a short log: made up, or asked for",
        (__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[0],
        f"`python -m benchmarks.experiments.{asked.command}`: mean over {asked.seeds} seeds (a "
        f"log, a GAN, a clone and {asked.worlds} worlds of {HORIZON_S:g} s each) with Student's "
        f"95 % interval; differences are paired. Scenario `{SCENARIO}`, default policy "
        f"`{DEFAULT}`. Own states are those to which the default policy leads, feasible ones are "
        "drawn evenly.",
        "\n".join(lines),
    ])  # fmt: skip
    return Page(text + "\n", {})


app = experiment("augmentation", __doc__, cells, page, seeds=20, worlds=8, trains=False)

if __name__ == "__main__":
    app()
