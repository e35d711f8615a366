"""Files that a twin leaves: written aside and renamed, read with a limit, never executed."""

from twin_gym.files.reading import read_bytes
from twin_gym.files.whole import write_bytes

__all__ = ["read_bytes", "write_bytes"]
