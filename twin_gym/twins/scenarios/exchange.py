"""One request to an endpoint and its answer, with one deadline and a size limit."""

from __future__ import annotations

import logging
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from twin_gym.errors import TwinGymError
from twin_gym.twins.scenarios.blotting import blotted

if TYPE_CHECKING:
    from openai import OpenAI

MAX_ANSWER_BYTES = 2_000_000

_SECONDS_TO_END = 0.5  # a thread whose connection was shut down ends at once
_CLIENTS = ("openai", "httpx", "httpx2", "httpcore", "httpcore2")
_CONNECTED = ("connect_tcp.complete", "start_tls.complete")
_AT_ONCE = struct.pack("ii", 1, 0)  # the other side is not let to send what nobody reads
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,100}")


class AnswerError(TwinGymError):
    """A request failed; the message gives the reason and does not contain the key."""


def answer_to(client: OpenAI, asked: dict[str, Any], timeout_s: float, key: str) -> bytes:
    """The body of the answer of a chat endpoint.

    One deadline covers the whole exchange: name resolution, connecting, headers, interim answers
    (1xx), and the body. Redirects are rejected: the request is meant for this endpoint only.

    Args:
        client: client of OpenAI's package; sends one request.
        asked: arguments of a chat completion.
        timeout_s: limit for the whole exchange.
        key: redacted in messages and in the client's logs.

    Returns:
        The whole body, at most `MAX_ANSWER_BYTES`.

    Raises:
        AnswerError: if the request fails; the message gives the reason.
    """
    exchange = _Exchange(client, asked, timeout_s, key)
    thread = threading.Thread(target=exchange.run, name="language model", daemon=True)
    thread.start()
    try:
        thread.join(timeout_s)
        is_late = thread.is_alive()
    finally:
        exchange.hang_up()
    thread.join(_SECONDS_TO_END)
    if is_late or exchange.reason:
        raise AnswerError(blotted(exchange.lateness if is_late else exchange.reason, key))
    return bytes(exchange.body)


class _Exchange:
    """The request, run in its own thread; the caller can close the connection."""

    def __init__(self, client: OpenAI, asked: dict[str, Any], timeout_s: float, key: str) -> None:
        self.body = bytearray()
        self.reason = ""
        self._client, self._asked, self._key = client, asked, key
        self._timeout_s = timeout_s
        self._has_begun = self._is_over = False
        self._socket: socket.socket | None = None

    @property
    def lateness(self) -> str:
        """The error message after the deadline."""
        if self._has_begun:
            return f"the answer broke off: it was not whole within {self._timeout_s:g} s"
        return f"no answer within {self._timeout_s:g} s"

    def run(self) -> None:
        """Fills `body`, or sets `reason` to the error; raises nothing."""
        import openai

        try:
            with _blotted_logs(self._key):
                self._ask()
        except AnswerError as error:
            self.reason = str(error)
        except openai.APITimeoutError:
            self.reason = self.lateness
        except Exception as error:  # of any package; its text may hold the key, its type does not
            what = "the answer broke off" if self._has_begun else "the endpoint cannot be reached"
            self.reason = f"{what}: {type(error).__name__}"

    def hang_up(self) -> None:
        """Closes the connection, which ends a pending read."""
        self._is_over = True
        if self._socket is not None:
            with suppress(OSError):  # it has ended already
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _ask(self) -> None:
        from openai import DefaultHttpxClient

        hooks: dict[str, list[Any]] = {"request": [self._watch], "response": [self._check]}
        with DefaultHttpxClient(follow_redirects=False, event_hooks=hooks) as http:
            client = self._client.with_options(
                http_client=http, max_retries=0, timeout=self._timeout_s
            )
            with client.chat.completions.with_streaming_response.create(**self._asked) as response:
                self._has_begun = True
                for part in response.iter_bytes():  # as they come in
                    self.body += part
                    if len(self.body) > MAX_ANSWER_BYTES:
                        raise AnswerError(f"the answer has more than {MAX_ANSWER_BYTES:,} bytes")
                    if self._is_over:
                        raise AnswerError(self.lateness)

    def _watch(self, request: Any) -> None:  # noqa: ANN401 - of whichever package it asks with
        request.extensions["trace"] = self._trace

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Keeps the connection, for `hang_up`."""
        if event.endswith(_CONNECTED):
            self._socket = info["return_value"].get_extra_info("socket")
            if self._is_over:
                self.hang_up()

    def _check(self, response: Any) -> None:  # noqa: ANN401
        """Checks the status of an answer before its body is read."""
        status = response.status_code
        if response.is_success:
            return
        message = f"the endpoint answered with status {status}"
        if response.is_redirect:
            target = _host_of(response.headers.get("location", ""))
            message += (
                f", which points to {target}: redirects are not followed, give the address of the "
                "endpoint itself"
            )
        raise AnswerError(message)


def _host_of(location: str) -> str:
    """The host that a header names, if it names one in plain letters."""
    try:
        host = urlsplit(location).hostname or ""
    except ValueError:
        host = ""
    return f"the host {host!r}" if _HOST.fullmatch(host) else "another place"


@contextmanager
def _blotted_logs(key: str) -> Iterator[None]:
    """Blots the key out of what the client logs in this thread: headers may bring it back."""
    here = threading.get_ident()

    def blot(record: logging.LogRecord) -> bool:
        if record.thread == here:
            record.msg, record.args = blotted(record.getMessage(), key), None
            record.exc_info = record.exc_text = record.stack_info = None
        return True

    loggers = [
        logging.getLogger(name)
        for name in list(logging.root.manager.loggerDict)
        if name.partition(".")[0] in _CLIENTS
    ]
    for logger in loggers:
        logger.addFilter(blot)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(blot)
