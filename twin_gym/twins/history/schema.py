"""How a historical store lies in its SQLite file, and what makes a file one."""

from __future__ import annotations

APPLICATION_ID = 0x54574749
"""`TWGI`: tells a store from the SQLite files of other programs."""

VERSION = 1
"""Of the tables; a store of another version is refused."""

TABLES = {
    "episode": """CREATE TABLE episode (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        scenario TEXT NOT NULL,
        digest TEXT NOT NULL,
        toml TEXT NOT NULL,
        seed INTEGER NOT NULL,
        policy TEXT NOT NULL,
        action TEXT NOT NULL,
        check_sum INTEGER NOT NULL,
        next_number INTEGER NOT NULL,
        num_rows INTEGER NOT NULL,
        row_sum INTEGER NOT NULL
    ) STRICT""",
    "channel": """CREATE TABLE channel (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        episode INTEGER NOT NULL,
        twin TEXT NOT NULL,
        property TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('double', 'long', 'boolean')),
        UNIQUE (episode, twin, property)
    ) STRICT""",
    "telemetry": """CREATE TABLE telemetry (
        channel INTEGER NOT NULL,
        time_s REAL NOT NULL,
        number INTEGER NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (channel, time_s, number)
    ) STRICT, WITHOUT ROWID""",
    "snapshot": """CREATE TABLE snapshot (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        episode INTEGER NOT NULL,
        time_s REAL NOT NULL,
        check_sum INTEGER NOT NULL,
        content BLOB NOT NULL
    ) STRICT""",
    "snapshot_time": "CREATE INDEX snapshot_time ON snapshot (episode, time_s, id)",
    "decisions": """CREATE TABLE decisions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        episode INTEGER NOT NULL,
        num_steps INTEGER NOT NULL,
        is_end INTEGER NOT NULL,
        check_sum INTEGER NOT NULL,
        times_s BLOB NOT NULL,
        observations BLOB NOT NULL,
        masks BLOB NOT NULL,
        actions BLOB NOT NULL,
        rewards BLOB NOT NULL,
        elapsed_s BLOB NOT NULL,
        fields INTEGER NOT NULL,
        choices INTEGER NOT NULL,
        amounts INTEGER NOT NULL
    ) STRICT""",
    "decisions_episode": "CREATE INDEX decisions_episode ON decisions (episode, id)",
}
"""By name, the statements that make tables and indices; also what an opened file must have.

Telemetry is ordered by channel (a property of a twin in an episode), time, and number of the event:
what is asked as of a time is one step back from there. `twin_gym.twins.history.checksums` has the
checksums.
"""

SCHEMA: dict[tuple[str, str], str | None] = {
    **{(sql.split()[1].lower(), name): sql for name, sql in TABLES.items()},
    ("table", "sqlite_sequence"): "CREATE TABLE sqlite_sequence(name,seq)",
    ("index", "sqlite_autoindex_channel_1"): None,
}
"""By type and name, all that a store's schema has: nothing more, whatever it is called."""

OF_SQLITE: dict[tuple[str, str], str | None] = {
    ("table", "sqlite_stat1"): "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
    ("table", "sqlite_stat4"): "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
}
"""Tables that SQLite's own `ANALYZE` may add, with their SQL."""
