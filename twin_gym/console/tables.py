"""Tables whose cells are never cut, however narrow the terminal is."""

from __future__ import annotations

from typing import ClassVar

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Markdown, MarkdownElement, TableElement
from rich.measure import Measurement
from rich.table import Column, Table

_GAP = 3  # columns between two columns: a blank on either side, and the rule
_READABLE = 24
"""Width down to which texts give way before the heads of numbers are broken."""
_LEAST = 16
"""Width down to which texts give way at all; what is wider then passes the edge of the place."""


class WholeTable(Table):
    """A table whose texts are broken into lines and whose numbers are whole.

    Where space is short, texts give way first, the widest before the others; then the heads of
    numbers are broken at their blanks, and texts give way again. What is still wider than the
    terminal or the page is printed past its edge.

    Args:
        title: printed above.
    """

    def __init__(self, title: str | None = None) -> None:
        super().__init__(
            title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD,
            show_edge=False, pad_edge=False, padding=(0, 1),
        )  # fmt: skip

    def add_text(self, head: str) -> None:
        """Adds a column of texts."""
        self.add_column(head, justify="left", overflow="fold")

    def add_number(self, head: str) -> None:
        """Adds a column of numbers, which are never broken."""
        self.add_column(head, justify="right", overflow="fold")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table, as wide as its numbers need at least."""
        gaps = _GAP * (len(self.columns) - 1)
        widths = self._widths(console, options.max_width - gaps)
        for column, width in zip(self.columns, widths, strict=True):
            column.width = width
        wide = options.update(width=max(options.max_width, sum(widths) + gaps))
        yield from super().__rich_console__(console, wide)

    def _widths(self, console: Console, space: int) -> list[int]:
        """Width of each column, gaps left out."""
        roomy = console.options.update(width=10_000)
        is_text = [column.justify == "left" for column in self.columns]
        widths = [_width(console, roomy, column) for column in self.columns]
        _shrink(widths, is_text, space, _READABLE)
        if sum(widths) > space:
            for place, column in enumerate(self.columns):
                if not is_text[place]:
                    widths[place] = _width(console, roomy, column, breaks_head=True)
        _shrink(widths, is_text, space, _LEAST)
        return widths


class WholeMarkdown(Markdown):
    """Markdown whose tables lose nothing, and in which a `<` begins no tag.

    Args:
        text: in Markdown.
    """

    elements: ClassVar[dict[str, type[MarkdownElement]]]

    def __init__(self, text: str) -> None:
        super().__init__(text)
        for token in self.parsed:
            if token.type == "html_block":
                token.type = "code_block"
            for part in token.children or ():
                if part.type == "html_inline":
                    part.type = "text"


class _WholeTableElement(TableElement):
    """A table of Markdown as a `WholeTable`."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        made = WholeTable()
        for cell in self.header.row.cells if self.header and self.header.row else ():
            made.add_column(cell.content, justify="left", overflow="fold")
        for row in self.body.rows if self.body else ():
            made.add_row(*(cell.content for cell in row.cells))
        yield made


WholeMarkdown.elements = {**Markdown.elements, "table_open": _WholeTableElement}


def _width(
    console: Console, roomy: ConsoleOptions, column: Column, *, breaks_head: bool = False
) -> int:
    """Width of a column whose cells and head are not broken, or whose head has a word a line."""
    head = Measurement.get(console, roomy, column.header)
    cells = (Measurement.get(console, roomy, cell).maximum for cell in column.cells)
    return max(head.minimum if breaks_head else head.maximum, *cells, 1)


def _shrink(widths: list[int], is_text: list[bool], space: int, least: int) -> None:
    """Narrows the widest text columns, in place, until all fit or all are at the minimum."""
    while sum(widths) > space:
        texts = [place for place, text in enumerate(is_text) if text and widths[place] > least]
        if not texts:
            return
        widest = max(texts, key=widths.__getitem__)
        widths[widest] -= 1
