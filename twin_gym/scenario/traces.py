"""Real request traces: a reference to a file in a scenario, and what a checked reader gives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from twin_gym.errors import ConfigError, TraceError, unknown_name
from twin_gym.files.reading import found_file
from twin_gym.scenario.base import MAX_TIME_S, Duration, FrozenModel
from twin_gym.scenario.tables import Row, read_rows

Scalar = TypeVar("Scalar", bound=np.generic)

Moment = Annotated[float, Field(strict=True, ge=0, le=MAX_TIME_S, allow_inf_nan=False)]


class Trace(FrozenModel):
    """A reference to a trace file: which part of it is replayed.

    Each episode begins at a moment of the window that is drawn from its seed, and wraps around at
    the window's end: another seed gives another world.

    Attributes:
        path: absolute, or relative to the directory named by TWIN_GYM_DATA.
        format: `requests` (CSV with columns arrival_s, slice, holding_s) or `openb` (the pod list
            of a production GPU cluster; see `slice_admission.openb`).
        first_s: start of the window, in seconds of the trace.
        last_s: end of the window.
        period_s: length of the day that the agent sees the time of, or None.
    """

    path: Annotated[str, Field(strict=True, min_length=1, max_length=4096)]
    format: Literal["requests", "openb"] = "requests"
    first_s: Moment = 0.0
    last_s: Duration
    period_s: Duration | None = None

    @model_validator(mode="after")
    def _window(self) -> Trace:
        if self.first_s >= self.last_s:
            raise ConfigError(
                f"the window must end after it begins, got first_s={self.first_s:g}, "
                f"last_s={self.last_s:g}"
            )
        return self

    def locate(self) -> Path:
        """The file.

        Raises:
            TraceError: if it is not there, with what to set.
        """
        path, advice = Path(self.path), "check the path"
        if not path.is_absolute():
            root = os.environ.get("TWIN_GYM_DATA")
            if not root:
                raise TraceError(
                    f"the trace {self.path!r} is relative to a data directory and TWIN_GYM_DATA is "
                    "not set: set it, or give an absolute path"
                )
            path, advice = Path(root) / path, f"check the path or TWIN_GYM_DATA ({root})"
        found_file(path, "trace file", TraceError, advice)
        return path


@dataclass(frozen=True, eq=False)
class RequestTrace:
    """Requests in order of arrival, as a reader gives them; the arrays are read-only.

    Attributes:
        arrival_s: seconds since the start of the window, not falling, less than the duration;
            shape (requests,).
        holding_s: holding times, positive; shape (requests,).
        slice_names: the slice of each request; shape (requests,).
        duration_s: length of the window.
    """

    arrival_s: NDArray[np.float64]
    holding_s: NDArray[np.float64]
    slice_names: NDArray[np.str_]
    duration_s: float


class TraceRequest(NamedTuple):
    """One request of a trace file.

    Attributes:
        row: where it stands.
        slice_name: whose request it is.
        arrival_s: in seconds of the trace.
        holding_s: how long it holds its resources once admitted.
    """

    row: Row
    slice_name: str
    arrival_s: float
    holding_s: float


def read_requests(
    path: Path, slice_names: Sequence[str], first_s: float, last_s: float
) -> RequestTrace:
    """Requests from a CSV file with the columns arrival_s, slice and holding_s.

    Args:
        path: the file: a header, then one request a row, arrivals not falling.
        slice_names: the slices that a request may belong to.
        first_s: start of the window, in seconds of the trace; requests before it are left out.
        last_s: end of the window; requests at it or after it are left out.

    Returns:
        The requests of the window.

    Raises:
        TraceError: if the file breaks its format anywhere, with the line, or if no request falls
            into the window.
    """
    return window(path, _requests(path), slice_names, first_s, last_s)


def window(
    path: Path,
    requests: Iterable[TraceRequest],
    slice_names: Sequence[str],
    first_s: float,
    last_s: float,
) -> RequestTrace:
    """The requests of a window, once all of them are found to be in order.

    Args:
        path: the file they come from.
        requests: all requests of the file.
        slice_names: the slices that a request may belong to.
        first_s: start of the window, in seconds of the trace, inclusive.
        last_s: end of the window, exclusive.

    Returns:
        The requests of the window.

    Raises:
        TraceError: if an arrival is earlier than the one before, a slice is unknown, or no request
            falls into the window.
    """
    arrivals: list[float] = []
    holdings: list[float] = []
    owners: list[str] = []
    earliest = latest = None
    for request in requests:
        if latest is not None and request.arrival_s < latest:
            raise request.row.error(
                f"arrivals must not fall, got {request.arrival_s:g} after {latest:g}: sort the file"
            )
        earliest = request.arrival_s if earliest is None else earliest
        latest = request.arrival_s
        if first_s <= request.arrival_s < last_s:
            if request.slice_name not in slice_names:
                raise request.row.error(str(unknown_name("slice", request.slice_name, slice_names)))
            arrivals.append(request.arrival_s - first_s)
            holdings.append(request.holding_s)
            owners.append(request.slice_name)
    if not arrivals:
        span = "no request" if latest is None else f"requests from {earliest:g} s to {latest:g} s"
        raise TraceError(
            f"{path} has no request from {first_s:g} s to {last_s:g} s (it holds {span}): "
            "move the window"
        )
    duration_s = last_s - first_s
    # A difference of two floats may be rounded up to the duration.
    before_end = np.minimum(arrivals, np.nextafter(duration_s, 0.0))
    return RequestTrace(
        arrival_s=_frozen(before_end.astype(np.float64)),
        holding_s=_frozen(np.array(holdings, dtype=np.float64)),
        slice_names=_frozen(np.array(owners, dtype=np.str_)),
        duration_s=duration_s,
    )


def _requests(path: Path) -> Iterator[TraceRequest]:
    for row in read_rows(path, ("arrival_s", "slice", "holding_s")):
        holding_s = row.number("holding_s", low=0.0, high=MAX_TIME_S)
        if holding_s <= 0:
            raise row.error("`holding_s` must be positive, got 0: remove the request or round up")
        yield TraceRequest(
            row,
            row.text("slice"),
            row.number("arrival_s", low=0.0, high=MAX_TIME_S),
            holding_s,
        )


def _frozen(values: NDArray[Scalar]) -> NDArray[Scalar]:
    values.flags.writeable = False
    return values
