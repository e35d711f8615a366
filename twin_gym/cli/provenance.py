"""Where a scenario comes from, said beside what it said before."""

from __future__ import annotations

from twin_gym.scenario import Scenario

MOST_LETTERS = 10_000
"""Of a provenance."""

_CUT = " (cut)"


def with_provenance(scenario: Scenario, *, before: str = "", after: str = "") -> Scenario:
    """A scenario that says where it comes from; what it said so far is cut where it is too long.

    Args:
        scenario: of any kind.
        before: put in front of its provenance, as lines of their own.
        after: put behind it.

    Returns:
        The same network: its digest does not change.
    """
    before, after = f"{before}\n" if before else "", f"\n{after}" if after else ""
    so_far, room = scenario.provenance, MOST_LETTERS - len(before) - len(after)
    if len(so_far) > room:
        so_far = so_far[: max(room - len(_CUT), 0)] + _CUT
    whole = f"{before}{so_far}{after}"
    if len(whole) > MOST_LETTERS:  # what is new is too long by itself
        whole = whole[: MOST_LETTERS - len(_CUT)] + _CUT
    return scenario.replace(provenance=whole)
