"""Twins to train on and others to be tested on: drawn from history, or at random around its fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.experiments.what_if_training.networks import Case
from twin_gym.environments.slice_admission.request_windows import current_state_from_last
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import unknown_name
from twin_gym.files.whole import write_text
from twin_gym.scenario import Scenario, to_toml
from twin_gym.twins.scenarios import Criteria, Generator, HistoricalGenerator, HybridGenerator

RANDOMISED = "randomised"
FAMILIES = (RANDOMISED, "historical", "hybrid", "gan")
"""The sources of twins."""

RATE_SPREAD, HOLDING_SPREAD = 0.7, 0.35
"""Standard deviations of the logarithms of randomised rates and mean holding times."""

_HELD_OUT = 1_000
"""Generator seeds of held-out twins begin here; those to train on are the trainings' own."""


def twins(
    case: Case, family: str, seed: int, count: int, *, held_out: bool = False
) -> list[Scenario]:
    """Scenario twins of the network.

    Args:
        case: whose history they are drawn from.
        family: one of `FAMILIES`.
        seed: of the generator; that of the training.
        count: how many.
        held_out: whether they are to be tested on: no training has them.

    Returns:
        Valid scenarios, each with its provenance.

    Raises:
        UnknownNameError: if there is no such family.
    """
    if family not in FAMILIES:
        raise unknown_name("family of twins", family, FAMILIES)
    rng = np.random.default_rng([FAMILIES.index(family), seed + _HELD_OUT * held_out])
    if family == RANDOMISED:
        return randomised(case.base, count, rng)
    criteria = Criteria(name=f"{case.name}-{family}-{'held-out' if held_out else 'train'}-{seed}")
    maker = generator(case, family, seed + _HELD_OUT * held_out)
    return maker.generate(criteria, case.lived, current_state_from_last(case.lived), count, rng)


def generator(case: Case, family: str, seed: int) -> Generator:
    """The generator of a family; a GAN is trained on the case's history with this seed."""
    if family == "historical":
        return HistoricalGenerator()
    if family == "hybrid":
        return HybridGenerator()
    # Here, so that the rest of the study loads nothing that learns.
    from twin_gym.twins.scenarios.gan_training import ScenarioGanSettings, train_gan

    return train_gan(case.lived, ScenarioGanSettings(seed=seed))


def randomised(base: AdmissionScenario, count: int, rng: np.random.Generator) -> list[Scenario]:
    """Networks around a base, their rates and mean holding times times exp(spread z).

    Args:
        base: that they differ from in nothing else.
        count: how many.
        rng: of z, standard normal, for each slice and each of the two.

    Returns:
        So many networks.
    """
    spreads = np.array([RATE_SPREAD, HOLDING_SPREAD])
    provenance = (
        f"rates of {base.name!r} times exp({RATE_SPREAD} z), holding times exp({HOLDING_SPREAD})"
    )
    scenarios: list[Scenario] = []
    for number in range(count):
        factors = np.exp(spreads * rng.standard_normal((len(base.slices), 2)))
        slices = [
            one.replace(
                arrival_rate_hz=float(f"{one.arrival_rate_hz * rate:.12g}"),
                mean_holding_time_s=float(f"{one.mean_holding_time_s * holding:.12g}"),
            )
            for one, (rate, holding) in zip(base.slices, factors.tolist(), strict=True)
        ]
        name = f"{base.name}-{RANDOMISED}-{number}"
        scenarios.append(base.replace(name=name, slices=tuple(slices), provenance=provenance))
    return scenarios


def write(scenarios: Sequence[Scenario], folder: Path) -> tuple[str, ...]:
    """Writes each scenario into a file that its digest names.

    Args:
        scenarios: to be trained on.
        folder: made if it does not exist.

    Returns:
        The paths, in order.
    """
    paths = [folder / f"{one.digest}.toml" for one in scenarios]
    for path, one in zip(paths, scenarios, strict=True):
        if not path.exists():
            write_text(path, to_toml(one), makes_folder=True)
    return tuple(str(path) for path in paths)
