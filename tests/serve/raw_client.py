"""A WebSocket client that sends whatever bytes a test wants and reads when it is told to."""

import json
import socket

from websockets.frames import Frame, Opcode


class RawClient:
    """A connection to `/v1/stream`."""

    def __init__(self, port: int, *, headers: dict[str, str] | None = None, path="/v1/stream"):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        named = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        } | (headers or {})
        lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in named.items()), "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self._came = b""
        while b"\r\n\r\n" not in self._came:
            self._came += self.socket.recv(4096)
        self.head, _, self._came = self._came.partition(b"\r\n\r\n")

    def frame(self, opcode: Opcode, data: bytes, *, is_last: bool = True) -> bytes:
        return Frame(opcode, data, fin=is_last).serialize(mask=True)

    def say(self, **message) -> None:
        self.socket.sendall(self.frame(Opcode.TEXT, json.dumps(message).encode()))

    def sound(self, data: bytes) -> None:
        self.socket.sendall(self.frame(Opcode.BINARY, data))

    def next_frame(self) -> tuple[int, bytes]:
        """Returns kind and content of the next frame that the server sent."""
        head = self._take(2)
        size = head[1]
        if size == 126:
            size = int.from_bytes(self._take(2), "big")
        elif size == 127:
            size = int.from_bytes(self._take(8), "big")
        return head[0] & 15, self._take(size)

    def ending(self) -> tuple[dict | None, int | None]:
        """Reads to the end; returns the last JSON message and the code of closing."""
        last, code = None, None
        try:
            while True:
                kind, data = self.next_frame()
                if kind == Opcode.TEXT:
                    last = json.loads(data)
                if kind == Opcode.CLOSE:
                    code = int.from_bytes(data[:2], "big")
                    self.socket.sendall(self.frame(Opcode.CLOSE, data[:2]))
        except (EOFError, ConnectionError, TimeoutError):
            self.socket.close()
        return last, code

    def _take(self, size: int) -> bytes:
        while len(self._came) < size:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self._came += more
        taken, self._came = self._came[:size], self._came[size:]
        return taken
