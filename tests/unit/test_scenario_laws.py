"""Laws of arrival and of holding time."""

import pytest

from twin_gym.errors import ConfigError
from twin_gym.scenario import MMPP, Daily, Empirical, Lognormal, Pareto, Schedule


@pytest.mark.parametrize(
    ("law", "values", "says"),
    [
        (Daily, {"factors": (1.0,)}, "factors: must hold at least 2, got 1"),
        (Daily, {"factors": (0.0, 0.0)}, "at least one factor must be positive"),
        (Daily, {"factors": (0.0, 5e-324)}, "at least one factor"),  # half of it is no number
        (Daily, {"factors": (1.0, -1.0)}, "factors.1.*got -1.0"),
        (Daily, {"factors": (1.0, float("inf"))}, "factors.1"),
        (Daily, {"factors": (1.0, True)}, "factors.1"),
        (Daily, {"factors": (1.0,) * 10_001}, "factors: must hold at most 10000"),
        (Daily, {"factors": (1.0, 2.0), "period_s": 0.0}, "period_s"),
        (Daily, {"factors": (1.0, 2.0), "law": "schedule"}, "law"),
        (Schedule, {"factors": (1.0, 2.0)}, "period_s: is missing"),
        (MMPP, {"factors": (1.0, 2.0), "mean_sojourn_s": (1.0,)}, "mean_sojourn_s"),
        (MMPP, {"factors": (1.0, 2.0), "mean_sojourn_s": (1.0,) * 3}, "got 2 and 3"),
        (MMPP, {"factors": (0.0, 0.0), "mean_sojourn_s": (1.0, 1.0)}, "at least one factor"),
        (MMPP, {"factors": (1.0, 2.0), "mean_sojourn_s": (1.0, 0.0)}, "mean_sojourn_s.1"),
        (Lognormal, {"sigma": 0.0}, "sigma"),
        (Lognormal, {"sigma": 50.0}, "sigma"),
        (Pareto, {"shape": 1.0}, "shape.*greater than 1"),  # its mean is infinite
        (Empirical, {"quantiles": (1.0,)}, "quantiles: must hold at least 2"),
        (Empirical, {"quantiles": (2.0, 1.0)}, "quantiles must not fall: sort them"),
        (Empirical, {"quantiles": (0.0, 0.0)}, "last quantile must be positive"),
        (Empirical, {"quantiles": (0.0, 5e-324)}, "last quantile must be positive"),
        (Empirical, {"quantile": (0.0, 1.0)}, "did you mean 'quantiles'"),
    ],
)
def test_law_refuses(law, values, says):
    """Parameters without a proper distribution are refused."""
    with pytest.raises(ConfigError, match=says):
        law(**values)


def test_profile_is_relative_to_its_mean():
    """Factors say the shape; the average rate is the slice's."""
    assert Daily(factors=(1.0, 3.0)).relative_rates() == (0.5, 1.5)
    assert Schedule(period_s=10.0, factors=(0.0, 6.0)).relative_rates() == (0.0, 2.0)


def test_mmpp_is_relative_to_its_mean_over_time():
    """Phases count for as long as they last: (0.5*16 + 3*4)/20 = 1."""
    law = MMPP(factors=(1.0, 6.0), mean_sojourn_s=(16.0, 4.0))
    assert law.relative_rates() == (0.5, 3.0)


def test_quantiles_are_relative_to_the_mean_of_the_table():
    """Linear between the entries: the mean of (0, 1, 4) is ((0+1)/2 + (1+4)/2)/2 = 1.5."""
    law = Empirical(quantiles=(0.0, 1.0, 4.0))
    assert law.relative_quantiles() == pytest.approx((0.0, 1 / 1.5, 4 / 1.5))
