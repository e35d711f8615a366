"""The scenario of signalling: slices and their UEs, base stations, failures, timers and delays."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeVar

from pydantic import Field, model_validator

from twin_gym.errors import ConfigError
from twin_gym.scenario.base import Duration, FrozenModel, Name, Probability, Scenario
from twin_gym.scenario.laws import Deterministic, Exponential, Lognormal, Pareto
from twin_gym.twins.signalling.kinds import FIVE_QIS
from twin_gym.twins.signalling.message import SNssai

MAX_UES = 100_000
MAX_GNBS = 1_000
MAX_SLICES = 4
MAX_PROCEDURES = 1_000_000

Weight = Annotated[float, Field(strict=True, ge=0, le=1e6, allow_inf_nan=False)]
Weights = TypeVar("Weights", bound=FrozenModel)
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_PROCEDURES)]
SojournLaw = Annotated[Exponential | Deterministic | Lognormal | Pareto, Field(discriminator="law")]


class Sojourn(FrozenModel):
    """How long a UE stays in a state before its next procedure.

    Attributes:
        mean_s: mean of the law.
        law: `exponential`, `deterministic`, `lognormal` or `pareto`.
    """

    mean_s: Duration
    law: SojournLaw = Exponential()


class ConnectedWeights(FrozenModel):
    """Relative frequencies of the next procedure of a connected UE.

    Attributes:
        establish: a PDU session; two at a time with the slice's `parallel_share`.
        modify: a PDU session, to another 5QI.
        release: a PDU session.
        inactivity: the base station asks for AN release.
        handover: over N2, to another base station.
        path_switch: after a hand-over over Xn.
        configure: the AMF updates the configuration of the UE.
        deregister: the UE deregisters, or is switched off.
        network_deregister: the AMF deregisters the UE.
    """

    establish: Weight = 0.0
    modify: Weight = 0.0
    release: Weight = 0.0
    inactivity: Weight = 1.0
    handover: Weight = 0.0
    path_switch: Weight = 0.0
    configure: Weight = 0.0
    deregister: Weight = 0.0
    network_deregister: Weight = 0.0

    @model_validator(mode="after")
    def _not_all_zero(self) -> ConnectedWeights:
        return _checked_weights(self)


class IdleWeights(FrozenModel):
    """Relative frequencies of the next procedure of an idle UE.

    Attributes:
        service: the UE has data.
        downlink_data: the network has data: paging.
        mobility_update: the UE is in another registration area.
        control_plane_service: the UE sends data over the control plane.
        deregister: the UE deregisters, or is switched off.
    """

    service: Weight = 1.0
    downlink_data: Weight = 0.0
    mobility_update: Weight = 0.0
    control_plane_service: Weight = 0.0
    deregister: Weight = 0.0

    @model_validator(mode="after")
    def _not_all_zero(self) -> IdleWeights:
        return _checked_weights(self)


def _checked_weights(weights: Weights) -> Weights:
    if not sum(dict(weights).values()):
        raise ConfigError("at least one weight must be positive: no procedure would ever begin")
    return weights


class SignallingSlice(FrozenModel):
    """A slice with the population of UEs at home in it.

    Attributes:
        name: how tables call it.
        sst: slice/service type of its S-NSSAI.
        sd: slice differentiator, or None.
        share: relative number of UEs.
        five_qis: 5QI values; sessions begin with the first one.
        max_sessions: sessions that the policy admits at a time.
        sessions_per_ue: most sessions of a UE.
        session_at_registration: share of registrations that a session follows at once.
        parallel_share: share of establishments that ask for two sessions at a time.
        switch_off_share: share of deregistrations that are switch-offs.
        mico: whether its UEs ask for mobile-initiated connections only.
        always_on: whether its sessions are always-on.
        deregistered: sojourn between deregistration and the next registration.
        idle: sojourn in CM-IDLE.
        connected: sojourn in CM-CONNECTED between procedures.
        when_connected: which procedure ends a sojourn in CM-CONNECTED.
        when_idle: which procedure ends a sojourn in CM-IDLE.
    """

    name: Name
    sst: Annotated[int, Field(strict=True, ge=0, le=255)]
    sd: Annotated[int, Field(strict=True, ge=0, le=0xFFFFFF)] | None = None
    share: Annotated[float, Field(strict=True, gt=0, le=1e6, allow_inf_nan=False)] = 1.0
    five_qis: Annotated[tuple[int, ...], Field(min_length=1, max_length=8)] = (9,)
    max_sessions: Annotated[int, Field(strict=True, ge=0, le=10_000_000)] = 1_000_000
    sessions_per_ue: Annotated[int, Field(strict=True, ge=1, le=15)] = 2
    session_at_registration: Probability = 1.0
    parallel_share: Probability = 0.0
    switch_off_share: Probability = 0.0
    mico: bool = False
    always_on: bool = False
    deregistered: Sojourn = Sojourn(mean_s=60.0)
    idle: Sojourn = Sojourn(mean_s=30.0)
    connected: Sojourn = Sojourn(mean_s=10.0)
    when_connected: ConnectedWeights = ConnectedWeights()
    when_idle: IdleWeights = IdleWeights()

    @model_validator(mode="after")
    def _known_5qis(self) -> SignallingSlice:
        for value in self.five_qis:
            if value not in FIVE_QIS[1:]:
                raise ConfigError(
                    f"a 5QI is one of {', '.join(map(str, FIVE_QIS[1:]))}, got {value}"
                )
        return self

    @property
    def s_nssai(self) -> SNssai:
        """The identity of the slice."""
        return SNssai(self.sst, self.sd)


class Failures(FrozenModel):
    """Shares of what goes wrong, each of its own procedure.

    Attributes:
        unknown_guti: the AMF does not find the context of a GUTI: identification.
        registration_congestion: registrations, updates too, refused at once with cause 22.
        synch_failure: authentications that begin with a synchronisation failure.
        mac_failure: authentications that begin with a MAC failure.
        not_understood: authentications that the UE answers with 5GMM status until T3510 ends.
        authentication_failed: responses that do not prove the identity.
        security_mode_reject: UEs that reject the security mode command.
        registration_refused: registrations refused for the subscription.
        context_setup_failure: initial context setups that fail in the radio network.
        session_refused: sessions refused for the DNN (cause 67).
        session_deferred: sessions on which the policy decides late, so that T3580 may end.
        user_plane_full: session establishments that the UPF refuses.
        session_setup_failure: session setups that fail in the radio network.
        modification_refused: modifications to a 5QI that is not supported.
        service_refused: service requests refused with cause 22.
        handover_failure: hand-overs that the target refuses.
        path_switch_failure: path switches that the AMF refuses.
        unanswered: downlink NAS requests that get no answer, each transmission for itself.
        uplink_lost: requests of the UE that are lost before the core, each for itself.
        association_unanswered: PFCP association set-ups that the UPF does not answer, each
            transmission for itself.
    """

    unknown_guti: Probability = 0.0
    registration_congestion: Probability = 0.0
    synch_failure: Probability = 0.0
    mac_failure: Probability = 0.0
    not_understood: Probability = 0.0
    authentication_failed: Probability = 0.0
    security_mode_reject: Probability = 0.0
    registration_refused: Probability = 0.0
    context_setup_failure: Probability = 0.0
    session_refused: Probability = 0.0
    session_deferred: Probability = 0.0
    user_plane_full: Probability = 0.0
    session_setup_failure: Probability = 0.0
    modification_refused: Probability = 0.0
    service_refused: Probability = 0.0
    handover_failure: Probability = 0.0
    path_switch_failure: Probability = 0.0
    unanswered: Probability = 0.0
    uplink_lost: Probability = 0.0
    association_unanswered: Probability = 0.0
    # A new share comes last: the place of a share names its draws.


class Timers(FrozenModel):
    """Timers of TS 24.501 10.2 (of the UE and of the network), and T1 of PFCP.

    Attributes:
        transmissions: most of one request, the first one included.
        t3346_s: back-off after congestion.
        back_off_s: T3396, T3584 or T3585: back-off after a refused session.
        heartbeat_s: between two heartbeats of an N4 association.
    """

    transmissions: Annotated[int, Field(strict=True, ge=1, le=10)] = 5
    t3502_s: Duration = 720.0
    t3510_s: Duration = 15.0
    t3511_s: Duration = 10.0
    t3512_s: Duration = 3_240.0
    t3513_s: Duration = 3.0
    t3517_s: Duration = 15.0
    t3521_s: Duration = 15.0
    t3522_s: Duration = 6.0
    t3550_s: Duration = 6.0
    t3555_s: Duration = 6.0
    t3560_s: Duration = 6.0
    t3570_s: Duration = 6.0
    t3580_s: Duration = 16.0
    t3581_s: Duration = 16.0
    t3582_s: Duration = 16.0
    t3591_s: Duration = 16.0
    t3592_s: Duration = 16.0
    t3346_s: Duration = 60.0
    back_off_s: Duration = 30.0
    t1_s: Duration = 3.0
    heartbeat_s: Duration = 60.0


class Delays(FrozenModel):
    """Mean times between a message and its answer; half of each is fixed, half exponential.

    Attributes:
        core_s: of the AMF and the SMF, to each message that they send.
        radio_s: of base station and UE.
        user_plane_s: of the UPF.
        deferred_s: of a policy that decides late; exponential.
    """

    core_s: Duration = 0.005
    radio_s: Duration = 0.0012
    user_plane_s: Duration = 0.001
    deferred_s: Duration = 20.0


class ProcedureMix(FrozenModel):
    """A load by counts of procedures, spread over the UEs, in the place of chance.

    Every registration begins the life of a UE in the network; what it does in it is dealt out to
    the lives in turn. See `ProcedureMix.lives`.

    Attributes:
        registrations: in all; of more than the UEs, as many must deregister before.
        sessions: establishments.
        modifications: of sessions.
        releases: of sessions.
        services: each an AN release and a service request.
        pagings: each an AN release, downlink data and a service request.
        handovers: over N2.
        path_switches: over Xn.
        configurations: configuration updates.
        deregistrations: of registered UEs.
        gap: time between the procedures of a UE.
    """

    registrations: Annotated[int, Field(strict=True, ge=1, le=MAX_PROCEDURES)]
    sessions: Count = 0
    modifications: Count = 0
    releases: Count = 0
    services: Count = 0
    pagings: Count = 0
    handovers: Count = 0
    path_switches: Count = 0
    configurations: Count = 0
    deregistrations: Count = 0
    gap: Sojourn = Sojourn(mean_s=5.0)

    @model_validator(mode="after")
    def _fits_together(self) -> ProcedureMix:
        if self.deregistrations > self.registrations:
            raise ConfigError(
                f"{self.deregistrations} deregistrations need as many registrations, got "
                f"{self.registrations}"
            )
        if self.releases > self.sessions:
            raise ConfigError(
                f"{self.releases} releases need as many sessions, got {self.sessions}"
            )
        if not self.sessions and (self.modifications or self.pagings):
            raise ConfigError("modifications and pagings need at least one session")
        return self


class SignallingScenario(Scenario):
    """The signalling of a 5G core with its slices, UEs and base stations.

    Attributes:
        name: how tables and errors call it.
        horizon_s: length of the log.
        num_ues: UEs, unless the emulation is asked for another number.
        num_gnbs: base stations.
        start_within_s: UEs register for the first time at times spread evenly over it.
        slices: 1 to 4.
        failures: shares of what goes wrong.
        timers: of UE and network.
        delays: of core, radio network and user plane.
        mix: counts of procedures in the place of the behaviour of the slices, or None.
        description: one sentence for lists.
        provenance: where the numbers come from.
    """

    kind: ClassVar[str] = "signalling"

    num_ues: Annotated[int, Field(strict=True, ge=1, le=MAX_UES)] = 32
    num_gnbs: Annotated[int, Field(strict=True, ge=1, le=MAX_GNBS)] = 2
    start_within_s: Duration = 10.0
    slices: Annotated[tuple[SignallingSlice, ...], Field(min_length=1, max_length=MAX_SLICES)]
    failures: Failures = Failures()
    timers: Timers = Timers()
    delays: Delays = Delays()
    mix: ProcedureMix | None = None

    @model_validator(mode="after")
    def _distinct_slices(self) -> SignallingScenario:
        for what, values in (
            ("names", [one.name for one in self.slices]),
            ("S-NSSAIs", [one.s_nssai for one in self.slices]),
        ):
            if len(set(values)) < len(values):
                raise ConfigError(f"the {what} of slices must differ, got {values}")
        if self.mix and (self.mix.handovers or self.mix.path_switches) and self.num_gnbs == 1:
            raise ConfigError("hand-overs need at least two base stations: raise `num_gnbs`")
        return self

    @property
    def time_unit_s(self) -> float:
        """The longest mean sojourn."""
        means = [sojourn.mean_s for one in self.slices for sojourn in (one.idle, one.connected)]
        return max(means)
