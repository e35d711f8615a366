"""A UE and a PDU session as the emulator has them."""

from __future__ import annotations

from dataclasses import dataclass, field

from twin_gym.twins.signalling.contents import ALWAYS_ON, NEW_GUTI
from twin_gym.twins.signalling.kinds import FIVE_QIS
from twin_gym.twins.signalling.message import INITIAL_REQUEST, MAX_SESSION_ID
from twin_gym.twins.signalling.world import UeWorld

# Addresses of UEs begin at 10.0.0.1, SEIDs of the UPF at 2^32 + 1, tunnels at base stations at
# 2^31 + 1; all others at 1.
_FIRST_ADDRESS = 0x0A00_0000
_UPF_SEID = 1 << 32
_GNB_TUNNEL = 0x8000_0000
_MAX_PTI = 254


@dataclass(eq=False, slots=True)
class Session:
    """A PDU session with its place in the grammar.

    Attributes:
        number: PDU session identity.
        pti: procedure transaction identity of its last request.
        s_nssai: number of its slice, from 1.
        five_qi: code of its 5QI; that of a modification once it was asked for.
        conditions: what optional elements of its messages depend on.
        state: of the machine `session`.
        smf_seid: SEID at the SMF.
        upf_seid: SEID at the UPF.
        teid: tunnel at the UPF.
        gnb_teid: tunnel at the base station.
        ue_address: IPv4 address.
        request_type: of its request.
        exchange: number of the PFCP request that is not answered.
        sent: transmissions of the current request.
        silent: transmissions of it that will get no answer.
    """

    number: int
    pti: int
    s_nssai: int
    five_qi: int
    conditions: int
    smf_seid: int
    upf_seid: int
    teid: int
    ue_address: int
    state: str = "INACTIVE"
    gnb_teid: int = 0
    request_type: int = 1
    exchange: int = 0
    sent: int = 0
    silent: int = 0


@dataclass(eq=False, slots=True)
class Path:
    """The connection of a UE over one base station: its number and the identities of NGAP."""

    gnb: int
    ran_ue_ngap_id: int
    amf_ue_ngap_id: int


@dataclass(eq=False, slots=True)
class Ue:
    """A UE with its place in the grammar, and the identities that the database gives it.

    Attributes:
        number: of the UE.
        world: what it draws.
        s_nssai: number of its home slice, from 1.
        path: its connection, or its last one.
        source: the connection that it leaves in a hand-over.
        state: of the machine `ue`.
        sessions: by identity.
        active_sessions: bit i is session i + 1.
        conditions: what optional elements of its messages depend on.
        registration_type: of its current or last registration or deregistration.
        tmsi: 5G-TMSI, -1 without one.
        pending: sessions for which the answer of the UPF is not there yet.
        core_free_ns: when the core has sent its last message to the UE or for it.
        radio_free_ns: when the core has its last message.
        sent: transmissions of the current request.
        silent: transmissions of it that will get no answer.
        events: that are to come.
        hitch: what goes wrong in its next authentication: `synch`, `MAC`, `status` or nothing.
        target: base station to which it moves.
        attempts: registrations that failed in a row.
        wait_until_ns: no registration, update or service request before.
        blocked_until_ns: no session before.
        policy_free_ns: when the policy has decided on its sessions.
        is_new: whether it has just registered.
        connections, guties, session_count, tunnels, transactions: how many it has had.
        plan: procedures to come, or None.
    """

    number: int
    world: UeWorld
    s_nssai: int
    path: Path
    source: Path | None = None
    state: str = "DEREGISTERED"
    sessions: dict[int, Session] = field(default_factory=dict)
    active_sessions: int = 0
    conditions: int = 0
    registration_type: int = 0
    tmsi: int = -1
    pending: int = 0
    core_free_ns: int = 0
    radio_free_ns: int = 0
    sent: int = 0
    silent: int = 0
    events: int = 0
    hitch: str = ""
    target: int = -1
    attempts: int = 0
    wait_until_ns: int = 0
    blocked_until_ns: int = 0
    policy_free_ns: int = 0
    is_new: bool = False
    connections: int = 0
    guties: int = 0
    session_count: int = 0
    tunnels: int = 0
    transactions: int = 0
    plan: list[str] | None = None

    def give_up(self, is_barred: bool) -> None:
        """Ends the attempts to register: the next one comes after a sojourn.

        Args:
            is_barred: whether the UE forgets its 5G-GUTI.
        """
        self.attempts = 0
        if is_barred:
            self.tmsi = -1

    def new_identity(self, num_ues: int) -> int:
        """A number for a connection that no other connection has."""
        self.connections += 1
        return (self.connections - 1) * num_ues + self.number + 1

    def connect(self, gnb: int, num_ues: int) -> None:
        """Gives the UE a new connection over a base station."""
        identity = self.new_identity(num_ues)
        self.path = Path(gnb, identity, identity)

    def assign_guti(self, num_ues: int) -> None:
        """Gives the UE a new 5G-GUTI."""
        self.guties += 1
        self.tmsi = (self.guties - 1) * num_ues + self.number + 1
        self.conditions |= NEW_GUTI

    def new_tunnels(self, num_ues: int) -> None:
        """Gives every session a new tunnel at the base station."""
        for number in sorted(self.sessions):
            self.sessions[number].gnb_teid = self.new_tunnel(num_ues)

    def new_tunnel(self, num_ues: int) -> int:
        """A tunnel at the base station that no other session has."""
        self.tunnels += 1
        return _GNB_TUNNEL | (self.tunnels - 1) * num_ues + self.number + 1

    def new_transaction(self) -> int:
        """The next procedure transaction identity: 1 to 254, then from 1 on."""
        self.transactions = self.transactions % _MAX_PTI + 1
        return self.transactions

    def new_session(self, num_ues: int) -> Session:
        """A session of the home slice with the lowest free identity."""
        self.session_count += 1
        place = (self.session_count - 1) * num_ues + self.number + 1
        home = self.world.home
        session = Session(
            number=min(set(range(1, MAX_SESSION_ID + 1)) - self.sessions.keys()),
            pti=self.new_transaction(),
            s_nssai=self.s_nssai,
            five_qi=FIVE_QIS.index(home.five_qis[0]),
            conditions=ALWAYS_ON if home.always_on else 0,
            smf_seid=place,
            upf_seid=_UPF_SEID + place,
            teid=place,
            ue_address=_FIRST_ADDRESS + place,
            request_type=INITIAL_REQUEST,
        )
        self.sessions[session.number] = session
        return session

    def some_session(self) -> Session:
        """One of its sessions, with a new transaction."""
        numbers = sorted(self.sessions)
        session = self.sessions[numbers[self.world.pick(len(numbers))]]
        session.pti = self.new_transaction()
        return session

    def other_gnb(self, num_gnbs: int) -> int:
        """Another base station than its own, where there is one."""
        if num_gnbs == 1:
            return self.path.gnb
        return (self.path.gnb + 1 + self.world.pick(num_gnbs - 1)) % num_gnbs
