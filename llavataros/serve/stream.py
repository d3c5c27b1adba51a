"""One client's stream: messages in, replies and frames out; it outlives a lost connection."""

import asyncio
import math
import secrets
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace

from data_prep.arriving.service import ServiceWords
from data_prep.words.word import Word
from llavataros.live.options import SessionDials, SessionOptions
from llavataros.serve.backend import LiveEngine, LiveSession
from llavataros.serve.body import Body
from llavataros.serve.codes import Code, Refusal
from llavataros.serve.limits import Limits
from llavataros.serve.messages import (
    VERSION,
    ClientMessage,
    Dials,
    End,
    EndUtterance,
    Gesture,
    Interrupt,
    Ping,
    Start,
    Text,
    Turn,
    Utterance,
    Words,
)
from llavataros.serve.metrics import Metrics
from llavataros.serve.parsing import Sound, read_message, read_sound
from llavataros.serve.replies import (
    Ended,
    GestureBegun,
    Interrupted,
    Notice,
    Numbered,
    Pong,
    Ready,
    UtteranceBegun,
)
from llavataros.serve.sent import Sent
from llavataros.serve.sound import decoder
from llavataros_jax.errors import UserError

# Frames of one message, and seconds of frames that were sent and are kept for a resume.
_MOST_FRAMES = 64
_KEPT_SECONDS = 120.0
# What is done at once, where longer work goes to a thread.
_QUICK_SECONDS = 0.001
# What a UserError of the engine is about, by what was asked.
_CODES = {Words: Code.WORDS, Text: Code.WORDS, Gesture: Code.UNKNOWN_GESTURE}


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
        self._decoders = [decoder(start.audio) for _ in range(start.people)]
        try:
            options = SessionOptions(
                speaker=start.speaker,
                seed=start.seed,
                people=start.people,
                words=start.words,
                silence=start.silence,
                dials=_dials(start.dials),
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
        self._limits, self._metrics, self._threads = limits, metrics, threads
        self._notices: tuple[str, ...] = ()
        # Of each person where the utterance began, and the words of a TTS service's messages.
        self._services: dict[int, tuple[float, ServiceWords]] = {}
        self._byte_seconds = math.inf  # how long a byte of sound takes to hear
        self._received, self._resent_until = [0] * start.people, [0] * start.people
        self._messages, self._utterances_start, self._has_ended = 0, 0.0, False
        self._sent = Sent(math.ceil(_KEPT_SECONDS * body.fps))
        self._pongs: deque[Pong] = deque(maxlen=100)
        loop = asyncio.get_running_loop()

        def tell() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.news.set)

        self.session.on_news = tell

    # What comes in

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
            received=self._positions(),
            messages=self._messages,
        )

    def resume(self, start: Start) -> None:
        """Goes back to where a client is whose connection was lost.

        Raises:
            Refusal: When that is no longer kept.
        """
        if start.next_frame is None:
            raise Refusal(Code.RESUME, "resume needs next_frame, the first frame not received")
        self._sent.rewind(start.next_frame, start.next_message)
        self._resent_until = list(self._received)
        self.lost_at = None
        self.news.set()

    async def read_text(self, text: str) -> None:
        """Takes a JSON message.

        Raises:
            Refusal: When it cannot be used.
        """
        message = read_message(text, most_bytes=self._limits.message_bytes)
        if isinstance(message, Ping):
            answer = {"received": self._positions(), "messages": self._messages}
            self._pongs.append(Pong(id=message.id, **answer))
        elif isinstance(message, Start):
            raise Refusal(Code.ORDER, "start came a second time; a connection has one session")
        else:
            self._require_open(message.type)
            try:
                # Not in a thread what is answered: nothing may be sent between it and its answer.
                if not self._answer(message):
                    await self._in_thread(self._take, message)
            except UserError as refusal:
                raise Refusal(_CODES.get(type(message), Code.INVALID), str(refusal)) from None
            self._messages += 1
        self.news.set()

    async def read_sound(self, data: bytes) -> None:
        """Takes a binary message: sound.

        Raises:
            Refusal: When it cannot be used.
        """
        sound = read_sound(
            data,
            most_bytes=self._limits.message_bytes,
            people=self._start.people,
            is_pcm=self._start.audio.encoding == "pcm_s16le",
        )
        self._require_open("sound")
        if payload := self._new_part(sound):
            try:
                # A handover to a thread costs more than to hear a piece of usual length.
                if len(payload) * self._byte_seconds < _QUICK_SECONDS:
                    self._hear(sound.person, payload)
                else:
                    await self._in_thread(self._hear, sound.person, payload)
            except UserError as refusal:
                raise Refusal(Code.AUDIO, str(refusal)) from None
        most = self._limits.session_seconds
        if self.session.seconds_heard > most:
            raise Refusal(Code.TOO_LONG, f"more than {most:g} s of sound came in one session")

    def _hear(self, person: int, payload: bytes) -> None:
        mine, began = self._decoders[person], time.thread_time()
        samples = mine.decode(payload)
        self.session.hear(samples, mine.sample_rate, person)
        self._received[person] += mine.units(payload)
        self._metrics.sound_seconds.inc(len(samples) / mine.sample_rate)
        self._byte_seconds = (time.thread_time() - began) / len(payload)

    async def _in_thread(self, work: Callable[..., None], *given) -> None:
        """Does in a thread what takes a while, to its end also where the connection is lost."""
        doing = asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        try:
            await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait([doing])
            raise

    def check_length(self) -> None:
        """Refuses to go on for longer than sessions may last.

        Raises:
            Refusal: When it has lasted that long.
        """
        most = self._limits.session_seconds
        if time.monotonic() - self.began > most:
            raise Refusal(Code.TOO_LONG, f"the session has lasted {most:g} s, as long as it may")

    def _require_open(self, what: str) -> None:
        if self._has_ended:
            raise Refusal(Code.ORDER, f"{what} came after end")

    def _new_part(self, sound: Sound) -> bytes:
        """Returns what was not received before, which only a resume allows to be sent again."""
        have, mine = self._received[sound.person], self._decoders[sound.person]
        units = mine.units(sound.payload)
        if sound.position == have:
            return sound.payload
        is_again = sound.position < have and have <= self._resent_until[sound.person]
        if not is_again:
            raise Refusal(
                Code.ORDER,
                f"sound of person {sound.person} has the position {sound.position}, but {have} "
                f"{'samples' if self._start.audio.encoding == 'pcm_s16le' else 'packets'} came "
                "before it in this stream",
            )
        known = have - sound.position
        if known >= units:
            return b""
        return sound.payload[known * len(sound.payload) // units :]

    def _answer(self, message: ClientMessage) -> bool:
        """Does what is answered at once; says whether the message was of that kind."""
        session, fps = self.session, self._body.fps
        match message:
            case Utterance():
                self._finish_services()
                self._utterances_start = session.begin_utterance()
                self._reply(UtteranceBegun, start_seconds=self._utterances_start)
            case Interrupt(at_seconds=at):
                self._services.clear()
                frame = session.interrupt(None if at is None else math.ceil(at * fps - 1e-6))
                self._reply(Interrupted, from_frame=frame)
            case Gesture(name=name, at_seconds=at, strength=strength):
                begins = session.gesture(name, at, strength)
                self._reply(GestureBegun, name=name, start_seconds=begins)
            case Turn():
                session.turn(_dials(message))
            case _:
                return False
        return True

    def _take(self, message: ClientMessage) -> None:
        """Does what takes a while."""
        match message:
            case Words():
                self._say(message)
            case Text():
                self._require_person(message.person)
                self.session.say_text(message.text, message.person)
            case EndUtterance():
                self._finish_services()
                self.session.end_utterance()
            case End():
                self._has_ended = True
                self._finish_services()
                self.session.end()

    def _say(self, message: Words) -> None:
        self._require_person(message.person)
        begin = self._utterances_start if message.origin == "utterance" else 0.0
        known = message.known_until
        if message.service is None:
            words = [Word(word.word, word.start, word.end) for word in message.words or ()]
        else:
            service = self._services.setdefault(message.person, (begin, ServiceWords()))[1]
            words = service.read(message.service)
            known = service.known_until_seconds if known is None else known
        self._tell(message.person, words, begin, known)

    def _tell(self, person: int, words: list[Word], begin: float, known: float | None) -> None:
        moved = [
            replace(
                word,
                start_seconds=begin + word.start_seconds,
                end_seconds=begin + word.end_seconds,
            )
            for word in words
        ]
        until = None if known is None else begin + known
        if moved or until is not None:
            self.session.say(moved, person, known_until_seconds=until)

    def _finish_services(self) -> None:
        """Says the words that services left open, as nothing more of them comes."""
        for person, (begin, service) in self._services.items():
            self._tell(person, service.finish(), begin, None)
        self._services.clear()

    def _require_person(self, person: int) -> None:
        if person >= self._start.people:
            raise Refusal(
                Code.INVALID,
                f"person is {person}, but this session has people={self._start.people}, counted "
                "from 0",
            )

    def _reply(self, kind: type[Numbered], **fields) -> None:
        self._sent.add(kind(number=self._sent.next_number, **fields))

    def _positions(self) -> dict[str, int]:
        return {str(person): count for person, count in enumerate(self._received)}

    # What goes out

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

    @property
    def is_done(self) -> bool:
        """Whether all was sent, `end` too."""
        return self.is_over and not self._sent.waiting

    def _collect(self) -> None:
        """Takes what the engine has ready."""
        notices = self.session.notices
        for text in _new(self._notices, notices):
            self._reply(Notice, text=text)
        self._notices = notices
        for frame in self.session.take(_MOST_FRAMES):
            self._sent.add(frame)
        if self.session.is_over and not self.is_over:
            if self.session.failure:
                raise Refusal(Code.INTERNAL, self.session.failure)
            self.is_over = True
            seconds = self.session.seconds_heard
            self._reply(Ended, frames=self._sent.next_frame, seconds=seconds)
            self.session.close()  # others may have the lane; what was sent is kept for a resume


def _dials(dials: Dials) -> SessionDials:
    names = SessionDials.__dataclass_fields__
    return SessionDials(**{name: getattr(dials, name) for name in names})


def _new(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """Returns what was appended; the first may have been dropped."""
    for dropped in range(len(before) + 1):
        if before[dropped:] == now[: len(before) - dropped]:
            return now[len(before) - dropped :]
    return now
