"""Real request traces: a reference to a file in a scenario, and what a checked reader gives."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from twin_gym.errors import ConfigError, TraceError
from twin_gym.scenario.base import MAX_TIME_S, Duration, FrozenModel

Moment = Annotated[float, Field(strict=True, ge=0, le=MAX_TIME_S, allow_inf_nan=False)]


class Trace(FrozenModel):
    """A reference to a trace file: which part of it is replayed.

    Each episode begins at a moment of the window drawn from its seed, and wraps around at the
    window's end: another seed gives another world.

    Attributes:
        path: absolute, or relative to the directory named by TWIN_GYM_DATA.
        format: `requests` (CSV with columns arrival_s, slice, holding_s) or `openb` (the pod list
            of a production GPU cluster; see `twin_gym.scenario.openb`).
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
        path = Path(self.path)
        if not path.is_absolute():
            root = os.environ.get("TWIN_GYM_DATA")
            if not root:
                raise TraceError(
                    f"the trace {self.path!r} is relative to a data directory and TWIN_GYM_DATA is "
                    "not set: set it, or give an absolute path"
                )
            path = Path(root) / path
        if not path.is_file():
            raise TraceError(f"there is no trace file {self.path!r}: check the path or TWIN_GYM_DATA")
        return path


@dataclass(frozen=True)
class RequestTrace:
    """Requests in order of arrival, as a reader gives them.

    Attributes:
        arrival_s: seconds since the start of the window, not falling; shape (requests,).
        holding_s: holding times, positive; shape (requests,).
        slice_names: the slice of each request; shape (requests,).
        duration_s: length of the window.
    """

    arrival_s: NDArray[np.float64]
    holding_s: NDArray[np.float64]
    slice_names: NDArray[np.str_]
    duration_s: float
