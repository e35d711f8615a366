"""`twin-gym describe`: the full description of one environment, scenario or policy."""

from __future__ import annotations

import inspect
import re

from rich.padding import Padding
from rich.text import Text

from twin_gym.cli.list_command import environment_class, kind_of, short_name
from twin_gym.cli.view import view_of
from twin_gym.console.printing import first_sentence, number, output, table
from twin_gym.console.sanitising import sanitised
from twin_gym.console.tables import WholeMarkdown, WholeTable
from twin_gym.core.forms import form_names
from twin_gym.environments.factory import forms_of, vector_env
from twin_gym.environments.kinds import kind_named, kinds
from twin_gym.errors import ConfigError, UnknownNameError, unknown_name
from twin_gym.policies import describe_policy, policies_of
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load, names

_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |^Raises:|\Z)", re.DOTALL | re.MULTILINE)
_FIRST_SECTION = "Story"


def run(name: str) -> None:
    """Prints the description of an environment, a scenario or a policy.

    Args:
        name: an environment's id (the part after the slash and before the version is enough), a
            scenario's name or file, or a policy's name.

    Raises:
        UnknownNameError: if the name is unknown; the message suggests the nearest one.
    """
    owners = [one.name for one in kinds() if name in policies_of(one.name)]
    if owners:
        _show_policy(name, owners)
    elif name in names() or name.endswith(".toml"):
        _show_scenario(load(name))
    else:
        _show_environment(_environment_kind(name))


def _environment_kind(name: str) -> str:
    try:
        return kind_of(name)
    except UnknownNameError:
        rules = {rule for policies in kinds() for rule in policies_of(policies.name)}
        known = [*(one.id for one in kinds()), *names(), *rules]
        raise unknown_name("environment, scenario or policy", name, known) from None


def _show_environment(kind: str) -> None:
    console, env_id = output(), kind_named(kind).id
    text = inspect.getdoc(environment_class(env_id)) or ""
    console.print(_head(env_id), f" {first_sentence(text)}\n")
    for title, body in _SECTION.findall(text):
        console.print(_head(title))
        console.print(Padding(WholeMarkdown(body.strip()), (0, 0, 1, 2)))
        if title == _FIRST_SECTION:
            console.print(_spaces(kind))
            console.print()
    console.print(f"Its scenarios and policies: twin-gym list --environment {short_name(env_id)}")


def _spaces(kind: str) -> WholeTable:
    """The spaces of every form of action, each in the first scenario that supports it."""
    made = table("Spaces", ["action=", "scenario=", "of", "space"], left=4)
    for form in form_names(forms_of(kind)):
        default = inspect.signature(environment_class(kind_named(kind).id)).parameters["scenario"]
        for scenario in (default.default, *names(kind)):
            try:
                env = vector_env(scenario, 1, action=form)
            except ConfigError:
                continue  # a form that only other scenarios have
            made.add_row(form, scenario, "actions", str(env.single_action_space))
            made.add_row("", "", "observations", str(env.single_observation_space))
            break
    return made


def _show_policy(name: str, kinds: list[str]) -> None:
    console = output()
    for kind in kinds:
        env_id = kind_named(kind).id
        console.print(_head(name), f" for {short_name(env_id)}\n")
        console.print(WholeMarkdown(describe_policy(kind, name)))
        scenario = inspect.signature(environment_class(env_id)).parameters["scenario"].default
        console.print(f"\nTry it: twin-gym rollout --scenario {scenario} --policy {name}\n")


def _show_scenario(scenario: Scenario) -> None:
    console, view = output(), view_of(scenario.kind)
    console.print(_head(scenario.name), f" {scenario.description}")
    console.print(f"{kind_named(scenario.kind).id}, digest {scenario.digest}")
    console.print(f"horizon {number(scenario.horizon_s, 6)} s, {view.about(scenario)}\n")
    for part in view.tables(scenario):
        console.print(part)
        console.print()
    console.print(f"{view.known(scenario)}\n")
    if scenario.provenance.strip():
        console.print(_head("Provenance"))
        for paragraph in scenario.provenance.strip().split("\n\n"):
            console.print(Padding(" ".join(paragraph.split()), (0, 0, 1, 2)))


def _head(text: str) -> Text:
    return Text(sanitised(text), style="bold")
