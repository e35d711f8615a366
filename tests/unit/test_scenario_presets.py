"""Presets and scenario files."""

import pytest

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import MAX_FILE_BYTES, load, names, parse

# A digest that changes means another scenario under a known name: say so in the changelog.
DIGESTS = {
    "alternating": "a41192c0b6c532f7",
    "burst": "9c385b6d3b9c993c",
    "contention": "5e0823ac2d8e6adc",
    "mild": "f342ee889a25b93e",
    "service-calibrated": "bff2b095048c1a30",
    "service-trace": "e45dec2a5d4adbfe",
    "shift": "050e9fe071fd88ea",
    "teletraffic-erlang-10-10": "57caf5998e308b30",
    "teletraffic-erlang-5-10": "b1126314833a403b",
    "teletraffic-erlang-8-10": "c446059a2a0ff062",
    "teletraffic-erlang-a": "2d5ddc0629d54ab0",
    "teletraffic-heavy": "26ef4ec0696efc85",
    "teletraffic-medium": "15299694b67063a2",
    "teletraffic-small": "863cd28538acc5fb",
    "tidal": "7c8c18023d185bf5",
}
TINY = """
kind = "admission"
name = "tiny"
horizon_s = 10.0
capacity = { radio = 5.0 }
[[slices]]
name = "hrllc"
demand = { radio = 2.0 }
arrival_rate_hz = 3.0
mean_holding_time_s = 0.5
"""


def test_presets_are_all_known():
    """Every preset of the package stands in the list of digests, and the other way round."""
    assert set(names("admission")) == set(DIGESTS)
    assert names() == tuple(sorted(names()))


@pytest.mark.parametrize("name", names())
def test_preset_loads(name):
    """It is called what its file is called, tells what it is and where its numbers come from."""
    scenario = load(name)
    assert scenario.name == name
    assert scenario.description
    assert scenario.provenance.strip()


@pytest.mark.parametrize("name", names("admission"))
def test_preset_keeps_its_digest(name):
    """A preset does what it did when it was published."""
    assert load(name).digest == DIGESTS[name]


def test_digests_differ():
    """No two presets are the same scenario."""
    assert len({load(name).digest for name in names()}) == len(names())


@pytest.mark.parametrize("name", names())
def test_toml_round_trip(name):
    """Written out and read back, a scenario is equal to itself."""
    scenario = load(name)
    back = parse(to_toml(scenario, comment="two\nlines"))
    assert back == scenario
    assert back.digest == scenario.digest


def test_toml_keeps_awkward_text(tmp_path):
    """Quotes, backslashes, control characters and line breaks survive."""
    text = 'a "b" \\ \x7f\t\r\n\n"""\né 🙂 \\u0041'
    scenario = parse(TINY).replace(description=text, provenance='one line with """ and \\')
    path = tmp_path / "awkward.toml"
    path.write_text(to_toml(scenario), "utf-8", newline="\n")
    assert load(path) == scenario


def test_contention_is_the_specified_one():
    """The headline scenario offers 1.71, 1.18 and 1.26 times what fits."""
    load_by_resource = load("contention").offered_load
    assert load_by_resource == pytest.approx(
        {"radio": 1.71, "computing": 1.18, "storage": 1.26}, abs=0.005
    )


def test_load_takes_a_path(tmp_path):
    """A path, as text or as an object, with or without a byte order mark."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY, "utf-8-sig")
    assert load(path) == load(str(path)) == parse(TINY)


def test_unknown_name_is_answered_with_the_nearest():
    """A misspelt preset."""
    with pytest.raises(UnknownNameError, match="did you mean 'contention'"):
        load("contntion")
    with pytest.raises(UnknownNameError, match="kind of scenario"):
        names("admision")


@pytest.mark.parametrize("value", [5, None, b"contention", parse(TINY)], ids=repr)
def test_load_refuses_what_is_no_name(value):
    """Anything but a name or a path."""
    with pytest.raises(ConfigError, match="preset name or a path"):
        load(value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs `kind`, one of admission, .*; got None"),
        ("kind = 5", "got 5"),
        ("kind = ['admission']", "needs `kind`"),
        ("kind = 'admision'", "got 'admision'"),
        ("kind = ", "not valid TOML"),
        ("{'kind': 'admission'}", "not valid TOML"),
        ("x = " + "[" * 5000, "not valid TOML"),  # too deep
        ("x = " + "1" * 5000, "not valid TOML"),  # too long a number
        (TINY + TINY, "not valid TOML"),  # keys twice
        ("kind = 'admission'", "name: is missing"),
        ("#" * (MAX_FILE_BYTES + 1), "at most 4000000 are read"),
        (TINY.replace("3.0", "inf"), "arrival_rate_hz: must be a finite number"),
        (TINY.replace("3.0", "-2e01803"), "arrival_rate_hz: must be a finite number, got -inf"),
        (TINY.replace("3.0", "nan"), "arrival_rate_hz: must be a finite number"),
        (TINY.replace("3.0", "1979-05-27"), "arrival_rate_hz: must be a valid number"),
        (TINY.replace("3.0", "1e309"), "arrival_rate_hz"),
        (TINY.replace("horizon_s", "self"), "no field 'self'"),
        (TINY.replace("horizon_s", "__class__"), "no field '__class__'"),
        (TINY.replace("[[slices]]", "[slices]"), "slices: must be a valid tuple"),
    ],
    ids=range(19),
)
def test_parse_refuses(text, says):
    """Text that is no scenario is refused with where it came from."""
    with pytest.raises(ConfigError, match=says) as caught:
        parse(text, origin="my.toml")
    assert str(caught.value).startswith("my.toml")


def test_files_that_cannot_be_read_are_refused(tmp_path):
    """Missing, a folder, not text, too large."""
    path = tmp_path / "broken.toml"
    with pytest.raises(ConfigError, match="there is no scenario file"):
        load(path)
    with pytest.raises(ConfigError, match="there is no scenario file"):
        load(tmp_path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(path)
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(ConfigError, match="at most 4000000 are read"):
        load(path)


def test_package_says_what_it_is():
    """`parse` gives the class that scripts build by hand."""
    assert isinstance(parse(TINY), AdmissionScenario)
