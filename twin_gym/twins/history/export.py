"""History for other programs: Parquet, DuckDB, and transitions for offline learning."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError, missing_extra
from twin_gym.files.whole import give_name
from twin_gym.twins.history.decisions import Decisions
from twin_gym.twins.history.reading import HistoryReader
from twin_gym.twins.history.records import Episode, numbers_asked
from twin_gym.twins.plain import file_path

if TYPE_CHECKING:
    from twin_gym.twins.transitions import Transitions

EXTRA = "history"
ROWS_AT_ONCE = 500_000


def export_parquet(store: HistoryReader, folder: str | Path) -> Path:
    """Writes the telemetry and the episodes of a store as Parquet files.

    `telemetry.parquet` has `episode`, `twin`, `property`, `time_s`, `value` (a number); in the
    order of episode, twin and property as they were first told of, and time. `episodes.parquet` has
    what `Episode` has. The folder appears under its name when it is complete.

    Args:
        store: the open store.
        folder: that does not exist yet.

    Returns:
        The folder.

    Raises:
        ConfigError: if the folder exists, or its own folder does not.
        MissingExtraError: if pyarrow is not installed.
    """
    arrow = _pyarrow()
    target = file_path(folder, "the folder of the tables")
    with _made_aside(target, arrow.ArrowException) as aside:
        part = aside / "tables"
        part.mkdir()
        _write_tables(arrow, store, part)
        part.rename(target)
    return target


def export_duckdb(store: HistoryReader, path: str | Path) -> Path:
    """Writes the tables of `export_parquet` into a DuckDB database, for large analysis.

    Args:
        store: the open store.
        path: of a file that does not exist yet.

    Returns:
        The path.

    Raises:
        ConfigError: if the file exists, or its folder does not.
        MissingExtraError: if DuckDB or pyarrow is not installed.
    """
    arrow = _pyarrow()
    try:
        duckdb: Any = import_module("duckdb")
    except ImportError as error:
        raise missing_extra("a DuckDB database", EXTRA) from error
    target = file_path(path, "the path of a database")
    with _made_aside(target, arrow.ArrowException, duckdb.Error) as part:
        _write_tables(arrow, store, part)
        with duckdb.connect(str(part / "database")) as database:
            for statement, name in _FROM_PARQUET:
                database.execute(statement, [str(part / name)])
        give_name(part / "database", target)
    return target


@contextmanager
def _made_aside(target: Path, *errors: type[Exception]) -> Iterator[Path]:
    """A temporary folder beside the target, deleted at the end.

    A process that is killed leaves it, `.twin_gym-export-` with random letters; it can be deleted.

    Raises:
        ConfigError: if the target exists or cannot be written.
    """
    _check_is_new(target)
    expected: tuple[type[Exception], ...] = (OSError, *errors)
    try:
        with tempfile.TemporaryDirectory(prefix=".twin_gym-export-", dir=target.parent) as aside:
            yield Path(aside)
    except expected as error:
        if isinstance(error, FileExistsError) or target.exists():
            _check_is_new(target)
        said = getattr(error, "strerror", None) or error
        raise ConfigError(f"{str(target)!r} cannot be written: {said!s:.200}") from None


_FROM_PARQUET = (
    ("CREATE TABLE episodes AS SELECT * FROM read_parquet(?)", "episodes.parquet"),
    ("CREATE TABLE telemetry AS SELECT * FROM read_parquet(?)", "telemetry.parquet"),
)


def to_transitions(
    store: HistoryReader, scenario: AdmissionScenario, episodes: Sequence[int] | None = None
) -> Transitions:
    """The decisions of a store as transitions, which `export_minari` and offline learners take.

    Args:
        store: the open store.
        scenario: of slice admission; what ran in these episodes.
        episodes: numbers; None: all of this scenario that have decisions.

    Returns:
        Steps of episodes, one after the other; an episode that was cut short counts as truncated.

    Raises:
        ConfigError: if there is no such episode, or they differ in policy or form of action.
        MissingExtraError: if the extra `twins` is not installed.
    """
    try:
        from twin_gym.twins.transitions import Transitions
    except ImportError as error:
        raise missing_extra("transitions", "twins") from error

    asked = numbers_asked(episodes)
    with store.one_moment():
        known = {one.id: one for one in store.episodes()}
        wanted = [
            one
            for one in known.values()
            if (one.digest == scenario.digest if asked is None else one.id in asked)
        ]
        logs = {one.id: list(store.decisions(one.id)) for one in wanted}
    missing = set(asked or ()) - known.keys()
    wanted = [one for one in wanted if logs[one.id]]
    if missing or not wanted:
        raise ConfigError(
            f"the store has no decisions of the episodes {sorted(missing) or asked or 'asked'} "
            f"of {scenario.name!r}; it has the episodes {sorted(known)[:20]}"
        )
    _check_alike(wanted, scenario)
    parts = [followed(one, logs[one.id]) for one in wanted]
    joined: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    return Transitions(
        **joined,
        seeds=np.array([one.seed for one in wanted], np.int64),
        scenario_digest=scenario.digest,
        action="slot" if wanted[0].action == "slot" else "slice",
        policy=wanted[0].policy,
    )


def _check_alike(episodes: Sequence[Episode], scenario: AdmissionScenario) -> None:
    alike = {(one.kind, one.digest, one.policy, one.action) for one in episodes}
    if len(alike) > 1 or (episodes[0].kind, episodes[0].digest) != ("admission", scenario.digest):
        raise ConfigError(
            f"transitions are of one policy and form of action on {scenario.name!r} "
            f"({scenario.digest}); got {sorted(alike)[:3]}: choose `episodes`"
        )


def followed(episode: Episode, logs: Sequence[Decisions]) -> dict[str, NDArray[Any]]:
    """The logs of an episode as the arrays of `Transitions`.

    Args:
        episode: whose.
        logs: one at least, in order.

    Raises:
        ConfigError: if they do not follow one another.
    """
    for before, after in itertools.pairwise(logs):
        if not np.array_equal(before.observations[-1], after.observations[0]):
            raise ConfigError(f"the logs of episode {episode.id} do not follow one another")
    truncated = np.zeros(sum(len(one) for one in logs), np.bool_)
    truncated[-1] = True
    return {
        "observations": np.concatenate([one.observations[:-1] for one in logs]),
        "masks": np.concatenate([one.masks[:-1] for one in logs]),
        "actions": np.concatenate([one.actions for one in logs]),
        "rewards": np.concatenate([one.rewards for one in logs]),
        "elapsed_s": np.concatenate([one.elapsed_s for one in logs]),
        "next_observations": np.concatenate([one.observations[1:] for one in logs]),
        "next_masks": np.concatenate([one.masks[1:] for one in logs]),
        "truncated": truncated,
    }


def _pyarrow() -> Any:  # noqa: ANN401 - a module without types
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise missing_extra("a Parquet file", EXTRA) from error
    return pyarrow


def _check_is_new(target: Path) -> None:
    if target.exists():
        raise ConfigError(f"{str(target)!r} is there already: choose another name, or remove it")
    if not target.parent.is_dir():
        raise ConfigError(f"there is no folder {str(target.parent)!r}: make it first")


def _write_tables(arrow: Any, store: HistoryReader, folder: Path) -> None:  # noqa: ANN401
    telemetry = arrow.schema(
        [
            ("episode", arrow.int64()),
            ("twin", arrow.string()),
            ("property", arrow.string()),
            ("time_s", arrow.float64()),
            ("value", arrow.float64()),
        ]
    )
    with (
        store.one_moment(),
        arrow.parquet.ParquetWriter(folder / "telemetry.parquet", telemetry) as writer,
    ):
        for rows in _telemetry(store):
            columns = [list(column) for column in zip(*rows, strict=True)]
            writer.write_table(arrow.table(columns, schema=telemetry))
        told = [vars(one) for one in store.episodes()]
    text, number = arrow.string(), arrow.int64()
    kinds = Episode.__annotations__
    episodes = arrow.schema([(name, number if kinds[name] == "int" else text) for name in kinds])
    arrow.parquet.write_table(
        arrow.Table.from_pylist(told, schema=episodes), folder / "episodes.parquet"
    )


def _telemetry(store: HistoryReader) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in pieces, none of them empty."""
    rows = store.telemetry()
    while piece := list(itertools.islice(rows, ROWS_AT_ONCE)):
        yield piece
