"""The stream through real sockets, with an engine that needs no network."""

import gc
import json
import socket
import struct
import weakref

import av
import numpy as np
import pytest

from llavataros.serve import connection as connections
from llavataros.serve import server as running_server
from llavataros.serve.limits import Limits
from tests.serve.fake_engine import DELAY, FPS, FakeEngine
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


@pytest.fixture(scope="module")
def server():
    with serving(limits=Limits(sessions=3)) as running:
        yield running


def expected_means(samples: np.ndarray) -> np.ndarray:
    per = RATE / FPS
    count = round(len(samples) / per)
    return np.array([samples[round(k * per) : round((k + 1) * per)].mean() for k in range(count)])


def stream(connection, samples, cuts, first: int = 0) -> None:
    at = first
    for piece in np.split(samples[first:], np.asarray(cuts)):
        connection.send(sound(piece, at)) if len(piece) else None
        at += len(piece)


def test_ready_tells_what_will_come(server):
    connection, ready = server.begin(poses=["joints", "humanoid"])
    with connection:
        assert ready["version"] == 1
        assert ready["fps"] == FPS
        assert ready["delay_frames"] == DELAY
        assert ready["delay_seconds"] == pytest.approx(DELAY / FPS)
        assert ready["skeleton"]["names"][0] == "Hips"
        assert ready["bones"][0] == "hips"
        assert len(ready["rest"]) == len(ready["bones"])
        assert ready["speakers"] == ["ada", "kim"]
        assert ready["gestures"] == ["wave"]
        assert ready["received"] == {"0": 0}
        assert ready["limits"]["message_bytes"] == 1 << 20


def test_every_frame_comes_whatever_the_pieces(server):
    samples = noise(2.0)
    connection, _ = server.begin()
    stream(connection, samples, [7, 801, 802, 9000])
    say(connection, type="end")
    messages = everything(connection)
    frames = np.array(frames_of(messages))
    assert np.allclose(frames[:, 0], np.arange(60))
    assert np.allclose(frames[:, 1], expected_means(samples), atol=1e-6)
    assert messages[-2] == {"type": "end", "number": 0, "frames": 60, "seconds": 2.0}
    assert messages[-1]["code"] == 1000


def test_frames_as_numbers_are_those_of_json(server):
    samples = noise(1.0)
    kinds = {}
    for form in ("json", "binary"):
        connection, ready = server.begin(poses=["joints", "humanoid"], frames=form)
        stream(connection, samples, [])
        say(connection, type="end")
        kinds[form] = everything(connection)
    bones, rows = len(ready["bones"]), []
    for message in kinds["binary"]:
        if data := message.get("binary"):
            kind, flags, count, first = struct.unpack_from("<BBHI", data)
            assert (kind, flags, first) == (2, 3, len(rows))
            values = np.frombuffer(data[8:], "<f4").reshape(count, 63 + 4 * bones + 3)
            rows += list(values)
    frames = [m for m in kinds["json"] if m["type"] == "frames"]
    joints = np.concatenate([m["joints"] for m in frames])
    turned = np.concatenate([m["humanoid"]["rotations"] for m in frames])
    hips = np.concatenate([m["humanoid"]["hips"] for m in frames])
    assert np.allclose(rows, np.concatenate([joints, turned, hips], axis=1), atol=1e-6)
    assert np.allclose(hips[:, 0], np.arange(30))


def test_two_sessions_do_not_mix(server):
    first, second = noise(1.0, seed=1), noise(1.0, seed=2)
    one, _ = server.begin()
    two, _ = server.begin()
    for at in range(0, RATE, 1600):
        one.send(sound(first[at : at + 1600], at))
        two.send(sound(second[at : at + 1600], at))
    for connection, samples in ((one, first), (two, second)):
        say(connection, type="end")
        frames = np.array(frames_of(everything(connection)))
        assert np.allclose(frames[:, 1], expected_means(samples), atol=1e-6)


def test_what_a_client_says_reaches_the_session(server):
    connection, ready = server.begin(words="timed", people=2, speaker="kim", seed=7)
    session = server.engine.open_by_id[ready["session"]]
    assert (session.options.speaker, session.options.seed) == ("kim", 7)
    connection.send(sound(noise(1.0), 0))
    say(connection, type="utterance")
    word = {"word": "hello", "start": 0.25, "end": 0.5}
    say(connection, type="words", words=[word], known_until=0.75)
    say(connection, type="words", words=[word], person=1, **{"from": "stream"})
    say(connection, type="dials", idle=0.5)
    say(connection, type="gesture", name="wave", at_seconds=1.5)
    say(connection, type="end_utterance")
    say(connection, type="end")
    messages = [m for m in everything(connection) if m["type"] not in ("frames", "closed")]
    assert [m["number"] for m in messages] == [0, 1, 2, 3]
    assert messages[0] == {"type": "utterance", "number": 0, "start_seconds": 1.0}
    assert messages[1]["start_seconds"] == 1.5
    assert messages[2]["text"] == "the utterance is over"
    (first, person, until), (second, other, _), (dials,) = session.said
    assert (first[0].start_seconds, first[0].end_seconds, until) == (1.25, 1.5, 1.75)
    assert (person, other, second[0].start_seconds) == (0, 1, 0.25)
    assert (dials.idle, dials.temperature) == (0.5, None)


