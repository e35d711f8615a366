"""Rendering by mode for all environments, and short words."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from gymnasium import logger
from numpy.typing import NDArray

from twin_gym.errors import missing_extra

_PROGRESS_WIDTH = 20
_TO_TOP_LEFT_AND_CLEAR = "\x1b[H\x1b[J"


def render_frame(
    render_mode: str | None,
    as_text: Callable[[], str],
    as_pixels: Callable[[], NDArray[np.uint8]],
) -> NDArray[np.uint8] | str | None:
    """Renders one frame in the given mode.

    Args:
        render_mode: of the environment.
        as_text: makes the picture in plain characters.
        as_pixels: makes the picture in pixels, and may import Pillow for it.

    Returns:
        `ansi`: text. `rgb_array`: pixels. `human`: None; the text of `ansi` is redrawn in place on
        standard output, and no window is opened, so that it works over a remote shell. None: None,
        with a warning.

    Raises:
        MissingExtraError: for `rgb_array` if Pillow is not installed.
    """
    if render_mode is None:
        logger.warn("render() does nothing: make the environment with a render_mode")
        return None
    if render_mode == "rgb_array":
        try:
            return as_pixels()
        except ImportError as error:
            raise missing_extra("render_mode='rgb_array'", "render") from error
    if render_mode == "ansi":
        return as_text()
    sys.stdout.write(_TO_TOP_LEFT_AND_CLEAR + as_text())
    sys.stdout.flush()
    return None


def headline(name: str, progress: float, time: str) -> str:
    """The first line of a picture in characters: the scenario, how far it is, and when it is.

    Args:
        name: of the scenario.
        progress: share of the episode that is over.
        time: in words.
    """
    done = round(progress * _PROGRESS_WIDTH)
    return f"{shortened(name, 26):<26}  [{'=' * done:<{_PROGRESS_WIDTH}}] {time}"


def compact(amount: float) -> str:
    """An amount in at most seven characters, such as 81.24, 72k or 1.5M."""
    for factor, suffix in ((1e6, "M"), (1e3, "k")):
        if amount >= 10 * factor:
            return f"{amount / factor:.4g}{suffix}"
    return f"{amount:.4g}"


def shortened(name: str, most: int) -> str:
    """A name in at most so many characters: the middle is left out, for names differ at the end."""
    if len(name) <= most:
        return name
    tail = most // 2 - 1
    return f"{name[: most - tail - 2]}..{name[-tail:]}"
