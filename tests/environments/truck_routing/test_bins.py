"""Bins: listed, drawn and read from a register."""

import numpy as np
import pytest

from twin_gym.environments.truck_routing.bins import Bin, DrawnBins, ListedBins, bin_table
from twin_gym.environments.truck_routing.data_files import DataFile
from twin_gym.environments.truck_routing.emptyings import EmptyingFile
from twin_gym.environments.truck_routing.registers import BinFile
from twin_gym.errors import ConfigError, TraceError

HEAD = "name,x_m,y_m,capacity_l,inflow_l_per_h"
ROWS = ("a,0,0,240,1", "b,10,0,480,2", "c,500,0,240,3", "d,20,0,240,4")
DRAWN = DrawnBins(count=200, width_m=2000.0, height_m=1000.0, median_inflow_l_per_h=2.0)


def register(tmp_path, *rows, head=HEAD, count=2, **fields):
    """A reference to a register of its own."""
    path = tmp_path / "bins.csv"
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return BinFile(file=DataFile(path=str(path)), count=count, **fields)


def test_listed_bins_keep_their_order():
    """Each attribute in its column, and nothing can be written."""
    bins = ListedBins(
        bins=(
            Bin(name="b", x_m=1.0, y_m=2.0, capacity_l=240.0, inflow_l_per_h=3.0),
            Bin(name="a", x_m=4.0, y_m=5.0, capacity_l=480.0, inflow_l_per_h=6.0),
        )
    )
    table = bin_table(bins)
    assert table.names == ("b", "a")
    assert [column.tolist() for column in table[1:]] == [[1, 4], [2, 5], [240, 480], [3, 6]]
    assert bins.count == 2
    with pytest.raises(ValueError, match="read-only"):
        table.x_m[0] = 0.0


def test_listed_bins_of_one_name_are_refused():
    """With the name."""
    one = Bin(name="corner", x_m=1.0, y_m=2.0, capacity_l=240.0, inflow_l_per_h=3.0)
    with pytest.raises(ConfigError, match="two bins have the name 'corner'"):
        ListedBins(bins=(one, one))


def test_drawn_bins_depend_on_their_seed_alone():
    """Equal seeds give equal bins; another one other places and inflows."""
    again, other = bin_table(DRAWN.replace()), bin_table(DRAWN.replace(seed=1, inflow_sigma=0.5))
    first = bin_table(DRAWN)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.x_m, other.x_m)
    assert len(set(other.inflow_l_per_h)) > 190


def test_drawn_bins_lie_in_their_rectangle():
    """On both sides of its middle."""
    table = bin_table(DRAWN)
    for places, size in ((table.x_m, 2000.0), (table.y_m, 1000.0)):
        assert 0.0 <= places.min() < size / 10
        assert 9 * size / 10 < places.max() <= size
    assert set(table.inflow_l_per_h) == {2.0}


def test_drawn_bins_stand_on_different_crossings():
    """All of a grid of six, each once."""
    bins = DrawnBins(
        count=6, width_m=200.0, height_m=100.0, spacing_m=100.0, median_inflow_l_per_h=2.0
    )
    table = bin_table(bins)
    places = set(zip(table.x_m, table.y_m, strict=True))
    assert places == {(x, y) for x in (0.0, 100.0, 200.0) for y in (0.0, 100.0)}
    with pytest.raises(ConfigError, match="has 6 places at a spacing of 100 m and 7 bins"):
        bins.replace(count=7)
    with pytest.raises(ConfigError, match="at most 1,000,000 are drawn from"):
        bins.replace(width_m=1e6, spacing_m=1.0)


def test_drawn_inflows_are_lognormal():
    """Median and spread within five standard errors of 2,000 draws, for each capacity."""
    bins = DRAWN.replace(
        count=2000, inflow_sigma=0.6, capacities_l=(100.0, 400.0, 900.0), capacity_exponent=0.5
    )
    table = bin_table(bins)
    shares = [(table.capacity_l == one).mean() for one in bins.capacities_l]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.053)
    logs = np.log(table.inflow_l_per_h / 2.0) - 0.5 * np.log(table.capacity_l / 400.0)
    assert logs.mean() == pytest.approx(0.0, abs=5 * 0.6 / 2000**0.5)
    assert logs.std() == pytest.approx(0.6, abs=5 * 0.6 / 4000**0.5)


