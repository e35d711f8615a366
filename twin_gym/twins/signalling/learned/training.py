"""Training of a message network, which goes on where it was killed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.learned.checkpoint import (
    digest_of,
    read_checkpoint,
    write_checkpoint,
)
from twin_gym.twins.signalling.learned.networks import MessageNetwork, new_network
from twin_gym.twins.signalling.learned.settings import MessageTwinSettings
from twin_gym.twins.signalling.learned.vectors import END
from twin_gym.twins.signalling.learned.windows import Stream, Window, streams_of, window_of
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.replay import Replay

Progress = Callable[[int, float], None]
"""Called after every step with its number and its loss in nats a position."""

_WARM_UP = 0.05  # of the steps
_LARGEST_GRADIENT = 1.0


@dataclass(frozen=True, eq=False)
class WindowTensors:
    """Several windows; see `Window`. The first six are the arguments of the network."""

    inputs: tuple[Tensor, ...]
    targets: Tensor
    target_bits: Tensor
    weights: Tensor

    @classmethod
    def of(cls, windows: list[Window]) -> WindowTensors:
        """Windows of one length, stacked."""

        def stacked(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(one, name) for one in windows]))

        names = ("codes", "bits", "slots", "next_slots", "next_begun", "next_decisions")
        others = (stacked(name) for name in ("targets", "target_bits", "weights"))
        return cls(tuple(stacked(name) for name in names), *others)


def train_network(
    log: MessageLog,
    settings: MessageTwinSettings,
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    on_step: Progress | None = None,
    replayed: Replay | None = None,
) -> MessageNetwork:
    """A network that says what the core says in a log.

    Args:
        log: that is learned from.
        settings: of the twin.
        seed: of weights, windows and slots; 0 or more.
        checkpoint: file to which the training is written now and then, and from which it goes on;
            None: none.
        on_step: told of the progress.
        replayed: the automaton over the log; None: run here.

    Returns:
        The network. The same arguments give the same one on the same machine, whether or not the
        training was interrupted.

    Raises:
        ConfigError: if the log has no answer of the core, or the checkpoint is of another training.
    """
    streams = streams_of(log, settings.context, replayed)
    if not any(stream.is_from_core.any() for stream in streams):
        raise ConfigError("no message of the core to a UE in this log: take a longer log")
    generator = torch.Generator().manual_seed(seed)
    network = new_network(settings, generator)
    optimiser = torch.optim.Adam(
        network.parameters(), settings.learning_rate, betas=(0.9, 0.98), fused=True
    )
    digest = digest_of(log, settings, seed)
    first = 0
    if checkpoint is not None and checkpoint.exists():
        first = read_checkpoint(checkpoint, digest, network, optimiser, generator)
    draws = _Draws(streams, settings, generator)
    for step in range(first + 1, settings.num_steps + 1):
        loss = loss_of(network, draws.batch())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _rate(step, settings.num_steps)
        optimiser.step()
        if checkpoint is not None and step % settings.checkpoint_every == 0:
            write_checkpoint(checkpoint, digest, step, network, optimiser, generator)
        if on_step is not None:
            on_step(step, loss.item())
    return network.eval()


def loss_of(network: MessageNetwork, batch: WindowTensors) -> Tensor:
    """Negative log-likelihood in nats a position; fields and bits count where the core speaks."""
    states = network(*batch.inputs)
    is_real = batch.weights > 0
    states, targets = states[is_real], batch.targets[is_real]
    kinds = targets[:, 0]
    loss = cross_entropy(network.kind_logits(states), kinds, reduction="sum")
    is_core = kinds != END
    fields, bits = network.field_logits(states[is_core], kinds[is_core])
    for place, logits in enumerate(fields, 1):
        loss = loss + cross_entropy(logits, targets[is_core, place], reduction="sum")
    wanted = batch.target_bits[is_real][is_core].to(bits.dtype)
    loss = loss + binary_cross_entropy_with_logits(bits, wanted, reduction="sum")
    return loss / len(kinds)


def _rate(step: int, num_steps: int) -> float:
    """Share of the learning rate: rises, then falls as a half cosine."""
    rise = max(round(num_steps * _WARM_UP), 1)
    if step < rise:
        return step / rise
    return 0.5 * (1.0 + math.cos(math.pi * (step - rise) / max(num_steps - rise, 1)))


class _Draws:
    """Windows at places of the streams, each message as often as any other, slots permuted."""

    def __init__(
        self, streams: list[Stream], settings: MessageTwinSettings, generator: torch.Generator
    ) -> None:
        self._streams, self._settings, self._generator = streams, settings, generator
        starts = [max(len(one) - 1 - settings.window, 0) + 1 for one in streams]
        self._ends = np.cumsum(starts)

    def batch(self) -> WindowTensors:
        """The windows of a step."""
        settings = self._settings
        size = (settings.batch_size,)
        drawn = torch.randint(int(self._ends[-1]), size, generator=self._generator)
        windows = []
        for number in drawn.tolist():
            place = int(np.searchsorted(self._ends, number, side="right"))
            start = number - (int(self._ends[place - 1]) if place else 0)
            slots = torch.randperm(settings.num_slots, generator=self._generator).tolist()
            windows.append(window_of(self._streams[place], start, settings.window, slots))
        return WindowTensors.of(windows)
