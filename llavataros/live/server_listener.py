"""A `llavataros serve` elsewhere as listener: its client runs in a thread of its own."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from data_prep.words.word import Word
from llavataros.client import Frames, Stream, connect
from llavataros.live.options import SessionDials
from llavataros.live.source import Numbered
from llavataros.live.vmc_body import BodyPose
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

_PATH = "/v1/stream"
_MOST_SECONDS = 30.0  # of a message to the server, or of the way to its session


class ServerListener:
    """A session of a server."""

    def __init__(self, url: str, *, sample_rate: int, **start: Any) -> None:
        """Connects.

        Args:
            url: Of the server, as ws://HOST:PORT.
            sample_rate: Of the sound that will be heard, samples a second.
            start: Further fields of the protocol's `start`, as `token`.

        Raises:
            UserError: When the server cannot be reached or refuses.
        """
        require_packages("a server", "websockets", extra="live")
        scheme, there, rest = url.partition("://")
        if scheme not in ("ws", "wss") or not rest.strip("/"):
            raise UserError(f"--server {url} is no address; give ws://HOST:PORT or wss://HOST:PORT")
        self._url = url if "/" in rest.rstrip("/") else f"{scheme}{there}{rest.rstrip('/')}{_PATH}"
        self._came: deque[Numbered] = deque()
        self._problem: Exception | None = None
        self._is_done = False
        self._told = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._life: asyncio.Task[None] | None = None
        ready: asyncio.Future[Stream] = self._loop.create_future()
        start |= {"poses": ["humanoid"], "sample_rate": sample_rate}
        asyncio.run_coroutine_threadsafe(self._live(ready, start), self._loop)
        try:
            self._stream: Stream = self._wait(_answer(ready))
        except UserError:
            self.close()
            raise
        told = self._stream.ready
        self.fps, self.delay_seconds = float(told["fps"]), float(told["delay_seconds"])
        self.bones, self.rest = tuple(told["bones"]), np.array(told["rest"], np.float64)

    @property
    def is_over(self) -> bool:
        """Whether all poses were taken, and nothing went wrong that `take` has to say."""
        return self._is_done and not self._came and self._problem is None

    def say(self, words: Sequence[Word], known_until_seconds: float | None) -> None:
        """Takes words with times of the stream."""
        said = [(word.text, word.start_seconds, word.end_seconds) for word in words]
        fields = {"known_until": known_until_seconds, "from": "stream"}
        self._wait(self._stream.words(said, **fields))

    def say_text(self, text: str) -> None:
        """Takes words without times."""
        self._wait(self._stream.say("text", text=text))

    def hear(self, samples: Float[np.ndarray, " n"], sample_rate: int) -> None:
        """Takes the next sound, of the rate that was announced."""
        self._wait(self._stream.send_audio(samples))

    def begin_utterance(self) -> float:
        """Hears that somebody begins to speak; returns the time of the stream where that is."""
        return self._wait(self._stream.utterance())

    def end_utterance(self) -> None:
        """Hears that all sound and words of the utterance were brought."""
        self._wait(self._stream.say("end_utterance"))

    def interrupt(self, frame: int) -> int:
        """Lets the body come to rest from a frame on; frames that come anew replace what was."""
        self._wait(self._stream.interrupt(frame / self.fps))
        return frame

    def turn(self, dials: SessionDials) -> None:
        """Turns those dials that are not None."""
        given = {name: value for name, value in vars(dials).items() if value is not None}
        self._wait(self._stream.say("dials", **given))

    def gesture(self, name: str, at_seconds: float | None, strength: float) -> None:
        """Lets the body make a gesture, at a time of the stream or with the next frame."""
        told = {"name": name, "at_seconds": at_seconds, "strength": strength}
        self._wait(self._stream.say("gesture", **told))

    def end(self) -> None:
        """Hears that nothing more will come."""
        self._wait(self._stream.end())

    def take(self) -> list[Numbered]:
        """Returns the poses that came and were not returned.

        Raises:
            UserError: When the server refused something, or is gone.
        """
        if self._problem is not None:
            raise _as_refusal(self._problem, self._url)
        return [self._came.popleft() for _ in range(len(self._came))]

    def take_notices(self) -> list[str]:
        """Returns what the user should know and was not told."""
        notices = self._stream.notices[self._told :]
        self._told += len(notices)
        return notices

    def close(self) -> None:
        """Closes the connection, so that the server does not wait for it to be mended."""
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(_MOST_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_MOST_SECONDS)

    async def _leave(self) -> None:
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)

    async def _live(self, ready: asyncio.Future[Stream], start: dict[str, Any]) -> None:
        self._life = asyncio.current_task()
        try:
            async with connect(self._url, **start) as stream:
                ready.set_result(stream)
                async for frames in stream:
                    self._came.extend(_numbered(frames))
        except Exception as problem:
            if ready.done():
                self._problem = problem
            else:
                ready.set_exception(problem)
        finally:
            self._is_done = True

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(_MOST_SECONDS)
        except TimeoutError:
            raise UserError(
                f"--server {self._url} did not answer for {_MOST_SECONDS:g} s; look at the server"
            ) from None
        except UserError:
            raise
        except Exception as problem:
            raise _as_refusal(problem, self._url) from problem


async def _answer(ready: asyncio.Future[Stream]) -> Stream:
    return await ready


def _numbered(frames: Frames) -> list[Numbered]:
    if frames.rotations is None or frames.hips is None:
        return []
    rows = zip(frames.rotations, frames.hips, strict=True)
    return [
        (frames.first + n, BodyPose(turned.astype(np.float64), place.astype(np.float64)))
        for n, (turned, place) in enumerate(rows)
    ]


def _as_refusal(problem: Exception, url: str) -> UserError:
    if isinstance(problem, UserError):
        return problem
    return UserError(f"--server {url}: the connection was lost ({problem}); start again")
