"""The tables of observed values in the docstrings of environments."""

from __future__ import annotations

from collections.abc import Iterable


def field_rows(fields: Iterable[tuple[str, str, str]]) -> str:
    r"""Rows of a Markdown table, indented as docstrings of classes are.

    Args:
        fields: of each, its name, what there is one value for, and its meaning. A pipe sign in a
            formula is escaped: it ends no cell.

    Returns:
        Lines joined by newlines.

    Example:
        >>> print(field_rows([("change", "entity", "c / (|c| + 1)")]))
        | `change` | entity | c / (\|c\| + 1) |
    """
    lines = (
        f"| `{name}` | {per} | {meaning} |"
        for name, per, meaning in ((part.replace("|", "\\|") for part in field) for field in fields)
    )
    return "\n    ".join(lines)
