"""The transfer matrix: what agents that learned on some networks earn on others.

Block k is one replicate: the training of seed k, tested in worlds of its own. All agents meet the
same worlds in the same block, so that two of them are compared block by block and the intervals
hold the luck of trainings and of worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.policies import Policy, PrivilegedPolicy, evaluate
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.policies.intervals import half_width
from twin_gym.policies.worlds import distinct_worlds
from twin_gym.scenario import Scenario

Floats = NDArray[np.float64]

OnCell = Callable[[str, str], None]
"""Told row and column once they are measured."""


@dataclass(frozen=True)
class Cell:
    """A mean over blocks.

    Attributes:
        mean: of the blocks' means.
        half_width: half of Student's 95 % interval; not a number for a single block.
    """

    mean: float
    half_width: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return abs(self.mean) > self.half_width


@dataclass(frozen=True)
class TransferMatrix:
    """Trained on (rows) against tested on (columns).

    Attributes:
        rows: what agents were trained on, or the names of rules.
        columns: what they were tested on.
        scores: means over the worlds of each block; shape (rows, columns, blocks).
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    scores: Floats

    def __post_init__(self) -> None:
        """Refuses scores of another shape."""
        shape = (len(self.rows), len(self.columns))
        if self.scores.ndim != len(shape) + 1 or self.scores.shape[:2] != shape:
            raise ConfigError(
                f"{shape[0]} rows and {shape[1]} columns need scores of shape "
                f"({shape[0]}, {shape[1]}, blocks), got {self.scores.shape}"
            )

    def blocks(self, row: str, column: str) -> Floats:
        """The mean of each block; shape (blocks,).

        Raises:
            UnknownNameError: if there is no such row or column.
        """
        if row not in self.rows:
            raise unknown_name("row", row, self.rows)
        if column not in self.columns:
            raise unknown_name("column", column, self.columns)
        scores: Floats = self.scores[self.rows.index(row), self.columns.index(column)]
        return scores

    def score(self, row: str, column: str) -> Cell:
        """The score on a column of the agents trained on a row."""
        return _cell(self.blocks(row, column))

    def gain(self, row: str, over: str, column: str) -> Cell:
        """By how much the agents of a row earn more than those of another one, paired by block."""
        return _cell(self.blocks(row, column) - self.blocks(over, column))

    def relative(self, to: str) -> Floats:
        """Mean scores as multiples of those of one row in the same column; (rows, columns)."""
        means = self.scores.mean(axis=2)
        if to not in self.rows:
            raise unknown_name("row", to, self.rows)
        ratios: Floats = means / means[self.rows.index(to)]
        return ratios


def transfer_matrix(
    trained: Mapping[str, Sequence[Policy]],
    tested: Mapping[str, Sequence[Scenario]],
    worlds: Sequence[Sequence[int]],
    *,
    indicator: str = "revenue_rate",
    on_cell: OnCell | None = None,
) -> TransferMatrix:
    """Tests every agent on every network.

    Args:
        trained: by name of the row, the agent of each block; a rule is the same one in all.
        tested: by name of the column, one network or several; each world picks one of them, the
            same one for every agent.
        worlds: seeds of the worlds of each block (see `twin_gym.policies.world_seeds`).
        indicator: the KPI that is the score; more is better.
        on_cell: see `OnCell`.

    Returns:
        The matrix.

    Raises:
        ConfigError: if a row has not one agent a block, nothing is trained or tested, or no KPI
            has the name of the indicator, or a world is there twice.

    Example:
        >>> from twin_gym.policies import make_policy, world_seeds
        >>> from twin_gym.scenario.loading import load
        >>> network = load("mild").replace(horizon_s=20.0)
        >>> rules = {name: [make_policy(name, network)] for name in ("random", "density")}
        >>> seeds = [world_seeds("validation", 4)]
        >>> found = transfer_matrix(rules, {"mild": [network]}, seeds)
        >>> found.gain("density", "random", "mild").mean > 0.0
        True
    """
    if not trained or not tested or not worlds or not all(len(block) for block in worlds):
        raise ConfigError("a matrix needs a row, a column and a world in each block at least")
    distinct_worlds(seed for block in worlds for seed in block)
    for row, policies in trained.items():
        if len(policies) != len(worlds):
            raise ConfigError(
                f"row {row!r} needs one agent a block ({len(worlds)}), got {len(policies)}"
            )
    scores = np.zeros((len(trained), len(tested), len(worlds)))
    for i, (row, policies) in enumerate(trained.items()):
        for j, (column, networks) in enumerate(tested.items()):
            scores[i, j] = _scores(policies, networks, worlds, indicator)
            if on_cell is not None:
                on_cell(row, column)
    return TransferMatrix(tuple(trained), tuple(tested), scores)


class _SideBySide:
    """Agents that each decide in rows of their own: all blocks of a cell in one go."""

    name = "side by side"

    def __init__(self, policies: Sequence[Policy], worlds: Sequence[Sequence[int]]) -> None:
        block = np.repeat(np.arange(len(worlds)), [len(seeds) for seeds in worlds])
        groups: dict[int, list[int]] = {}
        for k, policy in enumerate(policies):
            groups.setdefault(id(policy), []).append(k)
        self._groups = [
            (policies[own[0]], np.flatnonzero(np.isin(block, own)), worlds[own[0]][0])
            for own in groups.values()
        ]

    def reset(self, seed: int) -> None:
        """Resets each agent with the first of its own worlds."""
        for policy, _, first in self._groups:
            policy.reset(first)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The actions of all rows, each chosen by the agent of the row."""
        parts = [
            (rows, policy.actions(observations[rows], masks[rows]))
            for policy, rows, _ in self._groups
        ]
        chosen = np.zeros((len(observations), *parts[0][1].shape[1:]), parts[0][1].dtype)
        for rows, actions in parts:
            chosen[rows] = actions
        return chosen


def _scores(
    policies: Sequence[Policy],
    networks: Sequence[Scenario],
    worlds: Sequence[Sequence[int]],
    indicator: str,
) -> Floats:
    """The mean of each block."""
    if any(isinstance(policy, PrivilegedPolicy) for policy in policies):
        parts = [
            _values(policy, networks, seeds, indicator)
            for policy, seeds in zip(policies, worlds, strict=True)
        ]
    else:
        seeds = [seed for block in worlds for seed in block]
        values = _values(_SideBySide(policies, worlds), networks, seeds, indicator)
        parts = np.split(values, np.cumsum([len(block) for block in worlds])[:-1])
    return np.array([part.mean() for part in parts])


def _values(
    policy: Policy, networks: Sequence[Scenario], seeds: Sequence[int], indicator: str
) -> Floats:
    kpi = evaluate(policy, list(networks), list(seeds)).kpi
    if indicator not in kpi:
        raise unknown_name("indicator", indicator, kpi)
    return kpi[indicator]


def _cell(blocks: Floats) -> Cell:
    return Cell(float(blocks.mean()), half_width(blocks))
