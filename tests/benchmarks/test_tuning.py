"""Tuning: equal budgets, fresh comparisons, nothing adopted by luck, nothing run twice."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.settings import TrainSettings
from benchmarks.tracks import track_named, tracks
from benchmarks.tuning import contestant, rules, settings, trainings
from benchmarks.tuning.contestant import TunedRule, tuned_rules
from benchmarks.tuning.methods import methods
from benchmarks.tuning.page import PAGE, as_markdown
from benchmarks.tuning.rules import read_tunings, tune_rule, write_tunings
from benchmarks.tuning.search import CoordinateSearch
from benchmarks.tuning.settings import tuned_settings
from benchmarks.tuning.space import (
    GROUPS,
    ROLLOUTS,
    TUNABLE,
    base_settings,
    default_parameters,
    group_of,
    to_changes,
)
from benchmarks.tuning.study import FRESH_SEEDS, MORE_SEEDS, run_study, trainings_of
from benchmarks.tuning.summary import STUDIES_FILE, learned_toml, read_studies, write_studies
from benchmarks.tuning.trainings import Training, Trainings, run_training
from twin_gym.environments.slice_admission.policies.search import search_reservation
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario.loading import load

METHODS = methods()
SMALL = replace(
    track_named("teletraffic-small"), name="small", title="For tests.", learner_steps=4096
)


class Pretended:
    """Trainings that are not run: what they earn is a formula; counts what it is asked."""

    def __init__(self, noise: float = 0.0) -> None:
        self.asked: list[tuple[TrainSettings, bool]] = []
        self.noise = noise

    def __call__(self, settings: TrainSettings, *, fresh: bool) -> Training:
        """Best at a learning rate of 5e-3, whatever the rest; the seed adds its luck."""
        self.asked.append((settings, fresh))
        luck = np.random.default_rng(int(settings.digest, 16)).normal() * self.noise
        return Training("", 10.0 - math.log(settings.learning_rate / 5e-3) ** 2 + luck, 1.0)


def test_study_begins_with_defaults_and_keeps_to_its_budget():
    """The first trial is the defaults; every agent is given the same trials and steps."""
    value = Pretended()
    study = run_study("a2c-twin", GROUPS["sliced"], value, trials=6)
    assert value.asked[0][0] == base_settings("a2c-twin", GROUPS["sliced"], 0)
    assert len(study.candidates) == 6
    assert len(value.asked) <= trainings_of(6)
    assert {one.total_timesteps for one, _ in value.asked} == {
        track_named("contention").learner_steps
    }


def test_study_adopts_what_is_better_in_fresh_worlds_and_seeds():
    """The learning rate moves towards its optimum, and the gain is that of the formula."""
    value = Pretended()
    study = run_study("a2c", GROUPS["sliced"], value, trials=8)
    rate = study.settings["learning_rate"]
    expected = math.log(2e-3 / 5e-3) ** 2 - math.log(rate / 5e-3) ** 2
    assert study.adopted
    assert study.difference[0] == pytest.approx(expected)
    fresh = [one.seed for one, is_fresh in value.asked if is_fresh]
    assert set(fresh) == set(FRESH_SEEDS)
    assert not set(FRESH_SEEDS) & {0, *MORE_SEEDS}


def test_study_adopts_nothing_that_may_be_luck():
    """Where only luck differs the best of the trials is not better, and the defaults stay."""
    value = Pretended(noise=50.0)
    study = run_study("a2c", GROUPS["sliced"], value, trials=8)
    assert study.chosen
    assert study.difference[1] < 0.0
    assert study.settings == {}


def test_study_is_the_same_when_it_is_repeated():
    """A seeded sampler: the same values give the same trials."""
    studies = [run_study("maskable-ppo", GROUPS["service"], Pretended(0.1)) for _ in range(2)]
    assert studies[0] == studies[1]
    with pytest.raises(ConfigError, match="at least 2 trials"):
        run_study("a2c", GROUPS["service"], Pretended(), trials=1)


def test_only_agents_with_settings_are_tuned():
    """The greedy clone has none, and a twin alone has a smoothing."""
    with pytest.raises(UnknownNameError):
        base_settings("clone", GROUPS["sliced"], 0)
    smoothed = {
        agent: "smoothing" in run_study(agent, GROUPS["sliced"], Pretended()).candidates[3].changes
        for agent in TUNABLE
    }
    assert [agent for agent, has in smoothed.items() if has] == ["a2c-twin", "a2c-gan-twin"]


def test_every_rollout_divides_the_steps_of_every_track():
    """Otherwise a study would find settings that a track refuses."""
    for group in GROUPS.values():
        for name in group.tracks:
            track = track_named(name)
            assert group_of(track) is group
            for n_envs, steps in ROLLOUTS.values():
                assert track.learner_steps % (n_envs * steps) == 0


def test_training_is_not_run_twice_and_a_torn_line_is_run_again(tmp_path, monkeypatch):
    """Finished trainings of a killed study are kept; the line that it was writing is not."""
    asked = []

    def pretended(settings: TrainSettings, name: str, *, fresh: bool) -> Training:
        asked.append((settings.seed, fresh))
        return Training(name, float(settings.seed), 1.0)

    monkeypatch.setattr(trainings, "run_training", pretended)
    path, first = tmp_path / "kept.jsonl", TrainSettings()
    Trainings(path).get(first, fresh=False)
    kept = Trainings(path)
    kept.get(first, fresh=False)
    kept.get(first, fresh=True)
    assert asked == [(0, False), (0, True)]
    path.write_text(path.read_text()[:-20])
    torn = Trainings(path)
    assert len(torn) == 1
    torn.get(first, fresh=True)
    assert len(Trainings(path)) == 2
    assert asked[2:] == [(0, True)]
    path.write_text(path.read_text().replace('"per_s": 0.0', '"per_s": 9.0', 1))
    with pytest.raises(ConfigError, match=r"kept.jsonl, line 1: the check sum is not that"):
        Trainings(path)


def test_training_gives_the_same_value_again():
    """Same settings, same worlds, same bits; fresh worlds are others."""
    short = TrainSettings(
        agent="a2c", scenario="teletraffic-small", total_timesteps=4096, leg_steps=4096
    )
    values = [run_training(short) for _ in range(2)]
    assert values[0].per_s == values[1].per_s


def test_summary_is_read_back_and_gives_the_settings(tmp_path, monkeypatch):
    """The settings of a study reach the trainings of its tracks, and of no others."""
    study = run_study("a2c", GROUPS["sliced"], Pretended())
    summary, learned = tmp_path / "studies.json", tmp_path / "learned.toml"
    write_studies([study], summary, learned)
    assert read_studies(summary) == [study]
    monkeypatch.setattr(settings, "LEARNED_FILE", learned)
    assert tuned_settings("a2c", track_named("burst")) == study.settings
    assert tuned_settings("a2c", track_named("service-calibrated")) == {}
    assert tuned_settings("maskable-ppo", track_named("burst")) == {}
    assert tuned_settings("a2c", SMALL) == {}
    base_settings("a2c", GROUPS["sliced"], 0).with_(**tuned_settings("a2c", track_named("burst")))
    summary.write_text('{"studies": [{}]}')
    with pytest.raises(ConfigError, match="no studies"):
        read_studies(summary)


def test_committed_settings_are_those_of_the_committed_studies():
    """learned.toml follows from studies.json; in a group every agent had the same budget."""
    studies = read_studies()
    assert learned_toml(studies) == settings.LEARNED_FILE.read_text("utf-8")
    budgets = {(one.group, len(one.candidates), one.steps) for one in studies}
    assert len(budgets) == len({one.group for one in studies})
    for one in studies:
        assert one.candidates[0].changes == to_changes(default_parameters(one.agent))
    assert STUDIES_FILE.exists()


def test_committed_page_is_that_of_the_committed_files():
    """tuning.md says what stands in the files."""
    assert PAGE.read_text("utf-8") == as_markdown(read_tunings(), read_studies())


# Rules


def test_search_is_that_of_the_package():
    """On the same worlds the reservation comes out with the thresholds of `search_reservation`."""
    scenario = load("contention").replace(horizon_s=20.0)
    worlds, fresh = world_seeds("validation", 4), world_seeds("validation", 2, first=4)
    theirs = search_reservation(scenario, seeds=worlds, fresh_seeds=fresh, budget=900)
    method = METHODS["reservation"]([scenario])
    ours = CoordinateSearch(method, [scenario], worlds, 900, [1.0]).run()
    assert ours.episodes == theirs.episodes
    assert ours.score == pytest.approx(theirs.score)
    amounts = {
        one.name: {
            name: pytest.approx(value)
            for name, value in zip(scenario.capacity, row, strict=True)
            if value > 0
        }
        for one, row in zip(scenario.slices, theirs.reserve, strict=True)
        if row.any()
    }
    assert method.values(ours.shares) == {"reserve": amounts}


def test_search_keeps_to_its_budget():
    """Even to one that ends it in the first round; less than one look is refused."""
    scenario = load("teletraffic-small").replace(horizon_s=20.0)
    method, worlds = METHODS["tuned-bid-price"]([scenario]), world_seeds("validation", 4)
    for budget in (4, 7, 30, 900):
        outcome = CoordinateSearch(
            method, [scenario, scenario], worlds[:2], budget, [1.0, 2.0]
        ).run()
        assert outcome.episodes <= budget
        assert outcome.score >= outcome.start_score
    with pytest.raises(ConfigError, match="budget"):
        CoordinateSearch(method, [scenario], worlds, 3, [1.0])


SHORT = {
    "admission": load("contention").replace(horizon_s=20.0),
    "access": load("access-large-45"),
    "tic": load("tic-small-70").replace(horizon_s=0.1),
    "sync": load("sync-small").replace(horizon_s=200.0),
    "truck": load("truck-grid-20").replace(horizon_s=86_400.0),
}
"""By kind, something that a rule can be run on in no time."""


@pytest.mark.parametrize("name", METHODS)
def test_search_starts_with_the_untuned_rule(name):
    """With the parameters at their start, and with none named, it is the rule without tuning."""
    scenario, worlds = SHORT[METHODS[name].kind], world_seeds("validation", 3)
    method = METHODS[name]([scenario])
    plain = evaluate(make_policy(METHODS[name].untuned, scenario), scenario, worlds).trajectory
    start = method.policy(scenario, np.repeat(method.start[None], 3, axis=0))
    assert evaluate(start, scenario, worlds).trajectory == plain
    assert evaluate(method.from_values(scenario, {}), scenario, worlds).trajectory == plain


@pytest.mark.parametrize("name", METHODS)
def test_named_values_are_the_parameters(name):
    """The values of a file give the policy that was searched, to the last bit."""
    scenario, worlds = SHORT[METHODS[name].kind], world_seeds("validation", 3)
    method = METHODS[name]([scenario])
    shares = np.linspace(0.1, 0.6, len(method.start))
    searched = method.policy(scenario, np.repeat(shares[None], 3, axis=0))
    named = method.from_values(scenario, method.values(shares))
    first = evaluate(searched, scenario, worlds).trajectory
    assert evaluate(named, scenario, worlds).trajectory == first


@pytest.fixture
def own_file(tmp_path, monkeypatch) -> Path:
    """A file of tunings of the test's own, where the board looks for them."""
    path = tmp_path / "classical.toml"
    monkeypatch.setattr(contestant, "read_tunings", lambda: read_tunings(path))
    read_tunings.cache_clear()
    return path


