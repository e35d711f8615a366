"""Policy networks without torch's overhead: evaluation calls them a thousand times an episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HIDDEN, _OUTPUT = "policy_net.", "action_net."


class PlainNetwork:
    """A copy of a `FlatNetwork`'s weights that gives its logits or means in NumPy.

    For some tens of rows a call takes an eighth of the time of the torch module. The two agree up
    to rounding.

    Args:
        weights: arrays by name: `policy_net.0.weight`, …, `action_net.bias`; what has
            other names is left out.

    Example:
        >>> weights = {"policy_net.0.weight": np.eye(2), "policy_net.0.bias": np.zeros(2)}
        >>> weights |= {"action_net.weight": np.array([[1, 0]]), "action_net.bias": np.ones(1)}
        >>> PlainNetwork(weights)(np.array([[0.5, 0.1]])).round(3).tolist()
        [[1.462]]
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        places = {int(name.split(".")[1]) for name in weights if name.startswith(_HIDDEN)}
        self._hidden = [_layer(weights, f"{_HIDDEN}{place}.") for place in sorted(places)]
        self._output = _layer(weights, _OUTPUT)

    def __call__(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits of all actions, allowed or not; or the means of the amounts.

        Args:
            observations: shape (rows, fields).

        Returns:
            Shape (rows, actions).
        """
        values: NDArray[np.float32] = observations
        for weight, bias in self._hidden:
            values = np.tanh(values @ weight + bias)
        weight, bias = self._output
        return values @ weight + bias


class PlainSharedNetwork:
    """A copy of a `SharedNetwork`'s weights that gives its logits in NumPy, without a mask.

    Args:
        weights: arrays by name: `own`, `first.weight`, …, `nobody`.
        columns: fields of each candidate; shape (candidates, fields).
        common: fields that tell of all.
    """

    def __init__(
        self, weights: Mapping[str, NDArray[Any]], columns: NDArray[Any], common: Sequence[int]
    ) -> None:
        of_all = np.tile(np.array(common, np.int64), (len(columns), 1))
        self._columns = np.concatenate([columns, of_all], axis=1)
        self._own, self._nobody = (np.array(weights[name]) for name in ("own", "nobody"))
        self._layers = [_layer(weights, f"{name}.") for name in ("first", "second", "score")]

    def __call__(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits of all candidates, allowed or not, and of nobody; shape (rows, actions)."""
        rows = len(observations)
        own = np.broadcast_to(self._own, (rows, *self._own.shape))
        values = np.concatenate([observations[:, self._columns], own], axis=2)
        values = values.reshape(rows * len(self._own), -1)
        *hidden, (weight, bias) = self._layers
        for inner, offset in hidden:
            values = np.tanh(values @ inner + offset)
        scores = (values @ weight + bias).reshape(rows, len(self._own))
        return np.concatenate([scores, np.broadcast_to(self._nobody, (rows, 1))], axis=1)


def _layer(
    weights: Mapping[str, NDArray[Any]], name: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The weight, laid out for a product from the left, and the bias."""
    weight, bias = (np.array(weights[name + part], np.float32) for part in ("weight", "bias"))
    return np.ascontiguousarray(weight.T), bias