def test_an_interruption_comes_before_what_is_made_anew(server):
    connection, _ = server.begin()
    connection.send(sound(noise(1.0), 0))
    say(connection, type="interrupt", at_seconds=10 / FPS)
    connection.send(sound(noise(1.0), RATE))
    say(connection, type="end")
    messages = everything(connection)
    assert [m["from_frame"] for m in messages if m["type"] == "interrupted"] == [10]
    frames = np.array(frames_of(messages))
    assert len(frames) == 60
    assert (frames[:10, 2] == 0).all()
    assert (frames[10:, 2] == 1).all()


def test_ping_tells_what_came(server):
    connection, _ = server.begin()
    connection.send(sound(noise(0.01), 0))
    say(connection, type="text", text="hello")
    say(connection, type="ping", id="a")
    pong = json.loads(connection.recv(timeout=5))
    assert pong == {"type": "pong", "id": "a", "received": {"0": 160}, "messages": 1}
    connection.close()


def test_a_slow_reader_holds_up_its_own_lane_alone(monkeypatch):
    monkeypatch.setattr(connections, "_PARTING_SECONDS", 0.2)
    monkeypatch.setattr(running_server, "_LINGER_SECONDS", 0.2)
    engine = FakeEngine()
    limits = Limits(ahead_seconds=10.0, slow_seconds=0.5)
    with serving(engine, limits) as server:
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        slow = RawClient(server.port)
        slow.say(type="start", **start_fields(poses=["joints", "humanoid"]))
        (session,) = wait_for_session(server)
        with pytest.raises((TimeoutError, ConnectionError)):  # unread: the server stops reading
            send_much(slow, noise(10.0))
        assert session.waiting_frames <= (10.0 + 10.0) * FPS
        other, _ = server.begin()
        other.send(sound(noise(1.0), 0))
        say(other, type="end")
        assert len(frames_of(everything(other))) == 30
        server.wait_until(lambda: not engine.open_by_id, 15)
        slow.socket.close()


def send_much(client, piece):
    for count in range(1000):
        client.sound(sound(piece, count * len(piece)))


def wait_for_session(server):
    server.wait_until(lambda: server.engine.open_by_id)
    return list(server.engine.open_by_id.values())


def opus_packets(seconds: float) -> list[bytes]:
    """Returns a tone as packets of 20 ms."""
    coder = av.CodecContext.create("libopus", "w")
    coder.sample_rate, coder.layout, coder.format = 48000, "mono", "flt"
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * 48000)) / 48000)
    packets = []
    for begin in range(0, len(tone), 960):
        part = tone[None, begin : begin + 960].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="flt", layout="mono")
        frame.sample_rate, frame.pts = 48000, begin
        packets += [bytes(packet) for packet in coder.encode(frame)]
    return packets


def test_opus_is_counted_by_packets(server):
    packets = opus_packets(1.0)
    connection, ready = server.begin(audio={"encoding": "opus"})
    session = server.engine.open_by_id[ready["session"]]
    for position, packet in enumerate(packets):
        connection.send(struct.pack("<BBHI", 1, 0, 0, position) + packet)
    say(connection, type="ping")
    while (message := json.loads(connection.recv(timeout=5)))["type"] != "pong":
        pass
    assert message["received"] == {"0": len(packets)}
    heard = session._sound
    assert session._rate == 48000
    assert abs(len(heard) - 48000) <= 960
    assert np.abs(np.fft.rfft(heard[4800:43200])).argmax() == 440 * 38400 // 48000
    connection.send(struct.pack("<BBHI", 1, 0, 0, 0) + packets[0])
    assert everything(connection)[-2]["code"] == "order"
    connection, _ = server.begin(audio={"encoding": "opus"})
    connection.send(struct.pack("<BBHI", 1, 0, 0, 0) + b"\xff" * 40)
    error = everything(connection)[-2]
    assert (error["code"], "none of Opus" in error["message"]) == ("audio", True)


def test_words_of_a_service_are_read(server):
    connection, ready = server.begin(words="timed")
    session = server.engine.open_by_id[ready["session"]]
    connection.send(sound(noise(1.0), 0))
    say(connection, type="utterance")
    chars = {"characters": list("so it"), "character_start_times_seconds": [0, 0.1, 0.2, 0.3, 0.4]}
    chars["character_end_times_seconds"] = [0.1, 0.2, 0.3, 0.4, 0.5]
    say(connection, type="words", service={"alignment": chars})
    say(connection, type="end_utterance")
    say(connection, type="words", service={"neither": {"of": ["them"]}})
    error = everything(connection)[-2]
    assert error["code"] == "words"
    (first, _, until), (last, _, _) = session.said
    assert [(w.text, w.start_seconds, w.end_seconds) for w in first] == [("so", 1.0, 1.2)]
    assert until == pytest.approx(1.2)
    assert [w.text for w in last] == ["it"]


@pytest.mark.parametrize("ending", ["end", "close", "break", "refuse"])
def test_a_stream_that_has_ended_is_no_garbage(ending):
    gc.collect()
    with serving(limits=Limits(resume_seconds=0)) as server:
        gc.disable()
        try:
            connection, _ = server.begin()
            stream = weakref.ref(server.sessions.running[0])
            connection.send(sound(noise(0.5), 0))
            if ending == "end":
                say(connection, type="end")
                everything(connection)
            elif ending == "close":
                connection.close()
            elif ending == "break":
                connection.socket.shutdown(socket.SHUT_RDWR)
            else:
                say(connection, type="start", version=1)
                everything(connection)
            server.wait_until(lambda: not server.engine.open_by_id)
            server.wait_until(lambda: stream() is None)
        finally:
            gc.enable()
