"""Pictures of right-time synchronisation: text, pixels, or text redrawn in the terminal."""

from __future__ import annotations

import numpy as np

from twin_gym.core.drawing import headline, shortened
from twin_gym.core.single import RowEnv
from twin_gym.environments.right_time_sync.batch import SyncBatch

_BAR_WIDTH = 30
_MOST_LINES = 16


def as_text(env: RowEnv[SyncBatch]) -> str:
    """A twin in plain characters, at most 80 columns wide.

    Args:
        env: the single form of the environment.

    Returns:
        Lines, each with a newline. Each group has a line: mean and greatest age, root of the mean
        squared error, and a bar of its entities beyond (`x`) and within (`=`) the tolerance.
    """
    scenario, row = env.scenario, env.batch.row(0)
    slot = int(env.batch.heads[0]["slot"])
    now_s = slot * scenario.slot_s
    budget = "" if row["budget_left"] < 0 else f", {row['budget_left']} left"
    lines = [
        headline(
            scenario.name,
            slot / scenario.num_slots,
            f"{now_s:.6g} of {scenario.horizon_s:.6g} s",
        ),
        f"updates {row['updates']}, delivered {row['delivered']}{budget}",
        "",
        f"{'group':<18} {'mean age':>9} {'greatest':>9} {'rms error':>9}  beyond (x), within (=)",
        *_groups(env),
    ]
    return "\n".join([*lines, ""])


def _groups(env: RowEnv[SyncBatch]) -> list[str]:
    scenario, twin = env.scenario, env.batch.twin(0)
    lines, first = [], 0
    for group in scenario.groups[:_MOST_LINES]:
        these = slice(first, first + group.count)
        first += group.count
        ages_s = twin["age"][these] * scenario.slot_s
        errors = twin["error"][these]
        beyond = round(_BAR_WIDTH * float((errors > scenario.tolerance**2).mean()))
        bar = "x" * beyond + "=" * (_BAR_WIDTH - beyond)
        lines.append(
            f"{shortened(group.name, 18):<18} {ages_s.mean():>9.4g} {ages_s.max():>9.4g} "
            f"{np.sqrt(errors.mean()):>9.3g}  {bar}"
        )
    left_out = len(scenario.groups) - len(lines)
    return [*lines, f"and {left_out} more groups"] if left_out else lines
