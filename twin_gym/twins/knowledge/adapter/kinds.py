"""Which service has a kind of entity: the smart-data-models, of which GenTwin took its own.

Types and properties of https://github.com/smart-data-models, CC BY 4.0 (licence of each in the
data). A task of kinds asks what a sensor of a kind that nobody has connected yet would serve.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from twin_gym.errors import TraceError
from twin_gym.files.reading import read_bytes
from twin_gym.twins.knowledge.adapter.task import RelationTask, task_of
from twin_gym.twins.knowledge.cities.data_files import locate

FOLDER = "smart_data_models"
RELATION = "serves_in"
_MAX_BYTES, _MOST_PROPERTIES = 20_000_000, 12
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_COMMON = {"id", "type", "location", "address", "name", "description", "dateObserved", "source"}
"""Properties that kinds of all services have."""


def read_kinds(folder: str | Path = FOLDER) -> RelationTask:
    """The kinds of smart-data-models, each with the service that has it.

    Args:
        folder: of entities.json; absolute, or relative to the directory named by TWIN_GYM_DATA.

    Returns:
        A task whose heads are kinds, told by name and their first twelve properties, and whose
        tails are services.

    Raises:
        TraceError: if the file is not there, or is another one.
    """
    path = locate(folder, "entities.json")
    try:
        listed = [*json.loads(read_bytes(path, _MAX_BYTES, refused=TraceError))]
        told = [(str(one["subject"]), str(one["entity"]), _properties(one)) for one in listed]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise TraceError(
            f"{path} is no list of entities with `subject`, `entity` and `schema`: get a whole "
            "copy of it"
        ) from None
    if not told:
        raise TraceError(f"{path} has no entities: get a whole copy of it")
    subjects = sorted({subject for subject, _, _ in told})
    entities = [f"service/{one}" for one in subjects]
    texts = [f"{_words(one)} service" for one in subjects]
    triples = []
    for subject, name, properties in told:
        entities.append(f"kind/{subject}/{name}")
        texts.append(", ".join([_words(name), *properties]))
        triples.append((entities[-1], RELATION, f"service/{subject}"))
    return task_of(entities, texts, triples)


def _properties(entity: dict[str, Any]) -> list[str]:
    names = (one for one in entity["schema"]["properties"] if one not in _COMMON)
    return [_words(one) for one in names][:_MOST_PROPERTIES]


def _words(name: str) -> str:
    return _HUMPS.sub(" ", name).lower()
