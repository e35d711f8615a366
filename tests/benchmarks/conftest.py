"""Named instances that the tests of the benchmarks share."""

import pytest

from twin_gym.environments.truck_routing.policies import planned


@pytest.fixture
def brief_plans(monkeypatch):
    """Planners that search for 10 steps instead of 400: routes are allowed, and longer."""
    usual = planned.plan_routes

    def brief(problem, *, max_iterations):
        return usual(problem, max_iterations=min(max_iterations, 10))

    monkeypatch.setattr(planned, "plan_routes", brief)
