"""An endpoint that is slow on purpose, points elsewhere, or sends the key back."""

from __future__ import annotations

import base64
import json
import logging
import re
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.twins.scenarios.test_llm import GOOD, completion, endpoint, generate
from twin_gym.errors import ConfigError
from twin_gym.twins.scenarios.blotting import MAX_CHECKED, blotted
from twin_gym.twins.scenarios.endpoint import AnswerError, Endpoint, content_of

pytest.importorskip("openai")

KEY = "sk-proj-9Zx_Qw7Lm.Vt42"
TIMEOUT_S = 0.5


@contextmanager
def served(talk: Callable[[socket.socket], None], **settings) -> Iterator[Endpoint]:
    """An endpoint on this machine that talks as it likes once it was asked."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):  # the listening socket was closed
            while True:
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    connection.recv(65_536)
                    talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        yield Endpoint("tiny", url, KEY, **({"timeout_s": TIMEOUT_S} | settings))
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5.0)


def asked(target: Endpoint) -> AnswerError:
    """The error of one question, and that it left nothing behind."""
    client = target.connected()
    before = threading.active_count()
    with pytest.raises(AnswerError) as error:
        target.answer(client, [{"role": "user", "content": "?"}], {}, 0)
    assert threading.active_count() == before
    return error.value


def ever(*parts: bytes) -> Callable[[socket.socket], None]:
    """Sends some parts, and the last of them every twentieth of a second for ever."""

    def talk(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        connection.settimeout(0.05)
        while True:
            with suppress(TimeoutError):
                if not connection.recv(1):
                    return  # it was hung up
            connection.sendall(parts[-1])

    return talk


OK = b"HTTP/1.1 200 OK\r\n"
SLOW = {
    "headers, sign by sign": ever(OK, b"X"),
    "headers, one by one": ever(OK, b"X-A: b\r\n"),
    "a status, sign by sign": ever(b"H", b"T", b""),
    "100 Continue": ever(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103 Early Hints": ever(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
    "nothing": ever(b""),
    "a body, sign by sign": ever(OK + b"\r\n", b" "),
    "chunks": ever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "an error that never ends": ever(b"HTTP/1.1 500 Oh\r\n\r\n", b" "),
    "a redirect that never ends": ever(b"HTTP/1.1 307 Oh\r\nLocation: http://a/\r\n\r\n", b" "),
}


@pytest.mark.parametrize("name", SLOW)
def test_an_exchange_has_one_deadline(name):
    """A slow endpoint never delays a call beyond its deadline, and nothing is left waiting."""
    with served(SLOW[name]) as client:
        client.connected()  # imports of its package are not waiting
        start = time.monotonic()
        error = asked(client)
        assert time.monotonic() - start < TIMEOUT_S + 1.0
    assert re.search(r"within 0.5 s|status (500|307)", str(error))


def test_a_flood_is_cut_off_as_well():
    """Without a pause between the parts, until the deadline, in little memory."""

    def flood(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)

    with served(flood) as client:
        client.connected()
        start = time.monotonic()
        error = asked(client)
        assert time.monotonic() - start < TIMEOUT_S + 1.5
    assert "within 0.5 s" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status):
    """Neither there nor anywhere is the history told, and the target's host is named."""
    with endpoint(lambda request, n: completion({"scenarios": [GOOD]})) as (other, requests):

        def away(connection: socket.socket) -> None:
            location = f"{other.base_url}/chat/completions".encode()
            connection.sendall(
                b"HTTP/1.1 %d Away\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
                % (status, location)
            )

        with served(away, timeout_s=5.0) as client:
            error = asked(client)
    assert not requests
    assert f"status {status}, which points to the host '127.0.0.1'" in str(error)
    assert "give the address of the endpoint itself" in str(error)


@pytest.mark.parametrize(
    "location",
    ["", "/other", "http://[", "http://\x1b[2J/", f"http://{KEY}.example/", "//" + "a" * 999],
)
def test_a_target_is_named_in_plain_letters_alone(location):
    """No control sequence, no key, no long text of the other side."""

    def away(connection: socket.socket) -> None:
        target = location.encode()
        connection.sendall(b"HTTP/1.1 302 Away\r\nLocation: %s\r\n\r\n" % target)

    with served(away, timeout_s=5.0) as client:
        text = str(asked(client))
    assert text.isprintable()
    assert len(text) < 300
    assert "9zx" not in text.lower()


