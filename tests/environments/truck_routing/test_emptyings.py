"""Recorded emptyings: what is read, fitted, replayed and refused."""

import numpy as np
import pytest

from twin_gym.environments.truck_routing.data_files import DataFile
from twin_gym.environments.truck_routing.deposits import (
    PoissonGamma,
    ReplayedEmptyings,
    replayed_volumes_l,
)
from twin_gym.environments.truck_routing.emptyings import (
    EmptyingFile,
    Emptyings,
    inflows_by_moments,
    read_emptyings,
)
from twin_gym.environments.truck_routing.registers import BinFile, frozen_table, read_bins
from twin_gym.errors import ConfigError, TraceError

HEAD = "bin,time_s,fill"
DAY_S = 86_400
HOUR_S = 3_600


def written(tmp_path, *lines, head=HEAD, **fields):
    """A reference to a file of its own."""
    path = tmp_path / "emptyings.csv"
    path.write_text("\n".join([head, *lines]) + "\n", "utf-8")
    return EmptyingFile(path=str(path), **fields)


def bins(*names, capacity_l=100.0):
    """Bins of one capacity; where they stand does not matter."""
    some = np.full(len(names), capacity_l)
    return frozen_table(names, some, some, some, some)


EDINBURGH = EmptyingFile(path="edinburgh_waste/collections.csv", format="edinburgh", full_share=0.8)


def test_emptyings_are_read_by_bin(tmp_path):
    """Rows of several bins may alternate."""
    found = read_emptyings(written(tmp_path, "a,10,0.5", "b,5,1", "a,20,0.25"))
    assert list(found) == ["a", "b"]
    assert found["a"].times_s.tolist() == [10.0, 20.0]
    assert found["a"].fills.tolist() == [0.5, 0.25]


def test_local_times_count_from_midnight(tmp_path):
    """Of the day of the first row; percent become shares."""
    head = "site_id,collected_at,fill_before_pct"
    file = written(
        tmp_path, "7,2016-06-03 13:00:00,43", "7,2016-06-04 01:30:00,100", head=head,
        format="edinburgh",
    )  # fmt: skip
    (one,) = read_emptyings(file).values()
    assert one.times_s.tolist() == [13 * HOUR_S, DAY_S + 1.5 * HOUR_S]
    assert one.fills.tolist() == [0.43, 1.0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a,0,1", "a,5,-0.1"], "line 3: `fill` must be between 0 and 1"),
        (["a,0,1", "a,5,43"], "line 3: `fill` must be between 0 and 1"),
        (["a,0,1", "a,5,x"], "line 3: `fill` must be a decimal number"),
        (["a,0,1", "a,-5,1"], "line 3: `time_s`"),
        (["a,5,1", "b,7,1", "a,5,1"], "line 4: the times of a bin must rise.*remove doubles"),
        (["a,5,1", ",7,1"], "line 3: `bin` is empty"),
        ([], "holds no emptying"),
    ],
)
def test_bad_files_are_refused_with_the_line(tmp_path, lines, message):
    """Fills, times, order and names."""
    with pytest.raises(TraceError, match=message):
        read_emptyings(written(tmp_path, *lines))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("7,03/06/2016 13:00,43", "line 3: `collected_at` must be a local time"),
        ("7,2016-06-05T13:00:00+01:00,43", "line 3: `collected_at` must be a local time"),
        ("7,2016-06-02 13:00:00,43", "line 3: `collected_at` must be no earlier"),
        ("7,2116-06-02 13:00:00,43", "line 3: `collected_at` must be no earlier"),
        ("7,2016-06-05 13:00:00,101", "line 3: `fill_before_pct` must be between 0 and 100"),
    ],
)
def test_bad_rows_of_edinburgh_are_refused_with_the_line(tmp_path, row, message):
    """Dates of another form, with a zone, too early or too late, and percents."""
    head = "site_id,collected_at,fill_before_pct"
    lines = ("7,2016-06-03 13:00:00,43", row)
    with pytest.raises(TraceError, match=message):
        read_emptyings(written(tmp_path, *lines, head=head, format="edinburgh"))


def simulated_emptyings(rng, inflow_l_per_h, emptied_above_l, days):
    """One bin of exponential deposits of 10 l, emptied at the first visit at which it is full.

    Visits are every two hours; the content is known without a sensor.
    """
    times_s, found_l, content_l = [0.0], [0.0], 0.0
    for visit in range(1, days * 12):
        content_l += rng.exponential(10.0, rng.poisson(inflow_l_per_h / 10.0 * 2.0)).sum()
        if content_l > emptied_above_l:
            times_s.append(visit * 2.0 * HOUR_S)
            found_l.append(content_l)
            content_l = 0.0
    return Emptyings(np.array(times_s), np.array(found_l))


