"""`python -m benchmarks.throughput`: measures, shows tables, and keeps the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.environments import facet
from benchmarks.throughput import growth, tables
from benchmarks.throughput.slotted import slotted_lines
from benchmarks.throughput.timing import Line, load_average, machine
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.console.printing import output, table
from twin_gym.environments.kinds import kind_names
from twin_gym.errors import unknown_name
from twin_gym.files.places import check_file

RESULT = Path(__file__).parents[1] / "results" / "throughput.json"
QUICK = 0.1
GROWTH = "growth"

app = typer.Typer(add_completion=False)


@app.command(cls=ErrorReportingCommand)
def main(
    quick: Annotated[bool, typer.Option(help="a tenth of the steps; kept only with --result")] = (
        False
    ),
    only: Annotated[
        list[str] | None, typer.Option(help="a kind of scenario, or growth; may be repeated")
    ] = None,
    result: Annotated[Path | None, typer.Option(help="JSON file of the figures")] = None,
) -> None:
    """Measures, shows tables, and writes the figures as JSON and Markdown.

    Parts that are not measured stay in the files as they were.
    """
    parts = (*lines_by_kind(), GROWTH)
    chosen = only or list(parts)
    for name in chosen:
        if name not in parts:
            message = str(unknown_name("part", name, parts))
            raise typer.BadParameter(message, param_hint="--only")
    path = result or (None if quick else RESULT)
    if path is not None:
        check_file(path, [".json"], makes_folder=True)
        tables.kept(path)  # refuses before the work what cannot be added to
    console, scale = output(), QUICK if quick else 1.0
    console.print(machine())
    for name in parts:
        if name not in chosen:
            continue
        about = {"machine": machine(), "load_average_at_start": load_average()}
        measure = measured_growth if name == GROWTH else partial(measured_lines, name=name)
        for record in measure(console, scale):
            if path is not None:
                keep(path, name, about | record)


def lines_by_kind() -> dict[str, Callable[[float], Iterator[Line]]]:
    """The functions that measure the speed of each environment that provides one."""
    lines: dict[str, Callable[[float], Iterator[Line]]] = {}
    for kind in kind_names():
        own, subject = facet(kind, "speed_lines", None), facet(kind, "subject", None)
        if own or subject:
            lines[kind] = own or partial(slotted_lines, subject)
    return lines


def keep(path: Path, name: str, part: dict[str, Any]) -> None:
    """Puts a part, as far as it has been measured, in its place in the files."""
    record = tables.kept(path)
    record["parts"][name] = part
    record["parts"] = {
        key: record["parts"][key] for key in (*lines_by_kind(), GROWTH) if key in record["parts"]
    }
    tables.write(path, record)
    if "points" in part:
        points = [growth.Point(**one) for one in part["points"]]
        growth.draw(points, path.with_name(f"{path.stem}_growth.png"))


def measured_lines(console: Console, scale: float, name: str) -> Iterator[dict[str, Any]]:
    """The lines of one environment so far, shown as they come; the table at the end."""
    lines: list[Line] = []
    for line in lines_by_kind()[name](scale):
        lines.append(line)
        console.print(f"{line.what}: {tables.format_value(line)} {line.unit}", highlight=False)
        yield {"lines": [asdict(one) for one in lines]}
    made = table(f"{name}, per core-second", ["what", "median", "unit", "aim"], wrapped=2)
    for line in lines:
        made.add_row(line.what, tables.format_value(line), line.unit, line.target)
    console.print(made)


def measured_growth(console: Console, scale: float) -> Iterator[dict[str, Any]]:
    """The costs by the size of the network so far, shown as they come."""
    points: list[growth.Point] = []
    for one in growth.points(scale):
        points.append(one)
        console.print(f"{one.kind}, {one.size:,}: {one.cost_s * 1e6:.2f} µs", highlight=False)
        yield {"points": [asdict(point) for point in points], "exponents": growth.exponents(points)}


if __name__ == "__main__":
    app()
