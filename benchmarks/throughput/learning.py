"""A2C of Stable-Baselines3 end to end, beside A2C on an environment that costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from benchmarks.throughput.timing import Line, rate_line
from twin_gym.console.printing import messages

ROWS = (64, 256)


def sb3_lines(
    env_id: str, scenario: str, steps: int, targets: Mapping[int, str] | None = None
) -> Iterator[Line]:
    """A2C through the `VecEnv`, with one thread on the processor.

    Args:
        env_id: a registered id.
        scenario: preset name.
        steps: of one training.
        targets: by number of rows.

    Yields:
        Steps a second, learning included; nothing where Stable-Baselines3 is not installed.
    """
    try:
        import torch
        from stable_baselines3 import A2C

        from benchmarks.free_env import FreeVecEnv
        from twin_gym.sb3 import make_vec_env
    except ImportError as error:
        messages().print(f"without Stable-Baselines3: {error}")
        return
    torch.set_num_threads(1)
    for num_rows in ROWS:
        ours = make_vec_env(env_id, num_rows, scenario=scenario, seed=0)
        free = FreeVecEnv(num_rows, ours.observation_space, ours.action_space)
        for name, env in (("SB3 A2C", ours), ("SB3 A2C, an environment that costs nothing", free)):
            model = A2C("MlpPolicy", env, seed=0, device="cpu")
            target = (targets or {}).get(num_rows, "") if env is ours else ""
            learn = partial(model.learn, steps)
            yield rate_line(f"{name}, {num_rows} rows", steps, "steps/s", learn, target)
