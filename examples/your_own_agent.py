"""An agent of your own: it needs a name, `reset` and `actions`; everything else is there.

Shows: the protocol of policies, the three families of worlds that share none (`train` to learn,
`validation` to choose, `test` to report), and a paired comparison: all agents meet the same worlds,
so that the difference in each world is the agent's doing.

Prints what the agent learned and its differences to two rules, each with a 95 % interval.

    python examples/your_own_agent.py --steps 40
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.observation import field_names
from twin_gym.policies import Evaluation, Policy, evaluate, make_policy, world_seeds
from twin_gym.policies.intervals import half_width
from twin_gym.scenario.loading import load


class RankingAgent:
    """Admits the slice with the highest score, if it is above that of waiting.

    Scores are a linear function of the observation. Yours may be anything that maps observations
    and masks to actions: a network, a planner, a solver.
    """

    def __init__(self, weights: NDArray[np.float64], name: str = "mine") -> None:
        self.name = name  # how tables call it
        self.weights = weights  # (fields + 1, actions)

    def reset(self, seed: int) -> None:
        """Begins the draws of a seed: this agent draws nothing."""

    def actions(
        self, observations: NDArray[np.float32], masks: NDArray[np.int8]
    ) -> NDArray[np.int64]:
        """One allowed action a row; shape (rows,)."""
        seen = np.column_stack([observations, np.ones(len(observations))])
        scores = np.where(masks == 1, seen @ self.weights, -np.inf)
        chosen: NDArray[np.int64] = scores.argmax(axis=1)
        return chosen


def learn(scenario_name: str, num_trials: int, rng: np.random.Generator) -> RankingAgent:
    """Random search: keep what earns more in training worlds."""
    scenario = load(scenario_name)
    num_fields = len(field_names(scenario))  # what each entry of an observation is called
    best = RankingAgent(np.zeros((num_fields + 1, len(scenario.slices) + 1)))
    best.weights[-1, :-1] = 1.0  # rather admit than wait
    best_revenue = -np.inf
    for trial in range(num_trials):
        tried = RankingAgent(best.weights + 0.3 * rng.normal(size=best.weights.shape) * (trial > 0))
        seeds = world_seeds("train", 4)
        revenue = evaluate(tried, scenario, seeds).mean("revenue_rate")
        if revenue > best_revenue:
            best, best_revenue = tried, revenue
    print(f"{best.name}: {best_revenue:.2f} a second in its training worlds")
    return best


def difference(mine: Evaluation, other: Evaluation) -> str:
    """Mean of the paired differences, with its 95 % interval."""
    paired = mine.kpi["revenue_rate"] - other.kpi["revenue_rate"]
    return f"{paired.mean():+6.2f} ± {half_width(paired):.2f}"


def main() -> None:
    """Learns, then compares in worlds that were not learned in."""
    parser = argparse.ArgumentParser(description="An agent of your own.")
    parser.add_argument("--steps", type=int, default=40, help="trials of the random search")
    parser.add_argument("--scenario", default="contention", help="preset name")
    parser.add_argument("--worlds", type=int, default=32, help="worlds to compare in")
    options = parser.parse_args()

    agent: Policy = learn(options.scenario, options.steps, np.random.default_rng(0))
    seeds = world_seeds("validation", options.worlds)
    mine = evaluate(agent, options.scenario, seeds)
    print(f"{agent.name}: {mine.mean('revenue_rate'):.2f} a second in {len(seeds)} other worlds")
    for name in ("density", "reservation"):
        other = evaluate(make_policy(name, options.scenario), options.scenario, seeds)
        print(f"{agent.name} - {name}: {difference(mine, other)}")


if __name__ == "__main__":
    main()
