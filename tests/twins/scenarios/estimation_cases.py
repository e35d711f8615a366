"""Episodes whose telemetry is written by hand, and what is estimated from them."""

from twin_gym.twins.history import open_store
from twin_gym.twins.realtime import Event, TwinGraph
from twin_gym.twins.scenarios.estimation.telemetry import EpisodeTelemetry
from twin_gym.twins.scenarios.estimation.windows import estimator_of


def property_events(twin, name, series):
    """Events of a property: pairs of seconds and value."""
    return [Event(float(time_s), twin, name, value) for time_s, value in series]


def graph_of(twins, time_s=0.0):
    """A graph in which each twin, (id, kind, properties), was told of at a time."""
    graph = TwinGraph()
    for twin, kind, properties in twins:
        graph.add_twin(twin, kind, properties)
    graph.advance(time_s)
    return graph.snapshot()


def telemetry_of(store, base, events, snapshots=(), until_s=float("inf")):
    """A new episode of a store in which these were heard."""
    store.begin_episode(base, 1)
    store.append(events, snapshots=snapshots)
    return EpisodeTelemetry(store, store.episode, until_s)


def evidence_from(folder, base, events, snapshots=(), start_s=0.0, end_s=float("inf")):
    """The evidence of a window of an episode of these events."""
    with open_store(folder / "store.db") as store:
        telemetry = telemetry_of(store, base, events, snapshots)
        return estimator_of(base.kind)(telemetry, base, start_s, end_s)
