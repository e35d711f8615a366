"""The single form of massive access: its docstring is its specification."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from twin_gym.core.single import RowEnv
from twin_gym.environments.massive_access.batch import AccessBatch
from twin_gym.environments.massive_access.observation import FIELDS
from twin_gym.environments.massive_access.render import as_text
from twin_gym.environments.massive_access.snapshot import take_snapshot


class MassiveAccessEnv(RowEnv[AccessBatch]):
    """Random access of up to 30,000 identical devices to one base station.

    ## Story
    Meters, alarms and sensors ask for access to a base station, many of them at the same time. An
    opportunity has 54 preambles; a device picks one blindly, and is answered if nobody else picked
    the same. The base station cannot see who waits. It broadcasts, before each opportunity, with
    which probability a device may try: too high and all collide, too low and preambles stay idle.

    ## State
    Devices that wait with their collisions and backoffs, devices that will ask, and counters.

    ## Action Space
    The barring probability of the next opportunity. `action="level"`: `Discrete(16)`, one of the
    scenario's levels from 1 (0: nobody is barred) down to 1/512 (15) in equal ratios.
    `action="probability"`: `Box(0, 1, (1,))`, the probability itself. Nothing is disallowed.

    ## Observation Space
    A float32 box in [0, 1], one entry a field (`field_names` gives the full names). Of an
    opportunity, the last eight are seen, the last one first. The backlog is hidden.

    | group | one a | meaning |
    |---|---|---|
    {observation_table}

    ## Dynamics
    One step is one access opportunity, at the end of a slot of 5 ms. In this order: devices that
    asked within the slot join; each device that waits and whose backoff is over draws whether it
    may try (a device that is barred draws again at the next opportunity; there is no timer); those
    that may, send a preamble each; a preamble that one device sent is answered at once and the
    device is done; a device that shared one has collided: after its 10th collision it gives up and
    is lost, and before, it waits evenly 0 to 20 ms and tries at the first opportunity after that,
    which is one of the next four. A device that is done or lost does not ask again.
    When devices ask is the scenario's law: `beta`, `uniform`, or `simultaneous`.

    ## Reward
    `objective="balanced"`: `throughput` + `delay`. `throughput`: devices answered over the most
    that an opportunity can answer on average (20.05 with 54 preambles). `delay`: minus the devices
    that still wait, times the slot over the horizon, over the same number, times the scenario's
    `delay_weight`: with weight 1 a success after the whole horizon is worth nothing. The objectives
    `"throughput"` and `"delay"` are the components alone, `"vector"` gives both as an array (see
    `reward_space`), as MO-Gymnasium has it.

    A `twin_gym.scenario.objective.KpiObjective` is an objective, too: the reward is then the
    simulated seconds that passed, times the weighted sum of the indicators `density`, `deadline`,
    `latency` and `buffer`, each in [0, 1], so that the return over the horizon is the time-average
    of the objective. `objective_seed` draws its weights; they are the same in every row and
    episode. The four are then in `info`; their formulas: `massive_access.indicators`.

    ## Starting State
    Nobody waits, nothing has been seen, barring probability 1.

    ## Episode End
    Never terminated: a network does not end. Truncated at the scenario's horizon, which is the
    window of the arrivals and a time for those who still try; who waits then is unresolved.

    ## Info
    `action_mask` (int8, all 1; with `action="level"`), `elapsed_s` (a slot), `cost` (devices lost
    in this opportunity), the reward components `throughput` and `delay`, `disallowed_actions`
    (always 0), and `kpi` (empty until the end of an episode; see `massive_access.kpi`).

    ## Arguments
    `scenario` (a preset name, a TOML path, a scenario, or a sequence of them of which each episode
    draws one), `action`, `objective`, `objective_seed` (0 unless the objective is a
    `KpiObjective`), `engine` (`kernel`, or `simpy` for the same rules told slowly),
    `render_mode`.

    ## Known answers
    n senders on m preambles: n (1 - 1/m)^(n-1) are alone on average; 8.45, 20.05 and 14.62 for 10,
    54 and 108 on 54. 30,000 devices by Beta(3, 4) over 10 s bring 31.1 new ones at the peak.

    ## References
    3GPP TR 37.868, Study on RAN improvements for machine-type communications (traffic models);
    Duran et al., Generative AI-enabled Digital Twins for 6G-enhanced Smart Cities,
    arXiv:2411.14222, 2024 (shares of the devices that ask at once).

    ## Version History
    v0: first release.

    Raises:
        ConfigError: if an argument is unknown or a scenario is not valid.
    """

    BATCH: ClassVar = AccessBatch
    TABLES: ClassVar = MappingProxyType({"observation_table": FIELDS})

    def topology(self) -> nx.Graph[str]:
        """A star: the base station and its devices, each with its `state`.

        The state is one of `waiting`, `backing off`, and `silent` (before it asks and after it is
        done or lost: the network forgets those).
        """
        slot = int(self.batch.heads["slot"][0])
        graph: nx.Graph[str] = nx.Graph()
        graph.add_node("base station", state="serving")
        for number in range(self.scenario.num_devices):
            graph.add_node(f"device {number}", state="silent")
            graph.add_edge("base station", f"device {number}")
        for device in self.batch.waiting(0):
            ready = device["ready"] <= slot
            graph.nodes[f"device {device['number']}"]["state"] = (
                "waiting" if ready else "backing off"
            )
        return graph

    def _as_text(self) -> str:
        return as_text(take_snapshot(self))

    def _as_pixels(self) -> NDArray[np.uint8]:
        from twin_gym.environments.massive_access.picture import paint

        return paint(take_snapshot(self))
