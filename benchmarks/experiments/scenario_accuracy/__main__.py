"""How accurate is a generated scenario after so many rounds of twinning (paper A, Fig. 3)?

Duran et al., arXiv:2411.14222, 2024, section IV, Fig. 3: scenario accuracy over twelve rounds at a
twinning rate of 0.8, by history alone (H), with the real-time twin (H+R), and with generative
models too (H+R+GAI). Accuracy has no formula there; here it is the share of entities of which every
attribute is within 5 % of its range of what the physical network is next (equal, if it has two
states only). In a round about a tenth of the entities is asked, and each update arrives with
probability 0.8.

`python -m benchmarks.experiments.scenario_accuracy` changes simulated and measured networks (the
latter need TWIN_GYM_DATA), lets the real-time twin catch up, and judges what is generated before
and after each round: when the network stays as it is after its change, and when it moves on. It can
be stopped and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, NamedTuple

import typer

from benchmarks.experiments.blocks import Cell, Measured, measure_with_bar
from benchmarks.experiments.pages import (
    Again,
    Kept,
    Out,
    Quick,
    Seeds,
    places,
    publish,
    show_and_keep,
)
from benchmarks.experiments.scenario_accuracy import measuring
from benchmarks.experiments.scenario_accuracy.forecasts import ROWS, SHARE_DELIVERED
from benchmarks.experiments.scenario_accuracy.measuring import READINGS, TOLERANCE, Protocol
from benchmarks.experiments.scenario_accuracy.page import draw, page
from benchmarks.experiments.scenario_accuracy.panels import Source, measured, simulated
from benchmarks.experiments.scenario_accuracy.rounds import SHARE, TWINNING_RATE
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.errors import ConfigError, MissingExtraError
from twin_gym.scenario.loading import load
from twin_gym.twins.scenarios.gan_training import ScenarioGanSettings

NAME = "scenario_accuracy"
QUICK_GAN = ScenarioGanSettings(max_steps=60, check_every=30, width=16)

app = typer.Typer(add_completion=False, help=__doc__)


class Network(NamedTuple):
    """A network that is measured.

    Attributes:
        name: of the row.
        preset: to which it belongs.
        source: gives, of a block and a number of changes, its panel and the changes.
        changes: of each block.
        gan: settings of the training.
    """

    name: str
    preset: str
    source: Callable[[int, int], Source]
    changes: int
    gan: ScenarioGanSettings


def networks(*, quick: bool) -> list[Network]:
    """The networks that are measured, the slowest last."""
    if quick:
        source = partial(simulated, "sync-small", 80)
        return [Network("sync-small", "sync-small", source, 4, QUICK_GAN)]
    gan = partial(ScenarioGanSettings, check_every=250, patience=8, noise_size=32)
    simulated_ = (("sync-small", 1_000, 16, 1_500, 64), ("sync-medium", 1_000, 4, 1_000, 128),
                  ("sync-large", 400, 1, 500, 128))  # fmt: skip
    measured_ = (("air-sensors", "sync-beijing", 8, 2_000),
                 ("air-stations", "sync-beijing", 8, 2_000),
                 ("lorawan", "sync-campusiot", 16, 1_000))  # fmt: skip
    small, *larger = [
        Network(name, name, partial(simulated, name, windows), changes,
                gan(max_steps=steps, width=width))
        for name, windows, changes, steps, width in simulated_
    ]  # fmt: skip
    real = [
        Network(name, preset, partial(measured, name), changes, gan(max_steps=steps, width=128))
        for name, preset, changes, steps in measured_
    ]
    return [small, *real, *larger]


def is_there(network: Network) -> bool:
    """Whether its data can be read."""
    try:
        network.source(0, 1)
    except (ConfigError, MissingExtraError):
        return False
    return True


def cells(
    networks_: Sequence[Network], seeds: int, share: float, rate: float, tolerance: float
) -> list[Cell]:
    """One measurement a network and block."""
    made = []
    for network in networks_:
        protocol = Protocol(share, rate, tolerance, network.gan)
        measure = partial(_measure, network=network, protocol=protocol)
        scenario = load(network.preset, SyncScenario)
        made += [
            Cell(network.name, scenario, (block,), network.changes, measure, protocol.description)
            for block in range(seeds)
        ]
    return made


def _measure(cell: Cell, network: Network, protocol: Protocol) -> measuring.Values:
    block = cell.blocks[0]
    source = network.source(block, cell.worlds)
    gan = measuring.train(source.panel, protocol.gan, block)
    return measuring.block_of(source, gan, protocol, block)


def by_row(points: Sequence[Measured]) -> list[Measured]:
    """An entry for each reading, row and round, labelled "reading: row", with x the round."""
    entries: dict[tuple[str, str, str, int], Measured] = {}
    for one in points:
        for name, values in one.values.items():
            reading, row, round_, measure = name.split("|")
            place = one.label, reading, row, int(round_)
            entry = Measured(f"{reading}: {row}", one.label, float(round_), {})
            entries.setdefault(place, entry).values[measure] = values
    order = [(reading, row) for reading in READINGS for row in (*ROWS, SHARE_DELIVERED)]
    networks_ = list(dict.fromkeys(one.label for one in points))
    ranked = sorted(entries, key=lambda k: (networks_.index(k[0]), order.index(k[1:3]), k[3]))
    return [entries[place] for place in ranked]


def _left_out(known: Sequence[Network], asked: Sequence[Network], taken: Sequence[Network]) -> str:
    """The sentence that says which networks the page leaves out, and why."""
    not_asked = [one.name for one in known if one not in asked]
    not_there = [one.name for one in asked if one not in taken]
    parts = [
        f"Not asked for in this run: {', '.join(not_asked)}." if not_asked else "",
        f"Left out, for their data were not there: {', '.join(not_there)}." if not_there else "",
    ]
    return " ".join(part for part in parts if part)


@app.command(cls=ErrorReportingCommand)
def main(
    seeds: Seeds = 5,
    quick: Quick = False,
    share: Annotated[float, typer.Option(help="Of the entities asked in a round.")] = SHARE,
    rate: Annotated[
        float, typer.Option(help="Probability that an update arrives.")
    ] = TWINNING_RATE,
    tolerance: Annotated[float, typer.Option(help="Share of an attribute's range.")] = TOLERANCE,
    only: Annotated[
        list[str] | None, typer.Option(help="Of these networks alone; may be repeated.")
    ] = None,
    again: Again = False,
    out: Out = None,
    kept: Kept = None,
) -> None:
    """Measures what is not measured yet, and writes JSON, PNG and a Markdown page."""
    folder, file = places(NAME, out, kept, quick=quick, again=again)
    seeds = min(seeds, 2) if quick else seeds
    known = networks(quick=quick)
    asked = [one for one in known if not only or one.name in only]
    unknown = set(only or []) - {one.name for one in known}
    if unknown:
        raise typer.BadParameter(f"no network {sorted(unknown)}; {[one.name for one in known]}")
    available = [one for one in asked if is_there(one)]
    points = by_row(measure_with_bar(cells(available, seeds, share, rate, tolerance), file))
    titles = {one.name: one.source(0, 1).panel.title for one in available}
    command = f"{NAME} --seeds {seeds} --share {share:g} --rate {rate:g} --tolerance {tolerance:g}"
    command += "".join(f" --only {name}" for name in only or [])
    text = page(points, titles, _left_out(known, asked, available), __doc__ or "", command)
    show_and_keep(
        text,
        lambda: publish(folder, NAME, text, points),
        lambda: draw(folder / f"{NAME}.png", points, titles),
    )


if __name__ == "__main__":
    app()
