"""Appends in a process that is killed, again and again, and looks what is there then.

A child appends batches and says after each that it was committed. It is killed by SIGKILL after a
random number of them and a random time. What it said must be there, whole; at most the batch after
it may be there too, whole.
"""

import os
import select
import signal
import sys
import time
from pathlib import Path

import numpy as np

from twin_gym.scenario.loading import load
from twin_gym.twins.history import Retention, open_store, read_store
from twin_gym.twins.realtime import Event

KILLS = 20
SENSORS = 40


def batch(number):
    """Events that name their batch."""
    return [Event(float(number), f"sensor/{k}", "load", number) for k in range(SENSORS)]


def child(path, first, write_end):
    """Appends until it is killed."""
    scenario = load("tic-small-45")
    with open_store(path, retention=Retention(max_episodes=3)) as store:
        if first % 2 == 0 or store.episode is None:
            store.begin_episode(scenario, first)
        for number in range(first, first + 10_000):
            store.append(batch(number))
            os.write(write_end, number.to_bytes(8, "little"))


def killed_after(path, first, batches, seconds):
    """Number of the last batch that was said to be committed, or -1.

    The child is killed so many seconds after it has said so many batches.
    """
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        child(path, first, write_end)
        os._exit(1)
    os.close(write_end)
    said = b""
    while len(said) < 8 * batches and select.select([read_end], [], [], 60.0)[0]:
        said += os.read(read_end, 8)
    select.select([], [], [], seconds)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        raise SystemExit("the child ended by itself")
    while part := os.read(read_end, 65536):
        said += part
    os.close(read_end)
    numbers = np.frombuffer(said[: len(said) // 8 * 8], "<i8")
    return int(numbers[-1]) if len(numbers) else -1


def check(path, said, before):
    """The last batch that is there; all of them whole."""
    if not path.exists():
        if said >= 0 or before >= 0:
            raise SystemExit("the store is gone")
        return -1
    with read_store(path, check="all") as store:
        rows = [(int(row[4]), row[1]) for row in store.telemetry()]
    numbers = sorted({number for number, _ in rows})
    if len(rows) != SENSORS * len(numbers) or len(set(rows)) != len(rows):
        raise SystemExit("a batch is not whole")
    last = numbers[-1] if numbers else -1
    if not max(said, before) <= last <= max(said, before) + 1:
        raise SystemExit(f"batch {said} was committed, and {last} is the last one")
    if numbers and numbers != list(range(numbers[0], last + 1)):
        raise SystemExit("a batch between others is gone")
    return last


def main():
    """Kills, and counts."""
    rng = np.random.default_rng(time.monotonic_ns())
    folder = Path(sys.argv[1])
    total = 0
    for round_ in range(4):
        path, last = folder / f"store-{round_}.db", -1
        for kill in range(KILLS // 4):
            batches = 0 if kill == 0 else int(rng.integers(1, 12))
            said = killed_after(path, last + 1, batches, rng.uniform(0.0, 0.02))
            last = check(path, said, last)
        total += last + 1
    print(KILLS, total)


if __name__ == "__main__":
    main()
