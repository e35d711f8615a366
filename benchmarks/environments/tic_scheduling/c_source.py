"""How rules.c sees the arrays of tiny instant communication."""

from __future__ import annotations

from pathlib import Path

from benchmarks.c_loop import CSource

C_SOURCE = CSource(
    path=Path(__file__).with_name("rules.c"),
    structs={
        "networks": "network",
        "sensors": "sensor",
        "heads": "head",
        "rows": "row",
        "best": "choice",
        "outcomes": "outcome",
    },
    plain=(
        "firsts",
        "messages",
        "waiting",
        "fills",
        "answers",
        "answer_counts",
        "latencies",
        "observations",
        "final_observations",
    ),
    scratch=("best",),
)
