"""The state that a picture of massive access shows, read off the environment's batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from twin_gym.core.single import RowEnv
from twin_gym.environments.massive_access.batch import AccessBatch
from twin_gym.environments.massive_access.layout import HISTORY
from twin_gym.environments.massive_access.scenario import AccessScenario


@dataclass
class Course:
    """The curves of an episode so far: one point for each picture taken.

    Attributes:
        episode: seed and number.
        slots: opportunities that were over.
        waiting: devices.
        barring: probabilities.
    """

    episode: tuple[int, int]
    slots: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    barring: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class PictureState:
    """A cell at one moment.

    Attributes:
        scenario: what it runs.
        slot: opportunities that are over.
        silent: devices that have not asked yet.
        waiting: devices that try.
        backing_off: those of them that may not yet.
        succeeded: devices answered.
        lost: devices that gave up.
        barring: probability in force.
        preambles: of the last opportunities, the last one first: how many brought a success, how
            many collided.
        course: what earlier pictures have shown, and this one.
    """

    scenario: AccessScenario
    slot: int
    silent: int
    waiting: int
    backing_off: int
    succeeded: int
    lost: int
    barring: float
    preambles: tuple[tuple[int, int], ...]
    course: Course

    @property
    def progress(self) -> float:
        """Share of the episode that is over."""
        return self.slot / self.scenario.num_opportunities


_COURSES: WeakKeyDictionary[RowEnv[AccessBatch], Course] = WeakKeyDictionary()


def take_snapshot(env: RowEnv[AccessBatch]) -> PictureState:
    """Looks at an environment without touching it.

    Args:
        env: the single form of the environment.

    Returns:
        What its cell looks like now.
    """
    head, row, scenario = env.batch.heads[0], env.batch.row(0), env.scenario
    slot, waiting = int(head["slot"]), int(row["num_waiting"])
    devices = env.batch.waiting(0)
    seen = range(slot - 1, max(slot - 1 - HISTORY, -1), -1)
    return PictureState(
        scenario=scenario,
        slot=slot,
        silent=scenario.num_devices - int(row["num_arrived"]),
        waiting=waiting,
        backing_off=int(np.count_nonzero(devices["ready"] > slot)),
        succeeded=int(row["succeeded"]),
        lost=int(row["lost"]),
        barring=float(row["barring"]),
        preambles=tuple(
            (int(row["success_history"][s % HISTORY]), int(row["collision_history"][s % HISTORY]))
            for s in seen
        ),
        course=_course(env, (int(head["seed"]), int(head["episode"])), slot),
    )


def _course(env: RowEnv[AccessBatch], episode: tuple[int, int], slot: int) -> Course:
    """The curves of this episode so far, with the present moment."""
    course = _COURSES.get(env)
    if course is None or course.episode != episode or (course.slots and course.slots[-1] > slot):
        course = _COURSES[env] = Course(episode)
    if not course.slots or course.slots[-1] < slot:
        row = env.batch.row(0)
        course.slots.append(slot)
        course.waiting.append(int(row["num_waiting"]))
        course.barring.append(float(row["barring"]))
    return course
