"""Logs of the emulator: worlds, what messages carry, identities, loads by counts."""

import hashlib
from collections import Counter

import numpy as np
import pytest

from tests.twins.signalling.signalling_cases import MIX, failing, mixed
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.twins.signalling.acceptance import not_accepted
from twin_gym.twins.signalling.contents import CONTENTS
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.kinds import KINDS, Link, kind_code
from twin_gym.twins.signalling.message import MESSAGE_DTYPE
from twin_gym.twins.signalling.presets import load, names

# Fields of a message that identify it on its interface, whatever it is about, and what the log
# adds for those who learn from it.
ENVELOPE = {
    "time_ns", "kind", "ue", "gnb", "ran_ue_ngap_id", "amf_ue_ngap_id", "seid", "pfcp_sequence",
    "presence", "verdict", "decision",
}  # fmt: skip
ABSENT = {"gnb": -1, "target_gnb": -1, "ran_ue_ngap_id": -1, "amf_ue_ngap_id": -1, "tmsi": -1,
          "pfcp_sequence": -1}  # fmt: skip


@pytest.fixture(scope="module")
def rough():
    """A log in which everything happens."""
    return emulate(failing(), 3, 40, 1_500.0)


def procedures(log, name):
    """Messages of a kind in a log."""
    return int(np.sum(log.column("kind") == kind_code(name)))


def test_same_seed_gives_the_same_log_and_another_one_another():
    """A log is a function of scenario, seed, number of UEs and horizon."""
    first, again, other = (emulate("signalling-four-slices", seed, 8, 120.0) for seed in (7, 7, 8))
    assert first.records.tolist() == again.records.tolist()
    assert first.records.tolist() != other.records.tolist()


def test_longer_horizon_only_adds_messages():
    """The first minute of ten is that of one."""
    short, long = (emulate("signalling-four-slices", 1, 10, horizon) for horizon in (60.0, 600.0))
    assert long.between(0, 60.0).records.tolist() == short.records.tolist()


def test_ue_does_not_depend_on_those_beside_it():
    """Where no slice is full, the messages of a UE are those that it has alone."""
    alone, among = (emulate("signalling-single-slice", 5, count, 200.0) for count in (1, 9))
    fields = ["time_ns", "kind", "gnb", "pdu_session_id", "cause", "presence", "five_qi"]
    of_first = among.of_ues([0]).records[fields]
    assert alone.of_ues([0]).records[fields].tolist() == of_first.tolist()


def test_failure_changes_nothing_before_it_happens():
    """Worlds pair: with other shares a UE does the same until the first failure."""
    scenario = load("signalling-single-slice")
    refused = scenario.replace(failures={"modification_refused": 1.0})
    name = "UplinkNASTransport[UL NAS transport[PDU session modification request]]"
    logs = [emulate(one, 2, 1, 400.0) for one in (scenario, refused)]
    first = [int(np.argmax(log.column("kind") == kind_code(name))) for log in logs]
    assert first[0] == first[1] > 0
    before = [log.records[: first[0]].tolist() for log in logs]
    assert before[0] == before[1]
    assert logs[0][first[0]].decision == 0 < logs[1][first[0]].decision


def test_messages_carry_only_what_the_standard_lets_them(rough):
    """No field of a message is set that its kind does not carry: no state leaks."""
    for name in MESSAGE_DTYPE.names:
        if name not in ENVELOPE:
            carriers = [code for code, one in enumerate(CONTENTS) if name in one.fields]
            others = rough.records[~np.isin(rough.column("kind"), carriers)]
            assert np.all(others[name] == ABSENT.get(name, 0)), name


def test_contents_are_those_of_the_standard():
    """Sessions have identity and transaction in 5GSM alone, and no slice or 5QI on N4."""
    for kind, one in zip(KINDS, CONTENTS, strict=True):
        if "pti" in one.fields:
            assert kind.inner, kind.name
        if "pdu_session_id" in one.fields:
            assert kind.inner or kind.ngap.startswith("PDUSessionResource"), kind.name
        if kind.pfcp:
            assert one.fields <= {"cause", "f_seid", "teid", "ue_address"}, kind.name
        if one.fields & {"registration_type", "tmsi"}:
            assert kind.nas or kind.ngap == "Paging", kind.name
    asking = [
        kind for kind, one in zip(KINDS, CONTENTS, strict=True) if "request_type" in one.fields
    ]
    assert [kind.inner for kind in asking] == ["PDU session establishment request"]


