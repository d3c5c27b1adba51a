"""A connection to `llavataros serve` that is made again when it is lost, without a seam.

What was sent is kept until the server says that it has it, and is sent again after a resume.
"""

import asyncio
import contextlib
import json
from collections import deque
from typing import Any

from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

_PING_SECONDS = 5.0
_AGAIN_SECONDS = 0.2
_UNREACHABLE = "unreachable"


class Refused(UserError):
    """What a server refuses, or that it cannot be reached; `code` is that of its `error`."""

    def __init__(self, message: str, code: str = _UNREACHABLE):
        super().__init__(message)
        self.code = code


class KeptConnection:
    """A session's connection.

    Attributes:
        ready: What the server said of the session.
        next_frame: The first frame that did not come, which the owner counts.
        next_message: How many numbered messages came, likewise.
    """

    def __init__(self, url: str, start: dict[str, Any]):
        """Prepares; `open` connects."""
        require_packages("streaming", "websockets", extra="live")
        self.ready: dict[str, Any] = {}
        self.next_frame = self.next_message = 0
        self._url, self._start, self._socket = url, start, None
        self._sending = asyncio.Lock()
        # Of each: whose sound it is, None for messages, and the position or count with it.
        self._kept: deque[tuple[int | None, int, str | bytes]] = deque()
        self._forgotten = self._sent = 0  # of all that was ever to be sent
        self._error: Refused | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Connects and begins the session.

        Raises:
            Refused: When the server refuses or cannot be reached.
        """
        await self._connect()
        self._run(self._ping())

    async def close(self) -> None:
        """Ends the connection; the server may wait a while for its return."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket:
            await self._socket.close()

    def cut(self) -> None:
        """Breaks the connection as a network would, for tests."""
        self._open_socket.transport.abort()

    async def send(self, person: int | None, end: int, message: str | bytes) -> None:
        """Sends a message, and again if need be.

        Args:
            person: Whose sound it is; None for a JSON message.
            end: Position of the sound's end, or number of JSON messages with this one.
            message: The message.
        """
        self._kept.append((person, end, message))
        await self._send_kept()

    async def receive(self) -> dict[str, Any] | bytes | None:
        """Returns the next message; None after the end.

        Raises:
            Refused: When the server has refused, or was lost for too long.
        """
        from websockets.exceptions import ConnectionClosed

        while True:
            try:
                came = await self._open_socket.recv()
            except ConnectionClosed as closed:
                if self._error:
                    raise self._error from None
                if closed.rcvd and closed.rcvd.code == 1000:
                    return None
                await self._mend()
                continue
            if isinstance(came, bytes):
                return came
            message = json.loads(came)
            if message["type"] == "error":
                self._error = Refused(f"{self._url}: {message['message']}", message["code"])
            elif message["type"] == "pong":
                self._forget(message)
            else:
                return message

    @property
    def _open_socket(self):
        assert self._socket is not None, "open() comes first"
        return self._socket

    async def _send_kept(self) -> None:
        """Sends what was not sent on this connection, in its order."""
        from websockets.exceptions import ConnectionClosed

        async with self._sending:
            # A lost connection is mended by `receive`, after which all is sent again.
            with contextlib.suppress(ConnectionClosed):
                while self._sent - self._forgotten < len(self._kept):
                    self._sent += 1
                    await self._open_socket.send(self._kept[self._sent - self._forgotten - 1][2])

    async def _connect(self) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

        start = dict(self._start)
        if self.ready:
            start |= {"resume": self.ready["token"], "next_frame": self.next_frame}
            start |= {"next_message": self.next_message}
        try:
            socket = await connect(self._url, compression=None, max_size=None)
            await socket.send(json.dumps(start))
            told = json.loads(await socket.recv())
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError, ConnectionClosed) as problem:
            raise Refused(f"{self._url} cannot be reached: {problem}") from problem
        if told["type"] == "error":
            await socket.close()
            raise Refused(f"{self._url} refuses: {told['message']}", told["code"])
        self._socket, self.ready = socket, told
        self._forget(told)
        self._sent = self._forgotten

    async def _mend(self) -> None:
        """Connects again, for as long as the server waits."""
        clock = asyncio.get_running_loop().time
        until = clock() + self.ready["limits"]["resume_seconds"]
        async with self._sending:
            while True:
                try:
                    await self._connect()
                    break
                except Refused as refusal:
                    if refusal.code != _UNREACHABLE or clock() > until:
                        raise
                await asyncio.sleep(_AGAIN_SECONDS)
        self._run(self._send_kept())  # while others read, else both sides could wait for ever

    def _forget(self, told: dict[str, Any]) -> None:
        """Drops what the server says it has."""
        while self._kept:
            person, end, _ = self._kept[0]
            if end > (told["messages"] if person is None else told["received"][str(person)]):
                return
            self._kept.popleft()
            self._forgotten += 1

    async def _ping(self) -> None:
        from websockets.exceptions import ConnectionClosed

        while True:
            await asyncio.sleep(_PING_SECONDS)
            with contextlib.suppress(ConnectionClosed):
                await self._open_socket.send('{"type": "ping"}')

    def _run(self, work) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
