"""The body of a voice agent: its speech goes in, from any thread, and it moves for good.

    with perform_here(vmc=["127.0.0.1:39539"]) as body:
        body.begin_utterance()
        body.say([("hello", 0.1, 0.4)])                 # seconds after the utterance's beginning
        body.hear(samples, 24000)                       # as they come from a TTS service
        body.end_utterance()
        body.interrupt()                                # somebody speaks: it comes to rest

Between utterances it idles. Sound that comes faster than it is played, as that of TTS services
does, lets the body keep up with it, though a pose depends on what is said up to half a second
later; where no sound is there yet it is so much behind.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from data_prep.words.word import Word
from llavataros.live.listener import Listener
from llavataros.live.options import SessionDials
from llavataros.live.page_out import PageOut
from llavataros.live.playing import Display, Played, Player
from llavataros.live.source import Numbered
from llavataros_jax.errors import UserError

# So much more silence than a pose depends on follows an utterance that no other follows, shortly
# before its last frames are seen; in it the body slows down until the clock brings silence again.
_AFTER_SECONDS, _SHORTLY_SECONDS = 0.5, 0.35
_CUSHION_SECONDS = 0.2
_LONGEST_STOP_SECONDS = 10.0


class Performer:
    """A body that speaks and idles until it is closed.

    Attributes:
        fps: Frames per second of the network.
        delay_seconds: By how much a pose comes later than its sound.
    """

    def __init__(
        self, listener: Listener, displays: Sequence[Display], *, rate_per_second: float = 60.0
    ) -> None:
        """Begins to idle; `performing` has what makes it.

        Args:
            listener: Who moves; between utterances it hears silence by itself.
            displays: Who shows it.
            rate_per_second: How often.
        """
        self.fps, self.delay_seconds = listener.fps, listener.delay_seconds
        self._listener, self._displays = listener, tuple(displays)
        self._begin_seconds: float | None = None
        self._rate, self._is_ended = 0, False
        # By the clock: when the utterance begins to be heard, and what was given has been heard.
        self._plays_from: float | None = None
        self._plays_until = 0.0
        self._failure: Exception | None = None
        self._lock = threading.RLock()
        self._player = Player(
            _Stream(listener, self._tend),
            displays,
            rate_per_second=rate_per_second,
            cushion_seconds=_CUSHION_SECONDS,
        )
        self._thread = threading.Thread(target=self._perform, daemon=True)
        self._thread.start()

    def begin_utterance(self) -> None:
        """Says that sound will come, which begins a new turn."""
        with self._lock:
            self._require_well()
            self._player.keep()
            self._begin_seconds, self._is_ended = self._listener.begin_utterance(), False
            self._plays_from = None

    def hear(self, samples: Float[np.ndarray, " n"] | bytes, sample_rate: int) -> None:
        """Takes the next sound, of one channel: numbers from -1 to 1, or bytes of 16-bit PCM.

        It is taken to be played as soon as it comes, without gaps; `playing` knows better.
        """
        if isinstance(samples, bytes):
            samples = np.frombuffer(samples, "<i2").astype(np.float32) / 32768
        with self._lock:
            self._require_well()
            now, is_first = time.monotonic(), self._plays_from is None
            if self._begin_seconds is None:
                self.begin_utterance()
                is_first = True
            begins = max(now, self._plays_until)
            self._plays_from = begins if is_first else self._plays_from
            self._plays_until = begins + len(samples) / sample_rate
            self._rate = sample_rate
            self._listener.hear(np.asarray(samples, np.float32), sample_rate)

    def say(
        self, words: Sequence[tuple[str, float, float]], known_until_seconds: float | None = None
    ) -> None:
        """Takes the next words: text, start and end, in seconds after the utterance's beginning.

        Args:
            words: In order of their starts.
            known_until_seconds: No other word begins before; by default the end of the last one.
        """
        with self._lock:
            self._require_well()
            if self._begin_seconds is None:
                self.begin_utterance()
            begin = self._begin_seconds or 0.0
            said = [Word(text, start + begin, end + begin) for text, start, end in words]
            known = None if known_until_seconds is None else known_until_seconds + begin
            self._listener.say(said, known)

    def say_text(self, text: str) -> None:
        """Takes the next words of a body that was made with words="untimed"."""
        with self._lock:
            self._require_well()
            self._listener.say_text(text)

    def playing(self, seconds: float = 0.0) -> None:
        """Says that people hear this time of the utterance now, so that they see it now too."""
        with self._lock:
            if self._begin_seconds is not None:
                self._plays_from = math.inf
                self._player.follow(self._begin_seconds + seconds)

    def end_utterance(self) -> None:
        """Says that all sound and words of the utterance were given."""
        with self._lock:
            self._require_well()
            if self._begin_seconds is not None:
                self._listener.end_utterance()
                self._is_ended = True

    def interrupt(self) -> None:
        """Stops what is said: the body comes to rest from what is seen now, without a jump."""
        with self._lock:
            self._require_well()
            self._player.interrupt(self._listener.interrupt)
            self._begin_seconds, self._is_ended = None, False
            self._plays_from, self._plays_until = None, 0.0

    def gesture(self, name: str, strength: float = 1.0) -> None:
        """Lets the body make a gesture now."""
        self._require_well()
        self._listener.gesture(name, None, strength)

    def turn(self, **dials: float) -> None:
        """Turns dials: expressiveness, idle, temperature, guidance, size."""
        self._require_well()
        self._listener.turn(SessionDials(**dials))

    @property
    def page_url(self) -> str | None:
        """Where browsers see it."""
        return next((d.url for d in self._displays if isinstance(d, PageOut)), None)

    def played(self) -> Played:
        """Says what was shown until now."""
        return self._player.played()

    def close(self) -> None:
        """Lets the body stand, and ends."""
        self._player.stop()
        self._thread.join(timeout=_LONGEST_STOP_SECONDS)
        self._listener.close()
        for display in self._displays:
            display.close()

    def __enter__(self) -> "Performer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _perform(self) -> None:
        try:
            self._player.play()
            self._player.rest()
        except Exception as problem:
            self._failure = problem

    def _tend(self) -> None:
        """Follows what is heard; brings the silence that follows an utterance."""
        # Whoever holds the lock may wait for the player, which calls this.
        if not self._lock.acquire(blocking=False):
            return
        try:
            now, begin = time.monotonic(), self._begin_seconds
            if begin is not None and self._plays_from is not None and now >= self._plays_from:
                self._player.follow(begin + now - self._plays_from)
                self._plays_from = math.inf
            if self._is_ended and self._player.lead_seconds < _SHORTLY_SECONDS:
                self._begin_seconds, self._is_ended = None, False
                if self._rate:
                    silence = np.zeros(round((self.delay_seconds + _AFTER_SECONDS) * self._rate))
                    self._listener.hear(silence.astype(np.float32), self._rate)
                    self._listener.end_utterance()
        finally:
            self._lock.release()

    def _require_well(self) -> None:
        if self._failure is not None:
            raise UserError(f"the body does not move any more: {self._failure}")


class _Stream:
    """A listener's poses as a source that does not end."""

    is_over = False

    def __init__(self, listener: Listener, tend: Callable[[], None]) -> None:
        self._listener, self._tend = listener, tend
        self.bones, self.rest, self.fps = listener.bones, listener.rest, listener.fps

    def take(self, until: int) -> list[Numbered]:
        self._tend()
        return self._listener.take()

    def take_notices(self) -> list[str]:
        return self._listener.take_notices()

    def close(self) -> None:
        """Its listener is closed by whoever made it."""
