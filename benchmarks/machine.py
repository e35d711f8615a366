"""The model of the processor in words, without the name of a host or a path."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def processor_model() -> str:
    """The model of this machine's processor, or its architecture where the system does not tell.

    Returns:
        A phrase such as `Intel Xeon`.
    """
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    named = [one.partition(":")[2].strip() for one in lines if one.startswith("model name")]
    return named[0] if named else platform.machine()


def this_machine() -> str:
    """Model of the processor and number of cores.

    Returns:
        A phrase such as `Intel Xeon, 2 cores`.
    """
    count = os.cpu_count() or 1
    return f"{processor_model()}, {count} core{'' if count == 1 else 's'}"
