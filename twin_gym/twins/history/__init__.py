"""The historical store: telemetry, snapshots and decisions in an SQLite file, as of any time.

`open_store` creates a store or opens it for writing, `read_store` opens it for reading, and
`record_run` fills it from a running environment. `export_parquet`, `export_duckdb` and
`to_transitions` export it; only these need extras.
"""

from twin_gym.twins.history.checking import Check, check_store
from twin_gym.twins.history.decisions import Decisions
from twin_gym.twins.history.export import export_duckdb, export_parquet, to_transitions
from twin_gym.twins.history.minari_export import export_store_minari
from twin_gym.twins.history.reading import HistoryReader
from twin_gym.twins.history.recording import record_run
from twin_gym.twins.history.records import Episode, Series
from twin_gym.twins.history.retention import Retention
from twin_gym.twins.history.store import HistoryStore, open_store, read_store

__all__ = [
    "Check",
    "Decisions",
    "Episode",
    "HistoryReader",
    "HistoryStore",
    "Retention",
    "Series",
    "check_store",
    "export_duckdb",
    "export_parquet",
    "export_store_minari",
    "open_store",
    "read_store",
    "record_run",
    "to_transitions",
]
