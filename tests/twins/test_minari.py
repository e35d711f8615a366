"""Minari data sets: what comes back is what went in, and nothing is written elsewhere."""

import json
import subprocess
import sys
from importlib.metadata import version

import minari
import numpy as np
import pytest

from tests.twins.cases import DearestPolicy, small_network
from twin_gym.errors import ConfigError, MissingExtraError
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load, parse
from twin_gym.twins import export_minari, import_minari, minari_data, record_transitions

ID = "twin_gym/slice-admission/contention-density-v0"


@pytest.fixture(scope="module")
def data(contention):
    """240 steps of `contention` in three networks."""
    policy = make_policy("density", contention)
    return record_transitions(policy, contention, 240, epsilon=0.3, seed=4, num_networks=3)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A root for data sets that Minari knows too, and a home in which nothing may appear."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "sets"))
    yield tmp_path / "sets"
    assert not list(home.iterdir())


@pytest.fixture
def folder(data, contention, root):
    """The data set, written."""
    return export_minari(data, contention, root, ID, protocol="1", author="someone")


def everything_under(folder):
    """Names of all files and folders."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_round_trip_is_exact(data, folder):
    """Every value and every type, and what is known of them."""
    back = import_minari(folder)
    assert back.digest == data.digest
    for name, array in vars(data).items():
        np.testing.assert_array_equal(getattr(back, name), array)


def test_nothing_else_is_written(folder, root):
    """The data set, and the two files by which Minari knows a namespace."""
    assert folder == root / ID
    parts = ["twin_gym", "twin_gym/slice-admission", ID, f"{ID}/data"]
    files = [f"{part}/namespace_metadata.json" for part in parts[:2]]
    files += [f"{ID}/data/main_data.hdf5", f"{ID}/data/metadata.json"]
    assert everything_under(root) == sorted(parts + files)


def test_minari_gives_the_episodes_back(data, folder):
    """By id, with seeds, infos one longer than steps, and the environment they came from."""
    assert folder.is_dir()
    assert list(minari.list_local_datasets()) == [ID]
    dataset = minari.load_dataset(ID)
    assert (dataset.total_steps, dataset.total_episodes) == (240, len(data.seeds))
    env = dataset.recover_environment()
    numbers = range(dataset.total_episodes)
    for about, episode in zip(
        dataset.storage.get_episode_metadata(numbers), dataset.iterate_episodes(), strict=True
    ):
        seen, info = env.reset(seed=about["seed"])
        for step, action in enumerate(episode.actions):
            np.testing.assert_array_equal(seen, episode.observations[step])
            np.testing.assert_array_equal(info["action_mask"], episode.infos["action_mask"][step])
            seen, reward, _, _, info = env.step(action)
            assert reward == episode.rewards[step]
            assert info["elapsed_s"] == episode.infos["elapsed_s"][step + 1]
        np.testing.assert_array_equal(seen, episode.observations[-1])
        assert episode.infos["elapsed_s"][0] == 0.0
        assert not episode.terminations.any()
        assert episode.truncations.tolist() == [False] * (len(episode) - 1) + [True]


def test_metadata_says_where_the_data_are_from(data, contention, folder):
    """Scenario, policy, chance, seeds, protocol and versions."""
    about = json.loads((folder / "data" / "metadata.json").read_text())
    assert about["scenario_digest"] == contention.digest
    assert parse(about["scenario_toml"]) == contention
    assert (about["policy"], about["epsilon"], about["protocol"]) == ("density", 0.3, "1")
    assert about["world_seeds"] == data.seeds.tolist()
    assert about["transitions_digest"] == data.digest
    assert about["versions"].keys() >= {"twin-gym", "numpy", "minari", "python"}
    assert (about["minari_version"], about["author"]) == (version("minari"), ["someone"])


def test_a_scenario_of_ones_own_stands_in_the_metadata(root):
    """No name makes its environment again; its text does."""
    small = small_network()
    data = record_transitions(DearestPolicy(), small, 40, num_networks=2, action="slot")
    folder = export_minari(data, small, root, "mine-v3")
    assert import_minari(folder).digest == data.digest
    dataset = minari.load_dataset("mine-v3")
    assert dataset.env_spec is None
    assert parse(dataset.storage.metadata["scenario_toml"]) == small


def test_preset_of_another_horizon_has_no_name(contention):
    """A name alone would make another environment."""
    changed = contention.model_copy(update={"horizon_s": 7.0})
    data = record_transitions(make_policy("density", changed), changed, 20, num_networks=1)
    assert minari_data.env_spec(changed, data.action) is None
    assert minari_data.env_spec(contention, data.action) is not None


def test_existing_data_set_is_refused(data, contention, folder, root):
    """And stays what it is."""
    before = (folder / "data" / "main_data.hdf5").read_bytes()
    with pytest.raises(ConfigError, match="already"):
        export_minari(data, contention, root, ID)
    assert (folder / "data" / "main_data.hdf5").read_bytes() == before


@pytest.mark.parametrize(
    "wrong",
    ["", "a", "a-v", "../a-v0", "/a-v0", "a/../b-v0", "a//b-v0", "a b-v0", ".a-v0", "a-v0/"],
)
def test_malformed_id_is_refused(data, contention, root, wrong):
    """Nothing is made; an id that leaves the root is malformed."""
    with pytest.raises(ConfigError, match="id is"):
        export_minari(data, contention, root, wrong)
    assert not root.exists()


def test_other_scenario_is_refused(data, root):
    """The metadata must not lie."""
    with pytest.raises(ConfigError, match="that was recorded"):
        export_minari(data, load("mild"), root, ID)


def test_interrupted_export_leaves_no_data_set(data, contention, root, monkeypatch):
    """An incomplete data set never has the final name."""

    def break_off(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(minari_data, "_episodes", break_off)
    with pytest.raises(KeyboardInterrupt):
        export_minari(data, contention, root, ID)
    assert not [name for name in everything_under(root) if "data.hdf5" in name or name == ID]


def changed_metadata(**changes):
    """A fault: values of the metadata are replaced."""

    def damage(folder):
        path = folder / "data" / "metadata.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


def cut_data(folder):
    """A fault: half of the data are missing."""
    path = folder / "data" / "main_data.hdf5"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage",
    [
        cut_data,
        lambda folder: (folder / "data" / "main_data.hdf5").unlink(),
        lambda folder: (folder / "data" / "main_data.hdf5").write_bytes(b"\x80\x04K\x01."),
        lambda folder: (folder / "data" / "metadata.json").unlink(),
        lambda folder: (folder / "data" / "metadata.json").write_text("{"),
        lambda folder: (folder / "data" / "metadata.json").write_text("[]"),
        changed_metadata(twin_gym_format="other"),
        changed_metadata(total_episodes=99),
        changed_metadata(total_episodes=0),
        changed_metadata(epsilon="much"),
        changed_metadata(action_form="other"),
        changed_metadata(transitions_digest="0" * 16),
    ],
)
def test_damaged_data_set_is_refused(folder, damage):
    """With its folder, whatever is wrong."""
    damage(folder)
    with pytest.raises(ConfigError, match="contention-density-v0"):
        import_minari(folder)


@pytest.mark.parametrize("missing", ["minari.dataset.minari_storage", "h5py", "PIL"])
def test_missing_extra_names_the_command(missing, monkeypatch):
    """The twins themselves do without; what needs Minari says so."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=r'pip install "twin-gym\[offline\]"'):
        import_minari("nowhere")


@pytest.mark.slow
def test_minari_is_not_loaded_by_the_twins():
    """In a process of its own: whoever does not ask for a data set does not pay for it."""
    code = "import sys, twin_gym.twins; print(*({'minari', 'h5py'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
