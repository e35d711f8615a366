"""`twin-gym list`: tables of environments, scenarios and policies."""

from __future__ import annotations

import inspect

from twin_gym import scenario as scenarios
from twin_gym.cli.view import view_of
from twin_gym.console.printing import first_sentence, output, table
from twin_gym.environments.kinds import kind_named, kind_names, kind_of_id, kinds
from twin_gym.errors import unknown_name
from twin_gym.policies import describe_policy, policies_of


def show_lists(listed: str | None, environment: str | None = None) -> None:
    """Prints the tables.

    Args:
        listed: `environments`, `scenarios` or `policies`; None: all of them.
        environment: only what belongs to it, by id or short name; None: everything.

    Raises:
        UnknownNameError: if there is no such environment; the message suggests the nearest one.
    """
    kinds = list(kind_names()) if environment is None else [kind_of(environment)]
    if listed in (None, "environments"):
        _show_environments(kinds)
    for kind in kinds:
        if listed in (None, "scenarios"):
            _show_scenarios(kind)
        if listed in (None, "policies"):
            _show_policies(kind)


def short_name(env_id: str) -> str:
    """An id without namespace and version: `TicScheduling` for `twin_gym/TicScheduling-v0`."""
    return env_id.partition("/")[2].partition("-v")[0]


def kind_of(environment: str) -> str:
    """The kind of scenario of an environment.

    Args:
        environment: its id, the part after the slash, or that without the version.

    Raises:
        UnknownNameError: if there is none.
    """
    for kind, env_id in ((one.name, one.id) for one in kinds()):
        if environment in (env_id, env_id.partition("/")[2], short_name(env_id)):
            return kind
    raise unknown_name("environment", environment, map(short_name, (one.id for one in kinds())))


def environment_class(env_id: str) -> type[object]:
    """The class of a registered environment's single form."""
    env_class: type[object] = kind_of_id(env_id).facet("env")
    return env_class


def _show_environments(kinds: list[str]) -> None:
    rows = table("Environments", ["id", "what it is"], left=2, wrapped=1)
    for kind in kinds:
        text = inspect.getdoc(environment_class(kind_named(kind).id)) or ""
        rows.add_row(kind_named(kind).id, first_sentence(text))
    output().print(rows)
    output().print()


def _show_scenarios(kind: str) -> None:
    measure = view_of(kind).measure
    title = f"Scenarios of {short_name(kind_named(kind).id)} ({measure.head}: {measure.meaning})"
    rows = table(title, ["name", measure.head, "what it is"], wrapped=2)
    for name in scenarios.names(kind):
        one = scenarios.load(name)
        rows.add_row(name, view_of(kind).measured(one), one.description)
    output().print(rows)
    output().print()


def _show_policies(kind: str) -> None:
    title = f"Policies for {short_name(kind_named(kind).id)}"
    rows = table(title, ["name", "what it does"], left=2, wrapped=1)
    for name in policies_of(kind):
        rows.add_row(name, first_sentence(describe_policy(kind, name)))
    output().print(rows)
    output().print()
