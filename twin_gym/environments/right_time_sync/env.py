"""The single form of right-time synchronisation: its docstring is its specification."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from twin_gym.core.single import RowEnv
from twin_gym.environments.right_time_sync.batch import SyncBatch
from twin_gym.environments.right_time_sync.observation import FIELDS
from twin_gym.environments.right_time_sync.render import as_text


class RightTimeSyncEnv(RowEnv[SyncBatch]):
    """A twin of many entities, of which it can hear one, or a few, at a time.

    ## Story
    A digital twin is only as good as the last updates of what it stands for, and updates cost air
    time, energy and computing. Some entities change quickly, others hardly at all, and one update
    in five is lost. Update what is worth it, when it is worth it.

    ## State
    The true value of every entity, and what the twin holds of it: the last delivered value, its
    age, and what the changes so far tell.

    ## Action Space
    `action="pick"`: `Discrete(N + 1)`, the entity that sends in this slot, or nobody (N).
    Disallowed (see `action_mask`): every entity once the update budget is spent; such an action
    counts as nobody. `action="rounds"`: `Box(0, 1, (N,))`, a score for each entity: the best ones
    send, at most `updates_per_round` of them (default: a tenth of all); of equal scores the first
    entities come first, and a score of 0 never sends.

    ## Observation Space
    A float32 box in [0, 1], one entry a field (`field_names` gives the full names). The true
    values, and so the true errors, are hidden; rates are known from delivered changes alone.

    | group | one a | meaning |
    |---|---|---|
    {observation_table}

    ## Dynamics
    One step is one slot. In this order: the chosen entities send the values that they have at the
    beginning of the slot, as long as the budget lasts; of n updates in a slot each arrives with
    probability `delivery_probability` (1 - `load_loss`)^(n - 1) (the former of its group, if that
    says one), or, where losses are replayed, if the sensor's own frame did; what was sent
    `delay_slots` before reaches the twin; time passes: all values change, all ages grow by one
    slot; errors are measured at the end of the slot; every `inspection_slots` slots and at the
    horizon, all predictions are compared with the true values.
    Values change whatever is decided: by a random walk, mean-reverting, between two states, or as
    measured. They are in units of the attribute's range. Between updates the twin predicts the last
    value (`hold`), a line through the last two (`trend`), or the mean that the process has then
    (`fitted`); a two-state entity is always held.

    ## Reward
    `objective="balanced"`: `error` + `updates`. `error`: minus the weighted mean squared error of
    the entities, in squared ranges. With `error="expected"` (default) it is the conditional mean
    given all that was delivered, which is known in closed form (random walk: its variance rate
    times the age); it has the same mean as the true error and less noise. With `error="realised"`
    it is the true squared error. Replayed entities have no law: their errors are always realised.
    `updates`: minus the updates sent, times `update_cost`. The objectives `"error"` and `"updates"`
    are the components alone, `"vector"` gives both as an array (see `reward_space`), as
    MO-Gymnasium has it.

    A `twin_gym.scenario.objective.KpiObjective` is an objective, too: the reward is then the
    simulated seconds that passed, times the weighted sum of the indicators `density`, `deadline`,
    `latency` and `buffer`, each in [0, 1], so that the return over the horizon is the time-average
    of the objective. `objective_seed` draws its weights; they are the same in every row and
    episode. The four are then in `info` (formulas: `right_time_sync.indicators`).

    ## Starting State
    The twin knows every value (`initial="synchronised"`), or none (`"unknown"`: it takes the mean).

    ## Episode End
    Never terminated: a network does not end. Truncated at the scenario's horizon.

    ## Info
    `action_mask` (int8, with `action="pick"`), `elapsed_s` (a slot), `cost` (share of the entities
    whose error is beyond the tolerance, above the agreed share), the reward components `error` and
    `updates`, `disallowed_actions` (in this episode), and `kpi` (empty until the end of an
    episode; see `right_time_sync.kpi`).

    ## Arguments
    `scenario` (a preset name, a TOML path, a scenario, or a sequence of them of which each episode
    draws one), `action`, `objective`, `objective_seed` (0 unless the objective is a
    `KpiObjective`), `error`, `engine` (`kernel`, or `simpy` for the same rules told slowly),
    `render_mode`.

    ## Known answers
    An update every T seconds that arrives with probability p: mean age T (2 - p) / (2 p), 0.75 T at
    0.8. A random walk under `hold`: mean squared error = variance rate times age. No policy has a
    smaller mean error than `right_time_sync.theory.relaxation_bound`.

    ## References
    Duran et al., Generative AI-enabled Digital Twins for 6G-enhanced Smart Cities,
    arXiv:2411.14222, 2024 (right-time synchronisation, twinning rate); Kadota, Sinha,
    Uysal-Biyikoglu, Singh, Modiano, Scheduling Policies for Minimizing Age of Information in
    Broadcast Wireless Networks, IEEE/ACM Transactions on Networking 26(6), 2018.

    ## Version History
    v0: first release.

    Raises:
        ConfigError: if an argument is unknown or a scenario is not valid.
    """

    BATCH: ClassVar = SyncBatch
    TABLES: ClassVar = MappingProxyType({"observation_table": FIELDS})

    def topology(self) -> nx.Graph[str]:
        """Two levels: the twin, its groups, and their entities, each with its `age_s`."""
        ages = self.batch.twin(0)["age"] * self.scenario.slot_s
        graph: nx.Graph[str] = nx.Graph()
        graph.add_node("twin")
        for group in self.scenario.groups:
            graph.add_edge("twin", group.name)
        for name, age_s in zip(self.scenario.entity_names, ages, strict=True):
            graph.add_node(name, age_s=float(age_s))
            graph.add_edge(name.partition("/")[0], name)
        return graph

    def _as_text(self) -> str:
        return as_text(self)

    def _as_pixels(self) -> NDArray[np.uint8]:
        from twin_gym.environments.right_time_sync.picture import paint

        return paint(self)