def test_register_is_read(tmp_path):
    """The first bins, those nearest to the median coordinates, or every second one."""
    first = bin_table(register(tmp_path, *ROWS, count=3))
    assert first.names == ("a", "b", "c")
    assert first.capacity_l.tolist() == [240.0, 480.0, 240.0]
    nearest = bin_table(register(tmp_path, *ROWS, count=3, chosen="nearest"))
    assert nearest.names == ("a", "b", "d")
    assert nearest.inflow_l_per_h.tolist() == [1.0, 2.0, 4.0]
    assert bin_table(register(tmp_path, *ROWS, chosen="evenly")).names == ("a", "c")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("a,0,0,240,1", "a,1,1,240,1"), "line 3: the bin 'a' stands on line 2 too"),
        (("a,0,0,240,1", "b,1,1,-5,1"), "line 3: `capacity_l` must be between"),
        (("a,0,0,240,1", "b,x,1,5,1"), "line 3: `x_m` must be a decimal number"),
        (("a,0,0,240,1", "b,1,1,5,0"), "line 3: `inflow_l_per_h` must be between"),
        (("a,0,0,240,1", ",1,1,5,1"), "line 3: `name` is empty"),
        (("a,0,0,240,1",), "has 1 bins and 2 are asked for"),
        (("a,-3.19,55.95,240,1", "b,-3.21,55.94,240,1"), "within 0.02 m: .* not in degrees"),
    ],
)
def test_bad_registers_are_refused_with_the_line(tmp_path, rows, message):
    """Doubles, numbers, names, and too few."""
    with pytest.raises(TraceError, match=message):
        bin_table(register(tmp_path, *rows))


def test_inflows_come_from_emptyings(tmp_path):
    """What was found over the hours before; the register then says none."""
    path = tmp_path / "emptyings.csv"
    lines = ["bin,time_s,fill", "a,0,1", "b,0,1", "a,36000,0.5", "b,36000,1", "b,72000,0.5"]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    emptyings = EmptyingFile(path=str(path), full_share=0.8)
    rows = [row.rpartition(",")[0] for row in ROWS]
    head = HEAD.rpartition(",")[0]
    table = bin_table(register(tmp_path, *rows, head=head, emptyings=emptyings))
    assert table.inflow_l_per_h.tolist() == pytest.approx([0.8 * 120 / 10, 0.8 * 720 / 20])
    with pytest.raises(TraceError, match="line 4: the bin 'c' has no emptying"):
        bin_table(register(tmp_path, *rows, head=head, emptyings=emptyings, count=3))


def test_register_of_edinburgh_needs_emptyings():
    """It says no inflows."""
    with pytest.raises(ConfigError, match="name a file of `emptyings`"):
        BinFile(file=DataFile(path="bins.csv"), format="edinburgh", count=3)


@pytest.mark.usefixtures("data_dir")
def test_bins_of_edinburgh_have_plausible_inflows():
    """All 334; a bin takes between a sixth of a day and a season to fill; half under a week."""
    folder = "edinburgh_waste/"
    emptyings = EmptyingFile(path=folder + "collections.csv", format="edinburgh", full_share=0.8)
    bins = BinFile(
        file=DataFile(path=folder + "bins.csv"), format="edinburgh", emptyings=emptyings, count=334
    )
    table = bin_table(bins)
    days = table.capacity_l / table.inflow_l_per_h / 24.0
    assert len(days) == 334
    assert 0.16 < days.min() < 7.0
    assert np.median(days) < 7.0
    assert days.max() < 365.0
    near = bin_table(bins.replace(count=30, chosen="nearest"))
    assert np.ptp(near.x_m) < np.ptp(table.x_m) / 3
