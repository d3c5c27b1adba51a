"""Poses that a listener makes of speech, which is brought to it by a thread."""

import threading

import numpy as np
from jaxtyping import Float

from llavataros.live.listener import Listener
from llavataros.live.source import Numbered
from llavataros.live.speech import Speech

# A recording is heard so much earlier than it is played, so that no frame of it is ever late.
AHEAD_SECONDS = 2.0
_LOOK_SECONDS = 0.01


class SpokenSource:
    """Speech that is played while it is animated.

    Attributes:
        bones: VRM names of the bones that move, parents first.
        rest: Their places in the T-pose in metres.
        fps: Frames per second.
    """

    def __init__(self, speech: Speech, listener: Listener, *, is_live: bool) -> None:
        """Begins to listen.

        Args:
            speech: What is said.
            listener: Who moves.
            is_live: Whether sound comes by itself, and is never held back.
        """
        self.bones: tuple[str, ...] = listener.bones
        self.rest: Float[np.ndarray, "M 3"] = listener.rest
        self.fps: float = listener.fps
        self._speech, self._listener, self._is_live = speech, listener, is_live
        self._until_seconds = 0.0
        self._stop = threading.Event()
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._bring, daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether `take` will return nothing more."""
        return self._listener.is_over

    def take(self, until: int) -> list[Numbered]:
        """Returns the frames that were made; speech is brought as far as frame `until` and more.

        Raises:
            UserError: When speech cannot be read on, or the listener is gone.
        """
        self._until_seconds = until / self.fps
        if self._problem is not None:
            raise self._problem
        return self._listener.take()

    def take_notices(self) -> list[str]:
        """Returns what the user should know and was not told."""
        return self._listener.take_notices()

    def close(self) -> None:
        """Stops listening."""
        self._stop.set()
        if stop := getattr(self._speech, "stop", None):
            stop()
        self._thread.join(timeout=5.0)
        self._listener.close()

    def _bring(self) -> None:
        brought, rate = 0, self._speech.sample_rate
        try:
            for part in self._speech.parts():
                while not self._is_live and brought / rate > self._until_seconds + AHEAD_SECONDS:
                    if self._stop.wait(_LOOK_SECONDS):
                        return
                if self._stop.is_set():
                    return
                if part.words or part.known_until_seconds is not None:
                    self._listener.say(part.words, part.known_until_seconds)
                if part.text is not None:
                    self._listener.say_text(part.text)
                self._listener.hear(part.samples, rate)
                brought += len(part.samples)
            if not self._stop.is_set():
                self._listener.end()
        except Exception as problem:
            if not self._stop.is_set():
                self._problem = problem
