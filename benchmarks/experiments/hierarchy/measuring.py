"""The cells of the experiment: control planes, lossy taps, and agents."""

from __future__ import annotations

from functools import cache, partial

from benchmarks.experiments.blocks import Cell, Values, worlds_of
from benchmarks.experiments.hierarchy import scores
from benchmarks.experiments.hierarchy.agents import (
    KERNEL,
    TRAINED_ON,
    agent_values,
    trained_agent,
)
from benchmarks.experiments.hierarchy.episodes import decided
from benchmarks.experiments.hierarchy.plan import (
    ALONE,
    AUTOMATON,
    BASE_RATE,
    Plan,
    Row,
    rows_of,
)
from benchmarks.experiments.hierarchy.taps import tap_values
from benchmarks.experiments.hierarchy.twins import (
    default_policy,
    emulated_episode,
    learned_episode,
    message_folder,
    policy_of,
    real_episode,
)
from twin_gym.policies import evaluate, make_policy
from twin_gym.twins.signalling.learned.twin import MessageTwin

EXACT, AGREEMENT = "exact", "agreement"
FORCED_FIRST, FORCED_AFTER = "forced_first", "forced_after"
FREE_FIRST, FREE_AFTER = "free_first", "free_after"
REAL, EMULATED = "real/", "emulated/"
ANCHORS = ("density", "random")


def cells_of(plan: Plan, seeds: int, *, learners: bool) -> list[Cell]:
    """All cells, block by block within a row; nothing has been run yet.

    Args:
        plan: sizes.
        seeds: blocks, each with trainings of its own.
        learners: whether agents are trained.
    """
    made = [
        _cell(plan, row.label, block, partial(_row_values, plan=plan, row=row), row.decisions)
        for row in rows_of(plan)
        for block in range(seeds)
    ]
    made += [
        _cell(plan, f"loss {loss:g}", block, partial(_tap, plan=plan, loss=loss), loss)
        for loss in plan.losses
        for block in range(seeds)
    ]
    names = (*ANCHORS, *(TRAINED_ON if learners else ()))
    return made + [
        _cell(plan, f"agent {name}", block, partial(_agent, plan=plan, name=name))
        for name in names
        for block in range(seeds)
    ]


def _cell(plan: Plan, label: str, block: int, measure: object, x: float = 0.0) -> Cell:
    return Cell(label, plan.scenario, (block,), 1, measure, plan.key, float(x))  # type: ignore[arg-type]


def _row_values(cell: Cell, plan: Plan, row: Row) -> Values:
    block = cell.blocks[0]
    real = real_episode(plan, block)
    exact = _exact(plan, block, row.messages)
    if row.messages == BASE_RATE:
        return {
            EXACT: [scores.exact_policy_messages(real, exact, None)],
            "best_by_slice": [scores.best_by_slice(real.log)],
        }
    values: dict[str, float] = {}
    agrees = None
    if row.decisions >= 0:
        policy = policy_of(plan, block, row.decisions)
        agrees = decided(policy, real.observations, real.masks) == real.actions
        values[AGREEMENT] = float(agrees.mean())
        values[FORCED_FIRST], values[FORCED_AFTER] = scores.first_and_after(agrees)
    else:
        policy = default_policy(plan)  # the message twin alone leaves it nothing to decide
    values[EXACT] = scores.exact_policy_messages(real, exact, agrees)
    emulated = emulated_episode(plan, block, row.messages, policy)
    horizon_ns = round(plan.horizon_s * 1e9)
    free = scores.divergence(real.log, emulated.log, horizon_ns)
    values[FREE_FIRST], values[FREE_AFTER] = free
    values |= {REAL + name: value for name, value in real.kpis.items()}
    values |= {EMULATED + name: value for name, value in emulated.kpis.items()}
    return {name: [value] for name, value in values.items()}


@cache
def _exact(plan: Plan, block: int, messages: str) -> scores.Bools:
    """Whether each message of the real episode is said exactly, given the true past."""
    log = real_episode(plan, block).log
    if messages == BASE_RATE:
        return scores.exact_by_base_rate(learned_episode(plan, block).log, log)
    if messages == AUTOMATON:
        return scores.exact_by_automaton(log)
    twin = MessageTwin.load(message_folder(plan, block, messages))
    return scores.exact_by_network(twin, log, is_alone=messages == ALONE)


def _tap(cell: Cell, plan: Plan, loss: float) -> Values:
    block = cell.blocks[0]
    twin = policy_of(plan, block, plan.decisions[-1])
    return tap_values(real_episode(plan, block), default_policy(plan), twin, loss, seed=block)


def _agent(cell: Cell, plan: Plan, name: str) -> Values:
    """An anchor or a trained agent in the real network."""
    block = cell.blocks[0]
    worlds = worlds_of(block, plan.agent_worlds)
    if name in ANCHORS:
        return agent_values(evaluate(make_policy(name, plan.scenario), plan.scenario, worlds))
    engine = {} if name == KERNEL else _engine(plan, block, name)
    policy = trained_agent(plan, engine, seed=block)
    return agent_values(evaluate(policy, plan.scenario, worlds))


def _engine(plan: Plan, block: int, messages: str) -> dict[str, str]:
    return {"engine": "twin", "twin": str(message_folder(plan, block, messages))}
