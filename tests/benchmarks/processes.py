"""Which processes still run, for tests that see them end."""

from collections.abc import Iterable
from pathlib import Path


def alive(processes: Iterable[int]) -> list[int]:
    """Those that still run; who is dead and not yet buried does not."""
    running = []
    for one in processes:
        try:
            state = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        running += [one] * (state not in "ZX")
    return running
