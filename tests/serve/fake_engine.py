"""An engine without a network: frames that tell which sound they are of."""

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from data_prep.words.word import Word
from llavataros.live.live_frame import LiveFrame
from llavataros.live.options import SessionDials, SessionOptions
from llavataros_jax.errors import UserError
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton

FPS, DELAY = 30.0, 4
# A seed of sessions whose last frames are still to come after `end`.
NEVER_ENDS = 13


class FakeSession:
    """Frame k holds in its first joint k, the mean of its sound and how often it was made."""

    def __init__(self, engine: "FakeEngine", options: SessionOptions, number: int):
        self.on_news: Callable[[], None] = lambda: None
        self.engine, self.options, self.id = engine, options, f"session-{number}"
        self.failure: str | None = None
        self.notices: tuple[str, ...] = ()
        self.said: list[tuple] = []
        self._sound = np.zeros(0, np.float32)
        self._rate, self._made, self._frames = 0, 0, []
        self._epoch, self._ended, self._closed = 0, False, False
        self._lock = threading.RLock()

    @property
    def seconds_heard(self) -> float:
        return len(self._sound) / self._rate if self._rate else 0.0

    @property
    def waiting_frames(self) -> int:
        return len(self._frames)

    @property
    def has_room(self) -> bool:
        return self.waiting_frames < self.options.ahead_seconds * FPS

    @property
    def is_over(self) -> bool:
        return (self._ended or self._closed or bool(self.failure)) and not self._frames

    def hear(self, samples: Float[np.ndarray, " n"], sample_rate: int, person: int = 0) -> None:
        with self._lock:
            if self.engine.fault:
                raise self.engine.fault
            if person:
                return
            self._rate = sample_rate
            self._sound = np.concatenate([self._sound, samples])
            self._make(int(self.seconds_heard * FPS + 1e-6) - DELAY)
        self.on_news()

    def say(
        self, words: Sequence[Word], person: int = 0, *, known_until_seconds: float | None = None
    ) -> None:
        if words and words[0].end_seconds < words[0].start_seconds:
            raise UserError("a word ends before it begins")
        self.said.append((tuple(words), person, known_until_seconds))

    def say_text(self, text: str, person: int = 0) -> None:
        self.said.append((text, person))

    def begin_utterance(self) -> float:
        return self.seconds_heard

    def end_utterance(self) -> None:
        self.notices = (*self.notices, "the utterance is over")
        self.on_news()

    def interrupt(self, at_frame: int | None = None) -> int:
        with self._lock:
            first = self._frames[0].index if self._frames else self._made
            frame = first if at_frame is None else min(at_frame, self._made)
            self._frames, self._made, self._epoch = [], frame, self._epoch + 1
            self._make(int(self.seconds_heard * FPS + 1e-6) - DELAY)
        self.on_news()
        return frame

    def turn(self, dials: SessionDials) -> None:
        self.said.append((dials,))

    def gesture(self, name: str, at_seconds: float | None = None, strength: float = 1.0) -> float:
        if name != "wave":
            raise UserError("there is no such gesture; there is wave")
        return self.seconds_heard if at_seconds is None else at_seconds

    def end(self) -> None:
        with self._lock:
            self._make(round(self.seconds_heard * FPS))
            self._ended = self.options.seed != NEVER_ENDS
        self.on_news()

    def close(self) -> None:
        self._closed = True
        self.engine.open_by_id.pop(self.id, None)

    def take(self, most: int | None = None) -> list[LiveFrame]:
        with self._lock:
            taken = self._frames[:most]
            self._frames = self._frames[len(taken) :]
        return taken

    def _make(self, until: int) -> None:
        now, per = time.monotonic(), self._rate / FPS
        while self._made < until:
            k = self._made
            piece = self._sound[round(k * per) : round((k + 1) * per)]
            joints = np.zeros((9, 7), np.float32)
            joints[:, 6] = 1.0
            joints[0, :3] = k, np.mean(piece) if len(piece) else 0.0, self._epoch
            self._frames.append(LiveFrame(k, k / FPS, joints, now, now, now, now))
            self._made += 1


class FakeEngine:
    """An engine of lanes that move as their sound comes."""

    fps, delay_frames = FPS, DELAY
    skeleton: Skeleton = AVATAROS_9
    speakers = ("ada", "kim")

    def __init__(self, sessions: int = 3):
        self.sessions, self.open_by_id, self.fault = sessions, {}, None
        self._count = 0

    @property
    def open_sessions(self) -> int:
        return len(self.open_by_id)

    def warm_up(self) -> None:
        pass

    def open(self, options: SessionOptions) -> FakeSession:
        if self.open_sessions >= self.sessions:
            raise UserError("all lanes are taken")
        if options.speaker not in (None, *self.speakers):
            raise UserError(f"speaker {options.speaker!r} is unknown; there are ada and kim")
        self._count += 1
        session = FakeSession(self, options, self._count)
        self.open_by_id[session.id] = session
        return session