def test_presence_bits_are_those_of_the_kind(rough):
    """An element is there only if its kind can have it, and always if it must."""
    for code, one in enumerate(CONTENTS):
        bits = rough.records["presence"][rough.column("kind") == code]
        possible = one.always
        for _, elements in one.conditional:
            possible |= elements
        assert np.all(bits & np.uint64(one.always) == one.always)
        assert np.all(bits & ~np.uint64(possible) == 0)


def test_lists_of_sessions_are_only_where_the_standard_has_one(rough):
    """Initial context setup, hand-over request and path switch acknowledgement."""
    listing = {
        KINDS[kind].ngap for kind in rough.column("kind")[rough.column("active_sessions") > 0]
    }
    assert listing == {
        "InitialContextSetupRequest", "HandoverRequest", "PathSwitchRequestAcknowledge"
    }  # fmt: skip


def test_vectors_are_sparse_and_do_not_show_verdicts_or_decisions(rough):
    """Two to fourteen entries of 204; inputs of the core are not in them."""
    vectors = rough.to_vectors()
    assert vectors.shape == (len(rough), 204)
    assert 2 <= vectors.sum(axis=1).min() <= vectors.sum(axis=1).max() <= 24
    blind = rough.records.copy()
    blind["verdict"], blind["decision"] = 0, -1
    assert np.array_equal(vectors, type(rough)(blind, rough.slices).to_vectors())


def test_requests_and_responses_on_n4_share_their_sequence_number(rough):
    """SMF and UPF each count their requests from 1; a response has the number of its request."""
    of_smf, of_upf = Counter(), Counter()
    for message in (rough[place] for place in range(len(rough))):
        name = message.described.pfcp
        if name:
            by_upf = name.startswith("PFCP Session Report")
            counter = of_upf if by_upf else of_smf
            counter[message.pfcp_sequence] += 1 if name.endswith("Request") else -1
            assert counter[message.pfcp_sequence] >= 0
    assert sum(of_smf.values()) <= 5  # at the horizon
    assert sorted(of_smf) == list(range(1, len(of_smf) + 1))


def test_identities_are_unique(rough):
    """No two contexts share an identity at the AMF, no two sessions one at the SMF."""
    begun = rough.records[np.isin(rough.column("kind"), [
        kind.code for kind in KINDS if kind.ngap == "InitialUEMessage"
    ])]  # fmt: skip
    assert len(np.unique(begun["ran_ue_ngap_id"])) == len(begun)
    established = rough.records[
        rough.column("kind") == kind_code("PFCP Session Establishment Request")
    ]
    for name in ("f_seid", "teid", "ue_address"):
        assert len(np.unique(established[name])) == len(established)


def test_transaction_identity_is_used_again_only_after_254_others():
    """PTI 0 and 255 have meanings of their own."""
    log = emulate(load("signalling-concurrent"), 1, 1, 300.0)
    asked = log.records[log.column("kind") == kind_code(
        "UplinkNASTransport[UL NAS transport[PDU session establishment request]]"
    )]  # fmt: skip
    assert len(asked) > 300
    assert (asked["pti"].min(), asked["pti"].max()) == (1, 254)


def test_unanswered_challenge_is_repeated_every_six_seconds_and_five_times():
    """T3560; after the fifth transmission the AMF gives up. A UE whose T3510 ended is silent."""
    scenario = load("signalling-single-slice").replace(failures={"not_understood": 1.0})
    log = emulate(scenario, 1, 1, 50.0)
    sent = log.column("time_ns")[
        log.column("kind") == kind_code("DownlinkNASTransport[Authentication request]")
    ][:5]
    assert np.all(np.abs(np.diff(sent) / 1e9 - 6.0) < 0.1)
    assert procedures(log.between(0, sent[-1] / 1e9 + 7), "UplinkNASTransport[5GMM status]") == 3
    assert procedures(log.between(0, sent[-1] / 1e9 + 7), "UEContextReleaseCommand") == 1


