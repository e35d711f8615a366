"""Tuned thresholds of the reservation rule: which scenarios have them, and how they were found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.policies.reservation import (
    ReservationPolicy,
    reserve_mapping,
)
from twin_gym.environments.slice_admission.policies.search import ReservationSearch
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.scenario.documents import parse_toml
from twin_gym.scenario.toml import toml_text


@dataclass(frozen=True)
class TunedReservation:
    """One entry of `reservations.toml`.

    Attributes:
        scenario: what it was tuned for.
        digest: of that scenario: the thresholds are for no other.
        reserve: amounts by slice and resource.
        found_by: the command, the worlds and the budget of the search.
        fresh_score: mean revenue rate over worlds that the search has not seen.
        fresh_half_width: half of the 95 % interval of it.
    """

    scenario: str
    digest: str
    reserve: dict[str, dict[str, float]]
    found_by: str
    fresh_score: float
    fresh_half_width: float


@cache
def tuned_reservations() -> tuple[TunedReservation, ...]:
    """The entries that come with the package."""
    text = (
        resources.files("twin_gym.environments.slice_admission.policies") / "reservations.toml"
    ).read_text("utf-8")
    entries: list[dict[str, Any]] = parse_toml(text, "reservations.toml")["reservation"]
    return tuple(TunedReservation(**entry) for entry in entries)


def tuned_reservation(
    scenario: AdmissionScenario, action: ActionName = "slice"
) -> ReservationPolicy:
    """Density order, where a slice is admitted only if enough stays free afterwards.

    A request of slice s is admitted if, once it holds what it needs, at least reserve[s][k] of
    every resource k is still free. The thresholds come with the package for some presets; they
    were found by search on validation worlds.

    Args:
        scenario: what the rows run.
        action: `slice` or `slot`.

    Returns:
        The policy with the thresholds that belong to the scenario's digest.

    Raises:
        ConfigError: if no thresholds come with the package for this scenario.
    """
    for entry in tuned_reservations():
        if entry.digest == scenario.digest:
            return ReservationPolicy(scenario, entry.reserve, action)
    known = ", ".join(entry.scenario for entry in tuned_reservations())
    raise ConfigError(
        f"no tuned reservation comes with the package for {scenario.name!r} (there is one for "
        f"{known}): search one with `twin-gym reservation-search` or `search_reservation`, and "
        "give it to `ReservationPolicy`"
    )


def entry_toml(scenario: AdmissionScenario, search: ReservationSearch, command: str) -> str:
    """A search result as an entry of `reservations.toml`.

    Args:
        scenario: what was tuned.
        search: the search.
        command: what reproduces it.

    Returns:
        TOML, with a newline at the end.
    """
    found_by = (
        f"{command}\n"
        f"{len(search.seeds)} worlds from seed {search.seeds[0]}; {search.episodes} episodes of a "
        f"budget of {search.budget}; {search.start_score:.6g} with nothing reserved, "
        f"{search.score:.6g} with this;\n"
        f"fresh score over {len(search.fresh_seeds)} worlds from seed {search.fresh_seeds[0]}"
    )
    entry = {
        "scenario": scenario.name,
        "digest": scenario.digest,
        "found_by": found_by,
        "fresh_score": float(f"{search.fresh_score:.6g}"),
        "fresh_half_width": float(f"{search.fresh_half_width:.2g}"),
        "reserve": reserve_mapping(scenario, search.reserve),
    }
    return toml_text({"reservation": [entry]})
