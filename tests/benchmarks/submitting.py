"""Folders of submissions for tests, and a small track that they claim scores on."""

import json
from dataclasses import replace
from pathlib import Path

import benchmarks.store
import benchmarks.tracks
from benchmarks import protocol
from benchmarks.anchors import as_toml
from benchmarks.environments import facet
from benchmarks.protocol import Anchors, read_anchors
from benchmarks.submissions.running import Limits
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load

TRACK = "tiny"
QUICK = Limits(start_s=60.0, answer_s=30.0, cell_s=120.0)

HEAD = {
    "format": "twin_gym submission 1",
    "name": "mine",
    "authors": ["A. Person"],
    "description": "Admits what earns most for its share.",
    "licence": "MIT",
    "kind": "code",
    "entry": "agent:Agent",
    "tracks": [TRACK],
}
POLICY = {"kind": "policy", "policy": "weights", "entry": None}

DENSITY = """
import numpy as np

class Agent:
    def __init__(self, scenario):
        def density(one):
            shares = (one.demand.get(r, 0.0) / c for r, c in scenario.capacity.items())
            return one.revenue / one.mean_holding_time_s / max(shares)
        self.worth = np.array([*map(density, scenario.slices), 0.0])

    def reset(self, seed):
        pass

    def actions(self, observations, masks):
        return np.where(masks == 1, self.worth, -1.0).argmax(axis=1)
"""


def manifest(**changes):
    """An `agent.toml` with some keys changed; None leaves one out."""
    values = {key: value for key, value in (HEAD | changes).items() if value is not None}
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def submission(folder: Path, code=DENSITY, **changes):
    """A folder that is accepted, but for the changes."""
    folder.mkdir(exist_ok=True)
    (folder / "agent.toml").write_text(manifest(**changes))
    if code is not None:
        (folder / "agent.py").write_text(code)
    return folder


def use_tiny_track(tmp_path, monkeypatch):
    """Makes four worlds of ten seconds of `contention` the only track, with anchors."""
    scenario = load("contention").replace(name=TRACK, horizon_s=10.0)
    file = tmp_path / "tiny.toml"
    file.write_text(to_toml(scenario))
    known = {one.name: one for one in facet("admission", "tracks", ())}
    track = replace(
        known["contention"], name=TRACK, title="Small.", train=(str(file),),
        test=(str(file),), learner_steps=1024, worlds=4,
    )  # fmt: skip
    for module in (benchmarks.tracks, benchmarks.store):
        monkeypatch.setattr(module, "tracks", lambda: {TRACK: track})
    anchors = Anchors(TRACK, scenario.digest, "revenue", 10.0, 0.1, 30.0, "LP", "none")
    (tmp_path / "anchors.toml").write_text(as_toml([anchors]))
    monkeypatch.setattr(protocol, "ANCHORS_FILE", tmp_path / "anchors.toml")
    read_anchors.cache_clear()
    return track
