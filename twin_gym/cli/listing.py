"""`twin-gym list`: what there is, one line each."""

from __future__ import annotations

import inspect

import gymnasium

from twin_gym import scenario as scenarios
from twin_gym.cli.console import first_sentence, number, output, table
from twin_gym.policies import POLICIES, describe_policy
from twin_gym.registration import ENTRY_POINTS


def show_lists(kind: str | None) -> None:
    """Prints the tables.

    Args:
        kind: `environments`, `scenarios` or `policies`; None: all of them.
    """
    shown = {
        "environments": _show_environments,
        "scenarios": _show_scenarios,
        "policies": _show_policies,
    }
    for name, show in shown.items():
        if kind in (None, name):
            show()
            output().print()


def environment_class(env_id: str) -> type[object]:
    """The class of a registered environment's single form."""
    found: type[object] = gymnasium.envs.registration.load_env_creator(ENTRY_POINTS[env_id][0])  # type: ignore[assignment]
    return found


def _show_environments() -> None:
    found = table("Environments", ["id", "what it is"], left=2, wrapped=1)
    for env_id in ENTRY_POINTS:
        found.add_row(env_id, first_sentence(inspect.getdoc(environment_class(env_id)) or ""))
    output().print(found)


def _show_scenarios() -> None:
    columns = ["name", "load", "what it is"]
    found = table("Scenarios (load: offered work over capacity)", columns, wrapped=2)
    for name in scenarios.names():
        one = scenarios.load(name)
        load = max(one.offered_load.values())
        found.add_row(name, number(load, 3), one.description)
    output().print(found)


def _show_policies() -> None:
    found = table("Policies", ["name", "what it does"], left=2, wrapped=1)
    for name in POLICIES:
        found.add_row(name, first_sentence(describe_policy(name)))
    output().print(found)
