"""Files of results: whole or not there, in folders that are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path

from twin_gym.errors import ConfigError
from twin_gym.files.whole import replacing


@contextmanager
def result_file(path: Path) -> Iterator[BufferedWriter]:
    """A file that takes its place at the end (see `twin_gym.files.whole.replacing`).

    Args:
        path: in a folder that is made if it does not exist.

    Yields:
        The file, opened for bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        yield file


def write_text(path: Path, text: str) -> None:
    """Writes a file in UTF-8 that is whole or not there.

    Args:
        path: in a folder that is made if it does not exist.
        text: the whole content.
    """
    with result_file(path) as file:
        file.write(text.encode("utf-8"))


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Has what a damaged file makes of its reading told with its name.

    Args:
        path: of the file.
        what: it should hold, such as "bounds".

    Raises:
        ConfigError: if it holds something else.
    """
    try:
        yield
    except ConfigError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{str(path)!r} holds no {what} ({type(error).__name__}: {error!s:.200}): bring it "
            "back from a copy, remove it, or name another file"
        ) from None
