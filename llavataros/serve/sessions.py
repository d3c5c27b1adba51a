"""All streams of a server: who may begin one, who goes on with one, and when they end."""

import asyncio
import logging
import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from llavataros.serve.backend import LiveEngine
from llavataros.serve.bell import Bell
from llavataros.serve.body import Body
from llavataros.serve.codes import Code, Refusal
from llavataros.serve.limits import Limits
from llavataros.serve.messages import Start
from llavataros.serve.metrics import Metrics
from llavataros.serve.stream import ClientStream

log = logging.getLogger("llavataros.serve")
_SWEEP_SECONDS = 0.5
# That compute features of sound as it comes.
_THREADS = 4
# Connections that have not begun a session yet.
MOST_WAITING = 32


class Sessions:
    """The streams of a server.

    Attributes:
        is_ready: Set when the engine has compiled.
        is_closing: Whether the server ends.
        waiting: Connections that have not begun a session.
    """

    def __init__(self, engine: LiveEngine, body: Body, limits: Limits, metrics: Metrics):
        self.engine, self.body, self.limits, self.metrics = engine, body, limits, metrics
        self.is_ready, self.is_closing = asyncio.Event(), False
        self.waiting = 0
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="hear")
        self._bell: Bell | None = None  # of the event loop, in which the first session begins
        self._owners: dict[ClientStream, Owner | None] = {}

    @property
    def running(self) -> list[ClientStream]:
        """Streams whose session runs, with a connection or without."""
        return [stream for stream in self._owners if not stream.is_over]

    def begin(self, start: Start, address: str, owner: "Owner") -> ClientStream:
        """Begins a session.

        Raises:
            Refusal: When there are as many as may be, or its options cannot be used.
        """
        self._require_open()
        running, most = self.running, self.limits.sessions
        if len(running) >= most:
            raise Refusal(Code.BUSY, f"{most} sessions run, as many as may; try again later")
        of_one, its_most = Counter(s.address for s in running), self.limits.of_one_address
        if of_one[address] >= its_most:
            raise Refusal(
                Code.BUSY, f"{its_most} sessions of one address run, as many as may; end one first"
            )
        self._bell = self._bell or Bell()
        tools = (self.engine, self.body, self.limits, self.metrics, self._threads, self._bell)
        stream = ClientStream(start, *tools, address)
        self._owners[stream] = owner
        self.metrics.opened.inc()
        return stream

    async def resume(self, start: Start, owner: "Owner") -> ClientStream:
        """Goes on with a session, which is taken from a connection that still has it.

        Raises:
            Refusal: When no session has that token, or what the client lacks is not kept.
        """
        self._require_open()
        given = (start.resume or "").encode()
        found = None
        for stream in self._owners:  # all of them, so that time tells nothing
            if secrets.compare_digest(stream.token.encode(), given):
                found = stream
        if found is None:
            raise Refusal(
                Code.RESUME,
                "no session waits for that token; it may have ended, so begin a new one",
            )
        while (before := self._owners.get(found)) is not None:
            await before.evict()
        if found not in self._owners:
            raise Refusal(Code.RESUME, "the session has ended; begin a new one")
        found.resume(start)
        self._owners[found] = owner
        self.metrics.resumed.inc()
        return found

    def lose(self, stream: ClientStream, owner: "Owner") -> None:
        """Says that a stream's connection was lost; another has some time to go on with it."""
        if self._owners.get(stream) is owner:
            self._owners[stream] = None
            stream.lost_at = time.monotonic()
            if not self.limits.resume_seconds or self.is_closing:
                self.close(stream)
            self._forget_ended()

    def close(self, stream: ClientStream) -> None:
        """Ends a stream at once."""
        self._owners.pop(stream, None)
        stream.close()

    async def sweep(self) -> None:
        """Ends, for as long as the server runs, streams that nobody came back to."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = time.monotonic()
            for stream, owner in list(self._owners.items()):
                lost_at = stream.lost_at if owner is None else None
                if lost_at is not None and now - lost_at > self.limits.resume_seconds:
                    self.close(stream)
            self.measure()

    def measure(self) -> None:
        """Brings the gauges up to date."""
        owned = sum(owner is not None for owner in self._owners.values())
        lost = sum(self._owners[stream] is None for stream in self.running)
        self.metrics.sessions.set(owned)
        self.metrics.lost_sessions.set(lost)
        self.metrics.connections.set(self.waiting + owned)
        self.metrics.waiting_frames.set(sum(s.session.waiting_frames for s in self.running))

    async def shut_down(self) -> None:
        """Ends all streams; their clients are told."""
        self.is_closing = True
        owners = [owner for owner in self._owners.values() if owner is not None]
        refusal = Refusal(Code.SHUTTING_DOWN, "the server ends; connect again later")
        await asyncio.gather(*(owner.evict(refusal) for owner in owners))
        await asyncio.gather(*(owner.is_parted.wait() for owner in owners))
        for stream in list(self._owners):
            self.close(stream)
        self._threads.shutdown(wait=False)

    def _require_open(self) -> None:
        if self.is_closing:
            raise Refusal(Code.SHUTTING_DOWN, "the server ends and begins no session")

    def _forget_ended(self) -> None:
        """Keeps what ended streams were sent for no more of them than there are lanes."""
        ended = [s for s, owner in self._owners.items() if owner is None and s.is_over]
        for stream in ended[: -self.limits.sessions]:
            self.close(stream)


class Owner:
    """A connection that has a stream, and can be told to give it up.

    Attributes:
        refusal: Why it is to give it up, once that is so.
        is_gone: Set when it has.
        is_parted: Set when its client has been told, too.
    """

    def __init__(self):
        self.refusal: asyncio.Future[Refusal] = asyncio.get_running_loop().create_future()
        self.is_gone, self.is_parted = asyncio.Event(), asyncio.Event()

    async def evict(self, refusal: Refusal | None = None) -> None:
        """Tells the connection to end, and waits until it has given up the stream."""
        if not self.refusal.done():
            told = refusal or Refusal(
                Code.REPLACED, "another connection has resumed this session, so this one ends"
            )
            self.refusal.set_result(told)
        await self.is_gone.wait()
