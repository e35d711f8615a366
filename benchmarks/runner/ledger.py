"""The ledger of the test worlds: a line for every use, written before the first world is met."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.protocol import PROTOCOL
from benchmarks.runner.plan import Plan, Selection
from twin_gym.files.sealed import append_sealed

USES_FILE = "test_uses.jsonl"

_CHECKOUT = Path(__file__).parents[2]
_PUBLISHED = ":(exclude)benchmarks/results"  # grows by the very run that asks
_GIT_TIMEOUT_S = 20.0


def write_down(folder: Path, asked: Selection, planned: Plan, why: str) -> dict[str, Any]:
    """Adds a line to the ledger.

    Args:
        folder: of the results; its one writer calls this.
        asked: what is run.
        planned: how many cells of it are still to do.
        why: what the user says.

    Returns:
        The line: no name of a host and no path is in it.
    """
    from agents.session import package_versions  # loads torch

    commit, dirty = commit_of(_CHECKOUT)
    line: dict[str, Any] = {
        "time_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": PROTOCOL,
        "agents": list(asked.agents),
        "tracks": list(asked.tracks),
        "seeds": list(asked.seeds),
        "cells": len(planned.todo),
        "why": why,
        "commit": commit,
        "dirty": dirty,
        "versions": package_versions(),
    }
    append_sealed(folder / USES_FILE, json.dumps(line))
    return line


def commit_of(checkout: Path) -> tuple[str | None, bool | None]:
    """The commit of a checkout, and whether its files differ from it; None where git knows none.

    Published results are left out: they change with every run.
    """
    commit, changed = _git(checkout, "rev-parse", "HEAD"), _changed(checkout)
    if commit is None or changed is None:
        return None, None
    return commit.strip(), bool(changed)


def changed_files() -> list[str]:
    """Files of this checkout that differ from its commit, published results left out.

    Returns:
        Their places, with odd characters quoted; none where git knows nothing.
    """
    return _changed(_CHECKOUT) or []


def _changed(checkout: Path) -> list[str] | None:
    status = _git(checkout, "status", "--porcelain", "--", ".", _PUBLISHED)
    return None if status is None else [line[3:] for line in status.splitlines()]


def _git(checkout: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), *words],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
