"""One client's stream: messages in, replies and frames out; it outlives a lost connection."""

import asyncio
import logging
import math
import secrets
import time
from collections import deque
from concurrent.futures import Executor

from llavataros.live.options import SessionOptions
from llavataros.serve.backend import LiveEngine, LiveSession
from llavataros.serve.bell import Bell
from llavataros.serve.body import Body
from llavataros.serve.codes import Code, Refusal
from llavataros.serve.intake import Intake, as_session_dials
from llavataros.serve.limits import Limits
from llavataros.serve.messages import VERSION, Ping, Start
from llavataros.serve.metrics import Metrics
from llavataros.serve.parsing import read_message
from llavataros.serve.replies import Ended, Notice, Numbered, Pong, Ready
from llavataros.serve.sent import Sent
from llavataros_jax.errors import UserError

log = logging.getLogger("llavataros.serve")
# Frames of one message, and seconds of frames that were sent and are kept for a resume.
_MOST_FRAMES = 64
_KEPT_SECONDS = 120.0


class ClientStream:
    """A session of the engine with what its client sent and was sent.

    Attributes:
        token: With which a client resumes it.
        address: Of the client.
        news: Set when there may be something to send; belongs to the event loop.
        is_over: Whether `end` is in what was or is to be sent.
        lost_at: When its connection was lost, by time.monotonic; None while there is one.
    """

    def __init__(
        self,
        start: Start,
        engine: LiveEngine,
        body: Body,
        limits: Limits,
        metrics: Metrics,
        threads: Executor,
        bell: Bell,
        address: str,
    ):
        """Opens a session. To be called in the event loop.

        Raises:
            Refusal: When no lane is free or the options cannot be used.
        """
        if "humanoid" in start.poses and body.humanoid is None:
            raise Refusal(Code.INVALID, f"poses=humanoid cannot be sent: {body.why_no_humanoid}")
        if start.people > limits.people:
            raise Refusal(Code.INVALID, f"people is {start.people}, but at most {limits.people}")
        try:
            options = SessionOptions(
                speaker=start.speaker,
                seed=start.seed,
                people=start.people,
                words=start.words,
                silence=start.silence,
                dials=as_session_dials(start.dials),
                ahead_seconds=limits.ahead_seconds,
            )
            self.session: LiveSession = engine.open(options)
        except UserError as refusal:
            code = Code.INVALID if engine.open_sessions < engine.sessions else Code.BUSY
            raise Refusal(code, str(refusal)) from None
        self.token, self.address, self.began = secrets.token_urlsafe(32), address, time.monotonic()
        self.news, self.is_over = asyncio.Event(), False
        self.lost_at: float | None = None
        self._start, self._engine, self._body = start, engine, body
        self._limits, self._metrics = limits, metrics
        self._notices: tuple[str, ...] = ()
        self._sent = Sent(math.ceil(_KEPT_SECONDS * body.fps))
        self._pongs: deque[Pong] = deque(maxlen=100)
        tools = (body.fps, limits, metrics, threads, self._sent.reply)
        try:
            self._intake = Intake(start, self.session, *tools)
        except Refusal:
            self.session.close()
            raise
        self.session.on_news = lambda: bell.ring(self.news)

    def ready(self) -> Ready:
        """Returns what a client is told when its session begins or goes on."""
        body, humanoid = self._body, self._body.humanoid
        return Ready(
            version=VERSION,
            session=self.session.id,
            token=self.token,
            fps=body.fps,
            delay_frames=self._engine.delay_frames,
            delay_seconds=self._engine.delay_frames / body.fps,
            skeleton=body.skeleton.to_dict(),
            bones=list(humanoid.bones) if humanoid else [],
            rest=humanoid.rest.tolist() if humanoid else [],
            speakers=list(body.speakers),
            gestures=list(body.gestures),
            limits=self._limits.told(),
            received=self._intake.positions,
            messages=self._intake.messages,
        )

    def resume(self, start: Start) -> None:
        """Goes back to where a client is whose connection was lost.

        Raises:
            Refusal: When that is no longer kept.
        """
        if start.next_frame is None:
            raise Refusal(Code.RESUME, "resume needs next_frame, the first frame not received")
        self._sent.rewind(start.next_frame, start.next_message)
        self._intake.come_again()
        self.lost_at = None
        self.news.set()

    async def read_text(self, text: str) -> None:
        """Takes a JSON message.

        Raises:
            Refusal: When it cannot be used.
        """
        message = read_message(text, most_bytes=self._limits.message_bytes)
        if isinstance(message, Ping):
            answer = {"received": self._intake.positions, "messages": self._intake.messages}
            self._pongs.append(Pong(id=message.id, **answer))
        elif isinstance(message, Start):
            raise Refusal(Code.ORDER, "start came a second time; a connection has one session")
        else:
            await self._intake.take(message)
        self.news.set()

    async def read_sound(self, data: bytes) -> None:
        """Takes a binary message: sound.

        Raises:
            Refusal: When it cannot be used.
        """
        await self._intake.hear(data)

    def check_length(self) -> None:
        """Refuses to go on for longer than sessions may last.

        Raises:
            Refusal: When it has lasted that long.
        """
        most = self._limits.session_seconds
        if time.monotonic() - self.began > most:
            raise Refusal(Code.TOO_LONG, f"the session has lasted {most:g} s, as long as it may")

    def next_payload(self) -> tuple[str | bytes, int] | None:
        """Returns what is to be sent next, and the number of items in it for `was_sent`."""
        if self._pongs:
            return self._pongs.popleft().model_dump_json(), 0
        if not self._sent.waiting:
            self._collect()
        upcoming = self._sent.upcoming(_MOST_FRAMES)
        if upcoming is None:
            return None
        if isinstance(upcoming, Numbered):
            return upcoming.model_dump_json(), 1
        as_binary = self._start.frames == "binary"
        encode = self._body.binary if as_binary else self._body.text
        return encode(upcoming, self._start.poses), len(upcoming)

    def was_sent(self, count: int) -> None:
        """Says that so many items of the last payload were given to the connection."""
        upcoming = self._sent.upcoming(_MOST_FRAMES)
        if isinstance(upcoming, list) and count:
            self._metrics.count_frames(upcoming[:count], time.monotonic())
        self._sent.advance(count)

    def close(self) -> None:
        """Gives the lane to others; what was sent is kept."""
        self.session.close()
        # Else both hold each other until garbage is looked for, and all that was sent with them.
        self.session.on_news = _nobody_listens

    @property
    def is_done(self) -> bool:
        """Whether all was sent, `end` too."""
        return self.is_over and not self._sent.waiting

    def _collect(self) -> None:
        """Takes what the engine has ready.

        Raises:
            Refusal: When the session has failed; why is for the log alone.
        """
        if self.session.failure:
            log.error("session %s failed: %s", self.session.id, self.session.failure)
            raise Refusal(Code.INTERNAL, "the session failed, which the server's log describes")
        notices = self.session.notices
        for text in _new(self._notices, notices):
            self._sent.reply(Notice, text=text)
        self._notices = notices
        for frame in self.session.take(_MOST_FRAMES):
            self._sent.add(frame)
        if self.session.is_over and not self.is_over:
            self.is_over = True
            seconds = self.session.seconds_heard
            self._sent.reply(Ended, frames=self._sent.next_frame, seconds=seconds)
            self.close()


def _nobody_listens() -> None:
    """Is told the news of closed sessions."""


def _new(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """Returns what was appended; the first may have been dropped."""
    for dropped in range(len(before) + 1):
        if before[dropped:] == now[: len(before) - dropped]:
            return now[len(before) - dropped :]
    return now
