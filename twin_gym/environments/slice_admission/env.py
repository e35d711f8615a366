"""The single form of slice admission: its docstring is its specification."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.single import RowEnv
from twin_gym.environments.slice_admission.batch import AdmissionBatch
from twin_gym.environments.slice_admission.observation import FIELDS
from twin_gym.environments.slice_admission.render import as_text
from twin_gym.environments.slice_admission.snapshot import take_snapshot


class SliceAdmissionEnv(RowEnv[AdmissionBatch]):
    """Admission control over the slices of a 6G network.

    ## Story
    Tenants of several slices send service requests, and each needs radio, computing and storage
    while it is served. The operator decides, whenever a waiting request would fit, which one to
    admit, or to wait for something better. Requests that are not admitted wait in the queue of
    their slice until their patience ends.

    ## State
    Requests in service with their departures, waiting requests with their ages and due times,
    free amounts of each resource, and the world's next arrivals.

    ## Action Space
    `action="slice"`: `Discrete(S + 1)`. 0 to S - 1 admit the oldest waiting request of that slice;
    S waits until the next event. `action="slot"`: `Discrete(Q + 1)`. 0 to Q - 1 admit the request
    at that queue position (positions of slice 0 first, the oldest of each slice first); Q waits.
    A disallowed action is treated as waiting and counted in `disallowed_actions`.

    ## Observation Space
    A float32 box in [0, 1], one entry a field (`field_names` gives the full names).

    | group | one a | meaning |
    |---|---|---|
    {observation_table}

    ## Dynamics
    Events in order of time; at equal times departures, then timeouts, then arrivals, then by
    slice. There is a decision after each event if a waiting request fits, and again at the same
    instant after an admission if another one fits. `queue_limit` counts requests that may go on
    waiting after the decision at their arrival: with 0, a request that is not admitted at its
    arrival is lost; otherwise an arrival that finds its queue full is blocked.

    ## Reward
    `objective="revenue"`: the revenue of the admitted request minus the penalty of each request
    lost since. `"utilisation"`: seconds since, times the share of the resources in use (mean over
    resources). `"fairness"`: 1 / (S n) for the n-th admission of a slice, whose sum is largest
    where the acceptance ratios are proportionally fair. `"vector"`: all three as an array (see
    `reward_space`), as MO-Gymnasium has it.

    A `twin_gym.scenario.objective.KpiObjective` is an objective, too: the reward is then the
    simulated seconds that passed, times the weighted sum of the indicators `density`, `deadline`,
    `latency` and `buffer`, each in [0, 1], so that the return over the horizon is the time-average
    of the objective. `objective_seed` draws its weights; they are the same in every row and
    episode. The four are then in `info` (formulas: `slice_admission.indicators`).

    ## Starting State
    An empty network. The first decision is at the first arrival.

    ## Episode End
    Never terminated: a network does not end. Truncated at the scenario's horizon.

    ## Info
    `action_mask` (int8, 1 = allowed), `elapsed_s` (simulated seconds since the last decision, 0 is
    possible), `cost` (requests lost beyond the agreed loss ratio of their slice), the reward
    components `revenue`, `utilisation`, `fairness`, `disallowed_actions` (so far), and `kpi`
    (empty until the end of an episode; see `slice_admission.kpi`).

    ## Arguments
    `scenario` (a preset name, a TOML path, a scenario, or a sequence of them of which each episode
    draws one), `action`, `objective`, `objective_seed` (0 unless the objective is a
    `KpiObjective`), `engine` (`kernel`, `simpy` for the same rules told slowly, or `twin`: the
    control plane is emulated message by message), `twin` (for `engine="twin"`, the folder of the
    message twin; None: the exact automaton, with which all is equal to the kernel),
    `render_mode`.

    ## Known answers
    One slice without a queue is Erlang's loss system: B(8 Erlang, 10 units) = 0.1217.

    ## References
    Tao, Xu, You et al., Wireless Network Digital Twin for 6G: Generative AI as a Key Enabler, IEEE
    Wireless Communications 31(4), 2024, section IV.

    ## Version History
    v0: first release.

    Raises:
        ConfigError: if an argument is unknown or a scenario is not valid.
    """

    BATCH: ClassVar = AdmissionBatch
    TABLES: ClassVar = MappingProxyType({"observation_table": FIELDS})

    def _as_text(self) -> str:
        return as_text(take_snapshot(self))

    def _as_pixels(self) -> NDArray[np.uint8]:
        from twin_gym.environments.slice_admission.picture import paint

        return paint(take_snapshot(self))
