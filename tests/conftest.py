"""Fixtures and settings of all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from twin_gym.environments.kinds import KINDS_VARIABLE
from twin_gym.environments.kinds import kinds as environment_kinds
from twin_gym.environments.slice_admission.policies import surrogate
from twin_gym.environments.truck_routing.policies import planned

# Derandomised: a run fails for what changed in the code, never for the luck of the draw.
# No deadline: the first call of a compiled function takes seconds.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=5)
settings.load_profile("ci")

CONTRACT = Path(__file__).parent / "contract"


def pytest_addoption(parser):
    """One environment's part of the contract suite can be asked for."""
    parser.addoption(
        "--env",
        metavar="FOLDER",
        help="of tests/contract, only what is asked of the environment in this folder",
    )


def pytest_collection_modifyitems(config, items):
    """Leaves out what the contract suite asks of other environments."""
    folder = config.getoption("--env")
    if folder is None:
        return
    folders = {kind.name: kind.package.rpartition(".")[2] for kind in environment_kinds()}
    kinds = {name for name, one in folders.items() if one == folder}
    if not kinds:
        raise pytest.UsageError(
            f"--env names no folder of an environment: {folder}; there are "
            f"{', '.join(folders.values())}, and those that {KINDS_VARIABLE} names"
        )
    others = [
        item for item in items if CONTRACT in item.path.parents and kind_asked_of(item) not in kinds
    ]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in set(others)]


def kind_asked_of(item):
    """The kind that a test of the contract suite is about; None: of none in particular."""
    return item.callspec.params.get("kind") if hasattr(item, "callspec") else None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The directory of real traces; a test that asks for it is skipped where there is none."""
    named = os.environ.get("TWIN_GYM_DATA")
    if not named:
        pytest.skip("no real traces here: TWIN_GYM_DATA is not set")
    path = Path(named)
    if not path.is_dir():
        pytest.skip(f"no real traces here: TWIN_GYM_DATA names no directory: {named}")
    return path


@pytest.fixture
def brief_plans(monkeypatch):
    """Planners that search for 10 steps instead of 400: routes are allowed, and longer."""
    usual = planned.plan_routes

    def brief(problem, *, max_iterations):
        return usual(problem, max_iterations=min(max_iterations, 10))

    monkeypatch.setattr(planned, "plan_routes", brief)


@pytest.fixture
def brief_tables(monkeypatch):
    """`surrogate-optimum` with queues cut to 30,000 states: seconds less, and a worse rule."""
    monkeypatch.setattr(surrogate, "MAX_SURROGATE_STATES", 30_000)
