"""A network that fails when it is told to."""

import asyncio
import contextlib


class Proxy:
    """Passes bytes on until it is told to cut all that passes through it."""

    def __init__(self, port: int):
        self._port, self._open, self.cuts = port, [], 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.cut()
        self._server.close()

    def cut(self):
        self.cuts += 1
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _pass(self, reader, writer):
        with contextlib.suppress(ConnectionError, OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._open += [writer, far_writer]
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader, writer):
    with contextlib.suppress(ConnectionError, OSError):
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    writer.close()
