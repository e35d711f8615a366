"""One case from the trainings to the matrix; a case that is done is read from its file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from agents.transfer import TransferMatrix, transfer_matrix
from benchmarks.environments.slice_admission.replay import replay_bound_per_s
from benchmarks.experiments.blocks import Floats, worlds_of
from benchmarks.experiments.what_if_training.networks import Case
from benchmarks.experiments.what_if_training.trainings import (
    FOLDER,
    HINDSIGHT,
    HISTORY,
    LABELS,
    ONE,
    Plan,
    sources,
    trained,
    training_note,
)
from benchmarks.experiments.what_if_training.twins import FAMILIES, twins
from twin_gym import __version__
from twin_gym.environments.slice_admission.policies.reservation import ReservationPolicy
from twin_gym.environments.slice_admission.policies.search import search_reservation
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.files.reading import reading
from twin_gym.files.whole import write_text
from twin_gym.policies import Policy, make_policy, world_seeds
from twin_gym.scenario import Scenario

LATER = "what came"
TUNED, TUNED_LATER = "reservation tuned on history", "hindsight: reservation tuned on what came"

_SEARCH_WORLDS, _SEARCH_EPISODES = 16, 6_000
_DIGITS = 9
_BOUND_STEP_S = 6 * 3600.0

Tell = Callable[[str], None]
"""Told what has just been done."""


@dataclass(frozen=True)
class CaseResult:
    """The results of a case.

    Attributes:
        case: its name.
        title: of its section.
        matrix: of agents and rules; its columns are networks, `LATER` the one that came.
        bound_per_s: what no policy earns more of on it.
        spread: standard deviations of the logarithms of the windows' parameters, by path.
        now: by path, how many times the average the last window is.
        base: by path, the values of the one fitted network.
        source: of the windows.
        training: how agents were trained.
    """

    case: str
    title: str
    matrix: TransferMatrix
    bound_per_s: float
    spread: dict[str, float]
    now: dict[str, float]
    base: dict[str, float]
    source: str
    training: str

    def to_json(self) -> str:
        """The result as JSON for `from_json`."""
        return json.dumps(asdict(self) | {"matrix": as_values(self.matrix)}) + "\n"

    @classmethod
    def from_json(cls, text: str) -> CaseResult:
        """Reads a result that `to_json` wrote."""
        values = json.loads(text)
        matrix = values["matrix"]
        read = TransferMatrix(
            tuple(matrix["rows"]), tuple(matrix["columns"]), np.array(matrix["scores"])
        )
        return cls(**(values | {"matrix": read}))


def as_values(matrix: TransferMatrix) -> dict[str, object]:
    """Rows, columns and scores of a matrix as lists."""
    scores = matrix.scores.tolist()
    return {"rows": list(matrix.rows), "columns": list(matrix.columns), "scores": scores}


def rounded(matrix: TransferMatrix) -> Floats:
    """Scores with nine digits, so that a file holds no noise and reads back the same."""
    digits = [float(f"{x:.{_DIGITS}g}") for x in matrix.scores.ravel()]
    return np.array(digits).reshape(matrix.scores.shape)


def measure(case: Case, plan: Plan, tell: Tell, *, folder: Path = FOLDER) -> CaseResult:
    """Trains what is not trained and tests what is not tested.

    Args:
        case: of the study.
        plan: how large a run.
        tell: see `Tell`.
        folder: where twins, actors and finished cases are kept.

    Returns:
        What was found, or what a run of the same plan has found before.
    """
    file = folder / f"{case.name}-{_digest(case, plan)}.json"
    if file.exists():
        tell(f"{case.name}: done before")
        with reading(file, "finished case"):
            return CaseResult.from_json(file.read_text("utf-8"))
    rows = agents(case, plan, tell, folder) | rules(case, plan, tell)
    worlds = [worlds_of(seed, plan.worlds) for seed in range(plan.seeds)]
    matrix = transfer_matrix(
        rows, columns(case, plan), worlds, on_cell=lambda *at: tell(f"tested: {' / '.join(at)}")
    )
    middle, base = case.lived.points.mean(axis=0), case.lived.space.coordinates(case.base)
    paths = case.lived.space.paths
    result = CaseResult(
        case=case.name,
        title=case.title,
        matrix=TransferMatrix(matrix.rows, matrix.columns, rounded(matrix)),
        bound_per_s=bound_per_s(case.later),
        spread=_named(paths, case.lived.points.std(axis=0)),
        now=_named(paths, np.exp(case.lived.points[-1] - middle)),
        base=_named(paths, np.exp(base)),
        source=case.lived.source,
        training=training_note(case, plan),
    )
    write_text(file, result.to_json(), makes_folder=True)
    return result


def agents(case: Case, plan: Plan, tell: Tell, folder: Path) -> dict[str, list[Policy]]:
    """By label, the agent of each training; seed after seed, so that a first page comes early."""
    policies: dict[str, list[Policy]] = {LABELS[source]: [] for source in sources(case)}
    for seed in range(plan.seeds):
        for source in sources(case):
            policies[LABELS[source]].append(trained(case, source, seed, plan, folder=folder))
            tell(f"{case.name}: trained on {LABELS[source]}, seed {seed}")
    return policies


def rules(case: Case, plan: Plan, tell: Tell) -> dict[str, list[Policy]]:
    """By name, the rules that agents stand between, the same one in each block."""
    tuned: dict[str, Policy] = {
        "random": make_policy("random", case.base),
        "density": make_policy("density", case.base),
    }
    for name, network in ((TUNED, case.history), (TUNED_LATER, case.later)):
        tuned[name] = _reservation(network, case.base)
        tell(f"{case.name}: {name}")
    return {name: [policy] * plan.seeds for name, policy in tuned.items()}


def columns(case: Case, plan: Plan) -> dict[str, Sequence[Scenario]]:
    """The networks that agents are tested on, by name."""
    networks: dict[str, Sequence[Scenario]] = {LABELS[HISTORY]: [case.history]}
    if ONE in sources(case):
        networks[LABELS[ONE]] = [case.base]
    for family in FAMILIES:
        held_out = twins(case, family, 0, plan.held_out, held_out=True)
        networks[f"{LABELS[family]}, held out"] = held_out
    return networks | {LATER: [case.later]}


def bound_per_s(network: AdmissionScenario) -> float:
    """An upper bound on the return a second: hindsight for a replay, otherwise the fluid bound."""
    if network.trace is not None:
        return replay_bound_per_s(network, step_s=_BOUND_STEP_S)
    return fluid_bound(network, horizon_s=network.horizon_s).revenue_rate_per_s


def _reservation(network: AdmissionScenario, base: AdmissionScenario) -> Policy:
    search = search_reservation(
        network,
        seeds=world_seeds("validation", _SEARCH_WORLDS),
        fresh_seeds=world_seeds("validation", _SEARCH_WORLDS, first=_SEARCH_WORLDS),
        budget=_SEARCH_EPISODES,
    )
    return ReservationPolicy(base, search.reserve)


def _named(paths: Sequence[str], values: Sequence[float] | np.ndarray) -> dict[str, float]:
    return {path: float(f"{x:.6g}") for path, x in zip(paths, values, strict=True)}


def _digest(case: Case, plan: Plan) -> str:
    """Names all that a result depends on."""
    parts: Mapping[str, object] = {
        "plan": asdict(plan), "version": __version__, "training": training_note(case, plan),
        "networks": [case.history.digest, case.base.digest, case.later.digest],
        "lived": case.lived.points.tolist(), "rows": [LABELS[one] for one in sources(case)],
        "hindsight": HINDSIGHT,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
