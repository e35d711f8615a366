"""References to files of data in a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from twin_gym.scenario.base import MAX_TIME_S, FrozenModel
from twin_gym.scenario.traces import Trace


class DataFile(FrozenModel):
    """A file that is not part of the project.

    Attributes:
        path: absolute, or relative to the directory named by TWIN_GYM_DATA.
    """

    path: Annotated[str, Field(strict=True, min_length=1, max_length=4096)]

    def locate(self) -> Path:
        """The file.

        Raises:
            TraceError: if it is not there, with what to set.
        """
        return Trace(path=self.path, last_s=MAX_TIME_S).locate()