WAYS = {
    "as it is": KEY,
    "in capitals": KEY.upper(),
    "its beginning": KEY[:9],
    "its end": KEY[-6:],
    "its middle": KEY[8:13],
    "escaped as in JSON": "".join(f"\\u{ord(sign):04x}" for sign in KEY),
    "escaped twice": json.dumps("".join(f"\\u{ord(sign):04x}" for sign in KEY)),
    "half escaped": "".join(f"\\u{ord(s):04X}" if k % 2 else s for k, s in enumerate(KEY)),
    "escaped as in Python": "".join(f"\\x{ord(sign):02x}" for sign in KEY),
    "escaped long": "".join(f"\\U{ord(sign):08x}" for sign in KEY),
    "escaped in octal": "".join(f"\\{ord(sign):03o}" for sign in KEY),
    "escaped as in a URL": "".join(f"%{ord(sign):02X}" for sign in KEY),
    "escaped twice as in a URL": "".join(f"%25{ord(sign):02X}" for sign in KEY),
    "escaped as in HTML": "".join(f"&#{ord(sign)};" for sign in KEY),
    "escaped as in mail": "".join(f"={ord(sign):02X}" for sign in KEY),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 behind a word": base64.b64encode(b"Bearer " + KEY.encode()).decode(),
    "base64 between words": base64.urlsafe_b64encode(b"k: " + KEY.encode() + b".").decode(),
    "hexadecimal": KEY.encode().hex(),
    "backwards": KEY[::-1],
    "split over lines": "\n".join([KEY[:3], KEY[3:6], KEY[6:]]),
    "sign by sign": " ".join(KEY),
    "as a list": json.dumps(list(KEY)),
    "with signs of no width": "\u200b".join(KEY),
    "in wide letters": "".join(chr(ord(sign) + 0xFEE0) for sign in KEY),
}
PARTS = {one[k : k + 4].lower() for one in (KEY, KEY[::-1]) for k in range(len(KEY) - 3)}
PARTS |= {WAYS["hexadecimal"][k : k + 8] for k in range(2 * len(KEY) - 7)}
for packed in (WAYS["base64"], WAYS["base64 behind a word"][10:]):
    PARTS |= {packed[k : k + 8].lower() for k in range(len(packed) - 7)}


@pytest.mark.parametrize("name", WAYS)
def test_no_part_of_a_key_is_told(name, monkeypatch):
    """However it is written, wherever a quote or a reason is cut, in text or in an entry."""
    contents: list[object] = []
    for before in (0, 40, 70, 140, 158):
        text = "." * before + WAYS[name]
        entry = GOOD | {"num_sensors": text}
        contents += [text, {"scenarios": [entry]}, {"scenarios": [{text: 1}]}, {text: 1}]
    texts = iter([one if isinstance(one, str) else json.dumps(one) for one in contents])
    monkeypatch.setattr(Endpoint, "connected", lambda self: None)
    monkeypatch.setattr(Endpoint, "answer", lambda self, *_: next(texts))
    client = Endpoint("tiny", "http://localhost:1/v1", KEY)
    generator, error = generate(client, requests=len(contents))
    assert len(generator.rejections) == len(contents)
    quoted = repr(generator.rejections) + str(error)
    plain = re.sub(r"\\+[ux]([0-9a-f]{4}|[0-9a-f]{2})", lambda one: chr(int(one[1], 16)), quoted)
    for part in PARTS:
        assert part not in quoted.lower()
        assert part not in plain.lower()


def whole(body: str, head: bytes = b"") -> Callable[[socket.socket], None]:
    """Answers with a body, and further headers."""
    content = body.encode()

    def talk(connection: socket.socket) -> None:
        connection.sendall(OK + head + b"Content-Length: %d\r\n\r\n" % len(content) + content)

    return talk


