"""A client of `llavataros serve`: sound goes in, frames come out, and a lost connection is mended.

    async with connect("ws://127.0.0.1:8317/v1/stream", words="timed", sample_rate=24000) as stream:
        await stream.send_audio(samples)
        await stream.words([("hello", 0.1, 0.4)])
        await stream.end()
        async for frames in stream:
            print(frames.first, frames.joints.shape)

Frames are read in the background. One whose number was there before replaces it and what followed:
that is an interruption. The protocol is in `/v1/schema` of every server.
"""

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros.client_frames import Frames, read_frames
from llavataros.kept_connection import KeptConnection, Refused

__all__ = ["Frames", "Refused", "Stream", "connect"]
_PIECE_BYTES = 1 << 18
_HEADER = struct.Struct("<BBHI")


@contextlib.asynccontextmanager
async def connect(
    url: str, *, sample_rate: int = 48000, encoding: str = "pcm_s16le", **start: Any
) -> AsyncIterator["Stream"]:
    """Begins a session; `start` holds further fields of the protocol's `start`, as `token`.

    Raises:
        Refused: When the server refuses or cannot be reached.
    """
    audio = {"encoding": encoding, "sample_rate": sample_rate}
    fields = {"type": "start", "version": 1, "audio": audio, "frames": "binary"} | start
    connection = KeptConnection(url, fields)
    await connection.open()
    stream = Stream(connection, is_pcm=encoding == "pcm_s16le")
    reading = asyncio.create_task(stream._read())
    try:
        yield stream
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await connection.close()


class Stream:
    """A session: `notices` are what the server noticed, `async for` gives its frames."""

    def __init__(self, connection: KeptConnection, *, is_pcm: bool):
        self.notices: list[str] = []
        self._connection, self._is_pcm = connection, is_pcm
        self._positions, self._messages = [0, 0], 0
        self._came: asyncio.Queue[Frames | Exception | None] = asyncio.Queue()
        self._starts: asyncio.Queue[float] = asyncio.Queue()

    @property
    def ready(self) -> dict[str, Any]:
        """What the server said of the session: fps, delay_seconds, skeleton, bones, …"""
        return self._connection.ready

    async def send_audio(self, sound: Float[np.ndarray, " n"] | bytes, person: int = 0) -> None:
        """Sends samples in [-1, 1] or bytes of 16-bit PCM, of any length; of Opus, one packet."""
        if isinstance(sound, np.ndarray):
            sound = np.clip(np.round(sound * 32768), -32768, 32767).astype("<i2").tobytes()
        size = _PIECE_BYTES if self._is_pcm else max(len(sound), 1)
        for piece in (sound[at : at + size] for at in range(0, len(sound), size)):
            position = self._positions[person]
            self._positions[person] += len(piece) // 2 if self._is_pcm else 1
            message = _HEADER.pack(1, person, 0, position) + piece
            await self._connection.send(person, self._positions[person], message)

    async def words(self, words: Sequence[tuple[str, float, float]], **fields: Any) -> None:
        """Sends words (text, start and end in seconds); fields: known_until, person and from."""
        said = [{"word": word, "start": start, "end": end} for word, start, end in words]
        await self.say("words", words=said, **fields)

    async def utterance(self) -> float:
        """Begins an utterance; returns its time in the stream in seconds."""
        await self.say("utterance")
        return await self._starts.get()

    async def interrupt(self, at_seconds: float | None = None) -> None:
        """Stops the sentence, best at the time of playback; frames from there on come anew."""
        await self.say("interrupt", at_seconds=at_seconds)

    async def end(self) -> None:
        """Ends the stream; the last frames follow."""
        await self.say("end")

    async def say(self, kind: str, **fields: Any) -> None:
        """Sends any other message: text, end_utterance, dials, gesture, words of a service."""
        self._messages += 1
        message = json.dumps({"type": kind, **fields})
        await self._connection.send(None, self._messages, message)

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> Frames:
        came = await self._came.get()
        if isinstance(came, Frames):
            return came
        self._came.put_nowait(came)  # the end stays the end
        raise StopAsyncIteration if came is None else came

    async def _read(self) -> None:
        try:
            while (came := await self._connection.receive()) is not None:
                if isinstance(came, bytes):
                    frames = read_frames(came, self.ready)
                    self._connection.next_frame = frames.first + frames.count
                    self._came.put_nowait(frames)
                else:
                    self._hear(came)
            self._came.put_nowait(None)
        except Exception as problem:
            self._came.put_nowait(problem)

    def _hear(self, message: dict[str, Any]) -> None:
        self._connection.next_message = message["number"] + 1
        if message["type"] == "utterance":
            self._starts.put_nowait(message["start_seconds"])
        elif message["type"] == "notice":
            self.notices.append(message["text"])
        elif message["type"] == "interrupted":
            self._connection.next_frame = message["from_frame"]
