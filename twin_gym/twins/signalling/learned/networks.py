"""Networks of message twins: a causal Transformer, and an LSTM with as many parameters."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from twin_gym.twins.signalling.learned.settings import MessageTwinSettings
from twin_gym.twins.signalling.learned.vectors import CATEGORIES, FIELDS, INPUTS, NUM_BITS

_SIZES = (*CATEGORIES.values(), *INPUTS.values())
_NUM_KINDS = CATEGORIES["kind"]
FIELD_SIZES = tuple(CATEGORIES[name] for name in FIELDS)
"""Number of codes of each predicted field but the kind."""

_EXPANSION = 4
_EMBEDDING_SCALE = 0.3  # nine embeddings of a message add up to about one


class MessageEncoder(nn.Module):
    """The sum of the embeddings of a message, of its UE, and of whose turn is next."""

    def __init__(self, width: int, num_slots: int) -> None:
        super().__init__()
        self.fields = nn.ModuleList(nn.Embedding(size, width) for size in _SIZES)
        self.bits = nn.Linear(NUM_BITS, width)
        self.slots = nn.Embedding(num_slots, width)
        self.next_slots = nn.Linear(width, width, bias=False)
        self.next_begun = nn.Embedding(2, width)
        self.next_decisions = nn.Embedding(INPUTS["decision"], width)

    def forward(
        self, codes: Tensor, bits: Tensor, slots: Tensor, next_slots: Tensor, next_begun: Tensor,
        next_decisions: Tensor,
    ) -> Tensor:  # fmt: skip
        """Embedded messages; shape (windows, positions, width). Arguments as in `Window`."""
        found: Tensor = self.bits(bits.to(torch.float32)) + self.slots(slots)
        found = found + self.next_slots(self.slots(next_slots)) + self.next_begun(next_begun)
        found = found + self.next_decisions(next_decisions)
        for place, embedding in enumerate(self.fields):
            found = found + embedding(codes[:, :, place])
        return found


class _Block(nn.Module):
    """Causal attention, then two layers with a rectifier; each normalised before and added."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.num_heads = heads
        self.attention_norm, self.layer_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mixed = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.wide = nn.Linear(width, _EXPANSION * width)
        self.narrow = nn.Linear(_EXPANSION * width, width)

    def forward(self, states: Tensor) -> Tensor:
        """Shape (windows, positions, width), as it comes."""
        windows, positions, width = states.shape
        mixed = self.mixed(self.attention_norm(states))
        heads = mixed.view(windows, positions, 3 * self.num_heads, -1).transpose(1, 2)
        queries, keys, values = heads.chunk(3, 1)
        attended = scaled_dot_product_attention(queries, keys, values, is_causal=True)
        states = states + self.attended(attended.transpose(1, 2).reshape(windows, positions, width))
        narrow: Tensor = self.narrow(torch.relu(self.wide(self.layer_norm(states))))
        return states + narrow


class TransformerBody(nn.Module):
    """A causal Transformer with learned positions."""

    def __init__(self, settings: MessageTwinSettings) -> None:
        super().__init__()
        self.positions = nn.Embedding(settings.window, settings.width)
        blocks = (_Block(settings.width, settings.heads) for _ in range(settings.layers))
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(settings.width)

    def forward(self, embedded: Tensor) -> Tensor:
        """Shape (windows, positions, width), as it comes."""
        states = embedded + self.positions.weight[: embedded.shape[1]]
        for block in self.blocks:
            states = block(states)
        normed: Tensor = self.norm(states)
        return normed


