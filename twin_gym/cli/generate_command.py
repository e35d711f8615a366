"""`twin-gym scenario generate`: writes scenario twins to files."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version as version_of
from pathlib import Path

import numpy as np

from twin_gym.cli.backtest import run_backtest
from twin_gym.cli.generation_report import GenerationReport, as_document, print_report
from twin_gym.cli.generators import GeneratorOptions, make_generator
from twin_gym.cli.history_input import GeneratorInputs, HistoryOptions, read_history
from twin_gym.cli.provenance import with_provenance
from twin_gym.console.error_reporting import deliver
from twin_gym.console.printing import messages, output
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
class GenerateOptions:
    """The options of the command."""

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


def run(options: GenerateOptions) -> None:
    """Generates, prints and writes scenario twins; writes no file if anything fails.

    Args:
        options: the options.

    Raises:
        TwinGymError: if a name, a path or a value is not valid, a generator fails, or a file cannot
            be written.
    """
    generator_options = GeneratorOptions(
        options.generator, options.seed, options.gan, options.steps, options.model, options.url
    )
    _check_target(options)
    criteria = _criteria(options)
    inputs = _inputs(options)
    _remark(criteria, inputs)
    generator = make_generator(generator_options, inputs.history)
    made = _generated(options, criteria, inputs, generator)
    checks = np.random.default_rng([options.seed, _OF_CHECKS])
    report = GenerationReport(
        generator=options.generator,
        seed=options.seed,
        criteria=criteria,
        inputs=inputs,
        foretelling=run_backtest(generator, inputs.history, checks),
        rejections=_rejections(generator),
        twins=made,
        files=[options.output / f"{one.name}.toml" for one in made],
    )
    deliver(lambda: _print(options, report), lambda: _write(options, report))


def _print(options: GenerateOptions, report: GenerationReport) -> None:
    if options.as_json:
        text = json.dumps(as_document(report), indent=1, allow_nan=False)
        output().print(text, soft_wrap=True, markup=False)
        return
    print_report(report)
    _say_rejections(report.rejections)


def _criteria(options: GenerateOptions) -> Criteria:
    demand = Demand(
        num_devices=options.devices, latency_s=options.latency_s, accuracy=options.accuracy
    )  # fmt: skip
    return Criteria(KpiObjective(demand=demand), options.name)


def _inputs(options: GenerateOptions) -> GeneratorInputs:
    """History and current state; checks the twins' names and the generator's inputs first."""
    history_options = HistoryOptions(
        options.scenario, options.parameters, options.window_s, options.episodes, options.uses_now
    )
    inputs = read_history(options.history, history_options)
    inputs.history.space.base.replace(
        name=f"{options.name}-{options.count - 1}"
    )  # refuses bad names
    if inputs.now is None and options.generator == HybridGenerator.name:
        raise ConfigError(
            "the generator 'hybrid' starts from the current state: leave --no-now out, or use "
            "--generator historical"
        )
    return inputs


def _check_target(options: GenerateOptions) -> None:
    """Checks before any computation that the folder can receive the twins."""
    check_folder(options.output, with_parents=False)
    there = _earlier(options)
    if there and not options.overwrites:
        raise ConfigError(
            f"folder {str(options.output)!r} already has {there[0].name!r}: give another folder or "
            "--name, or replace it with --force"
        )


def _earlier(options: GenerateOptions) -> list[Path]:
    """Existing twins of this name in the folder."""
    ours = re.compile(re.escape(options.name) + r"-\d+\.toml")
    paths = options.output.iterdir() if options.output.is_dir() else ()
    return sorted(path for path in paths if ours.fullmatch(path.name))


def _remark(criteria: Criteria, inputs: GeneratorInputs) -> None:
    """Reports demands that do not restrict any parameter."""
    space = inputs.history.space
    for option, asked in (
        ("--devices", Demand(num_devices=criteria.objective.demand.num_devices)),
        ("--latency-s", Demand(latency_s=criteria.objective.demand.latency_s)),
    ):
        alone = replace(criteria, objective=KpiObjective(demand=asked))
        if asked != Demand() and not np.isfinite(alone.bounds(space)).any():
            messages().print(
                f"{option} restricts none of the parameters that vary; it only sets priorities",
                markup=False,
            )


def _generated(
    options: GenerateOptions, criteria: Criteria, inputs: GeneratorInputs, generator: Generator
) -> list[Scenario]:
    """Generates the twins and adds the seed to their provenance."""
    rng = np.random.default_rng(options.seed)
    with messages().status("generating"):
        try:
            made = generator.generate(criteria, inputs.history, inputs.now, options.count, rng)
        except GenerationError:
            _say_rejections(_rejections(generator))
            raise
    how = f"Made with seed {options.seed} by `twin-gym scenario generate` {version_of('twin-gym')}."
    return [with_provenance(one, after=how) for one in made]


def _rejections(generator: Generator) -> list[str]:
    rejections = getattr(generator, "rejections", ())
    return [f"request {one.request}: {one.reason}" for one in rejections]


def _say_rejections(lines: Sequence[str]) -> None:
    if lines:
        messages().print(f"rejected answers of the model: {len(lines)}", markup=False)
    for line in lines[:_MOST_LISTED]:
        messages().print(f"  {line}", markup=False)
    if len(lines) > _MOST_LISTED:
        messages().print(f"  and {len(lines) - _MOST_LISTED} more", markup=False)


def _write(options: GenerateOptions, report: GenerationReport) -> None:
    """Writes all files to a temporary folder, then moves them to their place."""
    target, twins = options.output, report.twins
    place = target if target.is_dir() else target.parent
    with tempfile.TemporaryDirectory(prefix=".aside-", dir=place) as aside:
        for one in twins:
            write_text(Path(aside) / f"{one.name}.toml", to_toml(one))
        _check_target(options)  # another command may have written there meanwhile
        target.mkdir(exist_ok=True)
        for one in twins:
            (Path(aside) / f"{one.name}.toml").replace(target / f"{one.name}.toml")
    older = set(_earlier(options)) - set(report.files)
    if older:
        messages().print(
            f"{len(older)} older twins of this name remain: {min(older).name!r} and so on",
            markup=False,
        )
    if not options.as_json:
        first, last = report.files[0], report.files[-1]
        to = "" if first == last else f" to {last.name}"
        output().print(f"\nWritten: {first.name}{to} in {target}.", markup=False)
