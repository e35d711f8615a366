"""The single form of truck routing: its docstring is its specification."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.single import RowEnv
from twin_gym.environments.truck_routing.batch import TruckBatch
from twin_gym.environments.truck_routing.observation import FIELDS
from twin_gym.environments.truck_routing.render import as_text
from twin_gym.environments.truck_routing.snapshot import take_snapshot


class TruckRoutingEnv(RowEnv[TruckBatch]):
    """Trucks that empty bins, sent by a twin of the bins that is out of date.

    ## Story
    Bins of a city fill day and night. Each of them reports its fill now and then, and some reports
    are lost. A truck that comes too early drives for nothing; where none comes in time, waste lies
    in the street. Send the trucks where they are needed, knowing only what the twin knows.

    ## State
    The true content of every bin, what the twin holds of it (last reading, its time, the inflow),
    and the trucks: where they are, their loads, and when they are free.

    ## Action Space
    `action="pick"`: `Discrete(N + 1)`, the bin that the deciding truck goes to, or the depot (N).
    `action="nearest"`: `Discrete(k + 1)`, one of the `num_candidates` nearest allowed bins that are
    predicted to be `candidate_fill` full or more (by travel time, then number), or the depot (k).
    A bin is allowed (see `action_mask`) if the truck can drive there, serve it, drive to the depot
    and unload before the end of the shift, if the content that the twin predicts fits into the
    truck, and if no truck is on its way there or stands there. An action that is not allowed counts
    as the depot. The depot in the field: drive there and unload. The depot at the depot: rest until
    the next shift begins.

    ## Observation Space
    A float32 box in [0, 1], one entry a field (`field_names` gives the full names). With
    `action="nearest"` there is one value a candidate in the place of one a bin; those of empty
    places are 0. The true contents are hidden.

    | group | one a | meaning |
    |---|---|---|
    {observation_table}

    ## Dynamics
    One step is one decision: time goes on to the truck that is free next (of several the one with
    the least number), and that truck decides. At this time, in this order: what overflowed in all
    bins is counted; the truck, if it has served a bin, empties it as far as its room goes, and the
    twin then knows what is left; reports that have arrived are taken in; the twin predicts all
    contents. A truck at the depot for which no bin is allowed rests without being asked.
    What is thrown into a bin in an hour is a Poisson number of Gamma deposits with a daily or
    weekly profile, or as recorded; it comes evenly within the hour, whatever the trucks do. A bin
    holds no more than its capacity; what finds no room is lost. A bin reports every
    `report_period_s`, from a random moment of the first period on; a report arrives
    `report_delay_s` later with probability `delivery_probability`, and counts if it was measured
    after what is known. A sensor reads no more than `sensor_full_share`. The twin predicts the last
    reading (`hold`), a line through the last two (`trend`), or the reading and what is thrown in on
    average since then (`fitted`), at most the capacity.

    ## Reward
    `objective="balanced"`: `distance` + `overflow` + `stops`, the cost of the step below 0:
    `distance`, the way that the decision sends the truck on, times `cost_per_km`; `overflow`, the
    litres that found no room since the last decision, times `penalty_per_l`; `stops`, times
    `cost_per_stop`. The objectives `"distance"`, `"overflow"` and `"stops"` are the components
    alone, `"vector"` gives all three as an array (see `reward_space`), as MO-Gymnasium has it.

    A `twin_gym.scenario.objective.KpiObjective` is an objective, too: the reward is then the
    simulated seconds that passed, times the weighted sum of the indicators `density`, `deadline`,
    `latency` and `buffer`, each in [0, 1], so that the return over the horizon is the time-average
    of the objective. `objective_seed` draws its weights; they are the same in every row and
    episode. The four are then in `info` (formulas: `truck_routing.indicators`).

    ## Starting State
    All trucks are at the depot as the first shift begins. Bins are full to a share that is uniform
    from 0 to `initial_fill_max`; the twin takes the mean of that for each.

    ## Episode End
    Never terminated: a city does not end. Truncated at the scenario's horizon.

    ## Info
    `action_mask` (int8), `elapsed_s`, `cost` (litres that found no room beyond the agreed share,
    over those thrown in on an average day), the reward components `distance`, `overflow` and
    `stops`, `disallowed_actions` (in this episode), and `kpi` (empty until the end of an episode;
    see `truck_routing.kpi`).

    ## Arguments
    `scenario` (a preset name, a TOML path, a scenario, or a sequence of them of which each episode
    draws one), `action`, `objective`, `objective_seed` (0 unless the objective is a
    `KpiObjective`), `engine` (`kernel`, or `simpy` for the same rules told slowly), `render_mode`.

    ## Known answers
    A bin that nobody empties overflows by what is thrown in beyond its room. One that reports every
    T seconds with probability p to a twin that hears at once is known as of T (2 - p) / (2 p) ago
    on average.

    ## References
    Duran et al., Generative AI-enabled Digital Twins for 6G-enhanced Smart Cities,
    arXiv:2411.14222, 2024 (planned truck routing); Wouda, Aerts-Veenstra, van Foreest, An
    integrated selection and routing policy for urban waste collection, arXiv:2409.13386, 2024.

    ## Version History
    v0: first release.

    Raises:
        ConfigError: if an argument is unknown or a scenario is not valid.
    """

    BATCH: ClassVar = TruckBatch
    TABLES: ClassVar = MappingProxyType({"observation_table": FIELDS})

    def _as_text(self) -> str:
        return as_text(take_snapshot(self))

    def _as_pixels(self) -> NDArray[np.uint8]:
        from twin_gym.environments.truck_routing.picture import paint

        return paint(take_snapshot(self))
