"""Adds to the provenance of a scenario."""

from __future__ import annotations

from twin_gym.scenario import Scenario

MOST_LETTERS = 10_000
"""Maximum length of a provenance."""

_CUT = " (cut)"


def with_provenance(scenario: Scenario, *, before: str = "", after: str = "") -> Scenario:
    """A copy of a scenario with text added to its provenance, which is cut if it is too long.

    Args:
        scenario: a scenario of any kind.
        before: lines to add before its provenance.
        after: lines to add after it.

    Returns:
        The scenario; its digest is unchanged.
    """
    before, after = f"{before}\n" if before else "", f"\n{after}" if after else ""
    so_far, room = scenario.provenance, MOST_LETTERS - len(before) - len(after)
    if len(so_far) > room:
        so_far = so_far[: max(room - len(_CUT), 0)] + _CUT
    whole = f"{before}{so_far}{after}"
    if len(whole) > MOST_LETTERS:  # what is new is too long by itself
        whole = whole[: MOST_LETTERS - len(_CUT)] + _CUT
    return scenario.replace(provenance=whole)
