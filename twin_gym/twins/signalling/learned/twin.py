"""The message twin: it answers as the core of its log would, until it has said all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.files.reading import read_bytes
from twin_gym.twins.metadata import package_versions
from twin_gym.twins.plain import file_path
from twin_gym.twins.saved_pair import read_named, save_pair
from twin_gym.twins.signalling.grammar import event_of
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.learned.checkpoint import digest_of, vocabulary_digest
from twin_gym.twins.signalling.learned.database import Database
from twin_gym.twins.signalling.learned.decoding import choose_kind, choose_message, next_kinds
from twin_gym.twins.signalling.learned.metadata import MessageMetadata
from twin_gym.twins.signalling.learned.networks import MessageNetwork, blank_network
from twin_gym.twins.signalling.learned.settings import MessageTwinSettings
from twin_gym.twins.signalling.learned.training import Progress, WindowTensors, train_network
from twin_gym.twins.signalling.learned.vectors import END, Predicted, bits_of, codes_of
from twin_gym.twins.signalling.learned.windows import Stream, window_of
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import MESSAGE_DTYPE, Message
from twin_gym.twins.signalling.replay import Replay
from twin_gym.twins.weights import load_weights

METADATA_FILE, WEIGHTS_FILE = "message.json", "message.safetensors"
MAX_METADATA_BYTES, MAX_WEIGHTS_BYTES = 1_000_000, 2**30

Decoding = Literal["free", "grammar"]
MOST_ANSWERS = 20
"""Answers to one message: 15 sessions, and what goes before and after them."""


@dataclass
class MessageTwin:
    """Answers as the core does, message by message.

    Attributes:
        network: says the next message.
        metadata: how it was built and trained.
        decoding: `free`, the likeliest message; or `grammar`, the likeliest one among those that
            the procedures have after the request in some state.
    """

    network: MessageNetwork
    metadata: MessageMetadata
    decoding: Decoding = "grammar"

    def __post_init__(self) -> None:
        """Refuses a way of decoding that there is not."""
        if self.decoding not in ("free", "grammar"):
            raise unknown_name("decoding", str(self.decoding), ("free", "grammar"))
        self._settings = self.metadata.settings

    def answer(self, history: MessageLog, request: Message) -> tuple[Message, ...]:
        """What the core sends when it receives a request.

        The security algorithms give their verdict, and the policy its decision, on the request;
        a `Database` of the history allocates the identities.

        Args:
            history: the messages before, of all UEs.
            request: to the core, of a UE.

        Returns:
            The answers in order; none if the twin says nothing. After 20 it is cut short.

        Raises:
            ConfigError: if the request is of the core or of no UE.
        """
        if KINDS[request.kind].is_from_core or request.ue < 0:
            raise ConfigError(
                f"a message twin answers messages to the core that are of a UE, got "
                f"{request.name} of UE {request.ue}: choose another message"
            )
        database = Database.of(history)
        database.record(request)
        past, event = self._newest(history, request.ue), event_of(request)
        heard, sent = [request], list[Message]()
        while len(sent) < MOST_ANSWERS:
            rows = np.array([one.as_tuple() for one in heard], MESSAGE_DTYPE)
            allowed = None
            if self.decoding == "grammar":
                allowed = next_kinds(event, [one.kind for one in sent])
            found = self._next(np.concatenate((past, rows)), allowed)
            if found.kind == END or not KINDS[found.kind].is_from_core:
                break
            answer = database.complete(found.message(request.time_ns, request.ue))
            database.record(answer)
            heard.append(answer)
            sent.append(answer)
        return tuple(sent)

    def decoded(self, decoding: Decoding) -> MessageTwin:
        """The same twin, choosing its messages in another way."""
        return MessageTwin(self.network, self.metadata, decoding)

    def choose(
        self,
        states: torch.Tensor,
        allowed: Sequence[frozenset[int] | None],
        *,
        is_silent: bool = True,
    ) -> list[Predicted]:
        """The messages that states of the network say.

        Args:
            states: shape (positions, width).
            allowed: kinds that the grammar has, by position; None or empty: all of them.
            is_silent: whether `END` may be chosen.

        Returns:
            One message a position.
        """
        is_constrained = self.decoding == "grammar"
        with torch.no_grad():
            logits = self.network.kind_logits(states).numpy()
            if not is_silent:
                logits[:, END] = -np.inf
            options = allowed if is_constrained else [None] * len(states)
            kinds = [choose_kind(*one) for one in zip(logits, options, strict=True)]
            fields, bits = self.network.field_logits(states, torch.tensor(kinds, dtype=torch.int64))
        codes, flags = [one.numpy() for one in fields], bits.numpy()
        return [
            choose_message(
                kind, [one[place] for one in codes], flags[place], is_constrained=is_constrained
            )
            for place, kind in enumerate(kinds)
        ]

    def save(self, folder: str | Path) -> None:
        """Writes `message.safetensors` and `message.json`, each aside first and then renamed.

        Args:
            folder: made if it does not exist; a twin that is there already is replaced.
        """
        save_pair(folder, WEIGHTS_FILE, METADATA_FILE, self.network, self.metadata)

    @classmethod
    def load(cls, folder: str | Path, *, decoding: Decoding = "grammar") -> MessageTwin:
        """A twin from its two files, everything checked; nothing in them is executed.

        Args:
            folder: what `save` wrote.
            decoding: how it is to choose messages.

        Returns:
            The twin.

        Raises:
            ConfigError: if a file is missing, too large, damaged, or they do not belong together.
        """
        folder = file_path(folder, "the folder of a twin")
        origin = repr(str(folder / METADATA_FILE))
        text = read_bytes(folder / METADATA_FILE, MAX_METADATA_BYTES)
        metadata = MessageMetadata.from_json(text, origin=origin)
        content = read_named(
            folder / WEIGHTS_FILE, metadata.weights_sha256, origin, limit=MAX_WEIGHTS_BYTES,
            otherwise="train the twin again",
        )  # fmt: skip
        network = blank_network(metadata.settings)
        weights = load_weights(content, network, repr(str(folder / WEIGHTS_FILE)))
        network.to_empty(device="cpu").load_state_dict(weights)
        return cls(network.eval(), metadata, decoding)

    def _newest(self, history: MessageLog, ue: int) -> NDArray[np.void]:
        """The messages of the history that may be in the window."""
        ues = history.column("ue")
        chosen = ues == ue if self._settings.context == "per-ue" else ues >= 0
        return history.records[chosen][-self._settings.window :]

    def _next(self, records: NDArray[np.void], allowed: frozenset[int] | None) -> Predicted:
        """The next message for the UE of the newest one."""
        seen = np.concatenate((records[-self._settings.window :], records[-1:]))
        count = len(seen)
        nothing = np.zeros(count, bool)
        stream = Stream(
            np.arange(count), codes_of(seen), bits_of(seen), seen["ue"].astype(np.int64), nothing
        )
        window = window_of(stream, 0, count - 1, range(self._settings.num_slots))
        with torch.no_grad():
            states = self.network(*WindowTensors.of([window]).inputs)
        return self.choose(states[0, -1:], [allowed])[0]


def train_message_twin(
    log: MessageLog,
    settings: MessageTwinSettings = MessageTwinSettings(),  # noqa: B008 - frozen
    *,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    on_step: Progress | None = None,
    replayed: Replay | None = None,
) -> MessageTwin:
    """A twin of the core of a log.

    Args:
        log: that is learned from; see `split` for a part to be judged by.
        settings: how it is built and trained.
        seed: of weights, windows and slots; 0 or more.
        checkpoint: file from which an interrupted training goes on; None: none.
        on_step: told of the progress.
        replayed: the automaton over the log; None: run here.

    Returns:
        The twin.

    Raises:
        ConfigError: if the log has no answer of the core, or the checkpoint is of another training.
    """
    path = None if checkpoint is None else file_path(checkpoint, "a checkpoint")
    network = train_network(
        log, settings, seed=seed, checkpoint=path, on_step=on_step, replayed=replayed
    )
    about = asdict(settings)
    for name in ("batch_size", "learning_rate", "checkpoint_every"):
        about.pop(name)
    ues = log.column("ue")
    metadata = MessageMetadata(
        **about,
        vocabulary=vocabulary_digest(),
        scenario=log.scenario,
        training_digest=digest_of(log, settings, seed),
        num_messages=len(log),
        num_ues=len(np.unique(ues[ues >= 0])),
        seed=seed,
        versions=package_versions(),
    )
    return MessageTwin(network, metadata)
