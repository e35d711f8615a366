"""The adapter of equation (8) on frozen features, and a score of two entities for each relation.

Houlsby et al., Parameter-efficient transfer learning for NLP, ICML 2019, section 2: a projection
down, a rectifier, a projection up, added to what came in. The GenTwin paper (Duran et al., 2025,
DOI 10.1109/TCCN.2025.3527719, equation (8)) adds the same to a weight matrix, whose dimensions do
not fit; here it is added to the features.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from twin_gym.twins.knowledge.adapter.settings import AdapterSettings

_FIRST_SCORES = 0.3  # all candidates nearly alike at first


class BottleneckAdapter(nn.Module):
    """h + ReLU(h W_D) W_U; the same as h before it learns.

    Args:
        width: of the features.
        bottleneck: width in the middle.
        generator: where W_D is drawn from.
    """

    def __init__(self, width: int, bottleneck: int, generator: torch.Generator | None) -> None:
        super().__init__()
        self.down = nn.Parameter(_normal((width, bottleneck), width, generator))
        self.up = nn.Parameter(torch.zeros(bottleneck, width))

    def forward(self, features: Tensor) -> Tensor:
        """Shape (..., width), as it comes."""
        return features + torch.relu(features @ self.down) @ self.up


class AdapterNetwork(nn.Module):
    """Scores how well an entity follows another by a relation, from the features of both.

    Features are centred and scaled as those of the training first. The score of head h, relation r
    and tail t is (A_r h) · (B_r t) / √rank + c_r · t on adapted features: a bilinear form, which
    knows no entity by name.

    Args:
        width: of the features.
        relations: number of relations.
        settings: of the adapter.
        generator: where the first weights are drawn from; None: torch's own.

    Example:
        >>> network = AdapterNetwork(8, 2, AdapterSettings(bottleneck=4, rank=3))
        >>> network(torch.zeros(5, 8), torch.zeros(7, 8), 1).shape
        torch.Size([5, 7])
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        width: int,
        relations: int,
        settings: AdapterSettings,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.adapter: nn.Module = nn.Identity()
        if settings.bottleneck:
            self.adapter = BottleneckAdapter(width, settings.bottleneck, generator)
        shape = (relations, width, settings.rank)
        self.heads = nn.Parameter(_FIRST_SCORES * _normal(shape, width, generator))
        self.tails = nn.Parameter(_FIRST_SCORES * _normal(shape, width, generator))
        self.usual = nn.Parameter(torch.zeros(relations, width))

    def standardise(self, features: Tensor) -> None:
        """Takes centre and scale from features.

        A dimension is divided by its standard deviation, or by that of all dimensions if it has
        less: single large ones are tamed, and rare ones are not blown up.

        Args:
            features: of entities that are learned from; shape (entities, width).
        """
        centre = features.mean(0)
        variance = ((features - centre) ** 2).mean(0)
        usual = variance.mean()
        self.centre.copy_(centre)
        self.scale.copy_(torch.where(usual > 0, torch.maximum(variance, usual), 1.0).sqrt())

    def adapted(self, features: Tensor) -> Tensor:
        """Standardised and adapted features; shape (..., width)."""
        found: Tensor = self.adapter((features - self.centre) / self.scale)
        return found

    def forward(self, heads: Tensor, tails: Tensor, relation: int) -> Tensor:
        """Scores of all tails for each head.

        Args:
            heads: features; shape (heads, width).
            tails: features; shape (tails, width).
            relation: its number.

        Returns:
            Logits; shape (heads, tails).
        """
        told, asked = self.adapted(tails), self.adapted(heads)
        rank = self.heads.shape[2]
        both = (asked @ self.heads[relation]) @ (told @ self.tails[relation]).T
        return both / math.sqrt(rank) + told @ self.usual[relation]


def blank_network(width: int, relations: int, settings: AdapterSettings) -> AdapterNetwork:
    """A network of names and shapes alone, which takes no memory."""
    with torch.device("meta"):
        return AdapterNetwork(width, relations, settings)


def _normal(shape: tuple[int, ...], width: int, generator: torch.Generator | None) -> Tensor:
    """Draws whose sums over the width have variance one."""
    drawn = torch.randn(shape, generator=generator, device=torch.get_default_device())
    return drawn / math.sqrt(width)
