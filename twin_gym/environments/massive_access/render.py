"""Pictures of massive access: text, an array of pixels, or text redrawn in the terminal."""

from __future__ import annotations

from twin_gym.core.drawing import headline
from twin_gym.environments.massive_access.snapshot import PictureState

_BAR_WIDTH = 54


def as_text(snapshot: PictureState) -> str:
    """A cell in plain characters, at most 80 columns wide.

    Args:
        snapshot: what to show.

    Returns:
        Lines, each with a newline. In the bars of the last opportunities `#` is a preamble that
        brought a success, `x` one that collided, and `.` an idle one.
    """
    scenario = snapshot.scenario
    now_s = snapshot.slot * scenario.slot_s
    lines = [
        headline(scenario.name, snapshot.progress, f"{now_s:.3f} of {scenario.horizon_s:g} s"),
        f"barring probability {snapshot.barring:.4f}",
        "",
        *_devices(snapshot),
        "",
        "preambles of the last opportunities (# answered, x collided, . idle)",
    ]
    for age, (successes, collisions) in enumerate(snapshot.preambles):
        lines.append(f"{-age:>3} [{_preambles(snapshot, successes, collisions)}] {successes:>3}")
    return "\n".join([*lines, ""])


def _devices(snapshot: PictureState) -> list[str]:
    """One line a state, with a bar."""
    counts = (
        ("not asked yet", snapshot.silent),
        ("waiting", snapshot.waiting),
        ("answered", snapshot.succeeded),
        ("lost", snapshot.lost),
    )
    total = snapshot.scenario.num_devices
    lines = []
    for name, count in counts:
        width = round(count / total * (_BAR_WIDTH - 4))
        lines.append(f"{name:<14} {count:>6} {'=' * width}".rstrip())
    return lines


def _preambles(snapshot: PictureState, successes: int, collisions: int) -> str:
    idle = snapshot.scenario.preambles - successes - collisions
    return "#" * successes + "x" * collisions + "." * idle
