"""The contract suite's input for an environment: a file `case.py` with a `CASE`.

It is in `tests/environments/<folder>/` for an environment of twin_gym, and in the package of any
other; a package imports nothing of these tests: its `CASE` is a dict of the arguments of `Case`.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis.strategies import SearchStrategy

from twin_gym.scenario.loading import load

NUM_LANES = 3
"""Rows of the roll-outs whose hashes are kept."""

Refusals = Sequence[tuple[Mapping[str, Any], str]]


def fixed_actions(step, space, masks):
    """Amounts that go round; allowed actions in turn, now and then any."""
    lanes = np.arange(NUM_LANES)
    if space.shape:
        turns = lanes[:, None] + np.arange(space.shape[0]) * (step + 1)
        return ((turns * 5 + step) % 7 / 7).astype(np.float32)
    actions = np.zeros(NUM_LANES, np.int64)
    for lane, mask in enumerate(masks):
        allowed = np.flatnonzero(mask) if step % 5 else np.arange(len(mask))
        actions[lane] = allowed[(7 * step + 3 * lane) % len(allowed)]
    return actions


def fields_of(record, omitted=()):
    """The entries of a record by name."""
    return {name: record[name] for name in record.dtype.names if name not in omitted}


def head_and_row(batch, row):
    """The head of a row and the record of its network."""
    return {**fields_of(batch.heads[row]), **fields_of(batch.row(row))}


def examples(most):
    """So many drawn examples, or fewer where the profile says so (`make quick`)."""
    return settings(max_examples=min(most, settings().max_examples))


@dataclass(frozen=True)
class Case:
    """The description of an environment for the contract tests.

    Attributes:
        presets: by form of action, a small preset that takes it; the first form is the default.
        shorten: of a scenario, the same with an episode of one or two dozen steps.
        together: of a small scenario, another one that episodes may draw beside it.
        objectives: by name, the components that it adds up; `vector` goes without saying.
        refused: arguments of the environment that are refused, with a part of the message.
        unfit: changes of the first preset that are refused, with a part of the message.
        scenarios: of a form, the strategy that draws scenarios for it; needed where there is SimPy.
        state: of a batch and a row, by name, what both engines know of a network besides what an
            agent sees.
        policy: a classical one that draws nothing and takes any scenario; None: the default policy.
        arguments: other arguments that change what happens, with their values.
        takes: whether a form can be used in a scenario.
        needs_data: whether a scenario replays data that is not part of the project.
        scarce: of a scenario, one in which masks forbid something.
        counts_steps_alone: whether `disallowed_actions` is of the last step, not of the episode.
        golden_steps: length of the roll-outs whose hashes are kept.
        golden_actions: of the step, the space of one row and the masks: the actions in them.
    """

    presets: Mapping[str, str]
    shorten: Callable[[Any], Any]
    together: Callable[[Any], Any]
    objectives: Mapping[str, Sequence[str]]
    refused: Refusals
    unfit: Refusals
    scenarios: Callable[[str], SearchStrategy[Any]] | None = None
    state: Callable[[Any, int], Mapping[str, Any]] = head_and_row
    policy: str | None = None
    arguments: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    takes: Callable[[str, Any], bool] = lambda form, scenario: True
    needs_data: Callable[[Any], bool] = lambda scenario: False
    scarce: Callable[[Any], Any] = lambda scenario: scenario
    counts_steps_alone: bool = False
    golden_steps: int = 120
    golden_actions: Callable[[int, Any, Any], Any] = field(default=fixed_actions)

    def scenario(self, form=None):
        """The small scenario of a form; None: of the default one."""
        return self.shorten(load(self.presets[form or next(iter(self.presets))]))

    def whole(self, preset):
        """A preset as it is; skipped where its data is not here."""
        scenario = load(preset)
        if self.needs_data(scenario) and not os.environ.get("TWIN_GYM_DATA"):
            pytest.skip(f"{preset} replays real data and TWIN_GYM_DATA is not set")
        return scenario
