"""Every track: what it is may not change unseen, and it can be run, scored and bounded."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import cell as cells
from benchmarks.contestants import contestant_named, contestants, is_masked, kinds_of_rule
from benchmarks.protocol import ANCHORS_FILE, anchors_of, has_trace, read_anchors
from benchmarks.tracks import track_named, tracks
from twin_gym.environments.kinds import kinds
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import policies_of
from twin_gym.scenario.loading import load

COMMITTED = {
    "teletraffic-small": "22510eb54ccbdc99",
    "teletraffic-medium": "da45bafe057eeb5e",
    "teletraffic-heavy": "5a103a6f25deb149",
    "teletraffic-erlang-5-10": "9afc60839a4786c8",
    "teletraffic-erlang-8-10": "0db793d948a5b576",
    "teletraffic-erlang-10-10": "5e80a778080a00cd",
    "teletraffic-erlang-a": "2405f9c842c44567",
    "mild": "5f417a216213663e",
    "contention": "20aff01991987811",
    "burst": "1bb2d35299dd150f",
    "shift": "097bde9b1e511ca9",
    "service-calibrated": "659c5c2fd5133ed2",
    "service-trace": "5aef50baac2acede",
    "tidal": "6f9f9b06df48e19e",
    "alternating": "5778cd4964479538",
    "offline": "baec34f27fc914be",
    "what-if": "02040c12041f46df",
}
"""Digests that committed results hang on: a change here means that they no longer count."""

OTHERS = [name for name, track in tracks().items() if track.kind != "admission"]
RULES = {"access": "fixed", "tic": "edf", "sync": "whittle", "truck": "nearest-full"}
"""By kind, a rule that is good in all of its tracks."""


def one_cell(name: str, agent: str, worlds: int):
    """Scores of an agent in the first validation worlds of seed 0, and the result."""
    track = replace(track_named(name), worlds=worlds)
    policies = contestant_named(agent).fit(track, 0, ANCHORS_FILE.parent, lambda share: None)
    result = cells.tested(cells.Cell(name, agent, 0), track, policies, lambda *news: None)
    (scenario,) = track.test_scenarios()
    anchors = anchors_of(scenario, track.objective, track.action)
    earned = np.array(result.earned_per_s[scenario.name])
    return np.array([anchors.normalised(float(one)) for one in earned]), result


def skip_without_data(name: str) -> None:
    """A real trace may not be there."""
    reason = track_named(name).unavailable()
    if reason is not None:
        pytest.skip(reason)


def test_tracks_with_committed_results_are_what_they_were():
    """Their digests; the others may still change."""
    assert {name: track_named(name).digest for name in COMMITTED if not _absent(name)} == {
        name: digest for name, digest in COMMITTED.items() if not _absent(name)
    }


def _absent(name: str) -> bool:
    return track_named(name).unavailable() is not None


def test_the_form_of_the_actions_is_part_of_a_track():
    """And no form at all leaves the digests of older tracks as they are."""
    base = track_named("sync-small")
    assert replace(base, action="rounds").digest != base.digest != replace(base, action=None).digest


def test_every_scenario_of_a_track_is_of_its_environment():
    """A track that mixes them is refused where it is loaded."""
    for track in tracks().values():
        assert {one.kind for one in track.test_scenarios()} == {track.kind}
    wrong = replace(track_named("contention"), test=("sync-small",))
    with pytest.raises(ConfigError, match="a scenario of sync"):
        wrong.test_scenarios()
    with pytest.raises(UnknownNameError, match="SliceAdmission"):
        _ = replace(wrong, environment="twin_gym/Nothing-v0").kind


def test_tracks_stand_in_the_order_of_environments():
    """Those of one environment together: so does the page."""
    kinds = [track.kind for track in tracks().values()]
    assert list(dict.fromkeys(kinds)) == ["admission", "access", "tic", "sync", "truck"]
    assert kinds == sorted(kinds, key=["admission", "access", "tic", "sync", "truck"].index)


def test_every_track_has_anchors_that_leave_room_for_a_score():
    """Also those whose traces are absent: what was worked out is committed."""
    known = {(one.digest, one.objective, one.action) for one in read_anchors(ANCHORS_FILE).values()}
    for track in tracks().values():
        for scenario in track.test_scenarios():
            key = (scenario.digest, track.objective, track.action or "")
            assert key in known, f"{track.name}: run `python -m benchmarks anchors`"
    for one in read_anchors(ANCHORS_FILE).values():
        assert one.random_per_s + one.random_half_width_per_s < one.bound_per_s


@pytest.mark.parametrize("name", OTHERS)
def test_a_rule_runs_on_every_track_and_scores_between_random_and_bound(name):
    """One world: it may be a lucky one, but not by much."""
    skip_without_data(name)
    scores, result = one_cell(name, RULES[track_named(name).kind], 1)
    assert scores.shape == (1,)
    assert np.isfinite(scores).all()
    assert result.kpi
    assert result.track_digest != track_named(name).digest  # one world is another track


@pytest.mark.parametrize("name", OTHERS)
def test_random_scores_about_nothing(name):
    """Within five standard errors of 16 other worlds than those it was measured on."""
    skip_without_data(name)
    scores, _ = one_cell(name, "random", 16)
    error = scores.std(ddof=1) / np.sqrt(len(scores))
    assert abs(scores.mean()) < 5.0 * error + 1.0


@pytest.mark.parametrize("name", OTHERS)
def test_no_rule_is_above_the_bound(name):
    """The best rule of each environment, and on access who sees the backlog: by five errors."""
    skip_without_data(name)
    kind = track_named(name).kind
    scores, _ = one_cell(name, "genie" if kind == "access" else RULES[kind], 4)
    assert scores.mean() - 5.0 * scores.std(ddof=1) / np.sqrt(len(scores)) < 100.0


def test_the_clairvoyant_of_random_access_is_almost_at_its_bound():
    """So that the bound of massive access is tight, and a hundred there means something."""
    scores, _ = one_cell("access-large-70", "genie", 8)
    assert 97.0 < scores.mean() < 100.5


def test_rules_take_part_in_their_own_environment_alone():
    """A name that is there in several environments is one contestant."""
    assert kinds_of_rule("random") == ("admission", "access", "tic", "sync", "truck")
    assert kinds_of_rule("edf") == ("tic",)
    for name in {name for rules in kinds() for name in policies_of(rules.name)}:
        assert name in contestants()
    reason = contestant_named("edf").reason_not_eligible(track_named("mild"))
    assert reason == "it is a rule of tic, and this track is one of admission"
    assert contestant_named("edf").reason_not_eligible(track_named("tic-pick")) is None
    assert "weights" in str(
        contestant_named("round-robin").reason_not_eligible(track_named("tic-small-45"))
    )


def test_who_sees_what_is_hidden_is_a_seer():
    """Who knows what is to come of requests, the backlog of random access, or what is in bins."""
    seers = [one.name for one in contestants().values() if one.kind == "seer"]
    assert seers == ["informed-surrogate-optimum", "genie", "clairvoyant-pyvrp"]


@pytest.mark.parametrize("ending", ["", "-twin"])
def test_ppo_and_maskable_ppo_share_the_tracks_between_them(ending):
    """By whether some actions may not be taken, as the environment has it."""
    for track in tracks().values():
        if track.data or not track.learner_steps:
            continue
        plain, maskable = (
            contestant_named(name + ending).reason_not_eligible(track)
            for name in ("ppo", "maskable-ppo")
        )
        assert (plain is None, maskable is None) == (not is_masked(track), is_masked(track))


@pytest.mark.parametrize("agent", ["a2c", "a2c-twin", "maskable-ppo-twin"])
def test_settings_of_a_learner_fit_its_track(agent):
    """Steps, scenarios and the form of the actions are those of the track."""
    for track in tracks().values():
        if track.data or not track.learner_steps:
            continue
        settings = contestant_named(agent).settings(track, 3)
        assert (settings.total_timesteps, settings.seed) == (track.learner_steps, 3)
        assert (settings.action, settings.scenarios) == (track.action, track.train)


def test_what_is_replayed_is_known_without_the_traces(monkeypatch):
    """The same on every machine."""
    monkeypatch.setenv("TWIN_GYM_DATA", "/nowhere")
    replayed = {name for name, track in tracks().items() if track.is_replayed}
    assert replayed == {"service-trace", "sync-beijing", "truck-edinburgh-30"}
    assert has_trace(load("sync-beijing"))
    assert "TWIN_GYM_DATA" in str(track_named("sync-beijing").unavailable())