@pytest.mark.parametrize("share", ["authentication_failed", "registration_refused"])
def test_refused_ue_comes_back_after_a_sojourn_not_after_t3511(share):
    """A UE that is barred forgets its 5G-GUTI and does not try again every ten seconds."""
    home = {
        "name": "one",
        "sst": 1,
        "deregistered": {"mean_s": 500.0, "law": {"law": "deterministic"}},
    }
    scenario = load("signalling-single-slice").replace(slices=[home], failures={share: 1.0})
    log = emulate(scenario, 1, 4, 1_200.0)
    asked = log.records[log.column("kind") == kind_code("InitialUEMessage[Registration request]")]
    assert np.all(asked["tmsi"] == -1)
    for ue in range(4):
        times_s = asked["time_ns"][asked["ue"] == ue] / 1e9
        assert len(times_s) == 3
        assert np.all(np.abs(np.diff(times_s) - 500.0) < 0.5)


def test_late_policy_makes_the_ue_repeat_its_request_every_sixteen_seconds():
    """T3580, five transmissions; then the session is refused for lack of resources."""
    scenario = load("signalling-single-slice").replace(
        failures={"session_deferred": 1.0}, delays={"deferred_s": 1e7}
    )
    log = emulate(scenario, 1, 1, 120.0)
    name = "UplinkNASTransport[UL NAS transport[PDU session establishment request]]"
    asked = log.records[
        (log.column("kind") == kind_code(name)) & (log.column("pdu_session_id") == 1)
    ][:5]
    assert np.array_equal(np.diff(asked["time_ns"]), [16 * 10**9] * 4)
    assert np.all(asked["pti"] == asked["pti"][0])
    reject = log.records[log.column("kind") == kind_code(
        "DownlinkNASTransport[DL NAS transport[PDU session establishment reject]]"
    )][0]  # fmt: skip
    assert 80.0 <= (reject["time_ns"] - asked["time_ns"][0]) / 1e9 < 80.1


def test_association_is_repeated_until_the_upf_answers():
    """T1, every 3 s, at most five transmissions of one sequence number."""
    scenario = load("signalling-single-slice").replace(failures={"association_unanswered": 1.0})
    log = emulate(scenario, 1, 1, 100.0)
    asked = log.records[log.column("kind") == kind_code("PFCP Association Setup Request")]
    assert asked["time_ns"].tolist() == [number * 3 * 10**9 for number in range(5)]
    assert set(asked["pfcp_sequence"].tolist()) == {1}
    assert procedures(log, "PFCP Association Setup Response") == 1
    assert not_accepted(log, (9,)) == ()


def test_worlds_of_the_presets_are_those_of_always():
    """A change of rules or draws is seen; exponential laws are alike on every machine."""
    digests = {
        name: hashlib.sha256(emulate(name, 7, 5, horizon_s).records.tobytes()).hexdigest()[:16]
        for name, horizon_s in (("signalling-single-slice", 200.0), ("signalling-concurrent", 5.0))
    }
    assert digests == {
        "signalling-single-slice": "af9e8a11dee7e1d4",
        "signalling-concurrent": "08c7d06cecb1b535",
    }


def test_slice_never_has_more_sessions_than_it_admits():
    """Admissions minus deletions stay within the limit, and reach it."""
    scenario = load("signalling-four-slices")
    log = emulate(scenario, 2, 80, 400.0)
    in_use, most = Counter(), Counter()
    slice_of = {}
    for message in (log[place] for place in range(len(log))):
        if message.described.pfcp == "PFCP Session Establishment Request":
            slice_of[message.f_seid] = home_of(log, message.ue)
            in_use[slice_of[message.f_seid]] += 1
        if message.described.pfcp == "PFCP Session Deletion Response":
            in_use[slice_of[message.seid]] -= 1
        if message.name == "PFCP Session Establishment Response" and not message.f_seid:
            in_use[slice_of[message.seid]] -= 1
        most |= in_use
    limits = {place: one.max_sessions for place, one in enumerate(scenario.slices, 1)}
    assert all(most[place] <= limit for place, limit in limits.items())
    assert most[2] == limits[2]


