"""Every refusal is an error with a code, a sentence and a close code; the server goes on."""

import contextlib
import json
import socket
import struct
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.frames import Opcode

from llavataros.serve import server as running_server
from llavataros.serve.access import Access
from llavataros.serve.codes import MEANINGS, Code
from llavataros.serve.limits import Limits
from tests.serve.fake_engine import NEVER_ENDS
from tests.serve.raw_client import RawClient
from tests.serve.serving import (
    RATE,
    everything,
    frames_of,
    noise,
    say,
    serving,
    sound,
    start_fields,
)

LIMITS = Limits(
    sessions=2,
    message_bytes=100_000,
    messages_per_second=400,
    session_seconds=30.0,
    start_seconds=0.3,
    idle_seconds=0.5,
    resume_seconds=0.2,
)


@pytest.fixture(scope="module")
def server():
    with serving(limits=LIMITS) as running:
        yield running


def works(server) -> None:
    """Checks that the next session works and that none is left."""
    server.wait_until(lambda: not server.engine.open_by_id)
    connection, _ = server.begin()
    connection.send(sound(noise(0.5), 0))
    say(connection, type="end")
    assert len(frames_of(everything(connection))) == 15
    server.wait_until(lambda: not server.engine.open_by_id)


def refused(messages) -> tuple[str, str]:
    """Returns code and sentence of the refusal that messages end with."""
    error, closed = messages[-2:]
    assert error["type"] == "error", messages
    assert closed["code"] == MEANINGS[Code(error["code"])].close
    assert "Traceback" not in error["message"]
    assert "\n" not in error["message"]
    return error["code"], error["message"]


START = json.dumps({"type": "start", **start_fields()})
UNENDING = json.dumps({"type": "start", **start_fields(seed=NEVER_ENDS)})


@pytest.mark.parametrize(
    ("sent", "code", "words"),
    [
        ([b"\x01"], "order", "sound came before start"),
        (['{"type": "end"}'], "order", "end came before start"),
        (["no JSON"], "malformed", "no JSON"),
        (["[" * 90_000], "malformed", "recursion"),
        (["1" * 4400], "malformed", "number out of range"),
        (["[]"], "malformed", "object"),
        (['{"type": "begin"}'], "malformed", "unknown type"),
        (['{"type": "start"}'], "malformed", "lacks the field version"),
        (['{"type": "start", "version": 2, "new": 1}'], "version", "version 2"),
        (['{"type": "start", "version": 1, "speed": 1}'], "malformed", "unknown field speed"),
        (['{"type": "start", "version": 1, "seed": "1"}'], "malformed", "seed of start"),
        (['{"type": "start", "version": 1, "seed": 1e99}'], "malformed", "seed of start"),
        (['{"type": "start", "version": 1, "seed": NaN}'], "nan", "nan"),
        (['{"type": "start", "version": 1, "dials": {"idle": 1e999}}'], "nan", "inf"),
        (['{"type": "start", "version": 1, "dials": {"idle": 2}}'], "malformed", "less than or"),
        (['{"type":"start","version":1,"audio":{"sample_rate":7999}}'], "malformed", "8000"),
        (['{"type":"start","version":1,"speaker":"nobody"}'], "invalid", "nobody"),
        (['{"type":"start","version":1,"resume":"x","next_frame":0}'], "resume", "that token"),
        ([START, START], "order", "second time"),
        ([START, b""], "malformed", "too short"),
        ([START, b"\x01\x00\x00\x00\x00\x00\x00\x00"], "malformed", "too short"),
        ([START, b"\x02" + bytes(9)], "malformed", "kind 2"),
        ([START, b"\x01" + bytes(8)], "malformed", "no whole samples"),
        ([START, sound([0.1], 0, person=1)], "invalid", "people=1"),
        ([START, sound([0.1], 5)], "order", "position 5"),
        ([START, sound([0.1], 0), sound([0.1], 0)], "order", "position 0"),
        ([UNENDING, '{"type":"end"}', sound([0.1], 0)], "order", "after end"),
        ([START, "x" * 150_000], "too_large", "150000"),
        ([START, sound(noise(4.0), 0)], "too_large", "over 100000"),
        ([START, '{"type":"gesture","name":"fly"}'], "unknown_gesture", "wave"),
        ([START, '{"type":"words","words":[{"word":"a","start":2,"end":1}]}'], "words", "ends"),
        ([START, '{"type":"words","words":[],"person":1}'], "invalid", "people=1"),
        ([START, '{"type":"words"}'], "malformed", "either words or service"),
        ([START, '{"type":"text","text":"\\ud800"}'], "malformed", "no JSON"),
        ([START] + ['{"type":"ping"}'] * 2000, "too_fast", "400 messages a second"),
    ],
)
def test_what_is_wrong_is_said(server, sent, code, words):
    with server.connect() as connection:
        for message in sent:
            try:
                connection.send(message)
            except Exception:  # refused meanwhile
                break
        said, sentence = refused(everything(connection))
    assert said == code
    assert words in sentence
    server.wait_until(lambda: not server.engine.open_by_id)