@pytest.fixture(scope="module")
def tuned():
    """The reservation tuned on a track for tests, with a small budget."""
    return tune_rule(SMALL, "reservation", budget=200, worlds=4, fresh_worlds=8)


def test_tuned_rule_uses_what_was_found_for_its_track_alone(own_file, tuned):
    """The parameters, their cost, and a refusal where nobody has tuned."""
    rule = TunedRule("reservation", "For tests.")
    assert "was not tuned" in rule.reason_not_eligible(SMALL)
    with pytest.raises(ConfigError, match="tune-rules"):
        rule.fit(SMALL, 0, own_file.parent, lambda share: None)
    write_tunings([tuned], own_file)
    assert read_tunings(own_file) == (tuned,)
    assert rule.reason_not_eligible(SMALL) is None
    fitted = rule.fit(SMALL, 0, own_file.parent, lambda share: None)
    scenario = load("teletraffic-small")
    reserve = fitted.policy_for(scenario).reserve
    assert tuned.adopted
    assert (reserve > 0).any()
    assert fitted.cost.steps == tuned.decisions > 0
    assert fitted.cost.parameters == 2
    other = replace(SMALL, train=("teletraffic-medium",))
    assert "was not tuned" in rule.reason_not_eligible(other)


def test_gain_that_may_be_noise_is_not_used(own_file, tuned):
    """Then the rule takes part as it is without tuning."""
    write_tunings([replace(tuned, adopted=False)], own_file)
    fitted = TunedRule("reservation", "").fit(SMALL, 0, own_file.parent, lambda share: None)
    assert not fitted.policy_for(load("teletraffic-small")).reserve.any()