class LstmBody(nn.Module):
    """A stack of LSTM layers, projected to the width of the heads."""

    def __init__(self, settings: MessageTwinSettings, num_hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(settings.width, num_hidden, settings.layers, batch_first=True)
        self.projected = nn.Linear(num_hidden, settings.width)
        self.norm = nn.LayerNorm(settings.width)

    def forward(self, embedded: Tensor) -> Tensor:
        """Shape (windows, positions, width), as it comes."""
        states, _ = self.lstm(embedded)
        normed: Tensor = self.norm(self.projected(states))
        return normed


class MessageNetwork(nn.Module):
    """Says the next message of the core at every position.

    The kind is said first; the other fields and bits are said given the kind.

    Args:
        settings: of the twin.
        num_hidden: width of the layers of an LSTM; None: see `lstm_width`.
    """

    def __init__(self, settings: MessageTwinSettings, num_hidden: int | None = None) -> None:
        super().__init__()
        self.encoder = MessageEncoder(settings.width, settings.num_slots)
        self.body: nn.Module
        if settings.network == "transformer":
            self.body = TransformerBody(settings)
        else:
            self.body = LstmBody(settings, num_hidden or lstm_width(settings))
        self.kind_head = nn.Linear(settings.width, _NUM_KINDS)
        self.kinds = nn.Embedding(_NUM_KINDS, settings.width)
        self.field_head = nn.Linear(settings.width, sum(FIELD_SIZES) + NUM_BITS)

    def forward(self, *window: Tensor) -> Tensor:
        """States of the positions; arguments as of `MessageEncoder.forward`."""
        states: Tensor = self.body(self.encoder(*window))
        return states

    def kind_logits(self, states: Tensor) -> Tensor:
        """Logits of the kinds, `END` the last; shape (..., kinds)."""
        logits: Tensor = self.kind_head(states)
        return logits

    def field_logits(self, states: Tensor, kinds: Tensor) -> tuple[list[Tensor], Tensor]:
        """Logits of the other fields, and of the bits, for messages of these kinds."""
        logits: Tensor = self.field_head(torch.relu(states + self.kinds(kinds)))
        *fields, bits = torch.split(logits, [*FIELD_SIZES, NUM_BITS], dim=-1)
        return fields, bits


def blank_network(settings: MessageTwinSettings) -> MessageNetwork:
    """A network of names and shapes alone, which takes no memory."""
    with torch.device("meta"):
        return MessageNetwork(settings)


def new_network(settings: MessageTwinSettings, generator: torch.Generator) -> MessageNetwork:
    """An untrained network whose weights are drawn from the generator alone."""
    network = blank_network(settings)
    network.to_empty(device="cpu")
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.LayerNorm):
                module.weight.fill_(1.0)
                module.bias.fill_(0.0)
            elif isinstance(module, nn.Embedding):
                module.weight.normal_(0.0, _EMBEDDING_SCALE, generator=generator)
            elif isinstance(module, nn.Linear | nn.LSTM):
                _draw(module, generator)
    return network


def _draw(module: nn.Linear | nn.LSTM, generator: torch.Generator) -> None:
    """Uniform weights by the width of the layer, and no biases."""
    size = module.hidden_size if isinstance(module, nn.LSTM) else module.in_features
    for name, values in module.named_parameters():
        if "bias" in name:
            values.fill_(0.0)
        else:
            values.uniform_(-1.0 / math.sqrt(size), 1.0 / math.sqrt(size), generator=generator)


def num_parameters(network: nn.Module) -> int:
    """How many numbers the network learns."""
    return sum(values.numel() for values in network.parameters())


def lstm_width(settings: MessageTwinSettings) -> int:
    """Width of the LSTM with about as many parameters as the Transformer of these settings.

    Example:
        >>> lstm_width(MessageTwinSettings(width=64, layers=2))
        81
    """
    return _lstm_width(settings.layers, settings.width, settings.heads, settings.window)


@cache
def _lstm_width(layers: int, width: int, heads: int, window: int) -> int:
    settings = MessageTwinSettings(layers=layers, width=width, heads=heads, window=window)
    with torch.device("meta"):
        most = num_parameters(TransformerBody(settings))
    # Parameters of the LSTM: per layer 4 (inputs + hidden + 2) hidden; then the projection.
    square = 4 * (2 * layers - 1)
    linear = 4 * (width + 2) + 8 * (layers - 1) + width
    rest = 3 * width - most
    return max(round((math.sqrt(linear**2 - 4 * square * rest) - linear) / (2 * square)), 1)
