"""Indicators as the single form's `info` has them: nothing yet, or all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Kpi(dict[str, float]):
    """Indicators by name, empty until the episode is over; for NumPy always the same record.

    Libraries that keep infos, such as Minari, want the same tree of arrays at every step. They
    take a plain dict apart: names that come at the end alone are refused, and in an HDF5 file a
    name with a slash is a folder, so that `offered/video` cannot be beside `offered`. A dict of a
    class of its own stays whole and becomes one record, with NaN where nothing is known yet.

    Attributes:
        names: fields of the record; those of the dict unless `kpi_of` has set them.

    Example:
        >>> steps = np.array([kpi_of(("offered", "lost")), kpi_of(("offered", "lost"), (9.0, 1.0))])
        >>> steps["offered"].tolist()
        [[nan], [9.0]]
    """

    __slots__ = ("names",)
    names: tuple[str, ...]

    @property
    def shape(self) -> tuple[int]:
        """The shape of NumPy's array of it."""
        return (1,)

    def __array__(
        self,
        dtype: Any = None,  # noqa: ANN401 - whatever NumPy asks for
        copy: bool | None = None,
    ) -> NDArray[Any]:
        """One record with a field a name, in a new array.

        Raises:
            ValueError: if NumPy may not copy.
        """
        if copy is False:
            raise ValueError("indicators are not an array yet: allow a copy")
        names = self._fields()
        values = tuple(self.get(name, np.nan) for name in names)
        records = np.array([values], [(name, np.float64) for name in names])
        return records if dtype is None else records.astype(dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> Kpi:
        """Names and numbers never change; Stable-Baselines3 copies every info of every step."""
        return kpi_of(self._fields(), self.values())

    def _fields(self) -> tuple[str, ...]:
        return getattr(self, "names", tuple(self))


def kpi_of(names: tuple[str, ...], values: Iterable[float] = ()) -> Kpi:
    """Indicators of these names, in their order; no values: nothing is known yet."""
    kpi = Kpi(zip(names, values, strict=False))
    kpi.names = names
    return kpi
