"""The one door around every command: what goes wrong is a line on standard error, and a code."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from twin_gym.cli.plain import plain
from twin_gym.errors import TwinGymError

FAILED = 2
"""Exit code of a request that was refused, or that failed for want of room, rights or memory."""

_PIPE_CLOSED = 1
_IN_PLAIN_LETTERS = {
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-",
    "\N{BOX DRAWINGS HEAVY HORIZONTAL}": "-",
    "\N{BOX DRAWINGS LIGHT VERTICAL}": "|",
    "\N{BULLET}": "*",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{MICRO SIGN}": "u",
    "\N{SUPERSCRIPT TWO}": "^2",
}
_HANDLER = "twin_gym.plain_letters"
_NotUnderstood: type[Exception] = typer.BadParameter.__bases__[0]
"""What typer raises for options and arguments, of the click that it brings."""


class _Answering:
    """Runs a command and answers for its errors; a mixin of the two classes below."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - typer's own types
        """As typer's, without a traceback for what a user can mend."""
        show_every_sign()
        try:
            try:
                return super().main(*args, **kwargs)  # type: ignore[misc]
            finally:
                _flush()
        except BrokenPipeError:
            _turn_output_off()
            sys.exit(_PIPE_CLOSED)
        except (TwinGymError, OSError, UnicodeError, MemoryError) as error:
            say(_told(error))
            if isinstance(error, OSError):
                _turn_output_off()
            sys.exit(FAILED)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """As typer's, with mistakes in options told in one line."""
        with _one_line():
            return super().make_context(*args, **kwargs)  # type: ignore[misc]

    def invoke(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """As typer's, with mistakes in options of commands below told in one line."""
        with _one_line():
            return super().invoke(*args, **kwargs)  # type: ignore[misc]


class AnsweringGroup(_Answering, TyperGroup):
    """Several commands, which answer for their errors: `typer.Typer(cls=AnsweringGroup)`."""


class AnsweringCommand(_Answering, TyperCommand):
    """A command that answers for its errors: `app.command(cls=AnsweringCommand)`."""


def say(text: str) -> None:
    """Prints a message in one line on standard error, as far as there is one.

    Args:
        text: of the message; blanks and ends of lines become single blanks.
    """
    with suppress(OSError):
        typer.echo(f"twin-gym: {' '.join(plain(text).split())}", err=True)


@contextmanager
def _one_line() -> Iterator[None]:
    """Turns what typer tells of a mistake, in a frame and with the usage, into one line."""
    try:
        yield
    except _NotUnderstood as error:
        said = getattr(error, "format_message", None)
        if said is None or type(error).__name__ == "NoArgsIsHelpError":
            raise  # prints the whole help
        context = getattr(error, "ctx", None)
        more = "" if context is None else f"; see {context.command_path} --help"
        say(said().rstrip(".") + more)
        raise typer.Exit(FAILED) from None


def show_every_sign() -> None:
    """Has signs that an output's encoding lacks written in plain letters, instead of failing."""
    codecs.register_error(_HANDLER, _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def deliver(*steps: Callable[[], None]) -> None:
    """Takes every step, also where one before it fails: what is found is printed, and then kept.

    Args:
        steps: in their order, the printing of results first.

    Raises:
        BaseException: the first that a step raised, after the last step; further ones are said.
    """
    failures: list[Exception | SystemExit] = []
    for step in steps:
        try:
            step()
        except (Exception, SystemExit) as failure:  # rich ends a closed pipe by SystemExit
            failures.append(failure)
    for further in failures[1:]:
        say(_told(further))
    if failures:
        raise failures[0]


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_IN_PLAIN_LETTERS.get(sign, "?") for sign in signs), error.end


def _told(error: BaseException) -> str:
    """What the line says of an error."""
    if isinstance(error, TwinGymError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"there is not memory enough: {error or 'ask for less at once'}"
    if isinstance(error, UnicodeDecodeError):
        return f"a file is no text in UTF-8: {error}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{str(error.filename)!r}: {error.strerror}"
    return str(error)


def _flush() -> None:
    """Has what is printed fail here, where it is answered for, and not at the end of Python."""
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _turn_output_off() -> None:
    """Keeps Python from writing the rest to an output that has failed; others have lost nothing."""
    try:
        _flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, sys.stdout.fileno())
            os.close(nothing)