def home_of(log, ue):
    """The slice that a UE asks for."""
    chosen = (log.column("ue") == ue) & (log.column("s_nssai") > 0)
    return int(log.column("s_nssai")[chosen][0])


def test_load_by_counts_is_that_load():
    """100 registrations, 30 sessions, 10 hand-overs: so many, whatever the number of UEs."""
    for num_ues in (15, 40, 100):
        log = emulate(mixed(), 1, num_ues, 5_000.0)
        counts = {
            "registrations": procedures(log, "InitialUEMessage[Registration request]"),
            "sessions": procedures(log, "PFCP Session Establishment Request"),
            "modifications": procedures(log, "PDUSessionResourceModifyResponse"),
            "releases": procedures(log, "PDUSessionResourceReleaseResponse"),
            "pagings": procedures(log, "Paging"),
            "handovers": procedures(log, "HandoverNotify"),
            "path_switches": procedures(log, "PathSwitchRequestAcknowledge"),
            "configurations": procedures(log, "DownlinkNASTransport[Configuration update command]"),
            "deregistrations": procedures(
                log, "UplinkNASTransport[Deregistration request (UE originating)]"
            ),
        }
        counts["services"] = (
            procedures(log, "InitialUEMessage[Service request]") - counts["pagings"]
        )
        assert counts == MIX


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deregistrations": 41}, "need as many registrations"),
        ({"releases": 31}, "need as many sessions"),
        ({"sessions": 0, "releases": 0}, "at least one session"),
    ],
)
def test_impossible_load_is_refused(changes, message):
    """Counts that no network can have are refused when the scenario is built."""
    with pytest.raises(ConfigError, match=message):
        mixed(**changes)


def test_load_of_more_registrations_than_the_ues_can_have_is_refused():
    """A UE that is registered cannot register again."""
    with pytest.raises(ConfigError, match="need 35 deregistrations"):
        emulate(mixed(deregistrations=10), 1, 5, 100.0)


@pytest.mark.parametrize("name", names())
def test_preset_is_named_as_its_file_and_says_where_its_numbers_come_from(name):
    """A preset is a value with provenance."""
    scenario = load(name)
    assert scenario.name == name
    assert "This project's choice" in scenario.provenance or "this project's choice" in (
        scenario.provenance
    )


def test_unknown_preset_and_negative_seed_are_refused():
    """At the call, in a sentence."""
    with pytest.raises(UnknownNameError, match="did you mean 'signalling-four-slices'"):
        emulate("signalling-four-slice")
    with pytest.raises(ConfigError, match="seed"):
        emulate("signalling-single-slice", seed=-1)


def test_log_is_saved_without_pickle_and_loaded_again(rough, tmp_path):
    """A file holds columns and text; what is no log is refused."""
    rough.save(tmp_path / "log.npz")
    with np.load(tmp_path / "log.npz", allow_pickle=False) as archive:
        assert {archive[name].dtype.kind for name in archive.files} <= set("iuU")
    loaded = type(rough).load(tmp_path / "log.npz")
    assert loaded.records.tolist() == rough.records.tolist()
    assert (loaded.slices, loaded.scenario, loaded.seed) == (
        rough.slices,
        rough.scenario,
        rough.seed,
    )
    (tmp_path / "other.npz").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="no log"):
        type(rough).load(tmp_path / "other.npz")


def test_log_out_of_order_or_with_an_unknown_kind_is_refused(rough):
    """A log is in the order of time and of this vocabulary."""
    with pytest.raises(ConfigError, match="order of time"):
        type(rough)(rough.records[::-1], rough.slices)
    wrong = rough.records.copy()
    wrong["kind"][0] = len(KINDS)
    with pytest.raises(ConfigError, match="`kind`"):
        type(rough)(wrong, rough.slices)


def test_uplink_of_n2_is_from_base_stations():
    """Link and direction follow from the kind."""
    assert KINDS[kind_code("HandoverRequired")].link == Link.N2_UPLINK
    assert KINDS[kind_code("PFCP Session Report Request")].link == Link.N4_UPLINK
    assert not KINDS[kind_code("PFCP Session Report Request")].is_from_core
