"""Captures of a real core, and a log of the emulator in which everything happens."""

from pathlib import Path

import pytest

from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.presets import load
from twin_gym.twins.signalling.wire.pcap import read_capture
from twin_gym.twins.signalling.wire.transport import payloads_of

CAPTURES = ("rnp_5g_aka", "rnp_eap_aka_prime_nofix", "rnp_eap_aka_prime_partial")


@pytest.fixture(scope="session")
def captures(data_dir) -> dict[str, Path]:
    """The three captures of free5GC and UERANSIM, by name; skipped where they are not."""
    folder = data_dir / "fivegc_signalling"
    paths = {name: folder / f"{name}.pcap" for name in CAPTURES}
    absent = [name for name, path in paths.items() if not path.is_file()]
    if absent:
        pytest.skip(f"no captures here: {folder} lacks {', '.join(absent)}")
    return paths


@pytest.fixture(scope="session")
def captured(captures):
    """Every control message of the captures in bytes, by capture; retransmissions too."""
    return {name: payloads_of(read_capture(path))[0] for name, path in captures.items()}


@pytest.fixture(scope="session")
def eventful_log():
    """Ten minutes of a few UEs in four slices, in which each failure happens now and then."""
    scenario = load("signalling-four-slices")
    shares = dict.fromkeys(type(scenario.failures).model_fields, 0.1)
    return emulate(scenario.replace(failures=shares), seed=3, num_ues=10, horizon_s=300.0)
