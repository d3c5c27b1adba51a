"""Who listens to speech and answers with poses: an engine of this process."""

import threading
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from data_prep.words.word import Word
from llavataros.live.engine import Engine
from llavataros.live.gestures import Gestures
from llavataros.live.options import SessionDials, SessionOptions
from llavataros.live.source import Numbered
from llavataros.live.vmc_body import BodyPose
from llavataros_jax.errors import UserError
from llavataros_jax.rig.normalised import Humanoid
from llavataros_jax.trained import TrainedRun

_ONCE_SAMPLES, _ONCE_RATE = 3200, 16000


@runtime_checkable
class Listener(Protocol):
    """Speech goes in, poses come out, from any thread.

    Attributes:
        bones: VRM names of the bones that move, parents first.
        rest: Their places in the T-pose in metres.
        fps: Frames per second.
        delay_seconds: By how much a pose comes later than its speech.
        is_over: Whether all poses were taken.
    """

    bones: tuple[str, ...]
    rest: Float[np.ndarray, "M 3"]
    fps: float
    delay_seconds: float

    @property
    def is_over(self) -> bool: ...

    def say(self, words: Sequence[Word], known_until_seconds: float | None) -> None:
        """Takes words with times of the stream."""
        ...

    def say_text(self, text: str) -> None:
        """Takes words without times."""
        ...

    def hear(self, samples: Float[np.ndarray, " n"], sample_rate: int) -> None:
        """Takes the next sound."""
        ...

    def begin_utterance(self) -> float:
        """Hears that somebody begins to speak; returns the time of the stream where that is."""
        ...

    def end_utterance(self) -> None:
        """Hears that all sound and words of the utterance were brought."""
        ...

    def interrupt(self, frame: int) -> int:
        """Lets the body come to rest from a frame on, or from the next that can be made anew."""
        ...

    def turn(self, dials: SessionDials) -> None:
        """Turns those dials that are not None."""
        ...

    def gesture(self, name: str, at_seconds: float | None, strength: float) -> None:
        """Lets the body make a gesture, at a time of the stream or with the next frame."""
        ...

    def end(self) -> None:
        """Hears that nothing more will come."""
        ...

    def take(self) -> list[Numbered]:
        """Returns the poses that are there and were not returned."""
        ...

    def take_notices(self) -> list[str]:
        """Returns what the user should know and was not told."""
        ...

    def close(self) -> None:
        """Goes, at once."""
        ...


class EngineListener:
    """A session of an engine that runs in a thread of its own."""

    def __init__(
        self, run: TrainedRun, options: SessionOptions, *, gestures: Gestures | None = None
    ) -> None:
        """Opens the session and compiles the network.

        Args:
            run: The run that animates.
            options: Of the session.
            gestures: What can be asked for by name; by default those that come along.

        Raises:
            UserError: When the options do not fit the run.
        """
        self._engine = Engine(run, sessions=1, gestures=gestures)
        humanoid = Humanoid(self._engine.skeleton, place="the run's skeleton")
        self._humanoid = humanoid
        self.bones, self.rest = humanoid.bones, humanoid.rest
        self.fps, self.delay_seconds = self._engine.fps, self._engine.delay_seconds
        self._listen_once(options)
        self._engine.warm_up()
        self._session = self._engine.open(options)
        self._told = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._engine.run, args=(self._stop,), daemon=True)
        self._thread.start()

    def _listen_once(self, options: SessionOptions) -> None:
        """Opens a session for a moment: refuses wrong options, and loads what hears."""
        session = self._engine.open(options)
        if options.words == "timed":
            session.say([Word("hello", 0.0, 0.1)])
        session.hear(np.zeros(_ONCE_SAMPLES, np.float32), _ONCE_RATE)
        session.close()

    @property
    def is_over(self) -> bool:
        """Whether all poses were taken."""
        return self._session.is_over

    def say(self, words: Sequence[Word], known_until_seconds: float | None) -> None:
        """Takes words with times of the stream."""
        self._session.say(words, known_until_seconds=known_until_seconds)

    def say_text(self, text: str) -> None:
        """Takes words without times."""
        self._session.say_text(text)

    def hear(self, samples: Float[np.ndarray, " n"], sample_rate: int) -> None:
        """Takes the next sound."""
        self._session.hear(samples, sample_rate)

    def begin_utterance(self) -> float:
        """Hears that somebody begins to speak; returns the time of the stream where that is."""
        return self._session.begin_utterance()

    def end_utterance(self) -> None:
        """Hears that all sound and words of the utterance were brought."""
        self._session.end_utterance()

    def interrupt(self, frame: int) -> int:
        """Lets the body come to rest from a frame on, or from the next that can be made anew."""
        return self._session.interrupt(frame)

    def turn(self, dials: SessionDials) -> None:
        """Turns those dials that are not None."""
        self._session.turn(dials)

    def gesture(self, name: str, at_seconds: float | None, strength: float) -> None:
        """Lets the body make a gesture, at a time of the stream or with the next frame."""
        self._session.gesture(name, at_seconds, strength)

    def end(self) -> None:
        """Hears that nothing more will come."""
        self._session.end()

    def take(self) -> list[Numbered]:
        """Returns the poses that are there and were not returned.

        Raises:
            UserError: When the session ended before its end.
        """
        frames = self._session.take()
        if not frames:
            if self._session.failure is not None:
                raise UserError(f"the body stopped moving: {self._session.failure}")
            return []
        rotations, hips = self._humanoid(np.stack([frame.joints for frame in frames]))
        return [
            (frame.index, BodyPose(turned, place))
            for frame, turned, place in zip(frames, rotations, hips, strict=True)
        ]

    def take_notices(self) -> list[str]:
        """Returns what the user should know and was not told."""
        notices = self._session.notices
        told, self._told = self._told, len(notices)
        return list(notices[told:])

    def close(self) -> None:
        """Ends the session and the engine's thread."""
        self._session.close()
        self._stop.set()
        self._engine.wake()
        self._thread.join(timeout=5.0)