def test_all_codes_have_a_close_code_of_their_own():
    assert set(MEANINGS) == set(Code)
    codes = [meaning.close for meaning in MEANINGS.values()]
    assert len(set(codes)) == len(codes)
    assert all(4000 <= code < 5000 for code in codes)


def test_silence_and_length_end_a_session(server):
    with server.connect() as connection:
        assert refused(everything(connection))[1] == "no start came for 0.3 s"
    connection, _ = server.begin()
    time.sleep(0.3)
    say(connection, type="ping")
    time.sleep(0.3)
    code, sentence = refused(everything(connection))
    assert (code, "nothing came for 0.5 s" in sentence) == ("timeout", True)
    connection, _ = server.begin()
    for count in range(16):
        connection.send(sound(noise(2.0), count * 2 * RATE))
    assert refused(everything(connection))[0] == "too_long"
    works(server)


def test_sessions_are_counted():
    limits = Limits(sessions=3, sessions_per_address=2, resume_seconds=0)
    with serving(limits=limits) as server:
        open_now = [server.begin()[0] for _ in range(2)]
        with server.connect() as more:
            say(more, type="start", **start_fields())
            code, sentence = refused(everything(more))
        assert (code, "of one address" in sentence) == ("busy", True)
        open_now[0].close()
        server.wait_until(lambda: len(server.engine.open_by_id) == 1)
        open_now.append(server.begin()[0])
        for connection in open_now:
            connection.close()


def test_a_fault_is_logged_and_not_shown(server, caplog):
    server.engine.fault = RuntimeError("the secret of /etc")
    try:
        connection, _ = server.begin()
        connection.send(sound([0.1], 0))
        code, sentence = refused(everything(connection))
    finally:
        server.engine.fault = None
    assert code == "internal"
    assert "secret" not in sentence
    assert "the secret of /etc" in caplog.text
    works(server)


def test_a_session_that_fails_is_told_without_why(server, caplog):
    connection, ready = server.begin()
    session = server.engine.open_by_id[ready["session"]]
    session.failure = "the secret of /etc"
    session.notices = (session.failure,)
    session.on_news()
    code, sentence = refused(everything(connection))
    assert (code, sentence) == (
        "internal",
        "the session failed, which the server's log describes",
    )
    assert "the secret of /etc" in caplog.text
    works(server)


def test_bytes_that_are_no_websocket(server):
    pieces = [
        b"\xff" * 64,
        RawClient(server.port).frame(Opcode.TEXT, b"\xe2\x82"),  # half of a euro sign
        RawClient(server.port).frame(Opcode.TEXT, b'{"type": "ping"}')[:-3],
        RawClient(server.port).frame(Opcode.CONT, b"x"),
        struct.pack(">BBQ", 0x82, 0xFF, 1 << 62),
        RawClient(server.port).frame(Opcode.BINARY, bytes(500_000)),
        RawClient(server.port).frame(Opcode.BINARY, b"", is_last=False)
        + RawClient(server.port).frame(Opcode.CONT, b"", is_last=False) * 1000,
    ]
    codes = []
    for piece in pieces:
        client = RawClient(server.port)
        client.say(type="start", **start_fields())
        client.socket.sendall(piece)
        codes.append(client.ending()[1])
        server.wait_until(lambda: not server.engine.open_by_id)
    timeout = MEANINGS[Code.TIMEOUT].close
    assert codes == [1002, 1007, timeout, 1002, 1009, 1009, timeout]
    works(server)


