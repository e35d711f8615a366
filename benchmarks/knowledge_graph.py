"""How fast pools are computed and questions answered, and how many bytes a fact takes, on one core.

    python -m benchmarks.knowledge_graph             # about two minutes
    python -m benchmarks.knowledge_graph --quick     # a tenth of the facts and questions

Method: generated cities (five sensors a gateway), one question form after another, each of another
entity; the median of five. CPU time is the process's. Bytes are those that Python allocates for a
store in memory, counted by `tracemalloc` while it is filled in batches; facts are values and
relations, each with its time.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.console.printing import number, output, table
from twin_gym.console.tables import WholeTable
from twin_gym.files.places import check_file
from twin_gym.files.whole import write_text
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load
from twin_gym.twins.history import open_store, read_store, record_run
from twin_gym.twins.knowledge import (
    Asker,
    Entity,
    HistoryGraph,
    LadybugStore,
    LiveGraph,
    MemoryStore,
    RelationEvent,
    pool,
    presence_of,
    topology_of,
)
from twin_gym.twins.knowledge.cities import LARGE, CityPlan, generate_city
from twin_gym.twins.realtime import Event

RESULT = Path(__file__).parent / "results" / "knowledge_graph.json"
REPETITIONS = 5
FACTS, QUICK_FACTS = 1_000_000, 100_000
QUESTIONS, QUICK_QUESTIONS = 2_000, 200
MANY_NODES = CityPlan(sensors=8_335, gateways=1_667)
POOLING_TARGET_MS = 10.0
SENSORS_A_BATCH = 1_000
SENSORS_A_GATEWAY = 5
CITY_FORMS = (
    "to which gateway is sensor {} connected",
    "what is the x of sensor {}",
    "how many sensors are connected to gateway {}",
)
NETWORK_FORMS = (
    "to which gateway is sensor {} connected",
    "what is the uplink queue of sensor {}",
    "how many sensors does gateway {} serve",
)

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Line:
    """One row of the table.

    Attributes:
        what: what was measured.
        value: median of five.
        unit: of the value.
        target: what was asked; empty where nothing was.
    """

    what: str
    value: float
    unit: str
    target: str = ""


def cpu_s(run: Callable[[], object]) -> float:
    """Median of five of the CPU time of a call."""
    times = []
    for _ in range(REPETITIONS):
        before = time.process_time()
        run()
        times.append(time.process_time() - before)
    return statistics.median(times)


def pooling_lines() -> list[Line]:
    """Pools of 10,000 nodes, and what is read of the graph before."""
    graph = generate_city(MANY_NODES).graph()
    topology = topology_of(graph)
    nodes = f"{len(topology.names):,} nodes"
    target = f"below {POOLING_TARGET_MS:g}"
    return [
        Line(f"pool, {nodes}", 1e3 * cpu_s(lambda: pool(topology)), "ms", target),
        Line(f"topology_of, {nodes}", 1e3 * cpu_s(lambda: topology_of(graph)), "ms"),
        Line(f"presence_of, {nodes}", 1e3 * cpu_s(lambda: presence_of(graph, topology)), "ms"),
    ]


def asked(
    what: str, asker: Asker, forms: tuple[str, ...], counts: tuple[int, int], questions: int
) -> Line:
    """Questions a CPU second, a third of each form.

    Args:
        what: name of the line.
        asker: answers them.
        forms: of questions about a sensor, a sensor, and a gateway.
        counts: numbers of sensors and of gateways.
        questions: number of questions.
    """
    num_sensors, num_gateways = counts
    limits = (num_sensors, num_sensors, num_gateways)
    texts = [
        forms[k % len(forms)].format(k // len(forms) % limits[k % len(forms)])
        for k in range(questions)
    ]
    if not all(asker.ask(text).is_known for text in texts[: len(forms)]):
        raise SystemExit("an answer is not known: the graph is wrong")
    taken_s = cpu_s(lambda: [asker.ask(text) for text in texts])
    return Line(f"questions, {what}", questions / taken_s, "a CPU second")


def question_lines(folder: Path, questions: int) -> list[Line]:
    """Questions to each kind of graph."""
    sizes = {"304 entities": LARGE, "10,006 entities": MANY_NODES}
    lines = [
        asked(
            f"memory, {size}", Asker(generate_city(plan).graph()), CITY_FORMS,
            (plan.sensors, plan.gateways), questions,
        )
        for size, plan in sizes.items()
    ]  # fmt: skip
    if importlib.util.find_spec("ladybug") is not None:
        with LadybugStore() as store:
            generate_city(LARGE).fill(store)
            counts = LARGE.sensors, LARGE.gateways
            lines.append(
                asked("ladybug, 304 entities", Asker(store), CITY_FORMS, counts, questions)
            )
    scenario = load("tic-small-45")
    path = folder / "history.db"
    with open_store(path) as kept:
        twin = record_run(kept, make_policy("equal", scenario), scenario, 1, max_steps=200)
    counts = len(twin.graph.twins("Sensor")), len(twin.graph.twins("Gateway"))
    live = Asker(LiveGraph(twin))
    lines.append(asked("real-time twin, 50 sensors", live, NETWORK_FORMS, counts, questions))
    with read_store(path) as reader:
        then = Asker(HistoryGraph(reader))
        lines.append(asked("historical store, 50 sensors", then, NETWORK_FORMS, counts, questions))
    return lines


def batches(num_facts: int) -> Iterator[tuple[list[Entity], list[RelationEvent], list[Event]]]:
    """Sensors with four values and two relations each, in batches."""
    a_sensor = 6
    for first in range(0, num_facts // a_sensor, SENSORS_A_BATCH):
        sensors = range(first, first + SENSORS_A_BATCH)
        gateways = [f"gateway/{j}" for j in sorted({i // SENSORS_A_GATEWAY for i in sensors})]
        entities = [
            *(Entity(one, "Gateway") for one in gateways),
            *(Entity(f"sensor/{i}", "AirQualityObserved", {"x_m": i + 0.5, "y_m": i - 0.5})
              for i in sensors),
        ]  # fmt: skip
        relations, events = [], []
        for i in sensors:
            name, time_s = f"sensor/{i}", i * 1e-6
            relations += [
                RelationEvent(time_s, name, "connected_to", f"gateway/{i // SENSORS_A_GATEWAY}"),
                RelationEvent(time_s, name, "serves_in", "service/air-quality"),
            ]
            events += [
                Event(time_s, name, "pm25_ug_per_m3", i * 0.25),
                Event(time_s, name, "presence", True),
            ]
        yield entities, relations, events


def memory_lines(num_facts: int) -> list[Line]:
    """Bytes of a store, and the rate of writing, with as many facts."""
    lines = []
    for is_traced in (False, True):
        store = MemoryStore()
        store.add([Entity("service/air-quality", "Service")])
        store.advance(1e6)
        spent_s, facts = 0.0, 0
        if is_traced:
            tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0] if is_traced else 0
        for entities, relations, events in batches(num_facts):
            clock = time.process_time()
            store.add(entities)
            store.relate(relations)
            store.take(events)
            spent_s += time.process_time() - clock
            static = sum(len(one.properties) for one in entities)
            facts += static + len(relations) + len(events)
        del entities, relations, events
        if is_traced:
            held = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            lines.append(Line(f"{facts:,} facts in memory", held / 1e6, "MB"))
            lines.append(Line("a fact in memory", held / facts, "bytes"))
        else:
            lines.append(Line("facts written to memory", facts / spent_s, "a CPU second"))
    return lines


def lines_table(lines: list[Line]) -> WholeTable:
    """The lines for a terminal."""
    made = table("knowledge graph, one core, median of five", ["what", "value", "unit", "asked"])
    for one in lines:
        made.add_row(one.what, number(one.value), one.unit, one.target)
    return made


@app.command(cls=ErrorReportingCommand)
def main(
    quick: Annotated[bool, typer.Option(help="a tenth of the facts and questions")] = False,
    output_file: Annotated[
        Path, typer.Option("--output", help="where the JSON result goes")
    ] = RESULT,
) -> None:
    """How fast pools and answers are, and how large a fact is, on one core."""
    check_file(output_file, [".json"], makes_folder=True)
    lines = pooling_lines()
    with tempfile.TemporaryDirectory() as place:
        lines += question_lines(Path(place), QUICK_QUESTIONS if quick else QUESTIONS)
    lines += memory_lines(QUICK_FACTS if quick else FACTS)
    output().print(lines_table(lines))
    machine = {
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }
    result = {"method": "median of five", **machine, "lines": [asdict(one) for one in lines]}
    write_text(output_file, json.dumps(result, indent=2) + "\n", makes_folder=True)


if __name__ == "__main__":
    app()
