"""The reader of the openb pod list."""

import time

import numpy as np
import pytest

from twin_gym.environments.slice_admission.openb import SLICES, read_openb, read_pods, slice_of
from twin_gym.environments.slice_admission.replay import load_trace
from twin_gym.errors import TraceError
from twin_gym.scenario.loading import load

HEADER = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,qos,pod_phase,"
    "creation_time,deletion_time,scheduled_time\n"
)
GOOD = (
    HEADER
    + "a,12000,16384,1,1000,LS,Running,100,700,100\n"
    + "b,4000,2048,1,470,BE,Pending,160,160,\n"
    + "c,8000,8192,0,0,Burstable,Failed,200,260,200\n"
    + "d,96000,1024,8,1000,BE,Succeeded,200,300,200\n"
)


@pytest.fixture
def file(tmp_path):
    """A pod list with the given text, as a function."""

    def write(text):
        path = tmp_path / "pods.csv"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("qos", "num_gpus", "gpu_milli", "slice_name"),
    [
        ("LS", 1, 1000, "immersive"),
        ("Burstable", 8, 1000, "immersive"),
        ("LS", 1, 999, "hrllc"),
        ("Guaranteed", 0, 0, "hrllc"),
        ("BE", 1, 470, "massive"),
        ("BE", 1, 1000, "ubiquitous"),
        ("BE", 0, 0, "ubiquitous"),
    ],
)
def test_pods_stand_for_slices(qos, num_gpus, gpu_milli, slice_name):
    """Class of job and size of the GPU share choose the slice."""
    assert slice_of(qos, num_gpus, gpu_milli) == slice_name


def test_pods_are_read_as_requests(file):
    """Lifetime is deletion minus creation, whatever became of the pod; zero counts as a second."""
    trace = read_openb(file(GOOD), SLICES, 100.0, 500.0)
    np.testing.assert_array_equal(trace.arrival_s, [0.0, 60.0, 100.0, 100.0])
    np.testing.assert_array_equal(trace.holding_s, [600.0, 1.0, 60.0, 100.0])
    assert trace.slice_names.tolist() == ["immersive", "massive", "hrllc", "ubiquitous"]


def test_demands_are_in_gpus_cores_and_gib(file):
    """GPUs, cores and GiB stand for radio, computing and storage."""
    pods = list(read_pods(file(GOOD)))
    assert pods[1].demand == (0.47, 4.0, 2.0)
    assert pods[3].demand == (8.0, 96.0, 1.0)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("LS", "ls", "line 2: `qos` must be one of LS, BE, Burstable, Guaranteed, got 'ls'"),
        ("1,470", "1,1470", "line 3: `gpu_milli` must be between 0 and 1000"),
        ("1,470", "-1,470", "line 3: `num_gpu` must be between"),
        ("4000,", "x,", "line 3: `cpu_milli` must be a decimal number, got 'x'"),
        ("100,700", "100,99", "line 2: `deletion_time` must not be before `creation_time`"),
        ("100,700", "100,", "line 2: `deletion_time` is empty"),
        ("100,700", "170,700", "line 3: arrivals must not fall, got 160 after 170"),
        ("qos", "quality", "line 1: the header lacks the column `qos`"),
    ],
)
def test_bad_pods_are_refused_with_the_line(file, old, new, says):
    """Values out of range, times that run backwards, columns that are missing."""
    with pytest.raises(TraceError, match=says):
        read_openb(file(GOOD.replace(old, new, 1)), SLICES, 0.0, 500.0)


def test_scenario_without_the_slice_is_refused(file):
    """The pods of the window must belong to slices of the scenario."""
    with pytest.raises(TraceError, match="line 5: unknown slice 'ubiquitous'"):
        read_openb(file(GOOD), SLICES[:3], 0.0, 500.0)


def test_real_trace_is_read(data_dir, monkeypatch):
    """The 7,119 pods of days 120 to 148, split as the docstring of the reader says."""
    monkeypatch.setenv("TWIN_GYM_DATA", str(data_dir))
    scenario = load("service-trace")
    trace = load_trace(scenario.trace, scenario.slice_names)
    counts = {name: int((trace.slice_names == name).sum()) for name in SLICES}
    assert counts == {"immersive": 3045, "hrllc": 1211, "massive": 2041, "ubiquitous": 822}
    assert trace.duration_s == 29 * 86_400
    assert trace.holding_s.min() == 1.0
    assert trace.holding_s.max() == 2_281_963.0


def test_real_trace_is_read_quickly(data_dir):
    """Under half a second of processor time."""
    scenario = load("service-trace")
    begin_s = time.process_time()
    read_openb(
        data_dir / scenario.trace.path,
        scenario.slice_names,
        scenario.trace.first_s,
        scenario.trace.last_s,
    )
    assert time.process_time() - begin_s < 0.5
