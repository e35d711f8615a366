"""The policy twin of an operator's default policy: logged, augmented where asked, cloned."""

from __future__ import annotations

from agents.settings import TrainSettings
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy, make_policy, unseen_of
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load
from twin_gym.twins import CloneSettings, PolicyTwin, clone, record, synthesise, train_generator


def logged_policy(settings: TrainSettings, scenario: Scenario) -> Policy:
    """The policy that runs on the physical network while its decisions are logged for a twin.

    Args:
        settings: name of the default policy, and form of the action.
        scenario: the physical network.

    Returns:
        The policy.

    Raises:
        UnknownNameError: if there is no such policy.
        ConfigError: if it is not there for this scenario and form of action, or decides by
            something that its observations do not show, so that no twin can be made of it.
    """
    policy = make_policy(settings.default_policy, scenario, settings.action)
    if unseen_of(policy):
        raise ConfigError(
            f"no twin can be made of {policy.name!r}: it decides by {unseen_of(policy)}, which its "
            "observations do not show; let `default_policy` be one that decides by what it "
            "observes, such as the one that `settings_for` takes"
        )
    return policy


def make_twin(settings: TrainSettings) -> PolicyTwin:
    """Logs the default policy on the physical network and clones it.

    Args:
        settings: default policy, length of the log, smoothing and passes, GAN or not, seed.

    Returns:
        The twin, acting greedily.

    Raises:
        ConfigError: see `logged_policy`.
    """
    scenario = load(settings.scenario)
    log = record(
        logged_policy(settings, scenario),
        scenario,
        settings.num_decisions,
        seed=settings.seed,
        action=settings.action,
    )
    synthetic = None
    if settings.agent == "a2c-gan-twin":
        generator = train_generator(log, scenario, seed=settings.seed)
        count = round(settings.synthetic_share * len(log))
        synthetic = synthesise(generator, log, scenario, count, seed=settings.seed)
    how = CloneSettings(
        smoothing=settings.smoothing,
        max_epochs=settings.clone_epochs,
        shared=settings.shared,
        hidden=None if settings.shared else settings.net_arch,
    )
    return clone(log, scenario, settings=how, synthetic=synthetic, seed=settings.seed)
