"""Offline agents: what can be learned from a log alone, without another step of the network.

`bc` clones whoever took the decisions. `cql` learns what the decisions were worth, and may do
better (see `agents.offline_cql`). Both end as a network of the same shape, act greedily among what
is allowed, and are saved as `agents.actor` saves the others.

The data of a track are a function of its name: whoever calls `offline_data` with the same arguments
has the same transitions, to the last bit, so that agents differ in what they make of them alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from agents.actor import LearnedActor, write_actor
from agents.offline_cql import CQLSettings, Progress, learn_values
from agents.settings import OFFLINE_METHODS, OfflineMethod, to_stored
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load
from twin_gym.twins import CloneSettings, SliceNetwork, Transitions, clone, record_transitions
from twin_gym.twins.decision_space import DecisionSpace

_BC = CloneSettings(smoothing=0.0, min_steps=2_000)


@dataclass(frozen=True)
class OfflineAgent:
    """The result of an offline training.

    Attributes:
        policy: acts greedily; named `offline-bc` or `offline-cql`.
        num_parameters: of its network.
        num_decisions: how many logged ones it learned from.
        gradient_steps: how many it made.
        settings: of its training, as plain values.
    """

    policy: LearnedActor
    num_parameters: int
    num_decisions: int
    gradient_steps: int
    settings: dict[str, Any] = field(default_factory=dict)

    def save(self, scenario: AdmissionScenario, folder: Path) -> None:
        """Writes weights and card, as `load_actor` reads them.

        Args:
            scenario: what it learned on.
            folder: made if it does not exist.
        """
        self.policy.check_fits(scenario)
        write_actor(
            self.policy.network.state_dict(),
            scenario,
            folder,
            agent=self.policy.name,
            hidden=self.settings["hidden"],
            steps=self.num_decisions,
            settings=self.settings,
        )


def offline_data(
    scenario: str,
    *,
    policy: str = "density",
    epsilon: float = 0.3,
    num_steps: int = 100_000,
    seed: int = 0,
) -> Transitions:
    """The data of an offline track: the same arguments, the same transitions.

    An operator runs its default policy and now and then tries something else; a log without that
    says nothing about what else could be done. The worlds are of the `train` family.

    Args:
        scenario: a preset name or a TOML path.
        policy: the operator's, one of those of slice admission.
        epsilon: chance that a decision is another allowed one, drawn evenly.
        num_steps: how many decisions.
        seed: of worlds and draws.

    Returns:
        The transitions.

    Raises:
        ConfigError: if an argument is out of range or a name unknown.
    """
    network = load(scenario, AdmissionScenario)
    rule = make_policy(policy, network)
    return record_transitions(rule, network, num_steps, epsilon=epsilon, seed=seed)


def fit_offline(
    method: OfflineMethod,
    data: Transitions,
    scenario: AdmissionScenario,
    *,
    seed: int = 0,
    steps: int | None = None,
    on_step: Progress | None = None,
) -> OfflineAgent:
    """Trains an offline agent; seeds differ in first weights and in batches, not in the data.

    Args:
        method: one of `OFFLINE_METHODS`.
        data: what it learns from.
        scenario: what was recorded.
        seed: of the training's draws; 0 or more.
        steps: gradient steps at most; None: what suits the method.
        on_step: told how many gradient steps are done.

    Returns:
        The agent.

    Raises:
        ConfigError: if there is no such method, or the data are of another scenario or of the
            action `slot`.
    """
    if method not in OFFLINE_METHODS:
        raise unknown_name("offline method", method, OFFLINE_METHODS)
    data.check_fits(scenario)
    if data.action != "slice":
        raise ConfigError(f"offline agents learn the action 'slice', got data of {data.action!r}")
    fit = _behaviour_cloning if method == "bc" else _conservative_q_learning
    network, gradient_steps, settings = fit(data, scenario, seed, steps, on_step)
    return OfflineAgent(
        LearnedActor(network, DecisionSpace.of(scenario, "slice"), f"offline-{method}"),
        sum(values.numel() for values in network.parameters()),
        len(data),
        gradient_steps,
        {"method": method, "seed": seed, "data": data.digest, **settings},
    )


_Fitted = tuple[SliceNetwork, int, dict[str, Any]]


def _behaviour_cloning(
    data: Transitions,
    scenario: AdmissionScenario,
    seed: int,
    steps: int | None,
    on_step: Progress | None,
) -> _Fitted:
    """See `twin_gym.twins.clone`: it stops when held-out decisions are not foretold better."""
    settings, log = _BC, data.decisions()
    learned = len(log.split(settings.held_out_share)[0])
    an_epoch = -(-learned // settings.batch_size)
    if steps is not None:
        epochs = max(1, steps // an_epoch)
        settings = replace(settings, max_epochs=epochs, min_steps=min(settings.min_steps, steps))
    done = 0

    def count(epoch: int, _: float, __: float) -> None:
        nonlocal done
        done = epoch * an_epoch
        if on_step is not None:
            on_step(done)

    twin = clone(log, scenario, settings=settings, seed=seed, on_epoch=count)
    if not isinstance(twin.network, SliceNetwork):
        raise ConfigError("a clone of the action 'slice' has a SliceNetwork")
    return twin.network, done, {**asdict(settings), "hidden": list(twin.metadata.hidden)}


def _conservative_q_learning(
    data: Transitions,
    scenario: AdmissionScenario,
    seed: int,
    steps: int | None,
    on_step: Progress | None,
) -> _Fitted:
    """See `agents.offline_cql`."""
    settings = CQLSettings() if steps is None else CQLSettings(steps=steps)
    network = learn_values(data, scenario, settings=settings, seed=seed, on_step=on_step)
    kept = to_stored(asdict(settings)) | {"hidden": list(settings.hidden)}
    return network, settings.steps, kept
