"""One block of the figure: a history is learned, and changes are caught up with round by round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.spatial.distance import cdist

from benchmarks.experiments.blocks import Floats
from benchmarks.experiments.scenario_accuracy.forecasts import (
    DRAWS,
    FORECASTS,
    SHARE_DELIVERED,
    Forecast,
    Seen,
)
from benchmarks.experiments.scenario_accuracy.panels import ROUNDS, Panel, Source
from benchmarks.experiments.scenario_accuracy.rounds import RealTimeTwin
from twin_gym.twins.scenarios.distances import energy_distance
from twin_gym.twins.scenarios.gan import GanGenerator
from twin_gym.twins.scenarios.gan_training import ScenarioGanSettings, train_on_points
from twin_gym.twins.scenarios.gaussian import Step

STAYS, MOVES = "stays", "moves"
READINGS = (STAYS, MOVES)
TOLERANCE = 0.05
JOINT = (0, 4, 8, 12)
"""Rounds at which the joint states are compared."""

_LEAST_SAMPLE = 4
_MOST_CHANGES = 1_000

Values = dict[str, list[float]]
Pairs = dict[str, list[tuple[Floats, Floats]]]


@dataclass(frozen=True)
class Protocol:
    """The settings of a measurement.

    Attributes:
        share: of the entities that are asked in a round.
        twinning_rate: probability that an update arrives.
        tolerance: share of an attribute's range.
        gan: settings of the training but for its seed.
    """

    share: float
    twinning_rate: float
    tolerance: float
    gan: ScenarioGanSettings

    @property
    def description(self) -> str:
        """A text with all that results depend on."""
        ends = f"share {self.share:g}, rate {self.twinning_rate:g}, within {self.tolerance:g}"
        return f"{ends}, {self.gan}"


def block_of(source: Source, gan: GanGenerator, protocol: Protocol, block: int) -> Values:
    """The measurements of one block.

    Args:
        source: history and changes.
        gan: trained on that history.
        protocol: how it is measured.
        block: its number, which names the losses and all draws.

    Returns:
        By "reading|row|round|measure" one value: `accuracy` of the point, the mean over the
        changes; and at some rounds `draw_accuracy` of one draw, `energy_distance` between one draw
        a change and what came, and the mean `energy_score` of the draws of each change.
    """
    step = Step.fit(source.panel.history)
    means: Values = {}
    for reading in READINGS:
        kept: Pairs = {}
        for number in range(len(source.changes)):
            for round_, seen, truth in rounds(source, step, gan, protocol, reading, block, number):
                place = f"{reading}|{SHARE_DELIVERED}|{round_}|accuracy"
                means.setdefault(place, []).append(float(seen.is_known.mean()))
                rng = np.random.default_rng([block, number, round_, 7])
                count = DRAWS if round_ in JOINT else 0
                for row, forecast in FORECASTS.items():
                    said = forecast(seen, count, rng)
                    place = f"{reading}|{row}|{round_}|"
                    _judge(means, place, said, truth, source.panel, protocol)
                    if count:
                        kept.setdefault(place, []).append((said.draws, truth))
        for place, pairs in kept.items():
            means |= {place + name: [one] for name, one in joint(source.panel, pairs).items()}
    return {name: [float(np.mean(values))] for name, values in means.items()}


def rounds(
    source: Source, step: Step, gan: GanGenerator, protocol: Protocol, reading: str, block: int,
    number: int,
) -> Iterator[tuple[int, Seen, Floats]]:  # fmt: skip
    """The rounds after a change, that before the first one included.

    Args:
        source: history and changes.
        step: fitted to history.
        gan: trained on history.
        protocol: how it is measured.
        reading: whether the network stays as it is after the change.
        block: of the measurement.
        number: of the change.

    Yields:
        The number of the round, what there is to foretell from, and the state that comes next.
    """
    change, stays = source.changes[number], reading == STAYS
    twin = RealTimeTwin(
        source.panel, np.random.default_rng([block, number, 5]), block * _MOST_CHANGES + number,
        share=protocol.share, twinning_rate=protocol.twinning_rate,
    )  # fmt: skip
    for round_ in range(ROUNDS + 1):
        if round_ > 0:
            twin.listen(change.path[0 if stays else round_])
        values, ages = twin.known()
        ages = np.where(np.isfinite(values) & (not stays), ages, 0.0)
        seen = Seen(step, gan, change.before, values, ages, stays)
        yield round_, seen, change.path[0 if stays else round_ + 1]


def _judge(
    values: Values, place: str, said: Forecast, truth: Floats, panel: Panel, protocol: Protocol
) -> None:
    points = [("accuracy", said.point), *(("draw_accuracy", one) for one in said.draws[:1])]
    for measure, point in points:
        value = panel.accuracy(point, truth, protocol.tolerance)
        values.setdefault(place + measure, []).append(value)


def joint(panel: Panel, pairs: Sequence[tuple[Floats, Floats]]) -> dict[str, float]:
    """How far generated joint states are from those that came, in ranges an attribute.

    The energy distance compares one draw a change with what came, as two samples: a generator that
    ignores the present can do well. The energy score (Gneiting and Raftery, Journal of the American
    Statistical Association 102(477), 2007, section 4.2), mean |X - y| - mean |X - X'| / 2 over the
    draws X, judges each change by itself: its expectation is least for the true law.

    Args:
        panel: gives values and ranges.
        pairs: draws and what came, one pair a change; shapes (draws, columns) and (columns,).

    Returns:
        `energy_score`, and `energy_distance` if there are four changes or more.
    """
    unit = panel.ranges * np.sqrt(len(panel.ranges))
    drawn = [panel.values(draws) / unit for draws, _ in pairs]
    came = np.array([panel.values(truth) / unit for _, truth in pairs])
    scores = [
        cdist(draws, truth[None]).mean() - cdist(draws, draws).mean() / 2.0
        for draws, truth in zip(drawn, came, strict=True)
    ]
    measures = {"energy_score": float(np.mean(scores))}
    if len(pairs) >= _LEAST_SAMPLE:
        measures["energy_distance"] = energy_distance(np.array([one[0] for one in drawn]), came)
    return measures


def train(panel: Panel, settings: ScenarioGanSettings, block: int) -> GanGenerator:
    """The GAN of a panel, with the seed of the block.

    Args:
        panel: whose history is learned from.
        settings: of the training but for its seed.
        block: the seed.

    Returns:
        The generator; the one that was trained before for the same history and settings.
    """
    history = np.ascontiguousarray(panel.history)
    return _trained(history.tobytes(), history.shape, replace(settings, seed=block))


@lru_cache(maxsize=16)
def _trained(content: bytes, shape: tuple[int, int], settings: ScenarioGanSettings) -> GanGenerator:
    names = tuple(f"attribute/{k}" for k in range(shape[1]))
    return train_on_points(np.frombuffer(content).reshape(shape), names, settings)
