"""Slice admission as signalling: its slices by S-NSSAI, its events, and its observation rebuilt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import NEVER
from twin_gym.environments.slice_admission import layout
from twin_gym.environments.slice_admission import rows as kernel
from twin_gym.environments.slice_admission.batch import AdmissionBatch, BatchSettings
from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.reference import Process, Request, SlicedNetwork
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.world import World
from twin_gym.twins.hierarchy.emulation import EmulatedNetwork
from twin_gym.twins.hierarchy.message_twin import (
    AutomatonTwin,
    RespondingTwin,
    load_message_twin,
)
from twin_gym.twins.hierarchy.peers import REQUEST
from twin_gym.twins.hierarchy.procedures import CAUSES_OF_LOSS
from twin_gym.twins.hierarchy.services import Change, ServiceEvent, ServiceState, SliceIdentity
from twin_gym.twins.hierarchy.tracker import ENDS, SERVES
from twin_gym.twins.signalling.message import Message, SNssai

_NAMED = {
    "immersive": SliceIdentity(SNssai(1, 1), 80),
    "hrllc": SliceIdentity(SNssai(2), 85),
    "massive": SliceIdentity(SNssai(3), 9),
    "ubiquitous": SliceIdentity(SNssai(1, 2), 9),
}
_FIRST_DIFFERENTIATOR = 16


def slice_identities(scenario: AdmissionScenario) -> tuple[SliceIdentity, ...]:
    """S-NSSAI and 5QI of each slice; those of other names are eMBB slices numbered from 16."""
    return tuple(
        _NAMED.get(name, SliceIdentity(SNssai(1, _FIRST_DIFFERENTIATOR + s), 9))
        for s, name in enumerate(scenario.slice_names)
    )


class AdmissionView:
    """Rules and observation of a scenario (see `ServiceView`).

    Args:
        scenario: of the network.
        action: form of the action of the policy.
        clock_ns: time of the operator's clock at the beginning of the log.
    """

    def __init__(
        self, scenario: AdmissionScenario, action: ActionName = "slice", clock_ns: int = 0
    ) -> None:
        self.slices = slice_identities(scenario)
        self.clock_ns = clock_ns
        self._batch = AdmissionBatch(1, BatchSettings(scenario, action))
        self._network = self._batch.tables.networks[0]
        count, resources = int(self._network["num_slices"]), int(self._network["num_resources"])
        self._capacity = self._network["capacity"][:resources].astype(np.int64)
        self._demand = self._network["demand"][:count, :resources].astype(np.int64)
        self._limits = [int(limit) for limit in self._network["queue_limit"][:count]]
        self._by_slot = action == "slot"

    def fits(self, state: ServiceState, s: int) -> bool:
        """Whether what a request of slice s needs is free."""
        return bool((self._free(state) >= self._demand[s]).all())

    def queue_limit(self, s: int) -> int:
        """Requests of slice s that may go on waiting after the decision at their arrival."""
        return self._limits[s]

    def request_of(self, action: int) -> tuple[int, int] | None:
        """Slice and place in its queue that an action names; None to wait."""
        s, place = kernel.slice_and_place(self._network, action, self._by_slot)
        return None if s == layout.NO_SLICE else (int(s), int(place))

    def observe(self, state: ServiceState) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """Observation and mask, by the function that the environment uses.

        Counts that no network can have, such as a lossy log gives, are cut to those it can have.
        """
        arrays = self._batch.arrays
        row, queue = arrays["rows"][0], arrays["queues"][0]
        count = len(self.slices)
        free = np.maximum(self._free(state), 0)
        row["now"], row["trace_offset"] = state.now_ns, self.clock_ns
        row["free"][: len(free)] = free
        row["in_service"][:count] = np.minimum(
            np.maximum(state.in_service, 0), self._network["most_in_service"][:count]
        )
        row["waiting"] = row["fitting"] = 0
        for s, requests in enumerate(state.waiting):
            waiting = requests[: max(self._limits[s], 1)]
            row["fitting"] |= int((free >= self._demand[s]).all()) << s
            row["waiting"] |= int(bool(waiting)) << s
            row["queue_length"][s] = len(waiting)
            row["oldest"][s] = waiting[0].arrival_ns if waiting else 0
            start = int(self._network["queue_start"][s])
            queue["arrival"][start : start + len(waiting)] = [one.arrival_ns for one in waiting]
        self._batch.observe_state(np.ones(1, np.bool_))
        return self._batch.observations[0].copy(), self._batch.masks[0].copy()

    def _free(self, state: ServiceState) -> NDArray[np.int64]:
        held = np.asarray(state.in_service, np.int64) @ self._demand
        free: NDArray[np.int64] = self._capacity - held
        return free


class AdmissionServiceWorld:
    """The world of an episode (see `ServiceWorld`).

    Args:
        batch: of the environment.
        i: its row that runs the episode.
    """

    def __init__(self, batch: AdmissionBatch, i: int = 0) -> None:
        row = batch.row(i)
        self._tables = batch.tables
        self._place = int(row["seed"]), int(row["episode"])
        self._action = batch.settings.action
        self._draws = self.draws()
        self.scenario = self._draws.scenario
        self.name = self.scenario.name
        self.seed = self._place[0] % 2**31
        self.horizon_ns = int(self._draws.network["horizon"])

    def view(self) -> AdmissionView:
        """What the control plane of its scenario knows."""
        return AdmissionView(self.scenario, self._action, self._draws.trace_offset)

    def follow(self) -> AdmissionFollower:
        """The episode told from its beginning."""
        return AdmissionFollower(self.draws(), by_slot=self._action == "slot")

    def arrivals_ns(self, s: int) -> Iterator[int]:
        """When the requests of slice s come, in order."""
        return self.draws().arrivals(s)

    def holding_ns(self, s: int, number: int) -> int:
        """How long a request is served."""
        return self._draws.holding_ticks(s, number)

    def patience_ns(self, s: int, number: int) -> int:
        """How long a request waits."""
        return min(self._draws.patience_ticks(s, number), NEVER)

    def draws(self) -> World:
        """The world from its beginning."""
        return World(self._tables, *self._place)


class AdmissionFollower:
    """An episode as its events (see `ServiceFollower`).

    Args:
        world: of the episode.
        by_slot: whether an action names a queue position and not a slice.
    """

    def __init__(self, world: World, *, by_slot: bool) -> None:
        self._network = world.network
        self._by_slot = by_slot
        self.told = ToldNetwork(world)

    def events(self) -> Sequence[ServiceEvent]:
        """Events since the last call, in their order."""
        events, self.told.events = self.told.events, []
        return events

    def decide(self, action: int) -> None:
        """Carries out the action that the environment got."""
        if self.told.is_over:
            return
        s, place = kernel.slice_and_place(self._network, action, self._by_slot)
        self.told.decide(None if s == layout.NO_SLICE else int(s), int(place))


class ToldNetwork(SlicedNetwork):
    """The SimPy telling, which lists its events.

    Args:
        world: what happens to it.
    """

    def __init__(self, world: World) -> None:
        self.events: list[ServiceEvent] = []
        self._served: Request | None = None
        super().__init__(world)

    def _tell(self, change: Change, request: Request) -> None:
        self.events.append(ServiceEvent(self.now, change, request.s, request.number))

    def _receive(self, request: Request) -> None:
        self._tell("arrival", request)
        super()._receive(request)

    def _lose(self, request: Request, how: str) -> None:
        changes: dict[str, Change] = {
            "blocked": "blocked", "declined": "declined", "expired": "expired",
        }  # fmt: skip
        self._tell(changes[how], request)
        super()._lose(request, how)

    def _admit(self, request: Request) -> None:
        self._tell("admitted", request)
        self._served = request
        super()._admit(request)

    def _serve(self, s: int, ticks: int) -> Process:
        return self._served_and_told(super()._serve(s, ticks), self._served)

    def _served_and_told(self, service: Process, request: Request | None) -> Process:
        yield from service
        if request is not None:
            self._tell("departure", request)


class EmulatedEpisode(SlicedNetwork):
    """The books of a network whose control plane is emulated, kept from its messages.

    It has the state and the counters of the SimPy telling, but no rules: what happens is what the
    messages say.

    Args:
        world: of the episode.
        emulated: the network.

    Attributes:
        emulated: the network.
    """

    def __init__(self, world: World, emulated: EmulatedNetwork) -> None:
        self.emulated = emulated
        self._num_read = 0
        self._open: dict[int, Request] = {}
        super().__init__(world)

    def decide(self, s: int | None, place: int = 0) -> None:
        """Has the control plane admit the request at a place of the queue of slice s, or wait."""
        self._forget_last_step()
        self.emulated.choose(None if s is None else (s, place))
        self._run_to_decision()

    def write(self, row: np.void, queue: NDArray[np.void]) -> None:
        """Converts the books to the compiled kernel's state, cut to what a network can have."""
        queues, limits = self.queues, self._network["queue_limit"]
        self.queues = [one[: max(int(limits[s]), 1)] for s, one in enumerate(queues)]
        super().write(row, queue)
        self.queues = queues
        count = len(self.in_service)
        row["free"] = np.maximum(row["free"], 0)
        row["in_service"][:count] = np.minimum(
            row["in_service"][:count], self._network["most_in_service"][:count]
        )

    def _run_to_decision(self) -> None:
        for message in self.emulated.messages[self._num_read :]:
            self._book(message)
        self._num_read = len(self.emulated.messages)
        self._pass_time(self.emulated.state.now_ns)
        self.disallowed = self.emulated.disallowed
        self.is_over = self.emulated.is_over

    def _book(self, message: Message) -> None:
        self._pass_time(message.time_ns)
        request = self._open.get(message.ue)
        if message.kind == REQUEST:
            self._join(message)
        elif request is None:
            return
        elif message.kind in SERVES and request in self.queues[request.s]:
            self._admit(request)
        elif message.kind in ENDS:
            self._end(self._open.pop(message.ue), message)

    def _end(self, request: Request, message: Message) -> None:
        """A message ends a request that waits, which is lost, or a session."""
        queue = self.queues[request.s]
        if request not in queue:
            self._leave(request)
            return
        queue.remove(request)
        self._pending = None if self._pending is request else self._pending
        how = {cause: name for name, cause in CAUSES_OF_LOSS.items()}
        self._lose(request, how.get(message.cause, "declined"))

    def _join(self, message: Message) -> None:
        s = message.s_nssai - 1
        request = Request(s, int(self.counters["offered"][s]), message.time_ns)
        self.counters["offered"][s] += 1
        self.queues[s].append(request)
        self._open[message.ue] = request
        if self._network["queue_limit"][s]:
            patience = self._world.patience_ticks(s, request.number)
            request.expiry = min(request.arrival + patience, NEVER)
        else:
            self._pending = request

    def _leave(self, request: Request) -> None:
        s = request.s
        self.free += self._demand[s]
        self.in_service[s] -= 1
        self._carried_share -= float(self._network["share"][s])


