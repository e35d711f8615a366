"""Each setting of a training as an option of `python -m agents.train`, and all of them in a table.

The options have the names of the settings, which are those of Stable-Baselines3 wherever it has the
thing. `--help` shows the few that most trainings need; `--settings` shows all, with their values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Annotated, Any

import typer
from rich.table import Table

from agents.settings import TrainSettings
from twin_gym.console.printing import table
from twin_gym.errors import ConfigError

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "the updates": {
            "n_envs": "networks side by side",
            "n_steps": "decisions of a network between two updates",
            "leg_steps": "steps between checkpoints; part of the training",
            "learning_rate": "of Adam",
            "ent_coef": "coefficient of the entropy in the loss",
            "batch_size": "decisions in a gradient step (PPO)",
            "n_epochs": "how often a rollout is gone through (PPO)",
            "critic_rate_ratio": "learning rate of the critic over the actor's",
            "anneal": "learning rate and entropy coefficient fall to 0",
            "staggered": "networks begin at different points of their episodes",
        },
        "the guard": {
            "guard_looks": "looks that keep the best actor so far; 0: no guard",
            "guard_worlds": "worlds that a look compares in",
            "guard_share": "about what share of all steps looks take",
        },
        "the network": {
            "net_arch": "widths of actor and critic, such as 64,64",
            "shared": "one small network scores each candidate",
            "initial_std": "spread of the first draws where actions are amounts, in box widths",
        },
        "the credit": {
            "discount_holding_times": "time units ahead at which a reward counts 1/e",
            "trace_holding_times": "time units in which the trace of an advantage falls to 1/e",
            "centre_rewards": "the average reward a second is taken off",
            "simulated_time": "credit decays by seconds; otherwise by steps",
        },
        "the twin": {
            "num_decisions": "length of the log",
            "smoothing": "label smoothing of the clone",
            "clone_epochs": "most passes of the clone over its log",
            "temperature": "divides the logits of the twin",
            "synthetic_share": "GAN pairs for each logged one (a2c-gan-twin)",
            "learner_share": "networks where the learner acts; its twin does in the others",
            "critic_warm_up_steps": "first steps, with the actor frozen",
        },
    }
)
"""By group, the settings that `--help` leaves to `--settings`, and what each is."""

OLDER: Mapping[str, str] = MappingProxyType(
    {
        "n_envs": "--rows", "n_steps": "--rollout-steps", "ent_coef": "--entropy-weight",
        "n_epochs": "--epochs", "net_arch": "--hidden", "anneal": "--annealed",
        "staggered": "--spread-rows",
        "discount_holding_times": "--discount", "trace_holding_times": "--trace",
        "num_decisions": "--decisions", "critic_warm_up_steps": "--critic-warm-up",
    }
)  # fmt: skip
"""By setting, the name that its option had before and still takes."""

_DEFAULTS = {field.name: field.default for field in fields(TrainSettings)}


def option_name(setting: str) -> str:
    """The option of a setting.

    Example:
        >>> option_name("learning_rate")
        '--learning-rate'
    """
    return "--" + setting.replace("_", "-")


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The same command with an option for every setting of `GROUPS`, which `--help` leaves out.

    Args:
        command: it takes the settings by name as `**settings`; those not given are None.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    more = [_parameter(name) for group in GROUPS.values() for name in group]
    command.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
    return command


def given_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the options that were given.

    Args:
        options: by name of the setting; None where it was not given.

    Raises:
        ConfigError: if widths are no whole numbers with commas between.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if "net_arch" in given:
        given["net_arch"] = _widths(given["net_arch"])
    return given


def settings_table(settings: TrainSettings) -> Table:
    """Every setting of `GROUPS` with its option and its value in a training."""
    made = table(
        f"Settings of {settings.agent} on {settings.scenario}",
        ["option", "value", "what it is"], left=1, wrapped=2,
    )  # fmt: skip
    for group, about in GROUPS.items():
        made.add_row(f"of {group}:", "", "")
        for name, text in about.items():
            value = getattr(settings, name)
            shown = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            made.add_row(option_name(name), shown, text)
    return made


def _parameter(name: str) -> inspect.Parameter:
    default = _DEFAULTS[name]
    kind: Any = str if isinstance(default, tuple) else type(default)
    names = [option_name(name)]
    if name in OLDER:
        names.append(OLDER[name])
    if kind is bool:
        names[-1] += f"/--no-{name.replace('_', '-')}"
    annotation = Annotated[kind | None, typer.Option(*names, hidden=True)]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--net-arch takes widths such as 64,64, got {text!r}") from None
