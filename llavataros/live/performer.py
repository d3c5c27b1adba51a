"""The body of a voice agent: its speech goes in, from any thread, and it moves for good.

    with Performer.here(vmc=["127.0.0.1:39539"]) as body:
        body.begin_utterance()
        body.hear(samples, 24000)                       # as they come from a TTS service
        body.say([("hello", 0.1, 0.4)])                 # seconds after the utterance's beginning
        body.playing(0.0)                               # people begin to hear it now
        body.end_utterance()
        body.interrupt()                                # somebody speaks: it comes to rest

Between utterances it idles. Sound that comes faster than it is played, as that of TTS services
does, lets the body keep up with it, though a pose depends on what is said up to half a second
later; where no sound is there yet it is so much behind.
"""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from data_prep.words.word import Word
from llavataros.live.listener import EngineListener, Listener
from llavataros.live.options import SessionDials, SessionOptions
from llavataros.live.playing import Display, Played, Player
from llavataros.live.source import Numbered
from llavataros.live.vmc import DEFAULT_PORT, VmcOut, VmcSender, parse_target
from llavataros.live.vmc_body import SentBody
from llavataros_jax.errors import UserError

USUAL_VMC = (f"127.0.0.1:{DEFAULT_PORT}",)
# So much more silence than a pose depends on follows an utterance at once, in which the body slows
# down until the clock brings silence again.
_AFTER_SECONDS = 0.5
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
        """Begins to idle; use `here` or `at` to make it.

        Args:
            listener: Who moves; between utterances it hears silence by itself.
            displays: Who shows it.
            rate_per_second: How often.
        """
        self.fps, self.delay_seconds = listener.fps, listener.delay_seconds
        self._listener, self._displays = listener, tuple(displays)
        self._begin_seconds: float | None = None
        self._rate = 0
        self._failure: Exception | None = None
        self._lock = threading.RLock()
        self._player = Player(
            _Stream(listener),
            displays,
            rate_per_second=rate_per_second,
            cushion_seconds=_CUSHION_SECONDS,
        )
        self._thread = threading.Thread(target=self._perform, daemon=True)
        self._thread.start()

    @classmethod
    def here(
        cls,
        *,
        run: str | None = None,
        vmc: Sequence[str] = USUAL_VMC,
        displays: Sequence[Display] = (),
        rate_per_second: float = 60.0,
        **options: Any,
    ) -> "Performer":
        """Lets this machine's engine move.

        Args:
            run: A run directory; by default the model that comes along.
            vmc: Receivers, as HOST:PORT.
            displays: Who else shows it.
            rate_per_second: How often it is shown.
            options: Of `SessionOptions`: speaker, seed, words, dials.

        Raises:
            UserError: When something given cannot be used.
        """
        from llavataros_jax.compilation_cache import keep_compiled
        from llavataros_jax.config.shipped import shipped_folder
        from llavataros_jax.trained import open_trained

        keep_compiled()
        asked: dict[str, Any] = {"words": "timed", "silence": "fill"} | options
        opened = open_trained(run or shipped_folder("starter"))
        listener = EngineListener(opened, SessionOptions(**asked))
        return cls._of(listener, vmc, displays, rate_per_second)

    @classmethod
    def at(
        cls,
        server: str,
        *,
        sample_rate: int,
        vmc: Sequence[str] = USUAL_VMC,
        displays: Sequence[Display] = (),
        rate_per_second: float = 60.0,
        **start: Any,
    ) -> "Performer":
        """Lets a `llavataros serve` move.

        Args:
            server: Its address, ws://HOST:PORT.
            sample_rate: Of all sound that will come, samples a second.
            vmc: Receivers, as HOST:PORT.
            displays: Who else shows it.
            rate_per_second: How often it is shown.
            start: Of the protocol's `start`: token, speaker, seed, words, dials.

        Raises:
            UserError: When something given cannot be used.
        """
        from llavataros.live.server_listener import ServerListener

        asked: dict[str, Any] = {"words": "timed", "silence": "fill"} | start
        listener = ServerListener(server, sample_rate=sample_rate, **asked)
        return cls._of(listener, vmc, displays, rate_per_second)

    @classmethod
    def _of(
        cls, listener: Listener, vmc: Sequence[str], displays: Sequence[Display], rate: float
    ) -> "Performer":
        try:
            shown = list(displays)
            if vmc:
                sender = VmcSender([parse_target(text) for text in vmc])
                shown.append(VmcOut(SentBody(listener.bones, listener.rest), sender))
            return cls(listener, shown, rate_per_second=rate)
        except BaseException:
            listener.close()
            raise

    def begin_utterance(self) -> None:
        """Says that sound will come, which begins a new sentence or turn."""
        with self._lock:
            self._require_well()
            self._player.keep()
            self._begin_seconds = self._listener.begin_utterance()

    def hear(self, samples: Float[np.ndarray, " n"] | bytes, sample_rate: int) -> None:
        """Takes the next sound, of one channel: numbers from -1 to 1, or bytes of 16-bit PCM."""
        if isinstance(samples, bytes):
            samples = np.frombuffer(samples, "<i2").astype(np.float32) / 32768
        with self._lock:
            self._require_well()
            if self._begin_seconds is None:
                self.begin_utterance()
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

    def playing(self, seconds: float = 0.0) -> None:
        """Says that people hear this time of the utterance now, so that they see it now too."""
        with self._lock:
            if self._begin_seconds is not None:
                self._player.follow(self._begin_seconds + seconds)

    def end_utterance(self) -> None:
        """Says that all sound and words of the utterance were given."""
        with self._lock:
            self._require_well()
            if self._begin_seconds is None:
                return
            if self._rate:
                silence = np.zeros(round((self.delay_seconds + _AFTER_SECONDS) * self._rate))
                self._listener.hear(silence.astype(np.float32), self._rate)
            self._listener.end_utterance()
            self._begin_seconds = None

    def interrupt(self) -> None:
        """Stops what is said: the body comes to rest from what is seen now, without a jump."""
        with self._lock:
            self._require_well()
            self._player.interrupt(self._listener.interrupt)
            self._begin_seconds = None

    def gesture(self, name: str, strength: float = 1.0) -> None:
        """Lets the body make a gesture now."""
        self._require_well()
        self._listener.gesture(name, None, strength)

    def turn(self, **dials: float) -> None:
        """Turns dials: expressiveness, idle, temperature, guidance, size."""
        self._require_well()
        self._listener.turn(SessionDials(**dials))

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

    def _require_well(self) -> None:
        if self._failure is not None:
            raise UserError(f"the body does not move any more: {self._failure}")


class _Stream:
    """A listener's poses as a source that does not end."""

    is_over = False

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.bones, self.rest, self.fps = listener.bones, listener.rest, listener.fps

    def take(self, until: int) -> list[Numbered]:
        return self._listener.take()

    def take_notices(self) -> list[str]:
        return self._listener.take_notices()

    def close(self) -> None:
        """Its listener is closed by whoever made it."""