def test_several_scenarios_are_tuned_for_together():
    """One set of parameters for all of them, in the worlds that each of them has."""
    both = replace(SMALL, train=("teletraffic-small", "teletraffic-medium"))
    small, medium = (load(one).replace(capacity={"units": 10.0}) for one in both.train)
    method = METHODS["tuned-bid-price"]([small, medium])
    worlds = world_seeds("validation", 2)
    short = [one.replace(horizon_s=20.0) for one in (small, medium)]
    outcome = CoordinateSearch(method, short, worlds, 300, [1.0, 1.0]).run()
    alone = [CoordinateSearch(method, [one], worlds, 300, [1.0]).run() for one in short]
    assert outcome.start_score == pytest.approx(np.mean([one.start_score for one in alone]))
    assert outcome.score <= np.mean([one.score for one in alone]) + 1e-9


def test_committed_rules_had_one_budget_and_never_saw_a_test_scenario():
    """Every method on every track; test scenarios of what-if are not among those tuned for."""
    tunings = read_tunings()
    tests = {one.digest for one in track_named("what-if").test_scenarios()}
    assert len({one.budget for one in tunings}) == 1
    assert {one.method for one in tunings} == set(METHODS)
    for one in tunings:
        assert one.episodes <= one.budget
        assert not tests & set(one.digests)
        assert one.adopted == (one.gain_per_s[1] > 0)
        assert {x.worlds for x in tunings if x.track == one.track} == {one.worlds}