def test_moments_recover_the_law_though_crews_come_when_bins_are_full():
    """Inflow within 5 % and dispersion within 15 %: over five standard errors of each."""
    rng = np.random.default_rng(0)
    given = [2.0, 4.0, 8.0]
    histories = [simulated_emptyings(rng, inflow, 150.0, 2000) for inflow in given]
    fitted = inflows_by_moments(histories, np.ones(3), 1.0)
    assert fitted.inflow_l_per_h == pytest.approx(given, rel=0.05)
    assert fitted.dispersion_l == pytest.approx(20.0, rel=0.15)


def test_bin_emptied_once_counts_over_the_whole_file():
    """It has no interval of its own."""
    often = Emptyings(np.array([0.0, 100.0 * HOUR_S]), np.array([1.0, 1.0]))
    once = Emptyings(np.array([50.0 * HOUR_S]), np.array([0.5]))
    fitted = inflows_by_moments([often, once], np.array([100.0, 100.0]), 0.8)
    assert fitted.inflow_l_per_h.tolist() == [0.8, 0.4]
    assert np.isnan(fitted.dispersion_l)


def test_replayed_volumes_rise_in_straight_lines(tmp_path):
    """40 l over ten hours, then 20 l over ten; before and after at the mean of 3 l/h."""
    file = written(
        tmp_path, f"a,{12 * HOUR_S},1", f"a,{22 * HOUR_S},0.5", f"a,{32 * HOUR_S},0.25",
        full_share=0.8,
    )  # fmt: skip
    volumes = replayed_volumes_l(ReplayedEmptyings(file=file, last_day=2), bins("a"), 6)
    rises = np.diff(volumes[:, 0])
    assert volumes.shape == (49, 1)
    assert volumes[0, 0] == 0.0
    assert rises == pytest.approx([3.0] * 6 + [4.0] * 10 + [2.0] * 10 + [3.0] * 22)
    with pytest.raises(ValueError, match="read-only"):
        volumes[0, 0] = 1.0


def test_replay_of_unknown_bins_and_other_days_is_refused(tmp_path):
    """With the nearest name, and with the days that the file has."""
    file = written(tmp_path, "north,0,1", f"north,{2 * DAY_S},1")
    deposits = ReplayedEmptyings(file=file, last_day=2)
    with pytest.raises(TraceError, match="unknown bin 'norht'; did you mean 'north'"):
        replayed_volumes_l(deposits, bins("norht"))
    with pytest.raises(TraceError, match=r"day 0\.0 to day 2\.0 and the window is day 5 to 9"):
        replayed_volumes_l(deposits.replace(first_day=5, last_day=9), bins("north"))
    with pytest.raises(ConfigError, match="must end after it begins"):
        deposits.replace(first_day=2)


def test_profiles_have_a_day_or_a_week_and_mean_1():
    """Anything else would change the inflow without saying so."""
    assert len(PoissonGamma().profile) == 24
    PoissonGamma(profile=(0.5, 1.5) * 84)
    with pytest.raises(ConfigError, match="24 hours or 168, got 23"):
        PoissonGamma(profile=(1.0,) * 23)
    with pytest.raises(ConfigError, match=r"must be 1, got 1\.5"):
        PoissonGamma(profile=(1.0, 2.0) * 12)


@pytest.mark.usefixtures("data_dir")
def test_replayed_emptyings_of_edinburgh_are_whole():
    """The bins together take as much a day as was found a day.

    What was thrown in after the last emptyings was not found: some 3 %.
    """
    file = BinFile(
        file=DataFile(path="edinburgh_waste/bins.csv"),
        format="edinburgh",
        emptyings=EDINBURGH,
        count=334,
    )
    table = read_bins(file)
    deposits = ReplayedEmptyings(file=EDINBURGH, first_day=1, last_day=46)
    volumes = replayed_volumes_l(deposits, table, 6)
    assert volumes.shape == (45 * 24 + 1, 334)
    assert (np.diff(volumes, axis=0) >= 0.0).all()
    capacity = dict(zip(table.names, table.capacity_l, strict=True))
    found = read_emptyings(EDINBURGH)
    assert sum(len(one.fills) for one in found.values()) == 6376
    litres = sum(0.8 * one.fills.sum() * capacity[name] for name, one in found.items())
    assert volumes[-1].sum() / 45 == pytest.approx(litres / 46.4, rel=0.05)
