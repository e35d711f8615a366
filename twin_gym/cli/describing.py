"""`twin-gym describe`: everything about one environment, scenario or policy."""

from __future__ import annotations

import inspect
import re

from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text

from twin_gym.cli.console import first_sentence, number, output, table
from twin_gym.cli.listing import environment_class
from twin_gym.envs.slice_admission import FIELDS, SliceAdmissionEnv
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.policies import POLICIES, describe_policy
from twin_gym.registration import ENTRY_POINTS
from twin_gym.scenario import AdmissionScenario, load, names
from twin_gym.theory import fluid_bound

_SECTIONS = ("Story", "Action Space", "Dynamics", "Reward", "Episode End", "Info", "Arguments")


def show(name: str) -> None:
    """Prints what there is to know about a name.

    Args:
        name: an environment's id (the part after the slash and before the version is enough), a
            scenario's name or file, or a policy's name.

    Raises:
        UnknownNameError: if nothing is called so; the message has the nearest name.
    """
    by_short_id = {env_id.partition("/")[2]: env_id for env_id in ENTRY_POINTS}
    by_short_id |= {short.partition("-v")[0]: env_id for short, env_id in by_short_id.items()}
    if name in ENTRY_POINTS or name in by_short_id:
        _show_environment(by_short_id.get(name, name))
    elif name in POLICIES:
        _show_policy(name)
    elif name in names() or name.endswith(".toml"):
        _show_scenario(load(name))
    else:
        known = [*ENTRY_POINTS, *names(), *POLICIES]
        raise unknown_name("environment, scenario or policy", name, known)


def _show_environment(env_id: str) -> None:
    console, env_class = output(), environment_class(env_id)
    text = inspect.getdoc(env_class) or ""
    console.print(f"[bold]{env_id}[/bold]  {first_sentence(text)}\n")
    _show_section(console, text, "Story")
    env = SliceAdmissionEnv()
    spaces = table("Spaces, with scenario='contention' and action='slice'", ["of", "space"], left=2)
    spaces.add_row("observation", str(env.observation_space))
    spaces.add_row("action", str(env.action_space))
    spaces.add_row("reward", "a number; Box(3,) with objective='vector'")
    console.print(spaces)
    console.print()
    fields = table("Observation", ["field", "one a", "meaning"], left=3, wrapped=2)
    for field in FIELDS:
        fields.add_row(field.name, field.per, field.meaning)
    console.print(fields)
    console.print()
    for section in _SECTIONS[1:]:
        _show_section(console, text, section)


def _show_section(console: Console, text: str, title: str) -> None:
    """One section of an environment's documentation."""
    match = re.search(rf"^## {title}\n(.*?)(?=^## |^Raises:|\Z)", text, re.DOTALL | re.MULTILINE)
    if match:
        console.print(f"[bold]{title}[/bold]")
        console.print(Padding(Markdown(match[1].strip()), (0, 0, 1, 2)))


def _show_policy(name: str) -> None:
    console = output()
    console.print(f"[bold]{name}[/bold]\n")
    console.print(Markdown(describe_policy(name)))
    console.print(f"\nTry it: twin-gym rollout --policy {name}")


def _show_scenario(scenario: AdmissionScenario) -> None:
    console = output()
    console.print(f"[bold]{scenario.name}[/bold]  {scenario.description}", markup=True)
    console.print(f"digest {scenario.digest}, horizon {number(scenario.horizon_s, 6)} s, ", end="")
    console.print(f"{scenario.patience_law} patience\n")
    for part in (_traffic(scenario), _laws(scenario), _demands(scenario), _resources(scenario)):
        console.print(part)
        console.print()
    console.print(f"{_bound(scenario)}\n")
    if scenario.provenance.strip():
        console.print("[bold]Provenance[/bold]")
        for paragraph in scenario.provenance.strip().split("\n\n"):
            console.print(Padding(Text(" ".join(paragraph.split())), (0, 0, 1, 2)))


def _traffic(scenario: AdmissionScenario) -> object:
    columns = ["slice", "requests /s", "served s", "revenue", "patience s", "queue limit"]
    found = table("Traffic (means)", columns)
    for one in scenario.slices:
        found.add_row(
            one.name,
            number(one.arrival_rate_hz),
            number(one.mean_holding_time_s),
            number(one.revenue),
            number(one.mean_patience_s) if one.queue_limit else "-",
            str(one.queue_limit),
        )
    return found


def _laws(scenario: AdmissionScenario) -> object:
    found = table("Laws", ["slice", "arrivals", "service times"], left=3)
    for one in scenario.slices:
        laws = ("trace", "trace") if scenario.trace else (one.arrival.law, one.holding.law)
        found.add_row(one.name, *laws)
    return found


def _demands(scenario: AdmissionScenario) -> object:
    found = table("Demand of a request", ["slice", *scenario.resource_names])
    for one in scenario.slices:
        amounts = (number(one.demand.get(name, 0.0)) for name in scenario.resource_names)
        found.add_row(one.name, *amounts)
    return found


def _resources(scenario: AdmissionScenario) -> object:
    found = table("Resources", ["resource", "capacity", "offered load", "price of a unit /s"])
    try:
        price = {name: number(value) for name, value in fluid_bound(scenario).price.items()}
    except ConfigError:
        price = {}
    for name, amount in scenario.capacity.items():
        load_of = number(scenario.offered_load[name], 3)
        found.add_row(name, number(amount), load_of, price.get(name, "-"))
    return found


def _bound(scenario: AdmissionScenario) -> str:
    """The upper bound in a sentence, or why there is none."""
    try:
        long_run = fluid_bound(scenario).revenue_rate_per_s
        episode = fluid_bound(scenario, horizon_s=scenario.horizon_s).revenue_rate_per_s
    except ConfigError as error:
        return f"No upper bound: {error}"
    return (
        f"No policy earns more than {number(long_run)} a second in the long run, nor more than "
        f"{number(episode)} on average over an episode from an empty network (linear programme)."
    )