@pytest.mark.parametrize("rule", tuned_rules(), ids=lambda one: one.name)
def test_tuned_rules_take_part_on_every_track_of_the_package(rule):
    """Wherever its scenarios are here, its environment is given, and it has something to tune."""
    taken = 0
    for track in tracks().values():
        if track.data or not rule.supports_kind(track.kind) or track.unavailable() is not None:
            continue
        reason = rule.reason_not_eligible(track)
        assert reason is None or "nothing for action" in reason, track.name
        taken += reason is None
    assert taken, "the rule takes part on no track"


def test_a_method_of_another_environment_is_refused():
    """With both environments in the message."""
    with pytest.raises(ConfigError, match="a rule of tic, and this track is one of admission"):
        tune_rule(track_named("mild"), "tuned-weights")


def test_weights_are_searched_on_the_simplex():
    """Corners and the middle are among those that the search begins with; none is not a choice."""
    method = METHODS["tuned-weights"]([SHORT["tic"]])
    coarse = {tuple(one) for one in method.coarse.tolist()}
    assert coarse >= {tuple(row) for row in np.eye(4).tolist()} | {(0.25, 0.25, 0.25, 0.25)}
    assert len(coarse) == len(method.coarse) == 35
    assert np.allclose(method.coarse.sum(axis=1), 1.0)
    assert method.values(np.zeros(4))["weights"]["deadline"] == 0.25
    assert method.values(np.array([0.0, 0.5, 0.5, 0.0]))["weights"]["latency"] == 0.5


def test_committed_tuning_is_what_the_command_finds():
    """The quickest one again: the same parameters, episodes and scores."""
    track = track_named("teletraffic-small")
    (kept,) = (
        one for one in read_tunings() if (one.track, one.method) == (track.name, "reservation")
    )
    again = tune_rule(track, "reservation")
    assert replace(again, seconds=kept.seconds, core_seconds=kept.core_seconds) == kept


def test_unknown_method_is_refused():
    """With the names of those that there are."""
    with pytest.raises(UnknownNameError, match="reservation"):
        rules.tune_rule(SMALL, "reservations")
