"""The policy twin of an operator's default policy: logged, augmented where asked, cloned."""

from __future__ import annotations

from agents.settings import TrainSettings
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load
from twin_gym.twins import CloneSettings, PolicyTwin, clone, record, synthesise, train_generator


def make_twin(settings: TrainSettings) -> PolicyTwin:
    """Logs the default policy on the physical network and clones it.

    Args:
        settings: default policy, length of the log, smoothing, GAN or not, seed.

    Returns:
        The twin, acting greedily.
    """
    scenario = load(settings.scenario)
    default = make_policy(settings.default_policy, scenario, settings.action)
    log = record(
        default, scenario, settings.num_decisions, seed=settings.seed, action=settings.action
    )
    synthetic = None
    if settings.agent == "a2c-gan-twin":
        generator = train_generator(log, scenario, seed=settings.seed)
        count = round(settings.synthetic_share * len(log))
        synthetic = synthesise(generator, log, scenario, count, seed=settings.seed)
    how = CloneSettings(
        smoothing=settings.smoothing,
        shared=settings.shared,
        hidden=None if settings.shared else settings.hidden,
    )
    return clone(log, scenario, settings=how, synthetic=synthetic, seed=settings.seed)
