"""Truck routing: routes that are planned from what the twin of the bins predicts.

Shows: rules, routes of PyVRP that follow the risk of an overflow, and what a planner would save
that knew the content of every bin. The last one is privileged: it is a limit, not a competitor.

Prints the mean cost of an episode, its parts, and the age of what the twin knows. It needs the
extra `routing`: pip install -c constraints.txt -e '.[routing]'

    python examples/route_trucks.py --report-period-s 3600
"""

import argparse

from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load

POLICIES = (
    "random",
    "schedule",
    "nearest-full",
    "threshold",
    "overflow-pyvrp",
    "clairvoyant-pyvrp",
)


def main() -> None:
    """Evaluates the policies in the same worlds."""
    parser = argparse.ArgumentParser(description="Planned routes through a late twin.")
    parser.add_argument("--scenario", default="truck-grid-20", help="preset name or TOML file")
    parser.add_argument("--report-period-s", type=float, default=3_600.0, help="between reports")
    parser.add_argument("--worlds", type=int, default=4, help="worlds to evaluate on")
    options = parser.parse_args()

    scenario = changed(load(options.scenario), {"report_period_s": options.report_period_s})
    seeds = world_seeds("validation", options.worlds)
    print("policy                 cost  distance km  overflow l  stops  age h")
    for name in POLICIES:
        result = evaluate(make_policy(name, scenario), scenario, seeds)
        print(
            f"{name:<19} {-result.returns.mean():>7.1f} {result.mean('distance_km'):>12.1f} "
            f"{result.mean('overflow_l'):>11.1f} {result.mean('stops'):>6.0f} "
            f"{result.mean('age_s') / 3600.0:>6.2f}"
        )


if __name__ == "__main__":
    main()
