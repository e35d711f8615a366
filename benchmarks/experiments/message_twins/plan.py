"""What the experiment measures: numbers of UEs, logs, and how networks are trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from twin_gym.twins.signalling.answering import first_five_qis_in
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.learned.settings import (
    ContextName,
    MessageTwinSettings,
    NetworkName,
)
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.presets import load
from twin_gym.twins.signalling.replay import Replay, replay
from twin_gym.twins.signalling.scenario import SignallingScenario

PRESET = "signalling-concurrent"
NETWORKS: dict[NetworkName, str] = {"transformer": "Transformer", "lstm": "LSTM"}
CONTEXTS: dict[ContextName, str] = {"interleaved": "all UEs", "per-ue": "per UE"}
CONTEXT_SHARE = 0.25
"""Of the log that is judged, so much of the beginning is context alone."""

INTERLEAVED = MessageTwinSettings(
    context="interleaved", window=128, batch_size=4, num_steps=1_800, checkpoint_every=200
)
PER_UE = MessageTwinSettings(
    context="per-ue", window=64, batch_size=8, num_steps=800, checkpoint_every=200
)


@dataclass(frozen=True)
class Plan:
    """The size of a run.

    Attributes:
        ues: numbers of concurrent UEs.
        learned_s: seconds of the log that is learned from, all UEs together.
        judged_s: seconds of the log that is judged, likewise.
        interleaved: how a network of all UEs' messages is trained.
        per_ue: how a network of one UE's messages is trained.
    """

    ues: tuple[int, ...] = (1, 4, 16, 64)
    learned_s: float = 300.0
    judged_s: float = 50.0
    interleaved: MessageTwinSettings = INTERLEAVED
    per_ue: MessageTwinSettings = PER_UE

    def settings(self, network: NetworkName, context: ContextName) -> MessageTwinSettings:
        """The settings of a training; Transformer and LSTM differ in the network alone."""
        base = self.interleaved if context == "interleaved" else self.per_ue
        return MessageTwinSettings(**(vars(base) | {"network": network}))


QUICK = Plan(
    ues=(1, 2),
    learned_s=8.0,
    judged_s=4.0,
    interleaved=MessageTwinSettings(
        context="interleaved", layers=1, width=16, window=12, num_steps=20, batch_size=4,
        checkpoint_every=5,
    ),
    per_ue=MessageTwinSettings(
        layers=1, width=16, window=12, num_steps=20, batch_size=4, checkpoint_every=5
    ),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Logs:
    """The two logs of a seed, which share neither world nor UE, and the automaton over both.

    Attributes:
        learned: what networks and tables learn from.
        judged: what they are judged by.
        from_ns: earlier messages of the judged log are context alone.
        learned_replay: the automaton over the first.
        judged_replay: the automaton over the second.
    """

    learned: MessageLog
    judged: MessageLog
    from_ns: int
    learned_replay: Replay
    judged_replay: Replay


def scenario_of(num_ues: int) -> SignallingScenario:
    """So many UEs that are in a procedure nearly all of the time."""
    return load(PRESET).replace(name=f"{PRESET}-{num_ues}", num_ues=num_ues)


@lru_cache(maxsize=1)
def logs_of(num_ues: int, seed: int, plan: Plan) -> Logs:
    """The logs of a seed: about as many messages for every number of UEs."""
    scenario = scenario_of(num_ues)
    learned = emulate(scenario, 2 * seed, num_ues, plan.learned_s / num_ues)
    judged = emulate(scenario, 2 * seed + 1, num_ues, plan.judged_s / num_ues)
    replays = [replay(log, first_five_qis_in(log)) for log in (learned, judged)]
    from_ns = round(CONTEXT_SHARE * plan.judged_s / num_ues * 1e9)
    return Logs(learned, judged, from_ns, *replays)
