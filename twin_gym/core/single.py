"""The single form of every environment: row 0 of a batch of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Generic, SupportsFloat, TypeVar

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from twin_gym.core.batch import AUTORESET_DISABLED, Batch
from twin_gym.core.counts import as_index
from twin_gym.core.drawing import render_frame
from twin_gym.core.forms import field_rows
from twin_gym.core.kpi import Kpi, kpi_of
from twin_gym.core.options import own_options
from twin_gym.core.seeding import checked_seed, row_seeds
from twin_gym.core.settings import DEFAULT, FromSettings
from twin_gym.core.spec import ToldSpec
from twin_gym.errors import ConfigError

Observation = NDArray[np.float32]
Info = dict[str, Any]
BatchType = TypeVar("BatchType", bound=Batch)

RENDER_MODES = ("ansi", "rgb_array", "human")
_METADATA: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 30}
_MOST_REWARD = 1e18
_ALL = np.ones(1, np.bool_)


class RowEnv(ToldSpec, FromSettings, gymnasium.Env[Observation, Any], Generic[BatchType]):
    """One network: what an environment's class adds is its batch, its picture and its docstring.

    Args:
        scenario: a preset name, a TOML path, a scenario, or a sequence of them.
        render_mode: None, `ansi`, `rgb_array` or `human`.
        settings: the other fields of the settings of its batch; `help` shows them.

    Raises:
        ConfigError: if an argument is unknown or not valid.

    Attributes:
        TABLES: by mark in braces, the fields of which the docstring has a table there.
    """

    TABLES: ClassVar[Mapping[str, Iterable[Any]]] = MappingProxyType({})

    metadata = _METADATA

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Gives the docstring of the class the tables of its fields."""
        super().__init_subclass__(**arguments)
        for mark, fields in vars(cls).get("TABLES", {}).items():
            cls.__doc__ = (cls.__doc__ or "").replace(f"{{{mark}}}", field_rows(fields))

    def __init__(
        self,
        scenario: Any = DEFAULT,  # noqa: ANN401
        *,
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ConfigError(f"render_mode is one of {modes} or None, got {render_mode!r}")
        self.render_mode = render_mode
        batch: BatchType = self._make_batch(1, scenario, settings)
        self._batch = batch
        self.observation_space = batch.observation_space
        self.action_space = batch.action_space
        self.reward_space = reward_space(batch)
        self.reward_dim = reward_dim(batch)
        self._actions = np.zeros(1, np.int64)
        self._kpi_names = tuple(batch.kpis())
        names = batch.outcomes.dtype.names or ()
        self._reported = [(name, names.index(name)) for name in batch.reported]
        self._reward_place = names.index("reward")
        self._is_running = False
        self._is_seeded = False

    @property
    def batch(self) -> BatchType:
        """The batch of one row behind this environment: for renderers and checks."""
        return self._batch

    @property
    def scenario(self) -> Any:  # noqa: ANN401
        """The scenario of the running episode."""
        return self._batch.scenario_of(0)

    def render(self) -> NDArray[np.uint8] | str | None:
        """Renders the running network in the given `render_mode`.

        Returns:
            `ansi`: text of at most 80 columns. `rgb_array`: pixels, shape (420, 720, 3), uint8.
            `human`: None; the text is redrawn in place on standard output. None: None, with a
            warning.

        Raises:
            MissingExtraError: for `rgb_array` if Pillow is not installed.
        """
        return render_frame(self.render_mode, self._as_text, self._as_pixels)

    def _as_text(self) -> str:
        """The running network in plain characters, at most 80 columns wide."""
        raise NotImplementedError

    def _as_pixels(self) -> NDArray[np.uint8]:
        """The running network painted; shape (420, 720, 3)."""
        raise NotImplementedError

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """Begins an episode: the first one of a seed, or without a seed the next one.

        Args:
            seed: names a sequence of worlds; 0 or more.
            options: none are known; keys of other libraries pass (see `twin_gym.core.options`).

        Returns:
            The first observation and its info.

        Raises:
            ConfigError: if there is another option, or the seed is no whole number from 0 on.
        """
        own_options(options)
        seed = checked_seed(seed)
        super().reset(seed=seed)
        if seed is not None or not self._is_seeded:
            self._batch.seed(row_seeds(seed, 1, self.np_random), _ALL)
            self._is_seeded = True
        self._is_running = False
        self._batch.begin(_ALL)
        self._is_running = True
        if self.render_mode == "human":
            self.render()
        return self._batch.observations[0].copy(), self._info(self._batch.outcomes[0].item())

    def step(self, action: Any) -> tuple[Observation, SupportsFloat, bool, bool, Info]:  # noqa: ANN401
        """Carries out one decision and runs the network to the next one.

        Args:
            action: see the class.

        Returns:
            Observation, reward, False (never terminated), whether the horizon is reached, info.

        Raises:
            ConfigError: if there is no such action.
            gymnasium.error.ResetNeeded: before the first reset and after the end of an episode.
        """
        if not self._is_running:
            raise gymnasium.error.ResetNeeded(
                "the episode has not begun, is over or was interrupted: call reset()"
            )
        batch, actions = self._batch, self._as_row(action)
        try:
            truncated = batch.advance(actions, AUTORESET_DISABLED)
        except BaseException:  # such as Ctrl-C: the step has been left unfinished
            self._is_running = False
            raise
        # One conversion of the record: fields one by one take ten times as long.
        outcomes = batch.outcomes[0].item()
        info = self._info(outcomes)
        if truncated:
            self._is_running = False
            info["kpi"] = self.kpi()
        if self.render_mode == "human":
            self.render()
        if batch.is_vector_reward:
            reward: Any = np.array([info[name] for name in batch.COMPONENTS])
        else:
            reward = outcomes[self._reward_place]
        return batch.observations[0].copy(), reward, False, truncated, info

    def kpi(self) -> Kpi:
        """Indicators of the running episode so far, which `info` has at its end alone.

        A wrapper that ends episodes, such as Gymnasium's `TimeLimit`, is not seen by the
        environment and its infos: ask here for what had been reached then.
        """
        return kpi_of(self._kpi_names, [float(one[0]) for one in self._batch.kpis().values()])

    def action_masks(self) -> NDArray[np.bool_]:
        """The mask of the current step, as sb3-contrib asks for it; shape (actions,).

        Raises:
            ConfigError: if the actions of this environment are not masked.
        """
        if self._batch.masks is None:
            raise ConfigError(f"the actions of {type(self).__name__} are amounts: none is masked")
        masks: NDArray[np.bool_] = self._batch.masks[0].astype(np.bool_)
        return masks

    def _as_row(self, action: Any) -> NDArray[Any]:  # noqa: ANN401
        """The action of the only row."""
        space = self._batch.action_space
        if not isinstance(space, spaces.Discrete):
            return self._batch.checked_actions(np.asarray(action)[None])
        index = as_index(action)
        if index is None or not 0 <= index < space.n:
            raise ConfigError(f"actions are whole numbers, 0 to {space.n - 1}, got {action!r}")
        self._actions[0] = index
        return self._actions

    def _info(self, outcomes: tuple[Any, ...]) -> Info:
        batch = self._batch
        info: Info = {}
        if batch.masks is not None:
            info["action_mask"] = batch.masks[0].copy()
        for name, place in self._reported:
            info[name] = outcomes[place]
        info["kpi"] = not_yet = Kpi()
        not_yet.names = self._kpi_names
        return info


def reward_dim(batch: Batch) -> int:
    """How many numbers a reward is: one, or one a component where the reward is a vector."""
    return len(batch.COMPONENTS) if batch.is_vector_reward else 1


def reward_space(batch: Batch) -> spaces.Box:
    """The box of the rewards of one row."""
    return spaces.Box(-_MOST_REWARD, _MOST_REWARD, (reward_dim(batch),), np.float64)
