"""A batch in NumPy: objectives and forms that it gets by itself, and what is refused."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from twin_gym.core.batch import AUTORESET_NEXT_STEP, AUTORESET_SAME_STEP
from twin_gym.core.forms import ActionForm
from twin_gym.core.numpy_batch import NumPyBatch
from twin_gym.core.slotted import ReferenceEpisode
from twin_gym.errors import ConfigError
from twin_gym.scenario.objective import KpiObjective
from twin_gym.scenario.slotted import MAX_SLOTS, SlottedScenario

EVERYONE = np.ones(3, np.bool_)


class LampScenario(SlottedScenario):
    """A lamp of so much brightness."""

    kind: ClassVar[str] = "lamp"
    num_levels: int = 3


class LampBatch(NumPyBatch):
    """Light is worth its brightness, and costs its square."""

    SCENARIO = LampScenario
    DEFAULT_SCENARIO = "lamp-none"
    ACTION_FORMS = (
        ActionForm("level", lambda _: ("lit",), lambda one: tuple(map(str, range(one.num_levels)))),
        ActionForm("share", lambda _: ("lit",), lambda _: ("share",), is_continuous=True),
    )
    COMPONENTS = ("light", "price")
    KPI_NAMES = ("mean_light",)

    def make_state(self):
        return {"lit": np.zeros(self.num_rows), "sum": np.zeros(self.num_rows)}

    def begin_rows(self, rows):
        self.state["lit"][rows] = self.state["sum"][rows] = 0.0

    def move_rows(self, rows, actions):
        is_share = self.settings.action == "share"
        self.state["lit"][rows] = actions[:, 0] if is_share else actions / self.scenario.num_levels
        lit = self.state["lit"][rows]
        self.state["sum"][rows] += lit
        return {"light": lit, "price": -(lit**2)}

    def observe_rows(self, rows):
        return self.state["lit"][rows][:, None]

    def measure_rows(self, rows):
        return {"mean_light": self.state["sum"][rows] / np.maximum(self.slot_of(rows), 1)}


class DimmedBatch(LampBatch):
    """The lamp may not be put out."""

    ACTION_FORMS = (
        ActionForm(
            "level", lambda _: ("lit",), lambda one: tuple(map(str, range(one.num_levels))),
            is_masked=True,
        ),
    )  # fmt: skip

    def allow_rows(self, rows):
        return np.tile(np.arange(self.scenario.num_levels) > 0, (len(rows), 1))


class LampEpisode(ReferenceEpisode):
    """The rules of the lamp once more, of one lamp."""

    def __init__(self, batch, row):
        super().__init__(batch, row)
        self.network = SimpleNamespace(slot=0, is_over=False, lit=0.0, sum=0.0)

    def step(self, action):
        network, scenario = self.network, self._batch.scenario
        network.lit = float(action) / scenario.num_levels
        network.sum += network.lit
        network.slot += 1
        network.is_over = network.slot == scenario.num_slots
        outcome = self._batch.raw_outcomes[self._row]
        outcome["light"], outcome["price"] = network.lit, -(network.lit**2)
        outcome["reward"] = outcome["light"] + outcome["price"]
        outcome["elapsed_s"], outcome["truncated"] = scenario.slot_s, network.is_over

    def _write(self, arrays):
        for name in arrays:
            self._batch.state[name][self._row] = getattr(self.network, name)


def lamp(**fields):
    """A scenario of ten slots."""
    return LampScenario(**{"name": "lamp", "horizon_s": 10.0, **fields})


def rows(scenario=None, kind=LampBatch, **given):
    """Three rows at the beginning of their first episodes."""
    batch = kind(3, kind.SETTINGS(scenario or lamp(), **given))
    batch.seed(np.arange(3, dtype=np.uint64), EVERYONE)
    batch.begin(EVERYONE)
    return batch


@pytest.mark.parametrize(
    ("objective", "rewards"),
    [
        ("total", [0.0, 1 / 3 - 1 / 9, 2 / 3 - 4 / 9]),
        ("light", [0.0, 1 / 3, 2 / 3]),
        ("price", [0.0, -1 / 9, -4 / 9]),
        ("vector", [0.0, 1 / 3 - 1 / 9, 2 / 3 - 4 / 9]),
    ],
)
def test_objectives_are_made_of_the_components(objective, rewards):
    """Their sum, each of them, or all; the components are outcomes in any case."""
    batch = rows(objective=objective)
    batch.advance(np.arange(3), AUTORESET_NEXT_STEP)
    assert batch.outcomes["reward"] == pytest.approx(rewards)
    assert batch.outcomes["light"] == pytest.approx([0.0, 1 / 3, 2 / 3])
    assert batch.is_vector_reward == (objective == "vector")
    assert list(batch.kpis()) == ["mean_light"]


def test_single_component_is_an_objective_and_a_vector():
    """The one that is named is the default."""
    batch_type = type("OneBatch", (LampBatch,), {"COMPONENTS": ("light",)})
    assert batch_type.SETTINGS.OBJECTIVES == ("light", "vector")
    assert not rows(kind=batch_type).is_vector_reward
    assert rows(kind=batch_type, objective="vector").is_vector_reward


def test_row_is_a_copy_of_the_state():
    """A record with a field an array; of several dimensions, too."""
    batch = rows()
    batch.state["levels"] = np.arange(6).reshape(3, 2)
    batch.advance(np.arange(3), AUTORESET_NEXT_STEP)
    record = batch.row(2)
    assert record.dtype.names == ("lit", "sum", "levels")
    assert (record["lit"], record["levels"].tolist()) == (2 / 3, [4, 5])
    record["levels"][:] = 0
    assert batch.state["levels"][2].tolist() == [4, 5]


def test_elapsed_share_is_of_the_scenario_of_each_row():
    """Episodes of ten slots and of five, after three."""
    batch = rows((lamp(), lamp(name="b", horizon_s=5.0)))
    batch.heads["network"] = [0, 1, 0]
    batch.heads["slot"] = 3
    assert batch.elapsed_share(np.array([0, 1])).tolist() == [0.3, 0.6]


def test_disallowed_actions_are_counted_anew_in_each_episode():
    """Also where the next episode begins in the step that ends the last one."""
    batch = rows(lamp(horizon_s=3.0), DimmedBatch)
    counts = []
    for _ in range(5):
        batch.advance(np.array([0, 1, 0]), AUTORESET_SAME_STEP)
        counts.append(batch.outcomes["disallowed_actions"].tolist())
    assert counts == [[1, 0, 1], [2, 0, 2], [3, 0, 3], [1, 0, 1], [2, 0, 2]]


def test_reference_is_the_second_engine():
    """Where a batch has one; the same step by step, over the end of an episode."""
    batch_type = type("ToldBatch", (LampBatch,), {"REFERENCE": LampEpisode})
    assert (LampBatch.ENGINES, batch_type.ENGINES) == (("kernel",), ("kernel", "simpy"))
    mine, theirs = (
        rows(lamp(horizon_s=3.0), batch_type, engine=engine) for engine in batch_type.ENGINES
    )
    for step in range(8):
        for batch in (mine, theirs):
            batch.advance((np.arange(3) + step) % 3, AUTORESET_SAME_STEP)
        for name, array in mine.arrays.items():
            assert array.tobytes() == theirs.arrays[name].tobytes()


def test_continuous_form_has_a_box_and_no_masks():
    """One entry a name of an action."""
    batch = rows(action="share")
    assert batch.masks is None
    assert batch.action_space.shape == (1,)
    batch.advance(batch.checked_actions(np.full((3, 1), 0.5)), AUTORESET_NEXT_STEP)
    assert batch.observations.tolist() == [[0.5]] * 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"engine": "simpy"}, "kind 'lamp' have no SimPy model: take engine='kernel'"),
        ({"engine": "Kernel"}, "unknown engine 'Kernel'; did you mean 'kernel'"),
        ({"action": "levels"}, "unknown action form 'levels'; did you mean 'level'"),
        ({"objective": "darkness"}, "unknown objective 'darkness'"),
        ({"objective": KpiObjective()}, "cannot be paid by a KpiObjective: take one of total, li"),
        ({"scenario": (lamp(), lamp(num_levels=4, name="b"))}, "'lamp', 'b' differ in the form 'l"),
    ],
)
def test_what_it_has_not_is_refused(given, said):
    """With what there is."""
    with pytest.raises(ConfigError, match=said):
        rows(**given)


def test_class_that_lacks_a_name_is_refused():
    """When it is written, not when it runs."""
    with pytest.raises(ConfigError, match="Half needs DEFAULT_SCENARIO, ACTION_FORMS, COMPONENTS"):
        type("Half", (NumPyBatch,), {"SCENARIO": LampScenario})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"horizon_s": 10.5}, "got 10.5 s of 1 s each: take 10 s"),
        ({"horizon_s": 0.2}, "got 0.2 s of 1 s each: take 1 s"),
        ({"horizon_s": 1e8, "slot_s": 1e-3}, f"1 to {MAX_SLOTS:,} whole slots"),
    ],
)
def test_horizon_is_whole_slots(fields, said):
    """Values that round to whole slots pass."""
    with pytest.raises(ConfigError, match=said):
        lamp(**fields)
    assert lamp(horizon_s=0.3, slot_s=0.1).num_slots == 3


def test_scenario_of_an_episode_is_drawn_by_its_world():
    """Of several that are alike, all come, the same ones for the same seed."""
    alike = (lamp(), lamp(name="b", horizon_s=5.0))
    first, second = rows(alike), rows(alike)
    assert first.heads["network"].tolist() == second.heads["network"].tolist()
    batch = LampBatch(64, LampBatch.SETTINGS(alike))
    batch.seed(np.arange(64, dtype=np.uint64), np.ones(64, np.bool_))
    batch.begin(np.ones(64, np.bool_))
    assert set(batch.heads["network"].tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"COMPONENTS": ("light", "price", "heat")}, "move_rows gives light, price; COMPONENTS"),
        ({"COMPONENTS": ("light",)}, "move_rows gives light, price; COMPONENTS names light:"),
        ({"KPI_NAMES": ("mean_light", "dark")}, "measure_rows gives mean_light; KPI_NAMES names"),
    ],
)
def test_what_is_given_is_what_is_named(names, said):
    """A component or an indicator that only one side knows is neither lost nor a KeyError."""
    other = type("OtherBatch", (LampBatch,), names)
    batch = other(3, other.SETTINGS(lamp(horizon_s=1.0)))
    batch.seed(np.arange(3, dtype=np.uint64), EVERYONE)
    batch.begin(EVERYONE)

    def slot_with_indicators():
        batch.advance(np.zeros(3, np.int64), AUTORESET_NEXT_STEP)
        return batch.kpis()

    with pytest.raises(ConfigError, match=said):
        slot_with_indicators()
