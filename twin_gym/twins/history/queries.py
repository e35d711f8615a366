"""SQL statements that read a store."""

VALUE_AS_OF = (
    "SELECT kind, (SELECT value FROM telemetry WHERE channel = channel.id AND time_s <= ? "
    "ORDER BY time_s DESC, number DESC LIMIT 1) FROM channel "
    "WHERE episode = ? AND twin = ? AND property = ?"
)
KNOWN_AS_OF = (
    "SELECT channel.kind, telemetry.time_s, telemetry.value FROM channel JOIN telemetry "
    "ON telemetry.channel = channel.id WHERE episode = ? AND twin = ? AND property = ? "
    "AND telemetry.time_s <= ? ORDER BY telemetry.time_s DESC, telemetry.number DESC LIMIT 1"
)
MANY_AS_OF = (
    "SELECT (SELECT value FROM telemetry WHERE channel = question.channel AND "
    "time_s <= question.time_s ORDER BY time_s DESC, number DESC LIMIT 1) "
    "FROM temp.question AS question ORDER BY question.rowid"
)
QUESTIONS = "CREATE TEMP TABLE IF NOT EXISTS question (channel INTEGER, time_s REAL)"
STRANGE = "SELECT channel FROM temp.question WHERE channel NOT IN (SELECT id FROM channel) LIMIT 1"
STATE = (
    "SELECT twin, property, kind, (SELECT value FROM telemetry WHERE channel = channel.id "
    "AND time_s <= ? ORDER BY time_s DESC, number DESC LIMIT 1) FROM channel WHERE episode = ?"
)
SNAPSHOT = (
    "SELECT episode, time_s, check_sum, content FROM snapshot "
    "WHERE episode = ? AND time_s <= ? ORDER BY time_s DESC, id DESC LIMIT 1"
)
LAST_SNAPSHOTS = "SELECT episode, time_s, check_sum, content FROM snapshot ORDER BY id DESC LIMIT ?"
DECISIONS = (
    "SELECT episode, num_steps, is_end, check_sum, times_s, observations, masks, actions, rewards, "
    "elapsed_s, fields, choices, amounts FROM decisions WHERE episode = ? ORDER BY id"
)
TELEMETRY = (
    "SELECT episode, twin, property, time_s, value FROM telemetry "
    "JOIN channel ON channel.id = telemetry.channel ORDER BY telemetry.channel, time_s, number"
)
EPISODES = (
    "SELECT id, kind, scenario, digest, toml, seed, policy, action, num_rows, check_sum "
    "FROM episode ORDER BY id"
)
CHANNEL = "SELECT id, kind FROM channel WHERE episode = ? AND twin = ? AND property = ?"
PROPERTIES = "SELECT twin, property FROM channel WHERE episode = ? ORDER BY 1, 2"
SERIES = (
    "SELECT time_s, value FROM telemetry WHERE channel = ? AND time_s BETWEEN ? AND ? "
    "ORDER BY time_s, number"
)