def test_plain_words_are_told_as_they_are():
    """Blots are for the key alone; one of a few signs is looked for as a whole."""
    text = "num_sensors must be 1 to 10000, got 1234567; unknown keys ['a']"
    assert blotted(text, KEY) == blotted(text, "") == blotted(text, "k") == text
    assert blotted("the key k, or none", "k") == "the key ***, or none"
    assert blotted("my k3y! and k3", "k3y!") == "my *** and k3"
    assert blotted("none of NONE and n\\u006fne", "none") == "*** of *** and ***"
    assert blotted("sk=42ab cut", "sk=42ab%41cdxxxx") == "*** cut"


@pytest.mark.parametrize(
    "sign", ["\\", "%25", "&#0", "\\u{0", "=4", "a", "\\u0", KEY, "\U0001f511"]
)
def test_blotting_takes_little_time(sign):
    """Also of texts that are made to take much."""
    start = time.process_time()
    blotted(sign * MAX_CHECKED, "a" * 40 + KEY)
    assert time.process_time() - start < 5.0


def test_errors_hold_no_body_and_no_request():
    """No cause and no context: a traceback of them shows what was said and nothing else."""
    with served(whole(f"no JSON but {KEY}"), timeout_s=5.0) as client:
        error = asked(client)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert KEY not in "".join(traceback.format_exception(error))
    for body in (b"x", b"{}", b"[" * 100_000, b'{"choices": [{"message": {"content": 1}}]}'):
        with pytest.raises(AnswerError) as found_error:
            content_of(body)
        assert found_error.value.__context__ is None


def test_logs_of_the_client_hold_no_key(caplog):
    """A header that sends it back is logged by packages that know nothing of it."""
    caplog.set_level(logging.DEBUG)

    def filters() -> dict[str, int]:
        return {n: len(logging.getLogger(n).filters) for n in logging.root.manager.loggerDict}

    head = f"X-Echo: Bearer {KEY}\r\n".encode()
    with served(whole(completion(f"it is {KEY}"), head), timeout_s=5.0) as target:
        client = target.connected()
        before = filters()
        target.answer(client, [{"role": "user", "content": "?"}], {}, 0)
    assert "x-echo" in caplog.text.lower()
    assert KEY not in caplog.text
    assert "9Zx" not in caplog.text
    assert filters() == before


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"base_url": f"http://user:{KEY[:9]}@localhost/v1"}, "holds a user or a password"),
        ({"base_url": f"{KEY}@localhost"}, "must begin with|the key"),
        ({"base_url": f"http://localhost/v1?key={KEY}"}, "URL of an endpoint holds the key"),
        ({"base_url": KEY}, "holds the key"),
        ({"model": KEY}, "model of an endpoint holds the key"),
        ({"model": "a\x1b[2J"}, "printable"),
        ({"model": "a" * 201}, "at most 200"),
        ({"model": 3}, "printable"),
        ({"model": ""}, "name of a model"),
        ({"base_url": "http://localhost:99999/v1"}, "perhaps a port"),
        ({"base_url": "http://localhost:x/v1"}, "perhaps a port"),
        ({"base_url": "http://"}, "a host"),
        ({"base_url": "http://a b/v1"}, "a host"),
        ({"base_url": "http://[::1/v1"}, "a host"),
        ({"key": f"{KEY}\n"}, "the key of an endpoint"),
        ({"key": f"{KEY}é"}, "the key of an endpoint"),
        ({"key": None}, "the key of an endpoint"),
        ({"timeout_s": True}, "positive timeout"),
        ({"timeout_s": "3"}, "positive timeout"),
        ({"timeout_s": 1e9}, "at most 86400 s"),
        ({"timeout_s": float("nan")}, "positive timeout"),
    ],
)
def test_an_endpoint_that_cannot_be_asked_is_refused(values, words):
    """When it is made, and without the key in the message."""
    given = {"model": "tiny", "base_url": "http://localhost:1/v1", "key": KEY} | values
    with pytest.raises(ConfigError, match=words) as error:
        Endpoint(**given)
    assert KEY not in str(error.value)
    assert "Zx_Q" not in str(error.value)
