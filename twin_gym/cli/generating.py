"""`twin-gym scenario generate`: networks that may come, as scenario files."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version as version_of
from pathlib import Path

import numpy as np

from twin_gym.cli.answering import deliver
from twin_gym.cli.console import messages, output
from twin_gym.cli.foretelling import foretell
from twin_gym.cli.generators import Choice, make_generator
from twin_gym.cli.lived_history import Background, Wanted, read_history
from twin_gym.cli.origin import with_origin
from twin_gym.cli.twin_table import Delivery, as_document, show
from twin_gym.errors import ConfigError
from twin_gym.files.places import check_folder
from twin_gym.files.whole import write_text
from twin_gym.scenario import Scenario
from twin_gym.scenario.objective import Demand, KpiObjective
from twin_gym.scenario.toml import to_toml
from twin_gym.twins.scenarios import Criteria, GenerationError, Generator, HybridGenerator

_OF_CHECKS = 1  # beside the seed: checks draw from a generator of their own
_MOST_LISTED = 20


@dataclass(frozen=True)
class Order:
    """What the user asked for; see the options of the command."""

    history: Sequence[Path]
    output: Path
    generator: str = "hybrid"
    count: int = 8
    seed: int = 0
    scenario: str | None = None
    parameters: Sequence[str] | None = None
    window_s: float | None = None
    episodes: Sequence[int] | None = None
    uses_now: bool = True
    devices: int | None = None
    latency_s: float | None = None
    accuracy: float | None = None
    gan: Path | None = None
    steps: int | None = None
    model: str | None = None
    url: str | None = None
    name: str = "twin"
    overwrites: bool = False
    as_json: bool = False


def run(order: Order) -> None:
    """Generates, writes and prints; where anything fails, no file is written.

    Args:
        order: the options.

    Raises:
        TwinGymError: if a name, a path or a value is not valid, a generator fails, or a file cannot
            be written.
    """
    choice = Choice(order.generator, order.seed, order.gan, order.steps, order.model, order.url)
    _check_target(order)
    criteria = _criteria(order)
    background = _background(order)
    _remark(criteria, background)
    generator = make_generator(choice, background.lived)
    made = _generated(order, criteria, background, generator)
    checks = np.random.default_rng([order.seed, _OF_CHECKS])
    delivery = Delivery(
        generator=order.generator,
        seed=order.seed,
        criteria=criteria,
        background=background,
        foretelling=foretell(generator, background.lived, checks),
        rejections=_rejections(generator),
        twins=made,
        files=[order.output / f"{one.name}.toml" for one in made],
    )
    deliver(lambda: _print(order, delivery), lambda: _write(order, delivery))


def _print(order: Order, delivery: Delivery) -> None:
    if order.as_json:
        text = json.dumps(as_document(delivery), indent=1, allow_nan=False)
        output().print(text, soft_wrap=True, markup=False)
        return
    show(delivery)
    _say_rejections(delivery.rejections)


def _criteria(order: Order) -> Criteria:
    demand = Demand(
        num_devices=order.devices, latency_s=order.latency_s, accuracy=order.accuracy
    )  # fmt: skip
    return Criteria(KpiObjective(demand=demand), order.name)


def _background(order: Order) -> Background:
    """History and present, once the names of the twins and what is known now are found to do."""
    wanted = Wanted(
        order.scenario, order.parameters, order.window_s, order.episodes, order.uses_now
    )
    found = read_history(order.history, wanted)
    found.lived.space.base.replace(name=f"{order.name}-{order.count - 1}")  # refuses bad names
    if found.now is None and order.generator == HybridGenerator.name:
        raise ConfigError(
            "the generator 'hybrid' starts from what is known now: leave --no-now out, or take "
            "'historical'"
        )
    return found


def _check_target(order: Order) -> None:
    """Refuses a folder that cannot receive the twins, before anything is computed."""
    check_folder(order.output, with_parents=False)
    there = _earlier(order)
    if there and not order.overwrites:
        raise ConfigError(
            f"folder {str(order.output)!r} has {there[0].name!r}: give another folder or --name, "
            "or --force to replace it"
        )


def _earlier(order: Order) -> list[Path]:
    """Twins of this name that are in the folder."""
    ours = re.compile(re.escape(order.name) + r"-\d+\.toml")
    found = order.output.iterdir() if order.output.is_dir() else ()
    return sorted(path for path in found if ours.fullmatch(path.name))


def _remark(criteria: Criteria, background: Background) -> None:
    """Says which demands this kind of network cannot be held to."""
    space = background.lived.space
    for option, asked in (
        ("--devices", Demand(num_devices=criteria.objective.demand.num_devices)),
        ("--latency-s", Demand(latency_s=criteria.objective.demand.latency_s)),
    ):
        alone = replace(criteria, objective=KpiObjective(demand=asked))
        if asked != Demand() and not np.isfinite(alone.bounds(space)).any():
            messages().print(
                f"{option} bounds none of the parameters that vary; it sets priorities alone",
                markup=False,
            )


def _generated(
    order: Order, criteria: Criteria, background: Background, generator: Generator
) -> list[Scenario]:
    """The twins, with the seed in their provenance."""
    rng = np.random.default_rng(order.seed)
    with messages().status("generating"):
        try:
            made = generator.generate(criteria, background.lived, background.now, order.count, rng)
        except GenerationError:
            _say_rejections(_rejections(generator))
            raise
    how = f"Made with seed {order.seed} by `twin-gym scenario generate` {version_of('twin-gym')}."
    return [with_origin(one, after=how) for one in made]


def _rejections(generator: Generator) -> list[str]:
    found = getattr(generator, "rejections", ())
    return [f"request {one.request}: {one.reason}" for one in found]


def _say_rejections(lines: Sequence[str]) -> None:
    if lines:
        messages().print(f"refused answers of the model: {len(lines)}", markup=False)
    for line in lines[:_MOST_LISTED]:
        messages().print(f"  {line}", markup=False)
    if len(lines) > _MOST_LISTED:
        messages().print(f"  and {len(lines) - _MOST_LISTED} more", markup=False)


def _write(order: Order, delivery: Delivery) -> None:
    """All files, written aside first and then put in place."""
    target, twins = order.output, delivery.twins
    place = target if target.is_dir() else target.parent
    with tempfile.TemporaryDirectory(prefix=".aside-", dir=place) as aside:
        for one in twins:
            write_text(Path(aside) / f"{one.name}.toml", to_toml(one))
        _check_target(order)  # another command may have written there meanwhile
        target.mkdir(exist_ok=True)
        for one in twins:
            (Path(aside) / f"{one.name}.toml").replace(target / f"{one.name}.toml")
    older = set(_earlier(order)) - set(delivery.files)
    if older:
        messages().print(
            f"{len(older)} twins of this name that were there before stay: {min(older).name!r} "
            "and so on",
            markup=False,
        )
    if not order.as_json:
        first, last = delivery.files[0], delivery.files[-1]
        to = "" if first == last else f" to {last.name}"
        output().print(f"\nWritten: {first.name}{to} in {target}.", markup=False)
