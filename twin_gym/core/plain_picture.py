"""The picture of an environment that brings none: the observed fields and the indicators."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.drawing import compact, shortened
from twin_gym.core.numpy_batch import NumPyBatch

_BAR, _NAME, _MOST_FIELDS = 20, 26, 16
_LINE_HEIGHT, _LEFT, _SIZE = 15, 16, 12


def as_text(batch: NumPyBatch) -> str:
    """Row 0 of a batch in plain characters, at most 80 columns wide.

    Args:
        batch: not touched.

    Returns:
        Lines, each with a newline: the time, the indicators so far, and the observed fields with a
        bar each; at most sixteen of them.
    """
    scenario = batch.scenario_of(0)
    slot = int(batch.heads["slot"][0])
    lines = [
        f"{shortened(scenario.name, _NAME):<{_NAME}}  [{_bar(slot / scenario.num_slots)}] "
        f"{slot * scenario.slot_s:g} of {scenario.horizon_s:g} s",
        "",
    ]
    lines += [
        f"{shortened(name, _NAME):<{_NAME}}  {compact(float(values[0]))}"
        for name, values in batch.kpis().items()
    ]
    names = batch.form.field_names(batch.scenario)
    lines.append("")
    lines += [
        f"{shortened(name, _NAME):<{_NAME}}  [{_bar(float(value))}] {value:.3f}"
        for name, value in zip(names[:_MOST_FIELDS], batch.observations[0], strict=False)
    ]
    if len(names) > _MOST_FIELDS:
        lines.append(f"and {len(names) - _MOST_FIELDS} more fields")
    return "\n".join([*lines, ""])


def as_pixels(batch: NumPyBatch) -> NDArray[np.uint8]:
    """The same text as pixels; shape (420, 720, 3), uint8. It needs Pillow."""
    from twin_gym.core.canvas import HEIGHT, Canvas

    canvas = Canvas()
    for place, line in enumerate(as_text(batch).splitlines()):
        top = _LINE_HEIGHT * (place + 1)
        if top > HEIGHT:
            break
        name, told = line[:_NAME].rstrip(), line[_NAME:].strip()
        canvas.text(_LEFT, top, name, _SIZE)
        canvas.text(_LEFT + 220, top, told, _SIZE)
    return canvas.pixels()


def _bar(share: float) -> str:
    done = min(max(round(share * _BAR), 0), _BAR)
    return "=" * done + " " * (_BAR - done)
