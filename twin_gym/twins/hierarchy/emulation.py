"""A network whose control plane is a message twin: its requests come from a world of services.

UEs, base station and UPF answer what the core says. What holds resources, who waits and for how
long is known by the messages alone: there are no other books. A control plane that is silent leaves
requests waiting and sessions without end, and time goes on.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace

from twin_gym.twins.hierarchy.database import SessionDatabase
from twin_gym.twins.hierarchy.message_twin import RespondingTwin
from twin_gym.twins.hierarchy.peers import ACCEPT, REJECT, RELEASED, Ues, replies
from twin_gym.twins.hierarchy.procedures import CAUSES_OF_LOSS
from twin_gym.twins.hierarchy.services import (
    Admissible,
    ServiceState,
    ServiceView,
    ServiceWorld,
)
from twin_gym.twins.hierarchy.tracker import ServiceTracker
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import GRANTED, Message

_DEPARTURE, _TIMEOUT, _ARRIVAL = 0, 1, 2
_MOST_AT_ONCE = 20  # messages of the core before time passes: three in the longest procedure
Occurrence = tuple[int, int, int, int, int, int]  # time, rank, slice, order, request, UE


class EmulatedNetwork:
    """Stands still at its decisions, as the environment does.

    Events happen in order of time; at equal times departures, then timeouts, then arrivals, then
    by slice.

    Args:
        world: of the episode: when requests come, how long they wait and are served.
        message_twin: the control plane.
        database: allocates identities; a new one by default.

    Attributes:
        messages: all so far.
        is_over: whether the horizon is reached.
        disallowed: actions that named no request that waits and fits.
    """

    def __init__(
        self,
        world: ServiceWorld,
        message_twin: RespondingTwin,
        database: SessionDatabase | None = None,
    ) -> None:
        self._world = world
        self.view: ServiceView = world.view()
        self._twin = message_twin
        self._database = SessionDatabase() if database is None else database
        message_twin.check_fits([one.s_nssai for one in self.view.slices])
        message_twin.begin([one.five_qi_code for one in self.view.slices])
        count = len(self.view.slices)
        self._tracker = ServiceTracker(count)
        self._admissible = Admissible(self.view, self.state)
        self._ues = Ues()
        self._requests: dict[int, tuple[int, int]] = {}
        self._occurrences: list[Occurrence] = []
        self._num_pushed = 0
        self._pending = -1
        self._now_ns = 0
        self._num_at_once = 0
        self.messages: list[Message] = []
        self.is_over = False
        self.disallowed = 0
        self._arrivals: list[Iterator[int]] = [world.arrivals_ns(s) for s in range(count)]
        self._num_arrivals = [0] * count
        for s in range(count):
            self._push_arrival(s)
        self._run_to_decision()

    @property
    def state(self) -> ServiceState:
        """What the control plane counts."""
        return self._tracker.state

    @property
    def log(self) -> MessageLog:
        """The messages so far."""
        slices = tuple(one.s_nssai for one in self.view.slices)
        return MessageLog.of(
            self.messages, slices=slices, scenario=self._world.name, seed=self._world.seed
        )

    def decide(self, action: int) -> None:
        """Admits the request that an action names, or waits for the next event."""
        self.choose(self.view.request_of(action))

    def choose(self, request: tuple[int, int] | None) -> None:
        """Admits the request at a place in the queue of a slice; None waits."""
        if request is not None:
            s, place = request
            if self._admissible.slice(s) and place < len(self.state.waiting[s]):
                ue = self.state.waiting[s][place].ue
                self._pending = -1 if ue == self._pending else self._pending
                self._decide(ue, GRANTED)
                if self._admissible.any() and not self._tracker.waits(ue):
                    return
            else:
                self.disallowed += 1
        self._run_to_decision()

    def _run_to_decision(self) -> None:
        if self._pending >= 0:
            ue, self._pending = self._pending, -1
            self._decide(ue, CAUSES_OF_LOSS["declined"])
        while True:
            if not self._occurrences or self._occurrences[0][0] >= self._world.horizon_ns:
                self._pass_time(self._world.horizon_ns)
                self.is_over = True
                return
            time_ns, rank, s, _, number, ue = heapq.heappop(self._occurrences)
            is_current = self._requests.get(ue) == (s, number) or rank == _ARRIVAL
            if not is_current or (rank == _TIMEOUT and not self._tracker.waits(ue)):
                continue
            self._pass_time(time_ns)
            if rank == _DEPARTURE:
                self._receive(self._ues.release(time_ns, ue))
            elif rank == _TIMEOUT:
                self._decide(ue, CAUSES_OF_LOSS["expired"])
            else:
                self._arrive(s, number)
            if self._admissible.any():
                return

    def _arrive(self, s: int, number: int) -> None:
        self._push_arrival(s)
        limit = self.view.queue_limit(s)
        places = max(limit, int(self.view.fits(self.state, s)))
        is_blocked = len(self.state.waiting[s]) >= places
        request = self._ues.request(self._now_ns, s + 1)
        ue = request.ue
        self._requests[ue] = s, number
        self._receive(request)
        if is_blocked:
            self._decide(ue, CAUSES_OF_LOSS["blocked"])
        elif limit == 0:
            self._pending = ue
        else:
            self._push(self._now_ns + self._world.patience_ns(s, number), _TIMEOUT, s, number, ue)

    def _decide(self, ue: int, decision: int) -> None:
        """The policy has decided; the message that follows from it is marked in the log.

        Nothing is decided on a request that the core has answered without being told.
        """
        if not self._tracker.waits(ue):
            return
        self._num_at_once = 0
        first, *others = self._twin.decide(ue, decision) or (None,)
        if first is not None:
            self._send((replace(first, decision=decision), *others))

    def _receive(self, message: Message) -> None:
        """The core receives a message."""
        self._note(message)
        self._database.hear(message)
        self._send(self._twin.hear(message))

    def _send(self, messages: Sequence[Message]) -> None:
        """The core sends messages; then the others answer each, at once."""
        room = max(_MOST_AT_ONCE - self._num_at_once, 0)
        self._num_at_once += len(messages)
        sent = [self._complete(message) for message in messages[:room]]
        for message in sent:
            for reply in replies(message):
                self._receive(reply)

    def _complete(self, answer: Message) -> Message:
        """A message leaves the core, with its identities."""
        message = replace(self._database.complete(answer), time_ns=self._now_ns)
        self._twin.sent(message)
        self._note(message)
        self._react(message)
        return message

    def _react(self, message: Message) -> None:
        """What the world does about a message of the core."""
        ue = message.ue
        if message.kind == ACCEPT and ue in self._requests:
            s, number = self._requests[ue]
            end_ns = self._now_ns + self._world.holding_ns(s, number)
            self._push(end_ns, _DEPARTURE, s, number, ue)
        elif message.kind == REJECT:
            self._free(ue)

    def _note(self, message: Message) -> None:
        self.messages.append(message)
        self._tracker.take(message)
        if message.kind == RELEASED:
            self._free(message.ue)

    def _free(self, ue: int) -> None:
        if self._requests.pop(ue, None) is not None:
            self._ues.free(ue)

    def _push_arrival(self, s: int) -> None:
        time_ns = next(self._arrivals[s], None)
        if time_ns is not None:
            self._push(time_ns, _ARRIVAL, s, self._num_arrivals[s], -1)
            self._num_arrivals[s] += 1

    def _push(self, time_ns: int, rank: int, s: int, number: int, ue: int) -> None:
        self._num_pushed += 1
        heapq.heappush(self._occurrences, (time_ns, rank, s, self._num_pushed, number, ue))

    def _pass_time(self, time_ns: int) -> None:
        self._now_ns = self.state.now_ns = time_ns
        self._num_at_once = 0
