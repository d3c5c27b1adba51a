"""A server in a thread, and what tests say to it."""

import contextlib
import json
import struct
import threading
import time
from collections.abc import Iterator

import numpy as np
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from llavataros.serve.access import Access
from llavataros.serve.application import build_application
from llavataros.serve.body import Body
from llavataros.serve.limits import Limits
from llavataros.serve.server import bind, make_server
from tests.serve.fake_engine import FakeEngine

RATE = 16000


class Serving:
    """A server that runs."""

    def __init__(self, engine, limits: Limits, access: Access, **parts):
        self.engine, self.limits = engine, limits
        self.socket, _ = bind("127.0.0.1", 0)
        self.port = self.socket.getsockname()[1]
        gestures = getattr(getattr(engine, "gestures", None), "names", ("wave",))
        body = Body(engine.skeleton, engine.fps, tuple(engine.speakers), gestures)
        self.application = build_application(engine, body, limits=limits, access=access, **parts)
        self.server = make_server(self.application, limits)
        self.thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sessions(self):
        return self.application.state.sessions

    def connect(self, **options):
        options.setdefault("compression", None)
        return websockets.sync.client.connect(self.url, **options)

    def begin(self, connect_options=None, **fields):
        """Returns a connection whose session has begun, and what `ready` said."""
        connection = self.connect(**(connect_options or {}))
        say(connection, type="start", **start_fields(**fields))
        ready = json.loads(connection.recv(timeout=10))
        assert ready["type"] == "ready", ready
        return connection, ready

    def wait_until(self, condition, seconds: float = 5.0) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it did not come about"
            time.sleep(0.01)


@contextlib.contextmanager
def serving(engine=None, limits: Limits | None = None, access=None, **parts) -> Iterator[Serving]:
    server = Serving(engine or FakeEngine(), limits or Limits(), access or Access(), **parts)
    server.thread.start()
    try:
        server.wait_until(lambda: server.server.started)
        yield server
    finally:
        server.server.should_exit = True
        server.thread.join(15)
        assert not server.thread.is_alive()


def start_fields(**fields):
    return {"version": 1, "audio": {"encoding": "pcm_s16le", "sample_rate": RATE}} | fields


def say(connection, **message) -> None:
    connection.send(json.dumps(message))


def sound(samples, position: int, person: int = 0) -> bytes:
    """Returns a binary message of samples in [-1, 1]."""
    whole = np.asarray(np.round(np.asarray(samples) * 32768), "<i2")
    return struct.pack("<BBHI", 1, person, 0, position) + whole.tobytes()


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * RATE))
    return np.round(samples * 32768) / 32768


def everything(connection, timeout: float = 10.0) -> list[dict]:
    """Returns all messages until the connection ends; the last is how it was closed."""
    messages = []
    try:
        while True:
            came = connection.recv(timeout=timeout)
            messages.append(json.loads(came) if isinstance(came, str) else {"binary": came})
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else None
        messages.append({"type": "closed", "code": code})
    return messages


def frames_of(messages) -> list[list[float]]:
    """Returns the joints of all frames, those made anew in place of what they replace."""
    frames: list[list[float]] = []
    for message in messages:
        if message.get("type") == "interrupted":
            frames = frames[: message["from_frame"]]
        if message.get("type") == "frames":
            assert message["first"] == len(frames), "a frame is missing or twice"
            frames += message["joints"]
    return frames
