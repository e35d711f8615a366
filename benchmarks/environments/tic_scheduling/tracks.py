"""Tracks of tiny instant communication: weights of a frame, or who gets the next grant."""

from __future__ import annotations

from benchmarks.protocol import Track

_STEPS = 65_536

_WEIGHTS = {
    "tic-small-45": "Weights for 50 sensors on 2 gateways, 45 % of them at once: little to win.",
    "tic-small-70": "Weights for 50 sensors on 2 gateways, 70 % of them at once.",
    "tic-medium-70": "Weights for 250 sensors on 8 gateways, 70 % of them at once.",
}
_PICKS = {"tic-pick": "Who of twelve sensors gets the next grant, channels seen."}
_WORLDS = {"tic-small-45": 128, "tic-medium-70": 32}
"""Where there is little to win, worlds differ by more than agents do."""

TRACKS = tuple(
    Track(
        name, title, (name,), (name,), _STEPS,
        environment="twin_gym/TicScheduling-v0", objective="balanced", action=action,
        worlds=_WORLDS.get(name, 64),
    )
    for group, action in ((_WEIGHTS, "weights"), (_PICKS, "pick"))
    for name, title in group.items()
)  # fmt: skip
