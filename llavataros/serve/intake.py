"""What comes in of a stream: messages and sound, given to its session in their order."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace

from data_prep.arriving.service import ServiceWords
from data_prep.words.word import Word
from llavataros.live.options import SessionDials
from llavataros.serve.backend import LiveSession
from llavataros.serve.codes import Code, Refusal
from llavataros.serve.limits import Limits
from llavataros.serve.messages import (
    ClientMessage,
    Dials,
    End,
    EndUtterance,
    Gesture,
    Interrupt,
    Start,
    Text,
    Turn,
    Utterance,
    Words,
)
from llavataros.serve.metrics import Metrics
from llavataros.serve.parsing import Sound, read_sound
from llavataros.serve.replies import GestureBegun, Interrupted, UtteranceBegun
from llavataros.serve.sound import decoder
from llavataros_jax.errors import UserError

# What is done at once, where longer work goes to a thread.
_QUICK_SECONDS = 0.001
# What a UserError of the engine is about, by what was asked.
_CODES = {Words: Code.WORDS, Text: Code.WORDS, Gesture: Code.UNKNOWN_GESTURE}


class Intake:
    """What a client has sent.

    Attributes:
        messages: JSON messages that were taken.
    """

    def __init__(
        self,
        start: Start,
        session: LiveSession,
        fps: float,
        limits: Limits,
        metrics: Metrics,
        threads: Executor,
        reply: Callable[..., None],
    ):
        """Begins.

        Args:
            start: What the client wants.
            session: Takes all.
            fps: Frames a second.
            limits: Of sound.
            metrics: Count it.
            threads: Do what takes a while.
            reply: Is given the kind and the fields of what is to be answered.

        Raises:
            Refusal: When its sound cannot be decoded here.
        """
        self._start, self._session, self._fps = start, session, fps
        self._limits, self._metrics, self._threads = limits, metrics, threads
        self._reply = reply
        self._decoders = [decoder(start.audio) for _ in range(start.people)]
        # Of each person where the utterance began, and the words of a TTS service's messages.
        self._services: dict[int, tuple[float, ServiceWords]] = {}
        self._byte_seconds = math.inf  # how long a byte of sound takes to hear
        self._received, self._resent_until = [0] * start.people, [0] * start.people
        self.messages, self._utterances_start, self._has_ended = 0, 0.0, False

    @property
    def positions(self) -> dict[str, int]:
        """By person: samples or packets that came."""
        return {str(person): count for person, count in enumerate(self._received)}

    def come_again(self) -> None:
        """Says that the client may send again what came before."""
        self._resent_until = list(self._received)

    async def take(self, message: ClientMessage) -> None:
        """Takes a message.

        Raises:
            Refusal: When it cannot be used.
        """
        self._require_open(message.type)
        try:
            # Not in a thread what is answered: nothing may be sent between it and its answer.
            if not self._answer(message):
                await self._in_thread(self._take, message)
        except UserError as refusal:
            raise Refusal(_CODES.get(type(message), Code.INVALID), str(refusal)) from None
        self.messages += 1

    async def hear(self, data: bytes) -> None:
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
        if self._session.seconds_heard > most:
            raise Refusal(Code.TOO_LONG, f"more than {most:g} s of sound came in one session")

    def _hear(self, person: int, payload: bytes) -> None:
        mine, began = self._decoders[person], time.thread_time()
        samples = mine.decode(payload)
        self._session.hear(samples, mine.sample_rate, person)
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
        session, fps = self._session, self._fps
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
                session.turn(as_session_dials(message))
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
                self._session.say_text(message.text, message.person)
            case EndUtterance():
                self._finish_services()
                self._session.end_utterance()
            case End():
                self._has_ended = True
                self._finish_services()
                self._session.end()

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
            self._session.say(moved, person, known_until_seconds=until)

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


def as_session_dials(dials: Dials) -> SessionDials:
    names = SessionDials.__dataclass_fields__
    return SessionDials(**{name: getattr(dials, name) for name in names})
