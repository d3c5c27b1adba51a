"""uvicorn as this project runs it: a socket bound before anything is loaded, an end that tells."""

import asyncio
import logging
import signal
import socket
import threading
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from llavataros.serve.access import is_loopback
from llavataros.serve.connection import LOST
from llavataros.serve.limits import Limits
from llavataros.serve.sessions import Sessions
from llavataros_jax.errors import UserError

log = logging.getLogger("llavataros.serve")
# Of the WebSocket library, which closes with 1009; below it the application says why.
_HARD_MESSAGE_FACTOR = 4
_MOST_QUEUED, _SMALL_BYTES = 8, 1 << 14
_GRACE_SECONDS = 5
HEAD_SECONDS = 10.0
_PING_SECONDS = 20.0
# A closed connection that still has something to send is cut after this.
_LINGER_SECONDS = 5.0


class _Http(H11Protocol):
    """HTTP that does not wait for ever for the head of a request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.loop.call_later(HEAD_SECONDS, self._give_up)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        is_asked = self.cycle is not None and not self.cycle.response_complete
        if not is_asked and self.transport.get_protocol() is self:
            self.transport.abort()


class _Protocol(WebSocketsSansIOProtocol):
    """A WebSocket that ends for good when its application is done, whether it is read or not."""

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

    def send_receive_event_to_app(self) -> None:
        # uvicorn stops reading after each message, which costs more than a small one is worth.
        few = self.queue.qsize() < _MOST_QUEUED and sum(map(len, self.frames)) < _SMALL_BYTES
        spare = few and not self.read_paused
        self.read_paused = self.read_paused or spare
        super().send_receive_event_to_app()
        self.read_paused = self.read_paused and not spare

    def connection_lost(self, exc: Exception | None) -> None:
        # Else it looks like a client that has closed without a code.
        self.queue.put_nowait({"type": "websocket.disconnect", "code": LOST})
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        # Else whoever sends pings and reads no pong fills this machine's memory.
        super().pause_writing()
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self.transport.resume_reading()


def _is_of_interest(record: logging.LogRecord) -> bool:
    """Leaves out what anybody can fill a log with."""
    return not str(record.msg).startswith("Invalid UTF-8")


class Server(uvicorn.Server):
    """Serves until it is told to stop; running sessions are told before."""

    def __init__(self, config: uvicorn.Config, sessions: Sessions):
        super().__init__(config)
        self._sessions = sessions

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tells all sessions that the server ends, then closes all connections."""
        await self._sessions.shut_down()
        await super().shutdown(sockets)


def make_server(application: FastAPI, limits: Limits) -> Server:
    """Returns a server of the application, for `server.run(sockets=[…])`."""
    config = uvicorn.Config(
        application,
        loop="asyncio",
        http=_Http,
        ws=_Protocol,
        ws_max_size=_HARD_MESSAGE_FACTOR * limits.message_bytes,
        ws_ping_interval=_PING_SECONDS,
        # A client is not read while it is ahead, its pongs neither; silence is told by messages.
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_of_interest)
    return Server(config, application.state.sessions)


def bind(host: str, port: int) -> tuple[socket.socket, bool]:
    """Binds a socket; says, too, whether only this machine reaches it.

    Raises:
        UserError: When there is no such host, or the port is taken.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as problem:
        raise UserError(f"--host {host} is no name or address of this machine: {problem}") from None
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        bound.listen(1)
    except OSError as problem:
        bound.close()
        raise UserError(
            f"--host {host} --port {port} cannot be listened at: {problem.strerror}; is another "
            "server running there? choose another --port"
        ) from None
    return bound, is_loopback([str(address[0])])


class Stop:
    """SIGTERM and SIGINT, from the beginning to the end.

    While the server runs uvicorn takes them over, and gives them back at its end.

    Attributes:
        asked: Set when one came.
    """

    def __init__(self):
        self.asked = threading.Event()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt  # a second time, while something takes long
        self.asked.set()
