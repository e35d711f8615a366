"""Scenarios of right-time synchronisation: presets, bounds, derived numbers, and fitted laws."""

import importlib
import os

import numpy as np
import pytest

from benchmarks.environments.right_time_sync import fit as fit_sync
from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    Replay,
    TwoState,
    Walk,
)
from twin_gym.environments.right_time_sync.series import SeriesFile
from twin_gym.errors import ConfigError
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load, names, parse

# A digest that changes means another scenario under a known name: say so in the changelog.
DIGESTS = {
    "sync-beijing": "f61c43cab0caeab1",
    "sync-beijing-calibrated": "e1796c850a1f6d48",
    "sync-campusiot": "f6bd6d38dc3076af",
    "sync-campusiot-calibrated": "d9a8d8a766812a15",
    "sync-large": "43dfe3373005e7c2",
    "sync-medium": "dd9773534e91fe1a",
    "sync-rounds": "a39d4dc7005ffd58",
    "sync-small": "458b9f1287fbe09e",
}
SIZES = {"small": 50, "medium": 250, "large": 1000}


def small(**changes):
    """The preset of 50 entities, changed."""
    return load("sync-small").replace(**changes)


def group(**changes):
    """Two walks, changed."""
    process = Walk(variance_rate_hz=1e-4)
    return EntityGroup(**({"name": "load", "count": 2, "process": process} | changes))


def replay(**changes):
    """Two series, changed."""
    file = SeriesFile(path="series.csv", last_s=100.0)
    given = {"file": file, "sources": ("a", "b"), "low": 0.0, "high": 1.0}
    return Replay(**(given | changes))


def test_presets_keep_their_digests():
    """A preset does what it did when it was published, and says where its numbers come from."""
    assert {name: load(name).digest for name in names("sync")} == DIGESTS
    for name in names("sync"):
        scenario = load(name)
        assert scenario.name == name
        assert scenario.description
        assert "choice" in scenario.provenance


@pytest.mark.parametrize("size", SIZES)
def test_sizes_are_those_of_the_source(size):
    """Entities, twinning rate, and a turn through all that takes as long in each."""
    scenario = load(f"sync-{size}")
    assert scenario.num_entities == SIZES[size]
    assert scenario.delivery_probability == 0.8
    assert scenario.time_unit_s == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delivery_probability": 1.1}, "delivery_probability"),
        ({"delivery_probability": float("nan")}, "delivery_probability"),
        ({"load_loss": -0.1}, "load_loss"),
        ({"agreed_share": 2.0}, "agreed_share"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"update_budget": -1}, "update_budget"),
        ({"update_cost": float("inf")}, "update_cost"),
        ({"updates_per_round": 51}, "ask for fewer"),
        ({"delay_slots": 65}, "delay_slots"),
        ({"inspection_slots": 0}, "inspection_slots"),
        ({"horizon_s": 10.4}, "take 10 s"),
        ({"horizon_s": 200_000.0}, "shorten the horizon"),
        ({"groups": ()}, "groups"),
        ({"predictor": "line"}, "predictor"),
        ({"tolerence": 0.1}, "did you mean 'tolerance'"),
        ({"groups": (group(), group())}, "rename one"),
        ({"groups": (group(count=6000), group(name="b", count=4001))}, "10001 entities"),
        ({"slot_s": 5000.0, "horizon_s": 1e5}, "lower `variance_rate_hz`"),
    ],
)
def test_bad_values_say_what_to_do(changes, message):
    """The error says what is wrong, in the words of the field."""
    with pytest.raises(ConfigError, match=message):
        small(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "count"),
        ({"count": 10_001}, "count"),
        ({"spread": 0.5}, "spread"),
        ({"weight": 0.0}, "weight"),
        ({"weight": float("nan")}, "weight"),
        ({"delivery_probability": 0.0}, "delivery_probability"),
        ({"process": replay(sources=("a",))}, "name one for each"),
        ({"process": replay(), "spread": 2.0}, "leave `spread` out"),
        (
            {"process": replay(losses=True), "delivery_probability": 0.9},
            "leave its `delivery_probability` out",
        ),
    ],
)
def test_bad_groups_say_what_to_do(changes, message):
    """The error says what is wrong, in the words of the field."""
    with pytest.raises(ConfigError, match=message):
        group(**changes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replay(low=1.0), "the range must have a width"),
        (lambda: replay(high=float("inf")), "high"),
        (lambda: SeriesFile(path="a.csv", first_s=9.0, last_s=9.0), "end after it begins"),
        (lambda: SeriesFile(path="a.csv", last_s=9.0, format="csv"), "format"),
        (lambda: SeriesFile(path="a.csv", last_s=9.0, column="PM2.5"), "column"),
        (lambda: Walk(variance_rate_hz=0.0), "variance_rate_hz"),
        (lambda: MeanReverting(relaxation_s=-1.0), "relaxation_s"),
        (lambda: MeanReverting(relaxation_s=1.0, sd=1.5), "sd"),
        (lambda: TwoState(change_rate_hz=float("nan")), "change_rate_hz"),
    ],
)
def test_bad_processes_say_what_to_do(make, message):
    """The error says what is wrong, in the words of the field."""
    with pytest.raises(ConfigError, match=message):
        make()