class AdmissionSignalling:
    """The facet `signalling` (see `ServiceKind`)."""

    def world(self, batch: AdmissionBatch) -> AdmissionServiceWorld:
        """The world of the running episode of row 0."""
        return AdmissionServiceWorld(batch)

    def message_twin(
        self, folder: str | None, scenarios: Sequence[AdmissionScenario]
    ) -> RespondingTwin:
        """The message twin in a folder, if it fits the scenarios; None: the exact automaton."""
        twin = AutomatonTwin() if folder is None else load_message_twin(folder)
        for scenario in scenarios:
            twin.check_fits([one.s_nssai for one in slice_identities(scenario)])
        return twin

    def emulated(self, batch: AdmissionBatch, i: int) -> EmulatedEpisode:
        """The episode of row i with the message twin of the batch as the control plane."""
        world = AdmissionServiceWorld(batch, i)
        network = EmulatedNetwork(world, batch.message_twin.fresh())
        return EmulatedEpisode(world.draws(), network)

    def emulation(self, batch: AdmissionBatch) -> EmulatedNetwork | None:
        """The network of row 0 if its control plane is emulated, None otherwise."""
        episode = batch.reference_episode(0)
        return episode.emulated if isinstance(episode, EmulatedEpisode) else None


SIGNALLING = AdmissionSignalling()
"""How this environment is told as signalling."""
