"""The single form of tiny instant communication: its docstring is its specification."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from twin_gym.core.single import RowEnv
from twin_gym.environments.tic_scheduling.batch import TicBatch
from twin_gym.environments.tic_scheduling.observation import PICK_FIELDS, WEIGHTS_FIELDS
from twin_gym.environments.tic_scheduling.render import as_text
from twin_gym.environments.tic_scheduling.snapshot import take_snapshot


class TicSchedulingEnv(RowEnv[TicBatch]):
    """Tiny messages of up to 10,000 sensors, up and down, worth something only if on time.

    ## Story
    Sensors stand in a square, each served by its nearest gateway. In bursts, 20, 45 or 70 % of them
    ask at the same moment; a few ask in between. A message must be delivered within 0.875 ms (7
    slots), and each one delivered asks for an answer, due within 0.5 ms of being ready. A gateway
    has a few transmissions a slot, up and down together, and channels fail. Who goes first?

    ## State
    Messages that wait with their arrivals, answers in preparation, channels, and counters.

    ## Action Space
    `action="weights"` (default): `Box(0, 1, (4,))`, the weights of density, deadline, latency and
    buffer, brought to the simplex (all zero: equal). For a frame of 4 slots each gateway serves the
    messages of largest weighted index; its terms lie in [0, 1]: sensors in the sensor's square of
    the map over those in the fullest one; 1 - slots left over the longer deadline; slots waited
    over the same; messages of its queue over places. Ties go to the older message, then to the
    smaller number of the sensor, then to uplink.
    `action="pick"` (one gateway, at most 64 sensors): `Discrete(2 sensors + 1)`, the queue of the
    next grant (`queue_names`), or none, which leaves the rest of the slot unused. Masked: queues
    that are empty, or whose channel has failed in this slot. A disallowed action is the last one.

    ## Observation Space
    A float32 box in [0, 1], one entry a field (`field_names` gives the full names). With weights:

    | group | values | meaning |
    |---|---|---|
    {weights_table}

    With picks, a queue being a sensor and a direction:

    | group | values | meaning |
    |---|---|---|
    {pick_table}

    ## Dynamics
    A slot is 0.125 ms. In a slot, in this order: messages expire whose deadline has passed; answers
    that are ready, burst messages and background messages arrive, each in the queue of its sensor
    and direction, or are dropped where it is full; gateways transmit; what the channel lets through
    is delivered, an uplink message asks for its answer, which is ready 2 whole slots later. What
    fails has used its grant and keeps its place. Decisions come after the arrivals. A channel is
    good or bad for blocks of 8 slots, and lets through with probability 0.98 or 0.5; whether it
    does in a given slot depends on the world alone. With weights a step is a frame. With picks it
    is a grant: as long as grants and messages that may be picked are left, the next decision comes
    in the same slot.

    ## Reward
    `on_time` - `expired` - `dropped` messages of the step, each over the messages of a frame if
    every uplink was answered, on average: serving everyone on time earns 1 a frame, whatever the
    size of the network. `objective="vector"` gives the three (losses negative) as an array (see
    `reward_space`), as MO-Gymnasium has it.

    A `twin_gym.scenario.objective.KpiObjective` is an objective, too: the reward is then the
    simulated seconds that passed, times the weighted sum of the indicators `density`, `deadline`,
    `latency` and `buffer`, each in [0, 1], so that the return over the horizon is the time-average
    of the objective. `objective_seed` draws its weights; they are the same in every row and
    episode. The four are then in `info`; their formulas: `tic_scheduling.indicators`.

    ## Starting State
    The arrivals of slot 0, equal weights.

    ## Episode End
    Never terminated: a network does not end. Truncated at the scenario's horizon.

    ## Info
    `action_mask` (int8; with picks), `elapsed_s` (a frame; with picks a slot, or 0 within one),
    `cost` (the step's loss ratio above the scenario's target), the components `on_time`, `expired`,
    `dropped`, `disallowed_actions`, and `kpi` (empty until the end of an episode; see
    `tic_scheduling.kpi`).

    ## Arguments
    `scenario` (a preset name, a TOML path, a scenario, or a sequence of them of which each episode
    draws one), `action`, `objective`, `objective_seed` (0 unless the objective is a
    `KpiObjective`), `engine` (`kernel`, or `simpy` for the same rules told slowly),
    `render_mode`.

    ## Known answers
    One gateway, a perfect channel, uplink only: earliest deadline first delivers as many messages
    as the best assignment of messages to grants (`tic_scheduling.theory`). No policy delivers
    more in any world than the matching that knows its channels.

    ## References
    Duran et al., Generative AI-enabled Digital Twins for 6G-enhanced Smart Cities,
    arXiv:2411.14222, 2024 (sizes, shares that ask at once, 0.9 ms, 2 kbit, the four weighted
    terms). Everything else is this project's choice.

    ## Version History
    v0: first release.

    Raises:
        ConfigError: if an argument is unknown or a scenario is not valid.
    """

    BATCH: ClassVar = TicBatch
    TABLES: ClassVar = MappingProxyType(
        {"weights_table": WEIGHTS_FIELDS, "pick_table": PICK_FIELDS}
    )

    def topology(self) -> nx.Graph[str]:
        """Sensors and gateways, and who serves whom.

        Nodes `sensor 0`... and `gateway 0`... have `kind`, `x_m`, `y_m` and `queued`: messages that
        wait there, in either direction.
        """
        graph = self.batch.topology_of(0).graph()
        for node in graph:
            graph.nodes[node]["queued"] = 0
        for gateway, messages in enumerate(self.batch.waiting(0)):
            graph.nodes[f"gateway {gateway}"]["queued"] = len(messages)
            for sensor in messages[:, 1].tolist():
                graph.nodes[f"sensor {sensor}"]["queued"] += 1
        return graph

    def _as_text(self) -> str:
        return as_text(take_snapshot(self))

    def _as_pixels(self) -> NDArray[np.uint8]:
        from twin_gym.environments.tic_scheduling.picture import paint

        return paint(take_snapshot(self))
