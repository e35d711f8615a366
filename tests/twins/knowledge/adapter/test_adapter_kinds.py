"""Kinds of smart-data-models as a task."""

import json
import os

import pytest

from twin_gym.errors import TraceError
from twin_gym.twins.knowledge.adapter import read_kinds

ENTITIES = [
    {"subject": "WasteManagement", "entity": "WasteContainer",
     "schema": {"title": "Waste Management", "properties": {"fillingLevel": [], "id": []}}},
    {"subject": "Weather", "entity": "WeatherObserved", "schema": {"properties": {}}},
]  # fmt: skip


def test_kinds_are_told_by_name_and_properties_and_asked_for_their_service(tmp_path):
    """The title of a kind, which has the service in it, is not told."""
    (tmp_path / "entities.json").write_text(json.dumps(ENTITIES))
    task = read_kinds(tmp_path)
    assert task.texts == (
        "waste management service", "weather service", "waste container, filling level",
        "weather observed",
    )  # fmt: skip
    assert task.relations == ("serves_in",)
    assert task.facts.tolist() == [[2, 0, 0], [3, 0, 1]]


@pytest.mark.parametrize("content", ["[]x", "{}", '[{"subject": "A"}]', "[1]"])
def test_other_files_are_refused(tmp_path, content):
    """An error names the file."""
    (tmp_path / "entities.json").write_text(content)
    with pytest.raises(TraceError, match=r"entities\.json"):
        read_kinds(tmp_path)


@pytest.mark.skipif(not os.environ.get("TWIN_GYM_DATA"), reason="needs TWIN_GYM_DATA")
def test_all_kinds_are_read():
    """71 kinds of 8 services."""
    task = read_kinds()
    assert (len(task.facts), len(task.candidates[0])) == (71, 8)
