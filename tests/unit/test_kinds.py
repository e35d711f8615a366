"""The table of kinds: what one of a user's own needs, and what is said where it lacks something."""

import importlib
import sys
from importlib.metadata import EntryPoint

import gymnasium
import pytest

from twin_gym.environments import factory, kinds
from twin_gym.environments.kinds import FACETS, EnvironmentKind, kind_named, register_kind
from twin_gym.errors import ConfigError, UnknownNameError

BARE = EnvironmentKind("bare", "bare_network/Bare-v0", "bare_network")


@pytest.fixture
def own_table(monkeypatch):
    """The table and Gymnasium's registry, put back afterwards."""
    monkeypatch.setattr(kinds, "_TABLE", dict(kinds._TABLE))
    monkeypatch.setattr(kinds, "_READ", [])
    monkeypatch.setattr(gymnasium.envs.registration, "registry", dict(gymnasium.registry))
    monkeypatch.setattr(gymnasium, "registry", gymnasium.envs.registration.registry)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file of the package of `BARE`, which is empty at first and forgotten afterwards."""

    def write(file, text):
        (tmp_path / "bare_network" / file).write_text(text)
        importlib.invalidate_caches()

    def forget():
        for name in [name for name in sys.modules if name.partition(".")[0] == "bare_network"]:
            del sys.modules[name]

    (tmp_path / "bare_network").mkdir()
    write("__init__.py", "")
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield write
    forget()


@pytest.fixture
def bare(write):
    """A kind whose package is empty."""
    return BARE


def needed():
    """Facets without which nothing works."""
    return [name for name in FACETS if not FACETS[name].without]


@pytest.mark.parametrize("name", needed())
def test_missing_facet_is_named_with_the_file_to_write(bare, name):
    """Never as a KeyError, an AttributeError or an ImportError."""
    facet = FACETS[name]
    with pytest.raises(ConfigError, match=rf"no .*: write bare_network/{facet.module}\.py with "):
        bare.facet(name)
    assert bare.status(name) == "missing"


@pytest.mark.parametrize("facet", ["env", "vector"])
def test_form_without_a_batch_asks_for_one(bare, own_table, facet):
    """The error names the missing parts of a form, also to who makes the environment."""
    said = r"has no .*: write bare_network/batch\.py with BATCH"
    with pytest.raises(ConfigError, match=said):
        bare.facet(facet)
    register_kind(bare)
    make = gymnasium.make if facet == "env" else gymnasium.make_vec
    with pytest.raises(ConfigError, match=said):
        make(bare.id)


def test_batch_of_another_class_is_refused(bare, write):
    """A form is made of a batch alone."""
    write("batch.py", "BATCH = 3\n")
    with pytest.raises(ConfigError, match=r"BATCH is 3: .* or write bare_network/env\.py with"):
        bare.facet("env")


def test_module_without_the_name_is_as_none(bare, write):
    """A file that is there does not hide what is missing in it."""
    write("policies.py", "POLICIES = {}\n")
    assert bare.facet("policies") == {}
    with pytest.raises(ConfigError, match=r"policies\.py with DEFAULT_POLICY"):
        bare.facet("default_policy")


def test_package_that_cannot_be_imported_is_named():
    """With what to do."""
    with pytest.raises(ConfigError, match=r"'bare_network', which cannot be imported .*PYTHONPATH"):
        BARE.facet("scenario")


@pytest.mark.parametrize("kind", kinds.kinds(), ids=lambda one: one.name)
def test_no_kind_of_this_package_lacks_a_facet(kind):
    """Each is there, or has a default in its place."""
    for facet in FACETS:
        assert kind.status(facet) != "missing"
        kind.facet(facet)


def test_registering_again_changes_nothing(own_table):
    """As importing a package again does."""
    register_kind(BARE)
    register_kind(BARE)
    assert kind_named("bare") is BARE
    assert kinds.kinds().count(BARE) == 1


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (EnvironmentKind("tic", "a/B-v0", "bare_network"), "'tic' .* has the same name or id"),
        (EnvironmentKind("b", "twin_gym/TicScheduling-v0", "b"), "'tic' .* has the same name or"),
        (EnvironmentKind("Tic tac", "a/B-v0", "b"), "a name such as 'my-network'"),
        (EnvironmentKind("b", "a/B", "b"), "an id such as 'my_package/MyNetwork-v0'"),
    ],
)
def test_wrong_kind_is_refused(own_table, kind, said):
    """Before anything is in a table."""
    with pytest.raises(ConfigError, match=said):
        register_kind(kind)
    assert kind not in kinds._TABLE.values()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_package", "names 'no_such_package', which cannot be imported .*PYTHONPATH"),
        ("bare_network:KIND", "names 'bare_network:KIND', which cannot be imported"),
        ("os:sep", "TWIN_GYM_KINDS names 'os:sep', which is of the type str and not an Env"),
        (":KIND", "names ':KIND', which cannot be imported"),
    ],
)
def test_variable_that_names_no_kind_is_refused(own_table, bare, monkeypatch, value, said):
    """In a sentence, by whatever asks for kinds first."""
    monkeypatch.setenv(kinds.KINDS_VARIABLE, value)
    for _ in range(2):
        with pytest.raises(ConfigError, match=said):
            kinds.kinds()


def test_entry_point_names_a_kind(own_table, write, monkeypatch):
    """As an installed package has it, whether or not importing it registers the kind."""
    write(
        "__init__.py",
        "from twin_gym.environments.kinds import EnvironmentKind\n"
        "KIND = EnvironmentKind('bare', 'bare_network/Bare-v0', __name__)\n",
    )
    point = EntryPoint("any", "bare_network:KIND", kinds.ENTRY_POINT_GROUP)
    monkeypatch.setattr(kinds, "entry_points", lambda group: [point])
    assert kind_named("bare") == BARE
    assert BARE.id in gymnasium.registry


def test_entry_point_that_cannot_be_imported_is_named(own_table, monkeypatch):
    """A package that is broken is told by name, and not as if it was asked for."""
    broken = EntryPoint("broken", "no_such_package:KIND", kinds.ENTRY_POINT_GROUP)
    monkeypatch.setattr(kinds, "entry_points", lambda group: [broken])
    with pytest.raises(ConfigError, match=r"point 'broken' of twin_gym.kinds names 'no_such_pack"):
        kinds.kinds()


def test_variable_names_kinds(own_table, write, monkeypatch):
    """Several, with blanks, each known by its name afterwards."""
    write(
        "__init__.py",
        "from twin_gym.environments.kinds import EnvironmentKind\n"
        "KIND = EnvironmentKind('bare', 'bare_network/Bare-v0', __name__)\n"
        "OTHER = EnvironmentKind('other', 'bare_network/Other-v0', __name__)\n",
    )
    monkeypatch.setenv(kinds.KINDS_VARIABLE, "bare_network, bare_network:OTHER ,")
    assert kind_named("bare") == BARE
    assert kind_named("other").title == "Other"


def test_unknown_form_is_no_attribute():
    """As Python asks for attributes that are not there."""
    assert not hasattr(factory, "nothing-env")
    assert not hasattr(factory, "tic-window")
    with pytest.raises(UnknownNameError):
        kind_named("tic").where("window")
