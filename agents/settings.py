"""Everything that decides what an agent becomes: the same settings give the same training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Literal

from twin_gym.errors import ConfigError, unknown_name

_INFINITY = float("inf")
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("seed", 0, 2**31 - 1),
    ("n_envs", 1, 65_536),
    ("n_steps", 1, 65_536),
    ("learning_rate", 1e-12, 1.0),
    ("ent_coef", 0.0, 1e6),
    ("discount_holding_times", 1e-6, 1e9),
    ("trace_holding_times", 1e-6, 1e9),
    ("num_decisions", 10, 10**8),
    ("smoothing", 0.0, 1.0 - 1e-6),
    ("clone_epochs", 1, 1_000_000),
    ("learner_share", 1e-6, 1.0),
    ("temperature", 1e-6, 1e6),
    ("synthetic_share", 0.0, 1e3),
    ("critic_warm_up_steps", 0, _INFINITY),
    ("initial_std", 1e-6, 1e3),
    ("batch_size", 1, 2**31 - 1),
    ("n_epochs", 1, 1_000),
    ("guard_looks", 0, 1_000),
    ("guard_worlds", 2, 4096),
    ("guard_share", 1e-6, 0.9),
    ("critic_rate_ratio", 1e-3, 1e3),
)
_WIDEST, _MOST_LAYERS = 4096, 8  # as a saved actor may have

AgentName = Literal[
    "clone", "a2c", "a2c-twin", "a2c-gan-twin", "maskable-ppo", "ppo", "maskable-ppo-twin",
    "ppo-twin",
]  # fmt: skip
AGENTS: dict[AgentName, str] = {
    "clone": "The policy twin of the default policy as it is, greedy.",
    "a2c": "A2C from scratch.",
    "a2c-twin": "A2C whose initial actor is the policy twin, cloned from the log alone.",
    "a2c-gan-twin": "The same, the log augmented by a GAN (paper B).",
    "maskable-ppo": "sb3-contrib's MaskablePPO from scratch, where actions are masked.",
    "ppo": "PPO from scratch.",
    "maskable-ppo-twin": "MaskablePPO whose initial actor is the policy twin, its critic first.",
    "ppo-twin": "PPO whose initial actor is the policy twin, its critic first.",
}
WITH_TWIN: frozenset[AgentName] = frozenset(
    {"a2c-twin", "a2c-gan-twin", "maskable-ppo-twin", "ppo-twin"}
)
"""The agents whose initial actor is a twin."""
MASKABLE: frozenset[AgentName] = frozenset({"maskable-ppo", "maskable-ppo-twin"})
"""The agents that are for masked actions alone."""
PPO_NAMES: frozenset[AgentName] = MASKABLE | {"ppo", "ppo-twin"}
"""The agents that go through a rollout several times, in batches."""


OfflineMethod = Literal["bc", "cql"]
OFFLINE_METHODS: dict[OfflineMethod, str] = {
    "bc": "Behaviour cloning: the likeliest action of whoever took the logged decisions.",
    "cql": "Conservative Q-learning in simulated time, on the log alone.",
}
"""The agents that learn from a log alone (`agents.offline`)."""

STORED_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "ent_coef": "entropy_weight", "n_envs": "num_rows", "n_steps": "rollout_steps",
        "anneal": "annealed", "staggered": "spread_rows", "tau": "following",
        "n_epochs": "num_epochs", "net_arch": "hidden", "total_timesteps": "total_steps",
    }
)  # fmt: skip
"""By name of a setting, its name in files and digests, where that is an older one."""
_NAMES_OF_STORED = {stored: name for name, stored in STORED_NAMES.items()}


def to_stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by the names that files and digests have."""
    return {STORED_NAMES.get(name, name): value for name, value in values.items()}


