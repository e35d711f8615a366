"""The picture of an environment without its own: the observed fields and the indicators."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.batch import Batch
from twin_gym.core.drawing import compact, shortened
from twin_gym.core.single import RowEnv

_BAR, _NAME, _MOST_FIELDS = 20, 26, 16
_LINE_HEIGHT, _LEFT, _MIDDLE, _SIZE = 15, 16, 236, 12


class PlainEnv(RowEnv[Batch]):
    """A network whose picture lists its observed fields and its indicators."""

    def _as_text(self) -> str:
        return as_text(self.batch)

    def _as_pixels(self) -> NDArray[np.uint8]:
        from twin_gym.core.canvas import HEIGHT, Canvas

        canvas = Canvas()
        for place, line in enumerate(as_text(self.batch).splitlines(), 1):
            top = _LINE_HEIGHT * place
            if top < HEIGHT:
                canvas.text(_LEFT, top, line[:_NAME].rstrip(), _SIZE)
                canvas.text(_MIDDLE, top, line[_NAME:].strip(), _SIZE)
        return canvas.pixels()


def as_text(batch: Batch) -> str:
    """Row 0 of a batch in plain characters, at most 80 columns wide.

    Args:
        batch: not touched.

    Returns:
        Lines, each with a newline: the indicators so far, and the observed fields with a
        bar each; at most sixteen of them.
    """
    scenario = batch.scenario_of(0)
    lines = [
        f"{shortened(scenario.name, _NAME):<{_NAME}}  episodes of {scenario.horizon_s:g} s",
        "",
    ]
    lines += [
        f"{shortened(name, _NAME):<{_NAME}}  {compact(float(values[0]))}"
        for name, values in batch.kpis().items()
    ]
    names = batch.settings.form.field_names(batch.scenario)
    lines.append("")
    lines += [
        f"{shortened(name, _NAME):<{_NAME}}  [{_bar(float(value))}] {value:.3f}"
        for name, value in zip(names[:_MOST_FIELDS], batch.observations[0], strict=False)
    ]
    if len(names) > _MOST_FIELDS:
        lines.append(f"and {len(names) - _MOST_FIELDS} more fields")
    return "\n".join([*lines, ""])


def _bar(share: float) -> str:
    done = min(max(round(share * _BAR), 0), _BAR)
    return "=" * done + " " * (_BAR - done)
