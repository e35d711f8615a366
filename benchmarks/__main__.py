"""`python -m benchmarks`: the board, from the cells that are run to the page that shows them."""

from __future__ import annotations

import typer

from benchmarks.leaderboard.command import leaderboard
from benchmarks.listing import list_agents, list_tracks, write_anchors
from benchmarks.runner.commands import command_run, command_status, command_test
from benchmarks.submissions.commands import claim, verify
from benchmarks.tuning.commands import tune, tune_rules
from twin_gym.console.error_reporting import ErrorReportingGroup

app = typer.Typer(
    cls=ErrorReportingGroup,
    add_completion=False,
    no_args_is_help=True,
    help="Scores that can be trusted: run agents on tracks, test them, verify and show results.",
)
app.command("tracks")(list_tracks)
app.command("agents")(list_agents)
app.command("anchors")(write_anchors)
app.command("tune")(tune)
app.command("tune-rules")(tune_rules)
app.command("run")(command_run)
app.command("test")(command_test)
app.command("status")(command_status)
app.command("leaderboard")(leaderboard)
app.command("claim")(claim)
app.command("verify")(verify)


def main() -> None:
    """Runs the command."""
    app(prog_name="python -m benchmarks")


if __name__ == "__main__":
    main()
