"""`twin-gym signalling answer`: what the core answers to a message of a log."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from twin_gym.cli.signalling_log import contents_text, message_document, read_log, way
from twin_gym.console.printing import output, table
from twin_gym.errors import ConfigError, missing_extra
from twin_gym.twins.signalling.answering import answers_to, first_five_qis_in
from twin_gym.twins.signalling.grammar import short_name
from twin_gym.twins.signalling.kinds import ELEMENTS, KINDS, cause_code
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import FAILED, GRANTED, PASSED, Message

_GRANTED = "granted"


@dataclass(frozen=True)
class AnswerOptions:
    """The options of the command; None: as in the log."""

    file: Path
    message: int | None
    decision: str | None
    verdict: str | None
    twin: Path | None
    as_json: bool


def run(options: AnswerOptions) -> None:
    """Asks the automaton or a message twin, and prints the answers.

    Args:
        options: the options.

    Raises:
        TwinGymError: if the file cannot be read, or the message cannot be answered.
    """
    log = read_log(options.file)
    place = _place(options.message, log)
    request = _with_inputs(log[place], options)
    history = MessageLog(log.records[:place], log.slices, log.scenario, log.seed)
    answers = _answers(options.twin, history, request, log)
    if options.as_json:
        document = {
            "number": place + 1,
            "request": message_document(request, log.slices),
            "answers": [message_document(one, log.slices) for one in answers],
        }
        output().print(json.dumps(document, indent=1), soft_wrap=True, markup=False)
        return
    _print(place, request, answers, log)


def _answers(
    twin: Path | None, history: MessageLog, request: Message, log: MessageLog
) -> tuple[Message, ...]:
    """The answers of a message twin, or of the automaton."""
    if twin is None:
        return answers_to(history, request, first_five_qis_in(log))
    try:
        from twin_gym.twins.signalling.learned.twin import MessageTwin
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "safetensors"):
            raise
        raise missing_extra("a message twin", "twins") from None
    return MessageTwin.load(twin).answer(history, request)


def _place(number: int | None, log: MessageLog) -> int:
    """Where in the log the message is that is answered."""
    if number is not None:
        if number > len(log):
            raise ConfigError(f"the log has {len(log):,} messages: there is no number {number:,}")
        return number - 1
    for place in reversed(range(len(log))):
        if log[place].ue >= 0 and not KINDS[log[place].kind].is_from_core:
            return place
    raise ConfigError("no UE sends anything in this log: name another file")


def _with_inputs(request: Message, options: AnswerOptions) -> Message:
    """The message with the verdict and the decision that are asked about."""
    if options.verdict is not None:
        request = replace(request, verdict=FAILED if options.verdict == "failed" else PASSED)
    if options.decision is None:
        return request
    return replace(request, decision=_decision(options.decision))


def _decision(text: str) -> int:
    """Code of a decision: granted, or the cause of a refusal."""
    if text.strip().lower() == _GRANTED:
        return GRANTED
    group, _, value = text.strip().partition(" ")
    if not (value.isascii() and value.isdigit()):
        raise ConfigError(
            f"--decision is 'granted' or a cause with its group, such as '5GSM 69', got {text!r}"
        )
    return cause_code(group, int(value))


def _print(place: int, request: Message, answers: tuple[Message, ...], log: MessageLog) -> None:
    console = output()
    said = contents_text(request, log.slices)
    what = f"{short_name(request.kind)}{f' ({said})' if said else ''}"
    console.print(f"Message {place + 1:,} of UE {request.ue}, {way(request)}: {what}", markup=False)
    if not answers:
        console.print("The core sends nothing: it waits for more.")
        return
    console.print("\nThe core answers:")
    made = table(None, ["way", "message", "contents and elements"], left=3)
    for one in answers:
        elements = [name for bit, name in enumerate(ELEMENTS) if one.presence >> bit & 1]
        parts = [part for part in (contents_text(one, log.slices), ", ".join(elements)) if part]
        made.add_row(way(one), short_name(one.kind), "\n".join(parts))
    console.print(made)
