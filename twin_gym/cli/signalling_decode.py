"""`twin-gym signalling decode`: the messages of a capture or a log, one a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twin_gym.cli.signalling_log import (
    check_outputs,
    check_ue,
    contents_text,
    message_document,
    read_log,
    slice_name,
    way,
    write_log,
)
from twin_gym.console.printing import output, table
from twin_gym.twins.signalling.grammar import short_name
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import Message

_NS_PER_S = 1e9


@dataclass(frozen=True)
class DecodeOptions:
    """The options of the command."""

    file: Path
    ue: int | None
    most: int
    outputs: tuple[Path, ...]
    as_json: bool


def run(options: DecodeOptions) -> None:
    """Reads a file and prints its messages.

    Args:
        options: the options.

    Raises:
        TwinGymError: if the file cannot be read, or another one cannot be written.
    """
    check_outputs(options.outputs, options.file)
    log = read_log(options.file)
    check_ue(log, options.ue)
    write_log(log, options.outputs)
    if options.as_json:
        document = {
            "slices": [slice_name(one) for one in log.slices],
            "not_understood": dict(log.not_understood),
            "messages": [
                {"number": number, **message_document(message, log.slices)}
                for number, message in _chosen(options, log)
            ],
        }
        output().print(json.dumps(document, indent=1), soft_wrap=True, markup=False)
        return
    _print(options, log)


def _chosen(options: DecodeOptions, log: MessageLog) -> Iterator[tuple[int, Message]]:
    """Numbers from 1 and messages of the chosen UE."""
    for number, message in enumerate(map(Message.of, log.records), 1):
        if options.ue is None or message.ue == options.ue:
            yield number, message


def _print(options: DecodeOptions, log: MessageLog) -> None:
    console = output()
    chosen = list(_chosen(options, log))
    shown = chosen[: options.most] if options.most else chosen
    title = f"{options.file.name}: {len(log):,} messages"
    made = table(title, ["number", "time s", "UE", "way", "message", "contents"], left=0)
    for column in made.columns[3:]:
        column.justify = "left"
    for number, message in shown:
        ue = "-" if message.ue < 0 else str(message.ue)
        made.add_row(
            f"{number:,}", f"{message.time_ns / _NS_PER_S:,.3f}", ue, way(message),
            short_name(message.kind), contents_text(message, log.slices),
        )  # fmt: skip
    console.print(made)
    if len(shown) < len(chosen):
        console.print(f"\n{len(chosen) - len(shown):,} more: give --most 0 to show all")
    if log.not_understood:
        console.print("\nNot in the log, or doubtful:")
        made = table(None, ["reason", "count"])
        for reason, count in log.not_understood.items():
            made.add_row(reason, f"{count:,}")
        console.print(made)
