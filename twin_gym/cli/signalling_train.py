"""`twin-gym signalling train`: a network that learns from a log what the core answers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn, TimeRemainingColumn

from twin_gym.cli.signalling_log import read_log
from twin_gym.console.printing import messages, number, output, progress_bar, table
from twin_gym.console.sanitising import LiteralColumn
from twin_gym.errors import missing_extra
from twin_gym.files.places import check_folder
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.tables import MessageTable

if TYPE_CHECKING:
    from twin_gym.twins.signalling.learned.fidelity import MessageFidelity
    from twin_gym.twins.signalling.learned.settings import MessageTwinSettings
    from twin_gym.twins.signalling.learned.twin import MessageTwin

CHECKPOINT_FILE = "training.safetensors"
_TABLE_LENGTH = 6


@dataclass(frozen=True)
class TrainOptions:
    """The options of the command."""

    file: Path
    output: Path
    network: str
    context: str
    steps: int
    layers: int
    width: int
    window: int
    seed: int
    as_json: bool


def run(options: TrainOptions) -> None:
    """Trains a message twin, saves it, and prints how near it comes to the core.

    Args:
        options: the options.

    Raises:
        TwinGymError: if the file cannot be read or is too short, the folder cannot be written, or
            PyTorch is not installed.
    """
    try:
        from twin_gym.twins.signalling.learned.fidelity import MessageFidelity
        from twin_gym.twins.signalling.learned.settings import MessageTwinSettings
        from twin_gym.twins.signalling.learned.windows import split
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "safetensors"):
            raise
        raise missing_extra("training a message twin", "twins") from None
    settings = MessageTwinSettings(
        network=options.network, context=options.context,  # type: ignore[arg-type]  # checked there
        num_steps=options.steps, layers=options.layers, width=options.width, window=options.window,
    )  # fmt: skip
    check_folder(options.output, with_parents=False)
    learned, judged, from_ns = split(read_log(options.file))
    twin = _trained(options, learned, settings)
    twin.save(options.output)
    scores = {
        name: MessageFidelity.of(twin.decoded(name), judged, from_ns)
        for name in ("grammar", "free")
    }
    exact = MessageTable(_TABLE_LENGTH, "ue").fit(learned).exact(judged)
    # Until here: whoever stops the judging finds the training at its last checkpoint.
    (options.output / CHECKPOINT_FILE).unlink(missing_ok=True)
    if options.as_json:
        document = {
            "folder": str(options.output),
            "scores": {name: asdict(one) for name, one in scores.items()},
            "table_exact": exact,
        }
        output().print(json.dumps(document, indent=1), soft_wrap=True, markup=False)
        return
    _print(options, scores, exact)


def _trained(
    options: TrainOptions, learned: MessageLog, settings: MessageTwinSettings
) -> MessageTwin:
    """The twin; the training goes on where it was stopped."""
    from twin_gym.twins.signalling.learned.twin import train_message_twin

    columns = (
        LiteralColumn("steps"), BarColumn(), MofNCompleteColumn(),
        LiteralColumn("loss {task.description}"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    checkpoint = options.output / CHECKPOINT_FILE
    try:
        with progress_bar(*columns) as bar:
            task = bar.add_task("-", total=settings.num_steps)
            return train_message_twin(
                learned, settings, seed=options.seed, checkpoint=checkpoint,
                on_step=lambda step, loss: bar.update(
                    task, completed=step, description=number(loss, 3)
                ),
            )  # fmt: skip
    except KeyboardInterrupt:
        if checkpoint.exists():
            message = f"stopped: the same command goes on from {checkpoint}"
            messages().print(message, markup=False)
        raise


def _print(options: TrainOptions, scores: dict[str, MessageFidelity], table_exact: float) -> None:
    console = output()
    one = next(iter(scores.values()))
    console.print(
        f"{one.num_messages:,} messages of the core to UEs that the twin has not learned from, in "
        f"the last quarter of the log; {one.num_stateful:,} depend on more than their request.",
        markup=False,
    )
    made = table(None, ["decoding", "exact", "F1", "stateful F1", "violations"], left=1)
    for name, found in scores.items():
        values = (found.exact, found.f1, found.stateful_f1, found.violations)
        made.add_row(name, *(f"{value:.4f}" for value in values))
    console.print(made)
    console.print(
        f"Table of the last {_TABLE_LENGTH} messages of the same UE, whole log of those UEs: exact "
        f"{table_exact:.4f}. The twin is in {options.output}.",
        markup=False,
    )
