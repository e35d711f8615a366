"""The page of bounds: one table, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.bounds.rows import FIRST_WORLD, Row

_HEAD = f"""# What no policy can earn

Written by `python -m benchmarks.bounds`. Revenue a simulated second over whole episodes from an
empty network. **Bold**: the tightest bound that is proven without sampling; it is the track's 100.
*Gap*: how much of a bound lies above what the best classical rule earns. That a gap is there does
not mean that a policy could close it.

- *exact optimum*: `slice_admission.theory.finite_horizon`, the upper end of its enclosure.
- *LP*: `slice_admission.theory.bounds.fluid_bound` with the horizon.
- *option bound*: `slice_admission.theory.option_bound` with the horizon. It is an
  information-relaxation bound whose penalty is the martingale of an approximate value function.
- *perfect information*: `benchmarks.bounds.perfect`, hindsight in each world, as a linear programme
  over the realised requests. With a *fee*, hindsight pays for knowing holding times. Where worlds
  are given, mean and 95 % interval over validation worlds {FIRST_WORLD} and following; for a
  replayed trace without worlds, the mean over all moments at which an episode may begin.
"""


def as_page(rows: Mapping[str, Sequence[Row]]) -> str:
    """The page.

    Args:
        rows: by scenario, with one row that is no bound: what is earned.

    Returns:
        Markdown.
    """
    lines = [
        _HEAD,
        "| scenario | what | a second | 95 % | worlds | gap % | proven by |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for entries in rows.values():
        earned = next(one.value_per_s for one in entries if not one.is_bound)
        lines += [_line(one, earned) for one in entries]
    return "\n".join(lines) + "\n"


def _line(row: Row, earned_per_s: float) -> str:
    value = f"{row.value_per_s:.5g}"
    gap = f"{100.0 * (1.0 - earned_per_s / row.value_per_s):.2f}" if row.is_bound else ""
    cells = (
        row.scenario,
        row.kind,
        f"**{value}**" if row.is_anchor else value,
        f"± {row.half_width:.2g}" if row.half_width > 0 else "",
        str(row.worlds or ""),
        gap,
        row.what,
    )
    return "| " + " | ".join(cells) + " |"
