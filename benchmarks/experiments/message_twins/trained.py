"""Rows that are trained: one cell a network, context, number of UEs and seed."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benchmarks.experiments.blocks import Cell, Values
from benchmarks.experiments.message_twins.known import scores
from benchmarks.experiments.message_twins.plan import (
    CONTEXTS,
    NETWORKS,
    Logs,
    Plan,
    logs_of,
    scenario_of,
)
from twin_gym.files.whole import write_text
from twin_gym.twins.signalling.learned.fidelity import MessageFidelity, predictions
from twin_gym.twins.signalling.learned.settings import (
    ContextName,
    MessageTwinSettings,
    NetworkName,
)
from twin_gym.twins.signalling.learned.twin import Decoding, MessageTwin, train_message_twin

TENTHS = 10
DECODINGS: dict[str, tuple[Decoding, bool]] = {
    "": ("free", True), "grammar_": ("grammar", True), "open_": ("free", False)
}  # fmt: skip
"""By prefix of the figures, how messages are chosen, and whether it is told that one is sent."""
OnStep = Callable[[int, int], None]
"""Told of the steps that are done, and of all of them."""


def label_of(network: NetworkName, context: ContextName) -> str:
    """The name of the row of a network in a context."""
    return f"{NETWORKS[network]}, {CONTEXTS[context]}"


def trained_cells(
    num_ues: int, seed: int, plan: Plan, checkpoints: Path, on_step: OnStep
) -> list[Cell]:
    """The cells of all networks and contexts, of one number of UEs and one seed.

    Args:
        num_ues: concurrent UEs.
        seed: of logs and training.
        plan: of the run.
        checkpoints: folder of the training that is running.
        on_step: told of its progress.

    Returns:
        Cells; nothing has been trained yet.
    """
    cells = []
    for context in CONTEXTS:
        for network in NETWORKS:
            settings = plan.settings(network, context)
            about = asdict(settings)
            about.pop("checkpoint_every")
            setting = json.dumps([plan.learned_s, plan.judged_s, about])
            measure = partial(
                _measured, settings=settings, num_ues=num_ues, plan=plan,
                checkpoints=checkpoints, on_step=on_step,
            )  # fmt: skip
            cells.append(
                Cell(
                    label_of(network, context), scenario_of(num_ues), (seed,), 1, measure,
                    setting, float(num_ues),
                )
            )  # fmt: skip
    return cells


class Spent:
    """Losses and core-seconds of a training, kept beside its checkpoint.

    Args:
        checkpoint: of the training.
        settings: of the twin.
    """

    def __init__(self, checkpoint: Path, settings: MessageTwinSettings) -> None:
        self._file = checkpoint.with_suffix(".json")
        self._settings = settings
        self.losses = [0.0] * settings.num_steps
        self.seconds = 0.0
        if checkpoint.exists() and self._file.exists():
            known = json.loads(self._file.read_text("utf-8"))
            self.losses[: len(known["losses"])] = known["losses"]
            self.seconds = known["seconds"]
        self._since = time.process_time() - self.seconds

    def take(self, step: int, loss: float) -> None:
        """Notes the loss of a step, on disk where there is a checkpoint."""
        self.losses[step - 1] = loss
        self.seconds = time.process_time() - self._since
        if step % self._settings.checkpoint_every == 0:
            content = {"losses": self.losses[:step], "seconds": self.seconds}
            write_text(self._file, json.dumps(content))

    def of_tenths(self) -> dict[str, float]:
        """Mean loss in nats a position, by tenth of the training."""
        count = len(self.losses)
        bounds = [round(count * tenth / TENTHS) for tenth in range(TENTHS + 1)]
        return {
            f"loss_{tenth + 1}": sum(self.losses[first:last]) / max(last - first, 1)
            for tenth, (first, last) in enumerate(itertools.pairwise(bounds))
        }

    def forget(self) -> None:
        """Removes the file."""
        self._file.unlink(missing_ok=True)


def _measured(
    cell: Cell,
    settings: MessageTwinSettings,
    num_ues: int,
    plan: Plan,
    checkpoints: Path,
    on_step: OnStep,
) -> Values:
    """Trains a network, or goes on with it, and judges it."""
    seed = cell.blocks[0]
    logs = logs_of(num_ues, seed, plan)
    load = os.getloadavg()[0]
    checkpoint = checkpoints / f"{cell.digest}.safetensors"
    spent = Spent(checkpoint, settings)

    def took(step: int, loss: float) -> None:
        spent.take(step, loss)
        on_step(step, settings.num_steps)

    twin = train_message_twin(
        logs.learned, settings, seed=seed, checkpoint=checkpoint, on_step=took,
        replayed=logs.learned_replay,
    )  # fmt: skip
    found = spent.of_tenths()
    found |= judged(twin, logs)
    found |= {"core_seconds": spent.seconds, "load": load, "ended_s": time.time()}
    checkpoint.unlink(missing_ok=True)
    spent.forget()
    return {name: [value] for name, value in found.items()}


def judged(twin: MessageTwin, logs: Logs) -> dict[str, float]:
    """Scores of a twin in each of `DECODINGS`."""
    found: dict[str, float] = {}
    for prefix, (decoding, is_told) in DECODINGS.items():
        said = predictions(twin.decoded(decoding), logs.judged, logs.judged_replay, is_told=is_told)
        fidelity = MessageFidelity.of_predictions(
            said, logs.judged, logs.from_ns, logs.judged_replay
        )
        found |= scores(fidelity, prefix)
    return found