def from_stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a file by their names in the code, lists as tuples."""
    return {
        _NAMES_OF_STORED.get(name, name): tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
    }


@dataclass(frozen=True)
class TrainSettings:
    """Settings of one training; the defaults suit every admission preset.

    For scenarios of other kinds `agents.defaults.settings_for` knows what suits them. Times are
    counted in the time unit of the scenario: for admission, and so in the names of the settings,
    the mean holding time; elsewhere what `Scenario.time_unit_s` says.

    Attributes:
        agent: one of `AGENTS`.
        scenario: preset name or path of a TOML file; a twin is made of its history.
        more_scenarios: others that each episode may be in as well: what-if training.
        seed: of weights, draws and worlds.
        total_timesteps: environment steps; all of them, those of a guard's looks included.
        leg_steps: a training is cut into legs, each with worlds and draws of its own named by
            (seed, leg), so that one that was killed goes on as if it had not been.
        n_envs: networks that run side by side (rows).
        n_steps: decisions of each network between two updates.
        learning_rate: of Adam.
        ent_coef: coefficient of the entropy in the loss.
        net_arch: widths of actor and critic.
        discount_holding_times: a reward so many time units ahead counts 1/e.
        trace_holding_times: the trace of an advantage decays to 1/e in it.
        default_policy: what runs on the physical network and is logged.
        num_decisions: length of the log.
        smoothing: label smoothing of the clone.
        temperature: the twin's logits are divided by it.
        synthetic_share: GAN pairs for each logged one (`a2c-gan-twin`).
        centre_rewards: whether the average reward a second is taken off.
        simulated_time: whether credit runs in simulated time; otherwise a discount of 0.99 and a
            trace of 0.95 a step, as is usual.
        critic_warm_up_steps: environment steps with the actor frozen, at the beginning.
        action: form of the actions; None: the default of the environment.
        initial_std: where actions are amounts, with what share of the box's width the actor's
            draws spread at first.
        batch_size: of PPO and MaskablePPO, decisions in a gradient step, a rollout at most.
        n_epochs: of PPO and MaskablePPO, how often a rollout is gone through.
        shared: whether one small network scores each candidate where an action picks one of many
            like things (see `twin_gym.twins.SharedNetwork`), in a twin too; `net_arch` is then of
            the critic alone.
        anneal: whether learning rate and entropy coefficient fall to 0 on a straight line.
        staggered: whether the networks begin at different points of their episodes (see
            `twin_gym.sb3.NativeVecEnv`).
        guard_looks: how often a guard that keeps the best actor so far looks at the learner (see
            `twin_gym.sb3.KeepBest`); 0: no guard. `total_timesteps` are then training and looks
            together: the training ends where both have used them up.
        guard_worlds: in how many worlds a look compares.
        guard_share: about what share of all steps looks take; their episodes are shortened for it
            (see `agents.guard`).
        critic_rate_ratio: learning rate of the critic over that of the actor, where credit runs in
            simulated time.
        clone_epochs: most passes of the clone over its log.
        learner_share: in what share of the networks the learner acts; in the others its twin does,
            and nothing is learned from them (see `twin_gym.sb3.GuidedRows`).
    """

    agent: AgentName = "a2c-twin"
    scenario: str = "contention"
    seed: int = 0
    total_timesteps: int = 262_144
    leg_steps: int = 131_072
    n_envs: int = 128
    n_steps: int = 32
    learning_rate: float = 2e-3
    ent_coef: float = 0.01
    net_arch: tuple[int, ...] = (64, 64)
    discount_holding_times: float = 4.0
    trace_holding_times: float = 1.2
    default_policy: str = "density"
    num_decisions: int = 10_000
    smoothing: float = 0.6
    temperature: float = 1.0
    synthetic_share: float = 1.0
    centre_rewards: bool = True
    simulated_time: bool = True
    critic_warm_up_steps: int = 0
    more_scenarios: tuple[str, ...] = ()
    action: str | None = None
    initial_std: float = 0.25
    batch_size: int = 512
    n_epochs: int = 4
    shared: bool = False
    anneal: bool = False
    staggered: bool = False
    guard_looks: int = 0
    guard_worlds: int = 4
    guard_share: float = 0.2
    critic_rate_ratio: float = 1.0
    clone_epochs: int = 20
    learner_share: float = 1.0

    def __post_init__(self) -> None:
        """Refuses settings out of their ranges."""
        for one in fields(self):
            _check_type(one.name, getattr(self, one.name))
        if self.agent not in AGENTS:
            raise unknown_name("agent", self.agent, AGENTS)
        for name, least, most in _RANGES:
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"`{name}` must be {least:g} to {most:g}, got {value!r}")
        is_known = all(1 <= width <= _WIDEST for width in self.net_arch)
        if not 1 <= len(self.net_arch) <= _MOST_LAYERS or not is_known:
            raise ConfigError(
                f"`net_arch` must be one or more widths of 1 to {_WIDEST}, {_MOST_LAYERS} at most, "
                f"got {self.net_arch!r:.100}"
            )
        for name in ("total_timesteps", "leg_steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"`{name}` must be positive, got {getattr(self, name)}")
            self._check_whole_rollouts(name)
        if self.critic_warm_up_steps:
            self._check_warm_up()
        if self.learner_share < 1.0 and not (self.agent in WITH_TWIN and self.simulated_time):
            raise ConfigError(
                "a `learner_share` below 1 needs an agent from a twin, which acts in the other "
                f"networks, and `simulated_time`; got {self.agent!r}: leave it 1"
            )

    def _check_whole_rollouts(self, name: str) -> None:
        value, rollout = getattr(self, name), self.n_envs * self.n_steps
        if value % rollout:
            raise ConfigError(
                f"`{name}` must be a multiple of n_envs x n_steps = {rollout}, got "
                f"{value}: round it to {whole_rollouts(value, rollout)}"
            )

    def _check_warm_up(self) -> None:
        self._check_whole_rollouts("critic_warm_up_steps")
        if self.agent not in WITH_TWIN:
            raise ConfigError(
                f"a critic is warmed up beside a twin, and {self.agent!r} has none: choose one of "
                f"{', '.join(sorted(WITH_TWIN))}, or `critic_warm_up_steps` 0"
            )
        most = min(self.leg_steps, self.total_timesteps)
        if self.critic_warm_up_steps > most:
            raise ConfigError(
                f"`critic_warm_up_steps` must be in the first leg, at most {most}, got "
                f"{self.critic_warm_up_steps}"
            )

    @property
    def num_legs(self) -> int:
        """The number of legs of the training; the last one may be shorter."""
        return -(-self.total_timesteps // self.leg_steps)

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name these settings."""
        values = asdict(self)
        for name in _LATER:
            if values[name] == _DEFAULTS[name]:
                del values[name]  # trainings from before it existed keep their names
        text = json.dumps(to_stored(values), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def as_stored(self) -> dict[str, Any]:
        """All values as files have them (see `STORED_NAMES`)."""
        return to_stored(asdict(self))

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> TrainSettings:
        """Settings from the values of `as_stored`."""
        return cls(**from_stored(values))

    @property
    def scenarios(self) -> tuple[str, ...]:
        """All scenarios, by name or path."""
        return (self.scenario, *self.more_scenarios)

    def with_(self, **changes: Any) -> TrainSettings:
        """A copy with some values changed."""
        unknown = set(changes) - set(asdict(self))
        if unknown:
            raise unknown_name("setting", sorted(unknown)[0], asdict(self))
        return replace(self, **changes)


_LATER = (
    "more_scenarios", "action", "initial_std", "batch_size", "n_epochs", "shared", "anneal",
    "staggered", "guard_looks", "guard_worlds", "guard_share", "critic_rate_ratio",
    "clone_epochs", "learner_share",
)  # fmt: skip
_DEFAULTS = {field.name: field.default for field in fields(TrainSettings)}


def _check_type(name: str, value: object) -> None:
    """Refuses a value of another type than that of the default; a whole number is a real one."""
    default = _DEFAULTS[name]
    if name == "action":
        fits, what = value is None or isinstance(value, str), "text or None"
    elif isinstance(default, tuple):
        kind = int if name == "net_arch" else str
        fits = isinstance(value, tuple) and all(type(part) is kind for part in value)
        what = "a tuple of whole numbers" if kind is int else "a tuple of texts"
    else:
        fits = type(value) in ((int, float) if type(default) is float else (type(default),))
        what = _WORDS[type(default)]
    if not fits:
        raise ConfigError(f"`{name}` must be {what}, got {value!r:.80}")


_WORDS: dict[type, str] = {
    bool: "True or False", int: "a whole number", float: "a number", str: "text"
}  # fmt: skip


def whole_rollouts(steps: int, rollout: int) -> int:
    """The number of steps nearest to `steps` that makes whole rollouts, one at least."""
    return max(1, round(steps / rollout)) * rollout
