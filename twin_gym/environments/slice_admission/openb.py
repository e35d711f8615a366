"""Reader of the openb trace: pods of a production GPU cluster, told as slice requests.

Source: Alibaba cluster-trace-gpu-v2023; Weng et al., Beware of Fragmentation: Scheduling
GPU-Sharing Workloads with Fragmentation Gradient Descent, USENIX ATC 2023. The columns used are
qos, num_gpu, gpu_milli, cpu_milli, memory_mib, creation_time and deletion_time.

**This is an analogy.** The pods are computing jobs, not requests to a network. What is real is when
they came, how long they lived and what they asked for together; that GPU stands for radio, CPU for
computing, memory for storage, and a class of job for a slice is this project's reading:

===========  ======================================  ==================
slice        pods                                    on days 120 to 148
===========  ======================================  ==================
immersive    not best effort, one whole GPU or more               3,045
hrllc        not best effort, part of a GPU or none               1,211
massive      best effort, part of a GPU                           2,041
ubiquitous   best effort, whole GPUs or none                        822
===========  ======================================  ==================

"Not best effort" are the classes LS (latency-sensitive), Burstable and Guaranteed; the last two are
too few (100 and 7 pods in the whole trace) for slices of their own. The four differ as slices do:
immersive requests are large and live longest, hrllc ones ask for computing and little radio,
massive ones are the smallest in computing and storage, ubiquitous ones are a few heavy batch jobs.

**Holding time** is deletion minus creation, of every pod whatever became of it. About a tenth of
the pods (phase Pending) were withdrawn before they ever ran: they came, so they stay in the
arrivals, and their lifetime is the time until they were withdrawn; they carry 0.4 % of the work.
The trace ends while 13 pods of the window still live: their lifetimes are cut there. The clock of
the trace ticks in seconds: a lifetime of 0 counts as 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twin_gym.scenario.base import MAX_TIME_S
from twin_gym.scenario.tables import Row, read_rows
from twin_gym.scenario.traces import RequestTrace, TraceRequest, window

SLICES = ("immersive", "hrllc", "massive", "ubiquitous")
"""The slices that the pods are mapped to."""

RESOURCES = ("radio", "computing", "storage")
"""The resources: GPUs, CPU cores and GiB of memory, in this order."""

_QOS = ("LS", "BE", "Burstable", "Guaranteed")
_COLUMNS = (
    "qos",
    "num_gpu",
    "gpu_milli",
    "cpu_milli",
    "memory_mib",
    "creation_time",
    "deletion_time",
)
_WHOLE_GPU_MILLI = 1000.0
_MAX_GPUS = 1024.0
_MAX_MILLI = 1e9
_TICK_S = 1.0


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod as a slice request.

    Attributes:
        row: where it stands in the file.
        slice_name: the slice that it is mapped to.
        created_s: arrival, in seconds of the trace.
        lifetime_s: deletion minus creation, at least one second.
        demand: GPUs, CPU cores and GiB of memory that it asks for.
    """

    row: Row
    slice_name: str
    created_s: float
    lifetime_s: float
    demand: tuple[float, float, float]


def slice_of(qos: str, num_gpus: float, gpu_milli: float) -> str:
    """The slice of a pod.

    Args:
        qos: LS, BE, Burstable or Guaranteed.
        num_gpus: how many GPUs it asks for.
        gpu_milli: thousandths of each of them.

    Returns:
        One of `SLICES`.

    Example:
        >>> slice_of("LS", 1, 1000), slice_of("BE", 1, 470)
        ('immersive', 'massive')
    """
    has_whole_gpu = num_gpus >= 1 and gpu_milli >= _WHOLE_GPU_MILLI
    has_part = num_gpus >= 1 and not has_whole_gpu
    if qos != "BE":
        return "immersive" if has_whole_gpu else "hrllc"
    return "massive" if has_part else "ubiquitous"


def read_openb(
    path: Path, slice_names: Sequence[str], first_s: float, last_s: float
) -> RequestTrace:
    """Requests from the pod list of the openb trace.

    Args:
        path: the pod list, CSV.
        slice_names: the slices that a request may belong to; see `SLICES`.
        first_s: start of the window, in seconds of the trace, inclusive.
        last_s: end of the window, exclusive.

    Returns:
        The requests of the window.

    Raises:
        TraceError: if the file breaks its format anywhere, with the line; if a pod of the window
            belongs to no slice of the scenario; or if no pod falls into the window.
    """
    requests = (
        TraceRequest(pod.row, pod.slice_name, pod.created_s, pod.lifetime_s)
        for pod in read_pods(path)
    )
    return window(path, requests, slice_names, first_s, last_s)


def read_pods(path: Path) -> Iterator[Pod]:
    """All pods of the list, in the order of the file.

    Args:
        path: the pod list, CSV.

    Yields:
        One `Pod` a row.

    Raises:
        TraceError: if a row breaks the format, with its line.
    """
    for row in read_rows(path, _COLUMNS):
        yield _pod(row)


def _pod(row: Row) -> Pod:
    qos = row.text("qos")
    if qos not in _QOS:
        raise row.error(f"`qos` must be one of {', '.join(_QOS)}, got {qos!r:.40}")
    num_gpus = row.number("num_gpu", low=0.0, high=_MAX_GPUS)
    gpu_milli = row.number("gpu_milli", low=0.0, high=_WHOLE_GPU_MILLI)
    created_s = row.number("creation_time", low=0.0, high=MAX_TIME_S)
    deleted_s = row.number("deletion_time", low=0.0, high=MAX_TIME_S)
    if deleted_s < created_s:
        raise row.error(
            f"`deletion_time` must not be before `creation_time` ({created_s:g}), got {deleted_s:g}"
        )
    return Pod(
        row=row,
        slice_name=slice_of(qos, num_gpus, gpu_milli),
        created_s=created_s,
        lifetime_s=max(deleted_s - created_s, _TICK_S),
        demand=(
            num_gpus * gpu_milli / _WHOLE_GPU_MILLI,
            row.number("cpu_milli", low=0.0, high=_MAX_MILLI) / 1000.0,
            row.number("memory_mib", low=0.0, high=_MAX_MILLI) / 1024.0,
        ),
    )
