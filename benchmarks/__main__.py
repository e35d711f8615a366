"""`python -m benchmarks`: the board, from the cells that are run to the page that shows them."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from benchmarks.leaderboard.command import leaderboard
from benchmarks.listing import list_agents, list_tracks, write_anchors
from benchmarks.runner.commands import command_run, command_status, command_test
from benchmarks.submissions.commands import claim, verify
from benchmarks.tuning.commands import tune, tune_rules
from twin_gym.errors import TwinGymError

app = typer.Typer(
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
    """Runs the command; what the user can mend is said in a sentence, without a traceback."""
    try:
        app(prog_name="python -m benchmarks")
    except TwinGymError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
