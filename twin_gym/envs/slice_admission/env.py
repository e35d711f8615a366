"""The single form of slice admission: row 0 of a batch of one."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from twin_gym.envs.seeding import row_seeds
from twin_gym.envs.slice_admission import kernel
from twin_gym.envs.slice_admission.batch import (
    AdmissionBatch,
    BatchSettings,
    Engine,
    Objective,
    ScenarioLike,
)
from twin_gym.envs.slice_admission.observation import FIELDS, ActionForm, observation_space
from twin_gym.errors import ConfigError
from twin_gym.scenario import AdmissionScenario
from twin_gym.scenario.base import MAX_TIME_S

Observation = NDArray[np.float32]
Info = dict[str, Any]

REWARD_COMPONENTS = kernel.OBJECTIVES
_ALL = np.ones(1, np.bool_)


_METADATA: dict[str, Any] = {"render_modes": ["ansi", "rgb_array", "human"], "render_fps": 30}


class SliceAdmissionEnv(gymnasium.Env[Observation, np.int64]):
    """Admission control over the slices of a 6G network.

    ## Story
    Tenants of several slices send service requests, and each needs radio, computing and storage
    while it is served. The operator decides, whenever a waiting request would fit, which one to
    admit, or to wait for something better. Requests that are not admitted wait in the queue of
    their slice until their patience ends.

    ## State
    Requests in service with their departures, waiting requests with their ages and due times,
    free amounts of each resource, and the world's next arrivals.

    ## Action Space
    `action="slice"`: `Discrete(S + 1)`. 0 to S - 1 admit the oldest waiting request of that slice;
    S waits until the next event. `action="slot"`: `Discrete(Q + 1)`. 0 to Q - 1 admit the request
    at that queue position (positions of slice 0 first, the oldest of each slice first); Q waits.
    A disallowed action is treated as waiting and counted in `disallowed_actions`.

    ## Observation Space
    A float32 box in [0, 1], one entry a field (`field_names` gives the full names).

    | group | one a | meaning |
    |---|---|---|
    {observation_table}

    ## Dynamics
    Events in order of time; at equal times departures, then timeouts, then arrivals, then by
    slice. There is a decision after each event if a waiting request fits, and again at the same
    instant after an admission if another one fits. `queue_limit` counts requests that may go on
    waiting after the decision at their arrival: with 0, a request that is not admitted at its
    arrival is lost; otherwise an arrival that finds its queue full is blocked.

    ## Reward
    `objective="revenue"`: the revenue of the admitted request minus the penalty of each request
    lost since. `"utilisation"`: seconds since, times the share of the resources in use (mean over
    resources). `"fairness"`: 1 / (S n) for the n-th admission of a slice, whose sum is largest
    where the acceptance ratios are proportionally fair. `"vector"`: all three as an array (see
    `reward_space`), as MO-Gymnasium has it.

    ## Starting State
    An empty network. The first decision is at the first arrival.

    ## Episode End
    Never terminated: a network does not end. Truncated at the scenario's horizon.

    ## Info
    `action_mask` (int8, 1 = allowed), `elapsed_s` (simulated seconds since the last decision, 0 is
    possible), `cost` (requests lost beyond the agreed loss ratio of their slice), the reward
    components `revenue`, `utilisation`, `fairness`, `disallowed_actions` (so far), and at the end
    of an episode `kpi` (see `twin_gym.sim.admission.kpi`).

    ## Arguments
    `scenario` (a preset name, a TOML path, a scenario, or a sequence of them of which each episode
    draws one), `action`, `objective`, `engine` (`kernel`, or `simpy` for the same rules told
    slowly), `render_mode`.

    ## Known answers
    One slice without a queue is Erlang's loss system: B(8 Erlang, 10 units) = 0.1217.

    ## References
    Tao, Xu, You et al., Wireless Network Digital Twin for 6G: Generative AI as a Key Enabler, IEEE
    Wireless Communications 31(4), 2024, section IV.

    ## Version History
    v0: first release.

    Raises:
        ConfigError: if an argument is unknown or a scenario is not valid.
    """

    metadata = _METADATA

    def __init__(
        self,
        scenario: ScenarioLike | Sequence[ScenarioLike] = "contention",
        *,
        action: ActionForm = "slice",
        objective: Objective = "revenue",
        engine: Engine = "kernel",
        render_mode: str | None = None,
    ) -> None:
        modes = _METADATA["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ConfigError(f"render_mode is one of {modes} or None, got {render_mode!r}")
        self.render_mode = render_mode
        self._batch = AdmissionBatch(1, BatchSettings(scenario, action, objective, engine))
        self.observation_space = observation_space(self.scenario, action)
        self.action_space = spaces.Discrete(self._batch.num_actions)
        self.reward_space = reward_space(objective)
        self._actions = np.zeros(1, np.int64)
        self._is_running = False
        self._is_seeded = False

    @property
    def scenario(self) -> AdmissionScenario:
        """The scenario of the running episode."""
        batch = self._batch
        return batch.tables.scenarios[int(batch.row(0)["network"])]

    @property
    def batch(self) -> AdmissionBatch:
        """The batch of one row behind this environment: for renderers and checks."""
        return self._batch

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """Begins an episode: the first one of a seed, or without a seed the next one.

        Args:
            seed: names a sequence of worlds; 0 or more.
            options: none are known.

        Returns:
            The first observation and its info.

        Raises:
            ConfigError: if options are given.
        """
        super().reset(seed=seed)
        if options:
            raise ConfigError(f"reset knows no options, got {sorted(options)}: leave them out")
        if seed is not None or not self._is_seeded:
            self._batch.seed(row_seeds(seed, 1, self.np_random), _ALL)
            self._is_seeded = True
        self._batch.begin(_ALL)
        self._is_running = True
        if self.render_mode == "human":
            self.render()
        return self._batch.observations[0].copy(), self._info(self._batch.outcomes[0].item())

    def step(self, action: np.int64) -> tuple[Observation, SupportsFloat, bool, bool, Info]:
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
            raise gymnasium.error.ResetNeeded("the episode has not begun or is over: call reset()")
        batch = self._batch
        try:
            index = operator.index(action)
        except TypeError:
            index = -1
        if not 0 <= index < batch.num_actions:
            raise ConfigError(
                f"actions are whole numbers, 0 to {batch.num_actions - 1}, got {action!r}"
            )
        self._actions[0] = index
        truncated = batch.advance(self._actions, kernel.AUTORESET_DISABLED)
        outcome = batch.outcomes[0].item()
        info = self._info(outcome)
        if truncated:
            self._is_running = False
            info["kpi"] = {name: float(values[0]) for name, values in batch.kpis().items()}
        if self.render_mode == "human":
            self.render()
        reward = outcome[0] if batch.settings.objective != "vector" else np.array(outcome[1:4])
        return batch.observations[0].copy(), reward, False, truncated, info

    def action_masks(self) -> NDArray[np.bool_]:
        """What is allowed now, as sb3-contrib asks for it; shape (actions,)."""
        masks: NDArray[np.bool_] = self._batch.masks[0].astype(np.bool_)
        return masks

    def render(self) -> NDArray[np.uint8] | str | None:
        """Draws the running network as `render_mode` says."""
        from twin_gym.envs.slice_admission.render import draw

        return draw(self)

    def _info(self, outcome: tuple[Any, ...]) -> Info:
        _, revenue, utilisation, fairness, elapsed_s, cost, disallowed, _ = outcome
        return {
            "action_mask": self._batch.masks[0].copy(),
            "elapsed_s": elapsed_s,
            "cost": cost,
            "revenue": revenue,
            "utilisation": utilisation,
            "fairness": fairness,
            "disallowed_actions": disallowed,
        }


SliceAdmissionEnv.__doc__ = (SliceAdmissionEnv.__doc__ or "").replace(
    "{observation_table}",
    "\n    ".join(f"| `{field.name}` | {field.per} | {field.meaning} |" for field in FIELDS),
)


def reward_space(objective: Objective) -> spaces.Box:
    """The box of rewards: one number, or one an entry of `REWARD_COMPONENTS` for `vector`."""
    size = len(REWARD_COMPONENTS) if objective == "vector" else 1
    return spaces.Box(-MAX_TIME_S * 1e9, MAX_TIME_S * 1e9, (size,), np.float64)
