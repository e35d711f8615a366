"""The object model of a smart city: DTDL interfaces with the names of smart-data-models."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from twin_gym.twins.realtime.model import ObjectModel, build_model


@cache
def city_model() -> ObjectModel:
    """The interfaces of a city: its services, gateways, and kinds of sensors.

    Example:
        >>> city_model().interface("WasteContainer").relationships["connected_to"].target
        'Gateway'
    """
    folder = resources.files("twin_gym.twins.knowledge") / "dtdl"
    texts = sorted((one.name, one.read_text("utf-8")) for one in folder.iterdir())
    return build_model([json.loads(text) for name, text in texts if name.endswith(".json")])
