"""A load by counts of procedures: what each UE does, in order."""

from __future__ import annotations

from itertools import zip_longest

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.scenario import ProcedureMix

REQUIRED_STATE = {
    "register": "DEREGISTERED",
    "service": "IDLE",
    "downlink_data": "IDLE",
    "establish": "CONNECTED",
    "modify": "CONNECTED",
    "release": "CONNECTED",
    "inactivity": "CONNECTED",
    "handover": "CONNECTED",
    "path_switch": "CONNECTED",
    "configure": "CONNECTED",
    "deregister": "CONNECTED",
}
"""The state of a UE in which a planned procedure begins."""

_IN_THE_MIDDLE = {
    "modifications": ("modify",),
    "services": ("inactivity", "service"),
    "pagings": ("inactivity", "downlink_data"),
    "handovers": ("handover",),
    "path_switches": ("path_switch",),
    "configurations": ("configure",),
}
_NEED_A_SESSION = ("modifications", "pagings")


def lives(mix: ProcedureMix, num_ues: int) -> list[list[str]]:
    """What each UE does.

    Registration number i is of UE i modulo the number of UEs. Sessions, and whatever else there is,
    are dealt out to the registrations in turn; what needs a session, to those that have one. Within
    a registration the kinds follow one another in turn, and releases come before the
    deregistration. Those that are followed by another registration of the UE deregister first.

    Args:
        mix: the counts.
        num_ues: UEs.

    Returns:
        Procedures in order, one list a UE.

    Raises:
        ConfigError: if a UE would register again without having deregistered.

    Example:
        >>> lives(ProcedureMix(registrations=2, sessions=1, deregistrations=1), 2)
        [['register', 'establish', 'deregister'], ['register']]
    """
    count = mix.registrations
    if count - num_ues > mix.deregistrations:
        raise ConfigError(
            f"{count} registrations of {num_ues} UEs need {count - num_ues} deregistrations in "
            f"between, got {mix.deregistrations}: ask for more of them, or for more UEs"
        )
    sessions = _dealt(mix.sessions, list(range(count)), count)
    with_session = [life for life in range(count) if sessions[life]]
    middle = {
        name: _dealt(
            getattr(mix, name),
            with_session if name in _NEED_A_SESSION else list(range(count)),
            count,
        )
        for name in _IN_THE_MIDDLE
    }
    releases = _dealt(mix.releases, with_session, count, sessions)
    plans: list[list[str]] = [[] for _ in range(num_ues)]
    for life in range(count):
        rounds = zip_longest(
            *([_IN_THE_MIDDLE[name]] * dealt[life] for name, dealt in middle.items()), fillvalue=()
        )
        plans[life % num_ues] += [
            "register",
            *["establish"] * sessions[life],
            *[procedure for steps in rounds for step in steps for procedure in step],
            *["release"] * releases[life],
            *(["deregister"] if life < mix.deregistrations else []),
        ]
    return plans


def _dealt(
    number: int, receivers: list[int], count: int, most: list[int] | None = None
) -> list[int]:
    """So many things dealt out in turn, to each at most so many."""
    dealt = [0] * count
    place = 0
    while number and receivers:
        one = receivers[place % len(receivers)]
        if most is None or dealt[one] < most[one]:
            dealt[one] += 1
            number -= 1
        place += 1
    return dealt