def test_delivery_of_a_group_is_its_own_or_the_scenario_s():
    """And is part of the digest only where it is said."""
    own = group(delivery_probability=0.5, name="own")
    scenario = small(groups=(group(), own))
    assert [scenario.delivery_of(one) for one in scenario.groups] == [0.8, 0.5]
    plain = small(groups=(group(), group(name="own")))
    assert plain.digest != scenario.digest
    assert parse(to_toml(scenario)) == scenario


def test_derived_numbers():
    """Slots, places of a round, names and rates, by hand."""
    scenario = small(groups=(group(count=3, spread=16.0),), horizon_s=30.0)
    assert scenario.num_slots == 30
    assert scenario.round_size == 1
    assert scenario.entity_names == ("load/0", "load/1", "load/2")
    factors = [scenario.groups[0].rate_factor(k) for k in range(3)]
    assert factors == pytest.approx([16 ** (-1 / 3), 1.0, 16 ** (1 / 3)])


LAGS = np.array([1.0, 2.0, 4.0, 8.0, 16.0])


def test_fit_finds_the_law_it_was_drawn_from():
    """From exact increments, and nearly from a long path."""
    walk, fitted = fit_sync.fit_law(0.002 * LAGS, LAGS, 0.1, 60.0)
    assert walk == Walk(variance_rate_hz=3.333e-5, initial_sd=0.1)
    assert np.allclose(fitted, 0.002 * LAGS, rtol=1e-3)
    reverting = 2.0 * 0.15**2 * -np.expm1(-LAGS / 5.0)
    law, fitted = fit_sync.fit_law(reverting, LAGS, 0.15, 60.0)
    assert law.sd == pytest.approx(0.15, rel=0.01)
    assert law.relaxation_s == pytest.approx(300.0, rel=0.02)
    assert np.allclose(fitted, reverting, rtol=0.01)
    draws = np.random.default_rng(3).normal(size=200_000)
    path = np.zeros(len(draws))
    for k in range(1, len(path)):
        path[k] = path[k - 1] * np.exp(-1.0 / 5.0) + draws[k]
    sd = path.std()
    increments = fit_sync.mean_square_increments(path / (4.0 * sd), [1, 2, 4, 8, 16])
    law, _ = fit_sync.fit_law(increments, LAGS, 0.25, 1.0)
    assert law.relaxation_s == pytest.approx(5.0, rel=0.05)
    assert law.sd == pytest.approx(0.25, rel=0.02)


def test_spread_is_that_of_a_group():
    """The rates that a group has give its spread back."""
    wide = group(count=12, spread=30.0)
    rates = np.array([wide.rate_factor(k) for k in range(12)])
    assert fit_sync.spread_of(rates) == pytest.approx(30.0, rel=0.01)
    assert fit_sync.spread_of(np.array([3.0])) == 1.0


@pytest.mark.parametrize("name", fit_sync.LAGS)
def test_fit_gives_the_preset_again(name):
    """The numbers of the calibrated preset are those of the data, its provenance too."""
    if not os.environ.get("TWIN_GYM_DATA"):
        pytest.skip("the data is not here: set TWIN_GYM_DATA")
    scenario, fits = fit_sync.calibrated(name)
    assert scenario == load(f"{name}-calibrated")
    assert not any(isinstance(one.group.process, Replay) for one in fits)
    assert all(one.deviation < 0.9 for one in fits)


@pytest.mark.parametrize("kind", ["right_time_sync", "slice_admission"])
def test_fitted_presets_are_written_where_presets_are_read(kind):
    """The default folder of `--write` holds the fitted preset."""
    module = importlib.import_module(f"benchmarks.environments.{kind}.fit")
    assert list(module.PRESETS.glob("*-calibrated.toml"))
