"""The record of the measurements: a JSON file, and a page made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.throughput.growth import NUM_ROWS, growths
from benchmarks.throughput.timing import METHOD, Line
from twin_gym.files.reading import reading
from twin_gym.files.whole import write_text

Record = dict[str, Any]


def format_value(line: Line) -> str:
    """A value as the table has it."""
    if line.unit.endswith("/s") or line.unit == "bytes":
        return f"{line.value:,.0f}"
    return f"{line.value:.2f}"


def kept(path: Path) -> Record:
    """The record that an earlier run left, so that parts can be measured one by one.

    Args:
        path: of the JSON file; it need not exist.

    Raises:
        ConfigError: if it holds something else.
    """
    if not path.exists():
        return {"parts": {}}
    with reading(path, "measurements"):
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        for part in record["parts"].values():
            page({"method": METHOD, "parts": {"one": part}})
    return record


def write(path: Path, record: Mapping[str, Any]) -> None:
    """The JSON file, and the page beside it.

    Args:
        path: of the JSON file.
        record: `parts` by name, each with its `machine`, its `lines` or `points`, and a `note` if
            there is something to add.
    """
    whole = {"method": METHOD, **record}
    write_text(path, json.dumps(whole, indent=2) + "\n", makes_folder=True)
    write_text(path.with_suffix(".md"), page(whole), makes_folder=True)


def page(record: Mapping[str, Any]) -> str:
    """The measurements as Markdown."""
    parts = ["# Throughput", "", f"By `python -m benchmarks.throughput`. {record['method']}", ""]
    for name, part in record["parts"].items():
        about = part["machine"]
        parts += [
            f"## {name}", "",
            f"{about['processor']}, Python {about['python']}, NumPy {about['numpy']}, Numba "
            f"{about['numba']}, C with `{about['c_flags']}`.", "",
        ]  # fmt: skip
        if (
            "note" in part
        ):  # by hand, where a part was measured in another way; gone when it is redone
            parts += [part["note"], ""]
        parts += _growth(part) if "points" in part else _lines(part["lines"])
    return "\n".join(parts).rstrip() + "\n"


def _lines(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = ["| what | median | unit | aim | spread | load |", "|---|---|---|---|---|---|"]
    for values in lines:
        line = Line(**values)
        spread = "" if line.spread is None else f"{100.0 * line.spread:.0f} %"
        load = "" if line.load is None else f"{line.load:.1f}"
        cells = (line.what, format_value(line), line.unit, line.target, spread, load)
        rows.append(f"| {' | '.join(cells)} |")
    return [*rows, ""]


def _growth(part: Mapping[str, Any]) -> list[str]:
    growing = growths()
    rows = [
        f"Cost of a slot of one row in microseconds, {NUM_ROWS} rows; in brackets the nanoseconds "
        "for each sensor, device or entity.",
        "",
        f"| size | {' | '.join(f'{kind}: {one.parts}' for kind, one in growing.items())} |",
        f"|---|{'---|' * len(growing)}",
    ]
    sizes = sorted({one["size"] for one in part["points"]})
    for size in sizes:
        cells = []
        for kind in growing:
            own = [p for p in part["points"] if p["kind"] == kind and p["size"] == size]
            cells += [
                f"{one['cost_s'] * 1e6:,.2f} ({one['cost_s'] * 1e9 / size:,.1f})" for one in own
            ] or [""]
        rows.append(f"| {size:,} | {' | '.join(cells)} |")
    powers = ", ".join(f"{kind} {value:.2f}" for kind, value in part["exponents"].items())
    rows += [
        "",
        f"Power of the size by which the cost grows over the last tenfold increase: {powers}.",
        "",
        "![Cost of a slot by the size of the network](throughput_growth.png)",
        "",
    ]
    return rows
