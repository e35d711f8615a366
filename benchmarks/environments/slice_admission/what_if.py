"""The what-if networks: agents learn on eight variants and are tested on eight others.

The variants are scenarios like any other (`what_if_scenarios/*.toml`, written by `python -m
benchmarks.environments.slice_admission.what_if`): the rates of `contention` times exp(0.4 z) and
its mean holding times times exp(0.2 z), z standard normal, drawn for each slice from a fixed seed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.protocol import Track
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.files.whole import write_text
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load

FOLDER = Path(__file__).with_name("what_if_scenarios")
VARIANTS = 8
_SEEDS = {"train": 20_261, "test": 20_262}
_RATE_SPREAD, _HOLDING_SPREAD = 0.4, 0.2


def _files(family: str) -> tuple[str, ...]:
    return tuple(str(FOLDER / f"what-if-{family}-{k}.toml") for k in range(VARIANTS))


TRACK = Track(
    "what-if",
    "Learn on eight variants of contention, be tested on eight others.",
    _files("train"),
    _files("test"),
    98_304,
    environment="twin_gym/SliceAdmission-v0",
    objective="revenue",
    worlds=8,
)


def variants(family: str) -> list[AdmissionScenario]:
    """The scenarios of a family, drawn anew: what the files hold.

    Args:
        family: `train` or `test`.

    Returns:
        Eight variants of `contention`.
    """
    rng = np.random.default_rng(_SEEDS[family])
    base = load("contention", AdmissionScenario)
    scenarios = []
    for k in range(VARIANTS):
        drawn = rng.standard_normal((len(base.slices), 2))
        slices = [
            one.replace(
                arrival_rate_hz=round(one.arrival_rate_hz * float(np.exp(_RATE_SPREAD * z[0])), 4),
                mean_holding_time_s=round(
                    one.mean_holding_time_s * float(np.exp(_HOLDING_SPREAD * z[1])), 4
                ),
            )
            for one, z in zip(base.slices, drawn, strict=True)
        ]
        name = f"what-if-{family}-{k}"
        scenarios.append(
            base.replace(
                name=name,
                slices=tuple(slices),
                description=f"Variant {k} of contention, to {family} on.",
                provenance=f"benchmarks.environments.slice_admission.what_if, seed "
                f"{_SEEDS[family]}: rates times exp({_RATE_SPREAD} z), mean holding times times "
                f"exp({_HOLDING_SPREAD} z).",
            )
        )
    return scenarios


def write() -> None:
    """Writes the files of both families."""
    FOLDER.mkdir(exist_ok=True)
    for family in _SEEDS:
        for scenario in variants(family):
            path = FOLDER / f"{scenario.name}.toml"
            write_text(path, to_toml(scenario), makes_folder=True)


if __name__ == "__main__":
    write()
