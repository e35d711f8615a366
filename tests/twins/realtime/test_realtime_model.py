"""The object model: what is accepted, what is refused, and what the public parser says of it."""

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.twins import knowledge, realtime
from twin_gym.twins.realtime import build_model, object_model, read_model

FOLDER = Path(realtime.__file__).parent / "dtdl"
FILES = sorted(FOLDER.glob("*.json"))
CITY_FILES = sorted((Path(knowledge.__file__).parent / "dtdl").glob("*.json"))
PARSE = """
const {createParser} = require('@azure/dtdl-parser');
const fs = require('fs');
const texts = process.argv.slice(1).map(path => fs.readFileSync(path, 'utf8'));
createParser(0).parse(texts)
  .then(found => console.log(Object.values(found).filter(e => e.entityKind === 'interface').length))
  .catch(error => { console.log(error.message, JSON.stringify(error.errors)); process.exit(1); });
"""


def documents():
    """The interfaces of the package, parsed."""
    return [json.loads(path.read_text("utf-8")) for path in FILES]


def parsed_in_public(paths):
    """The result of the public parser (npm package @azure/dtdl-parser) on files, if it is here."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here: the public parser of DTDL cannot be asked")
    there = subprocess.run(
        [node, "-e", "require.resolve('@azure/dtdl-parser')"], capture_output=True, timeout=60
    )
    if there.returncode != 0:
        pytest.skip("no npm package @azure/dtdl-parser here: install it, and name it in NODE_PATH")
    return subprocess.run(
        [node, "-e", PARSE, *paths], capture_output=True, text=True, timeout=60, env=os.environ
    )


@pytest.mark.parametrize("files", [FILES, CITY_FILES], ids=["environments", "city"])
def test_public_parser_accepts_every_interface(files):
    """The parser of those who made the language; it needs node and its package."""
    done = parsed_in_public(files)
    assert done.returncode == 0, done.stdout
    assert done.stdout.split() == [str(len(files))]


def test_public_parser_would_find_a_fault(tmp_path):
    """The test above sees a unit that does not exist."""
    wrong = tmp_path / "Gateway.json"
    wrong.write_text((FOLDER / "Gateway.json").read_text("utf-8").replace("metre", "parsec"))
    assert parsed_in_public([wrong]).returncode == 1


def test_kinds_of_twins_are_those_of_the_files():
    """One file an interface, named as it is."""
    assert set(object_model().interfaces) == {path.stem for path in FILES}
    assert {"Gateway", "Sensor", "Battery", "Slice", "Service", "Cell", "Entity"} <= set(
        object_model().interfaces
    )


def test_component_is_part_of_its_sensor():
    """Properties of a battery are found under `battery.`."""
    sensor = object_model().interface("Sensor")
    assert sensor.components == {"battery": "Battery"}
    assert sensor.contents["battery.charge_j"].unit == "joule"


def test_names_say_their_units():
    """Units stand in names and in the files, and agree."""
    endings = {"second": "_s", "metre": "_m", "joule": "_j", "litre": "_l"}
    for interface in object_model().interfaces.values():
        for content in interface.contents.values():
            if content.unit:
                assert content.name.endswith(endings[content.unit])


FAULTS = {
    "other @id": (("@id",), "dtmi:com:example:Gateway;1", "@id"),
    "older language": (("@context",), ["dtmi:dtdl:context;2"], "@context"),
    "unknown key": (("extends",), "dtmi:twin_gym:Sensor;1", "extends"),
    "no list": (("contents",), {}, "lists of objects"),
    "unknown kind": (("contents", 0, "@type"), "Command", "Command"),
    "unknown schema": (("contents", 0, "schema"), "float32", "float32"),
    "unknown unit": (("contents", 0, "unit"), "mile", "mile"),
    "unit without its type": (("contents", 0, "@type"), "Property", "metre"),
    "type without its unit": (("contents", 2, "@type"), ["Property", "Length"], "Length"),
    "unknown quantitative type": (("contents", 0, "@type"), ["Property", "Mass"], "Mass"),
    "unit of a text": (("contents", 0, "schema"), "string", "no unit"),
    "malformed name": (("contents", 0, "name"), "x m", "x m"),
    "name twice": (("contents", 1, "name"), "x_m", "x_m"),
    "target that is not there": (
        ("contents", 4, "target"), "dtmi:twin_gym:Senor;1", "did you mean 'Sensor'",
    ),
    "malformed target": (("contents", 4, "target"), "Sensor", "Sensor"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "said"), FAULTS.values(), ids=FAULTS)
def test_fault_of_an_interface_is_refused_with_the_reason(path, value, said):
    """Each change of the gateway's file that breaks it."""
    several = documents()
    at = next(one for one in several if one["@id"] == "dtmi:twin_gym:Gateway;1")
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(ConfigError, match=said):
        build_model(several)


def test_interface_twice_is_refused():
    """Two files with one id."""
    with pytest.raises(ConfigError, match="two interfaces"):
        build_model(documents() + documents()[:1])


def test_component_that_is_not_there_is_refused():
    """A sensor without the interface of its battery, and a battery with a battery."""
    without = [one for one in documents() if one["@id"] != "dtmi:twin_gym:Battery;1"]
    with pytest.raises(ConfigError, match=r"Sensor\.battery"):
        build_model(without)
    nested = copy.deepcopy(documents())
    battery = next(one for one in nested if one["@id"] == "dtmi:twin_gym:Battery;1")
    schema = "dtmi:twin_gym:Sensor;1"
    battery["contents"].append({"@type": "Component", "name": "inner", "schema": schema})
    with pytest.raises(ConfigError, match="no components of its own"):
        build_model(nested)


def test_model_of_someone_else_is_read_and_checked(tmp_path):
    """From a folder; what is no JSON, no interface, or not there is refused."""
    for path in FILES:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert read_model(tmp_path) == object_model()
    (tmp_path / "X.json").write_text("[1")
    with pytest.raises(ConfigError, match=r"X\.json"):
        read_model(tmp_path)
    (tmp_path / "X.json").write_text("[1]")
    with pytest.raises(ConfigError, match="Interface"):
        read_model(tmp_path)
    with pytest.raises(ConfigError, match="no JSON file"):
        read_model(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("x_m", (1.5, 2, np.float32(0.5)), (True, "1", float("nan"), float("inf"), None, [1.0])),
        ("grants", (3, np.int64(4)), (3.0, True, 2**60, "3", np.zeros(2))),
    ],
)
def test_value_of_another_type_is_refused(name, good, bad):
    """Numbers of NumPy are numbers; booleans are not, and neither is what is not finite."""
    content = object_model().interface("Gateway").contents[name]
    for value in good:
        assert content.checked(value) == value
        assert type(content.checked(value)) in (int, float)
    for value in bad:
        with pytest.raises(ConfigError, match=name):
            content.checked(value)


def test_unknown_interface_has_a_nearest_one():
    """As every unknown name."""
    with pytest.raises(UnknownNameError, match="Gateway"):
        object_model().interface("Gatway")
