"""A linear programme of which few columns are in use, and a bound that holds for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, vstack

from twin_gym.errors import TwinGymError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class RowList:
    """Rows of a sparse matrix with their limits, as they are added."""

    def __init__(self) -> None:
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._limits: list[Floats] = []
        self._rows = 0

    def add(
        self, limits: ArrayLike, *parts: tuple[ArrayLike, ArrayLike, ArrayLike | float]
    ) -> None:
        """Add as many rows as there are limits.

        Args:
            limits: of the new rows; shape (rows,).
            parts: entries: row among the new ones, column, and value; alike in shape, or scalars.
        """
        given = np.atleast_1d(np.asarray(limits, np.float64))
        for part in parts:
            rows, columns, values = np.broadcast_arrays(*part)
            entry = (rows.ravel() + self._rows, columns.ravel(), values.ravel().astype(np.float64))
            self._entries.append(entry)
        self._limits.append(given)
        self._rows += len(given)

    def matrix(self, columns: int) -> tuple[csr_array, Floats]:
        """All rows so far as a matrix, and their limits; entries at one place are added up."""
        rows, at, values = (np.concatenate(one) for one in zip(*self._entries, strict=True))
        matrix = coo_array((values, (rows, at)), (self._rows, columns)).tocsr()
        return matrix, np.concatenate(self._limits)


@dataclass(frozen=True)
class Solution:
    """An optimum over the columns in use, and what its prices prove about all columns.

    Attributes:
        values: of all columns; 0 where not in use.
        optimum: over the columns in use.
        bound: no feasible point of the whole programme costs less.
        reduced_costs: of all columns; negative ones might lower the cost.
        cut_prices: of the added rows; 0 where the row makes no difference.
    """

    values: Floats
    optimum: float
    bound: float
    reduced_costs: Floats
    cut_prices: Floats


class LinearProgramme:
    """Minimise c x over 0 <= x <= u, equal rows, rows that are at most a limit, and added rows.

    *The bound.* For any prices p of the equal rows E x = e, and q <= 0 of the others F x <= f, a
    feasible x costs at least p e + q f + Σ_j min(0, r_j) u_j with the reduced costs
    r = c - E' p - F' q (weak duality; A. Neumaier and O. Shcherbina 2004, Safe bounds in linear and
    mixed-integer linear programming). It holds whatever the tolerances of the solver are, and for
    columns that it was not given.
    """

    def __init__(self, costs: Floats, most: Floats, equal: RowList, limited: RowList) -> None:
        """Collect what stays the same.

        Args:
            costs: of the columns, c.
            most: upper limits of the columns, u: finite, and met by what the bound is for.
            equal: rows with equality.
            limited: rows that are at most their limit.
        """
        self._costs, self._most = costs, most
        self._equal, self._equal_to = equal.matrix(len(costs))
        self._limited, self._limits = limited.matrix(len(costs))

    def solve(self, in_use: Bools, cuts: Sequence[csr_array]) -> Solution:
        """An optimum over the columns in use.

        Args:
            in_use: of the columns; the programme must be feasible with these alone.
            cuts: added rows over all columns, of shape (1, columns), that are at most 0.

        Raises:
            TwinGymError: if the solver fails.
        """
        limited = vstack([self._limited, *cuts], format="csr") if cuts else self._limited
        limits = np.concatenate([self._limits, np.zeros(len(cuts))])
        # The stubs of linprog know neither sparse arrays nor an array of bounds.
        given: Any = limited[:, in_use]
        equal: Any = self._equal[:, in_use]
        box: Any = np.column_stack([np.zeros(in_use.sum()), self._most[in_use]])
        found = linprog(
            self._costs[in_use], given, limits, equal, self._equal_to, box, method="highs-ds"
        )
        if found.x is None or found.fun is None or not found.success:
            raise TwinGymError(
                f"the linear programme of an episode was not solved: {found.message}"
            )
        prices = np.minimum(found.ineqlin.marginals, 0.0)
        of_equal = found.eqlin.marginals
        reduced = self._costs - self._equal.T @ of_equal - limited.T @ prices
        bound = of_equal @ self._equal_to + prices @ limits
        bound += np.minimum(reduced, 0.0) @ self._most
        values = np.zeros(len(self._costs))
        values[in_use] = found.x
        return Solution(
            values, float(found.fun), float(bound), reduced, prices[len(self._limits) :]
        )
