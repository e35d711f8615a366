"""Fits the support vector machines of truck routing, and says how well they do.

    python -m benchmarks.environments.truck_routing.fit_machines svm.json

The file belongs to twin_gym/environments/truck_routing/policies/. It takes some minutes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twin_gym.environments.truck_routing.policies.svm import to_json
from twin_gym.environments.truck_routing.policies.svm_fitting import (
    FillExamples,
    fill_accuracy,
    fill_examples,
    fit_fill,
    fit_route,
    route_accuracy,
    route_examples,
    training_scenarios,
)
from twin_gym.policies import world_seeds

FILL_WORLDS, ROUTE_WORLDS = 4, 2
COMMAND = "python -m benchmarks.environments.truck_routing.fit_machines svm.json"


def fitted() -> dict[str, Any]:
    """Both machines as numbers, and their accuracies in worlds of validation."""
    scenarios = training_scenarios()
    fills, others = (
        _together([fill_examples(one, seeds) for one in scenarios])
        for seeds in (world_seeds("train", FILL_WORLDS), world_seeds("validation", FILL_WORLDS))
    )
    routes, planned = (
        [found for one in scenarios for found in route_examples(one, seeds)]
        for seeds in (world_seeds("train", ROUTE_WORLDS), world_seeds("validation", 1))
    )
    fill, route = fit_fill(fills), fit_route(routes)
    needed, left = fill_accuracy(fill, others)
    return {
        "command": COMMAND,
        "vectors": len(fill.weights),
        "bins_in_need_told": round(needed, 3),
        "other_bins_told": round(left, 3),
        "next_stops_told": round(route_accuracy(route, planned), 3),
        "decisions": len(routes),
        "fill": to_json(fill),
        "route": to_json(route),
    }


def _together(examples: Sequence[FillExamples]) -> FillExamples:
    return FillExamples(*(np.concatenate(parts) for parts in zip(*examples, strict=True)))


if __name__ == "__main__":
    found = fitted()
    Path(sys.argv[1]).write_text(json.dumps(found) + "\n", "utf-8")
    print({name: value for name, value in found.items() if name not in ("fill", "route")})
