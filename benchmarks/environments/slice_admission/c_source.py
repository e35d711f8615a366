"""How rules.c sees the arrays of slice admission."""

from __future__ import annotations

from pathlib import Path

from benchmarks.c_loop import CSource

C_SOURCE = CSource(
    path=Path(__file__).with_name("rules.c"),
    structs={
        "networks": "network",
        "lenses": "lens",
        "rows": "row",
        "queues": "entry",
        "outcomes": "outcome",
        "final_rows": "row",
    },
    plain=(
        "departures",
        "observations",
        "masks",
        "final_observations",
    ),
    scratch=("queues",),
)
