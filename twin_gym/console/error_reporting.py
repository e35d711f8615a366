"""Errors of every command become one line on standard error and an exit code."""

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

from twin_gym.console.sanitising import sanitised
from twin_gym.errors import TwinGymError

FAILED = 2
"""Exit code for invalid input, and for missing space, permissions or memory."""

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
"""The usage error of the click that typer brings; raised for bad options and arguments."""


class _ErrorReporting:
    """Mixin that runs a command and reports its errors."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - typer's own types
        """Like typer's, without a traceback for errors that a user can correct."""
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
            say(_message_of(error))
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


class ErrorReportingGroup(_ErrorReporting, TyperGroup):
    """A group of commands that reports errors: `typer.Typer(cls=ErrorReportingGroup)`."""


class ErrorReportingCommand(_ErrorReporting, TyperCommand):
    """A command that reports errors: `app.command(cls=ErrorReportingCommand)`."""


def say(text: str) -> None:
    """Prints a message as one line on standard error, if that is open.

    Args:
        text: the message; whitespace and line breaks become single spaces.
    """
    with suppress(OSError):
        typer.echo(f"twin-gym: {' '.join(sanitised(text).split())}", err=True)


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
    """Makes output replace characters that its encoding lacks, instead of failing."""
    codecs.register_error(_HANDLER, _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def deliver(*steps: Callable[[], None]) -> None:
    """Runs every step even if an earlier one fails, so that results are printed and saved.

    Args:
        steps: run in this order; printing comes first.

    Raises:
        BaseException: the first exception of a step, after the last step; others are reported.
    """
    failures: list[Exception | SystemExit] = []
    for step in steps:
        try:
            step()
        except (Exception, SystemExit) as failure:  # rich ends a closed pipe by SystemExit
            failures.append(failure)
    for further in failures[1:]:
        say(_message_of(further))
    if failures:
        raise failures[0]


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_IN_PLAIN_LETTERS.get(sign, "?") for sign in signs), error.end


def _message_of(error: BaseException) -> str:
    """The message for an error."""
    if isinstance(error, TwinGymError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"not enough memory: {error or 'use smaller values'}"
    if isinstance(error, UnicodeDecodeError):
        return f"a file is not valid UTF-8 text: {error}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{str(error.filename)!r}: {error.strerror}"
    return str(error)


def _flush() -> None:
    """Flushes standard output, so that its errors are reported here and not at exit."""
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _turn_output_off() -> None:
    """Redirects an output that has failed to the null device, so that exit raises nothing."""
    try:
        _flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, sys.stdout.fileno())
            os.close(nothing)
