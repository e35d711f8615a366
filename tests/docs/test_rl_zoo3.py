"""The documented RL-Zoo3 commands work, from the files in agents/rl_zoo3."""

import runpy
import sys
from pathlib import Path

import pytest
import yaml

from twin_gym.environments.kinds import kinds
from twin_gym.sb3 import masked_policy_kwargs
from twin_gym.scenario.loading import load

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "agents" / "rl_zoo3").glob("*.yml"))
ID = "twin_gym/SliceAdmission-v0"
IDS = tuple(one.id for one in kinds())


@pytest.mark.slow
@pytest.mark.filterwarnings("default::DeprecationWarning")
@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_configuration_trains(config, env_id, tmp_path, monkeypatch):
    """`rl_zoo3.train` with the file gives a model, its settings, and what normalises rewards."""
    command = (
        "rl_zoo3.train", "--env", env_id, "--gym-packages", "twin_gym", "--num-threads", "1",
        "--algo", config.stem, "--conf-file", str(config), "-n", "2000", "--eval-freq", "-1",
        "--seed", "0", "--log-folder", "logs",
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", list(command))
    runpy.run_module(command[0], run_name="__main__")
    written = {path.name for path in (tmp_path / "logs").rglob("*")}
    assert {env_id.replace("/", "-") + ".zip", "vecnormalize.pkl", "config.yml"} <= written


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_environment_has_a_configuration(config):
    """And nothing else has: a misspelt id would never be read."""
    assert yaml.safe_load(config.read_text()).keys() == set(IDS)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_mask_is_where_the_configuration_says(config):
    """The columns in the file are those of the scenario it trains on."""
    settings = yaml.safe_load(config.read_text())[ID]
    wanted = masked_policy_kwargs(load(settings["env_kwargs"]["scenario"]))
    assert settings["policy_kwargs"] == (
        f"dict(mask_columns={wanted['mask_columns']}, net_arch={wanted['net_arch']})"
    )
    assert settings["normalize"]["norm_obs"] is False
    sync = yaml.safe_load(config.read_text())["twin_gym/RightTimeSync-v0"]
    wanted = masked_policy_kwargs(load(sync["env_kwargs"]["scenario"]))
    assert wanted["mask_columns"] == (150,) * 50
    assert sync["policy_kwargs"] == f"dict(mask_columns=(150,) * 50, net_arch={wanted['net_arch']})"
