"""`twin-gym ask`: answers a question from a historical store, with the age of every fact."""

from __future__ import annotations

import json
from pathlib import Path

from twin_gym.console.printing import output
from twin_gym.twins.history import read_store
from twin_gym.twins.knowledge import Asker, HistoryGraph


def run(
    question: str, store: Path, *, at_s: float | None, episode: int | None, as_json: bool
) -> None:
    """Prints the answer; what is unknown is an answer too.

    Args:
        question: in plain English, see `twin_gym.twins.knowledge.questions`.
        store: path of the store.
        at_s: simulated seconds of the episode; None: the end of what was recorded.
        episode: number of the episode; None: the last one.
        as_json: whether to print JSON instead of sentences.

    Raises:
        TwinGymError: if the question is not understood, or the store cannot be read.
    """
    with read_store(store) as reader, reader.one_moment():
        answer = Asker(HistoryGraph(reader, at_s, episode)).ask(question)
    text = json.dumps(answer.document(), indent=1) if as_json else answer.text
    output().print(text, soft_wrap=True, markup=False)