def test_what_must_be_known_to_get_in():
    access = Access(token="a long token", origins=("https://friend.example",))
    with serving(access=access) as server:
        here = f"http://127.0.0.1:{server.port}"
        bearer = {"Authorization": "Bearer a long token"}
        cases = [
            ({}, {}, "token"),
            ({}, {"token": "a wrong one"}, "token"),
            ({"Authorization": "Bearer wrong"}, {"token": "a long token"}, "token"),
            ({"Origin": "https://foe.example", **bearer}, {}, "origin"),
            ({"Origin": "null", **bearer}, {}, "origin"),
            ({"Host": "rebound.example", **bearer}, {}, "host"),
            ({"Host": "127.0.0.1.foe.example", **bearer}, {}, "host"),
            ({"Origin": here, **bearer}, {}, None),
            ({"Origin": "https://friend.example"}, {"token": "a long token"}, None),
            ({"Host": f"localhost:{server.port}", **bearer}, {}, None),
            ({"Host": "[::1]:9", **bearer}, {}, None),
        ]
        for headers, fields, code in cases:
            client = RawClient(server.port, headers=headers)
            client.say(type="start", **start_fields(**fields))
            client.say(type="end")
            last, _ = client.ending()
            assert last.get("code") == code, (headers, last)
        client = RawClient(server.port, path="/v1/stream?token=a+long+token")
        last, _ = client.ending()
        assert (last["code"], "address" in last["message"]) == ("malformed", True)


def test_a_session_is_resumed_by_its_token_alone(server):
    connection, ready = server.begin()
    connection.send(sound(noise(1.0), 0))
    say(connection, type="ping")
    while json.loads(connection.recv(timeout=5))["type"] != "pong":
        pass
    again = {"resume": ready["token"], "next_frame": 3, "next_message": 0}
    for change in ({"resume": ready["session"]}, {"next_frame": 99}, {"next_message": 5}):
        other = server.connect()
        say(other, type="start", **start_fields(**(again | change)))
        assert refused(everything(other))[0] == "resume"
    # It was taken from the first connection by those that then asked for too much.
    taken = everything(connection)
    assert refused(taken)[0] == "replaced"
    other = server.connect()
    say(other, type="start", **start_fields(**again))
    told = json.loads(other.recv(timeout=5))
    assert (told["type"], told["session"], told["received"]) == (
        "ready",
        ready["session"],
        {"0": RATE},
    )
    other.send(sound(noise(2.0), 0))  # half of it is known
    say(other, type="end")
    frames = [m for m in everything(other) if m["type"] == "frames"]
    assert frames[0]["first"] == 3
    assert frames[0]["first"] + sum(len(m["joints"]) for m in frames) == 60
    works(server)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = ("type", "version", "audio", "words", "person", "at_seconds", "from", "dials", "service")
TYPES = ("start", "utterance", "words", "text", "interrupt", "dials", "gesture", "end", "ping")
trees = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=9), values, max_size=6)
typed = st.builds(lambda tree, kind: tree | {"type": kind}, trees, st.sampled_from(TYPES))
messages = (
    st.binary(max_size=64)
    | st.text(max_size=64)
    | (trees | typed).map(json.dumps)
    | st.builds(lambda data: struct.pack("<BBHI", 1, 0, 0, 0) + data, st.binary(max_size=64))
)


@pytest.mark.filterwarnings("ignore:Do not use the .random. module")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.booleans(), st.lists(messages, min_size=1, max_size=6))
def test_whatever_comes_is_answered(server, begins, sent):
    with server.connect() as connection:
        try:
            for message in [*([START] if begins else []), *sent, '{"type": "end"}']:
                connection.send(message)
        except Exception:  # refused meanwhile
            pass
        came = everything(connection)
    if came[-1]["code"] != 1000:
        assert refused(came)[0] != "internal"


def test_nothing_is_left(server):
    works(server)
    assert not server.sessions.running
    assert server.sessions.waiting == 0
    server.wait_until(lambda: len(server.server.server_state.tasks) == 0, 7)


def test_half_a_request_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(running_server, "HEAD_SECONDS", 0.2)
    with serving() as server:
        for sent in (
            b"",
            b"GET / HTTP/1.1\r\nHost: ",
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET",
        ):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.settimeout(5)
                connection.sendall(sent)
                ended = b""
                with contextlib.suppress(ConnectionResetError):
                    while more := connection.recv(4096):
                        ended += more
            assert (b"ok" in ended) == (b"healthz" in sent)
