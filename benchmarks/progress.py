"""The progress bar of many trainings."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

from twin_gym.console.printing import messages
from twin_gym.console.sanitising import LiteralColumn


def training_progress(console: Console | None = None) -> Progress:
    """A progress display: the last training, the number done of all, and the time left.

    Args:
        console: where it is drawn; None: standard error.

    Returns:
        The bar, to be used as a context.
    """
    return Progress(
        LiteralColumn("{task.description}"),
        BarColumn(),
        LiteralColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        LiteralColumn("left"),
        TimeRemainingColumn(),
        console=messages() if console is None else console,
    )
