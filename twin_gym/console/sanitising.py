"""Sanitises all text before it is printed to a terminal.

Names, descriptions, paths and messages may come from untrusted files and models. Markup in them is
printed literally (`[link=...]` is not a link), and control characters are removed.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import Task, TextColumn
from rich.status import Status
from rich.text import Text

from twin_gym.errors import without_controls

_UNSEEN = "Cf"  # formats: also letters without a width, of which a reader sees nothing
_JOINERS = "\u200c\u200d"  # parts of words and of pictures in many scripts


def sanitised(text: str) -> str:
    r"""The text without invisible characters, except for spaces and line breaks.

    Args:
        text: any text.

    Returns:
        The text that is safe to print.

    Example:
        >>> sanitised("a\u200bb\x1b[2J [red]c")
        'ab[2J [red]c'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        one
        for one in without_controls(text)
        if one in _JOINERS or unicodedata.category(one) != _UNSEEN
    )


class LiteralConsole(Console):
    """A console that prints every text literally, without markup."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"highlight": False, **given, "markup": False, "emoji": False})

    def render_str(self, text: str, **given: Any) -> Text:
        """Like rich's method, for sanitised text."""
        return super().render_str(sanitised(text), **given)

    def status(self, status: RenderableType, **given: Any) -> Status:
        """As rich's, whose texts are read as markup."""
        return _LiteralStatus(status, console=self, **given)


class LiteralColumn(TextColumn):
    """A text beside a progress bar, printed literally; rich's would read it as markup."""

    def __init__(self, text_format: str) -> None:
        super().__init__(text_format, markup=False)

    def render(self, task: Task) -> Text:
        """As rich's, of the text as it may be shown."""
        return Text(sanitised(super().render(task).plain))


class _LiteralStatus(Status):
    """A status message beside a spinner, printed literally."""

    def __init__(self, status: RenderableType, **given: Any) -> None:
        super().__init__(_literal(status), **given)

    def update(self, status: RenderableType | None = None, **given: Any) -> None:
        """As rich's, of the text as it may be shown."""
        super().update(None if status is None else _literal(status), **given)


def _literal(said: RenderableType) -> RenderableType:
    return Text(sanitised(said)) if isinstance(said, str) else said
