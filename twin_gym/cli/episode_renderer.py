"""Renders one episode: plays it in the terminal, or saves its last frame to a file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.live import Live
from rich.text import Text

from twin_gym.cli.list_command import environment_class
from twin_gym.console.printing import messages, output
from twin_gym.console.sanitising import sanitised
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError, missing_extra
from twin_gym.files.places import check_file
from twin_gym.files.whole import replacing
from twin_gym.policies import Policy, PrivilegedPolicy
from twin_gym.scenario import Scenario

IN_TERMINAL = "ansi"

_PICTURES = 200
_SECONDS_A_PICTURE = 0.05


def check_target(target: str) -> None:
    """Checks the target of a rendering before any computation.

    Args:
        target: `ansi`, or the path of a PNG file.

    Raises:
        ConfigError: if it is neither, or the file cannot be written.
        MissingExtraError: for a file, if Pillow is not installed.
    """
    path = Path(target)
    if target == IN_TERMINAL:
        return
    if path.suffix.lower() != ".png":
        raise ConfigError(f"--render takes 'ansi' or a file that ends in .png, got {target!r}")
    check_file(path)
    _image()


def show_episode(
    policy: Policy, scenario: Scenario, action: str | None, seed: int, target: str
) -> Callable[[], None] | None:
    """Plays one episode.

    Args:
        policy: the policy that acts.
        scenario: a scenario of any kind.
        action: form of the policy's actions; None: the environment's default.
        seed: seed of the world.
        target: `ansi` plays it in the terminal in about ten seconds (if standard output is not a
            terminal, only the last frame is printed); a path receives the last frame.

    Returns:
        For a file, a function that writes it, so that results can be printed first.
    """
    if target != IN_TERMINAL:
        env = _environment(scenario, action, "rgb_array")
        _play(env, policy, seed, None)
        frame = np.asarray(env.render(), np.uint8)
        return lambda: _save(frame, Path(target))
    env = _environment(scenario, action, "ansi")
    console = output()
    if not console.is_terminal:
        _play(env, policy, seed, None)
        console.print(Text(sanitised(str(env.render()))))
        return None
    with Live(console=console, auto_refresh=False) as live:
        _play(env, policy, seed, live)
    return None


def _environment(scenario: Scenario, action: str | None, render_mode: str) -> Any:  # noqa: ANN401 - any kind of single form
    arguments = {} if action is None else {"action": action}
    made: Any = environment_class(kind_named(scenario.kind).id)
    return made(scenario, render_mode=render_mode, **arguments)


def _play(env: Any, policy: Policy, seed: int, live: Live | None) -> None:  # noqa: ANN401
    """Plays an episode from reset to truncation."""
    if isinstance(policy, PrivilegedPolicy):
        policy.bind(env.batch)
    policy.reset(seed)
    observation, info = env.reset(seed=seed)
    unmasked = np.ones(0, np.int8)
    passed_s, frames_shown, truncated = 0.0, 0, False
    while not truncated:
        mask = info.get("action_mask", unmasked)
        chosen = policy.actions(observation[None], mask[None])[0]
        observation, _, _, truncated, info = env.step(chosen)
        passed_s += info["elapsed_s"]
        due = int(passed_s / env.scenario.horizon_s * _PICTURES)
        if live is not None and (due > frames_shown or truncated):
            frames_shown = due
            live.update(Text(sanitised(str(env.render()))), refresh=True)
            time.sleep(_SECONDS_A_PICTURE)


def _image() -> Any:  # noqa: ANN401 - Pillow's module
    """Pillow's `Image`, or an error if Pillow is not installed."""
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_extra("a picture in a file", "render") from error
    return Image


def _save(frame: NDArray[np.uint8], path: Path) -> None:
    with replacing(path) as file:
        _image().fromarray(frame).save(file, format="PNG")
    messages().print(f"wrote {path}", markup=False)
