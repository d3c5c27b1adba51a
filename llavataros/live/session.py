"""A session of live speech: sound and words in, frames of a body out, from any thread."""

import contextlib
import math
import threading
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from data_prep.words.word import Word
from llavataros.live.gestures import PlacedGesture
from llavataros.live.host import Host
from llavataros.live.live_frame import LiveFrame
from llavataros.live.options import MOST_AHEAD_SECONDS, SessionDials, SessionOptions
from llavataros.live.seat import Seat, told
from llavataros.live.session_dials import turned_dials
from llavataros_jax.errors import UserError

# Long sound is heard in pieces, so that an interruption need not wait for all of it.
_PIECE_SECONDS = 0.5


class Session(Seat):
    """Live speech of one body, made by `Engine.open`; no method waits for the network."""

    def __init__(self, host: Host, options: SessionOptions):
        """Begins the stream at 0 seconds.

        Raises:
            UserError: When the speaker is unknown, a dial is out of its range or the features
                cannot be had.
        """
        super().__init__(host, options)
        self._hears = [threading.Lock() for _ in range(options.people)]
        self._interruptions = 0

    @property
    def seconds_heard(self) -> float:
        """Where in the stream the sound of the person who moves ends."""
        return self.listening.seconds_heard

    @property
    def frames_made(self) -> int:
        """Frames since the beginning, taken or not."""
        return self.lane.output.made_frames

    @property
    def frames_taken(self) -> int:
        """The number of the next frame that `take` returns."""
        return self.lane.output.taken_frames

    @property
    def waiting_frames(self) -> int:
        """Frames that can be taken."""
        return self.lane.output.unread_frames

    @property
    def is_over(self) -> bool:
        """Whether no frame waits and none will follow."""
        is_done = self.is_closed or self.lane.is_finished or self.failure is not None
        return is_done and not self.waiting_frames

    @property
    def notices(self) -> tuple[str, ...]:
        """What the client should know, the latest of it last."""
        with self.lock:
            return tuple(self._notices)

    def hear(self, samples: Float[np.ndarray, " n"], sample_rate: int, person: int = 0) -> None:
        """Takes the next sound, of one channel and from -1 to 1.

        With `silence="fill"`, sound of the person who moves begins an utterance.

        Raises:
            UserError: When there is no such person, a sample is not finite, the rate is none or
                another one than before, or the session is over.
        """
        began, interruptions = self._host.clock(), self._interruptions
        self._require_person(person)
        size = max(round(_PIECE_SECONDS * sample_rate), 1)
        with self._hears[person]:
            for first in range(0, len(samples), size):
                with self._while_open():
                    if person == 0 and interruptions != self._interruptions:
                        return  # the rest was not spoken when it was interrupted
                    self.listening.hear(samples[first : first + size], sample_rate, person, began)

    def say(
        self,
        words: Sequence[Word],
        person: int = 0,
        *,
        known_until_seconds: float | None = None,
    ) -> None:
        """Takes the next words, with their times in the stream.

        Args:
            words: The words, in order of their starts.
            person: Who says them.
            known_until_seconds: No other word begins before this time; by default that is the end
                of the last of them.

        Raises:
            UserError: When there is no such person, times make no sense, no timed words were to
                come, or the session is over.
        """
        self._require_person(person)
        with self._while_open() as began:
            self.listening.say(words, person, known_until_seconds, began)

    def say_text(self, text: str, person: int = 0) -> None:
        """Takes the next piece of what is said, of which the times are not known.

        Raises:
            UserError: When there is no such person, no such text was to come, or the session is
                over.
        """
        self._require_person(person)
        with self._while_open() as began:
            self.listening.say_text(text, person, began)

    def begin_utterance(self) -> float:
        """Says that sound will come; returns the time of the stream at which it begins.

        Raises:
            UserError: When the session is over.
        """
        with self._while_open():
            return self.listening.begin_utterance()

    def end_utterance(self) -> None:
        """Says that the sound of an utterance is complete, and its words are known.

        Raises:
            UserError: When the session is over.
        """
        with self._while_open() as began:
            self.listening.end_utterance(began)
        self._host.wake()

    def interrupt(self, at_frame: int | None = None) -> int:
        """Stops what is said: from a frame on the body comes to rest, without a jump.

        Sound and words of the person who moves that do not lie before are forgotten, and frames
        from there on are made anew, in silence; what the other person said stays. Gestures end.

        Args:
            at_frame: The frame, by default the first that was not taken. If it was, the client
                throws it away, with what follows it. One that is not made yet, or too long ago, is
                brought to where frames are.

        Returns:
            The frame.
        """
        with self.sound_lock, self._failing():
            with self.lock:
                if not self.has_lane:
                    return self.lane.output.cut(at_frame)
                self._interruptions += 1
                frame = self.lane.interrupt(at_frame)
                # Until silence has come, it only seems that nothing more will.
                ended, self.ended_monotonic = self.ended_monotonic, None
            # With its look-ahead filled, the lane answers every frame from now on.
            self.listening.interrupt(frame, self._host.delay_frames)
            self.ended_monotonic = ended
        self._host.wake()
        return frame

    def turn(self, dials: SessionDials) -> None:
        """Turns dials; those that are None stay where they are.

        Raises:
            UserError: When one is out of its range, or turns samples that the run does not draw.
        """
        with self.lock:
            self.dials = turned_dials(self._host.run, self.dials, dials)

    def gesture(self, name: str, at_seconds: float | None = None, strength: float = 1.0) -> float:
        """Lets the body make a gesture; returns the time of the stream at which it begins.

        Args:
            name: One of `Engine.gestures.names`.
            at_seconds: When it begins; by default, and where frames were taken until later, with
                the next that was not taken.
            strength: How much of it is seen, above 0 to 1.

        Raises:
            UserError: When there is no such gesture, or a number is out of its range.
        """
        gesture, fps = self._host.gestures[name], self._host.fps
        latest = MOST_AHEAD_SECONDS + self.frames_made / fps
        if at_seconds is not None and not 0 <= at_seconds <= latest:
            raise UserError(
                f"a gesture at {at_seconds:g} s was asked for, but must begin within the next "
                f"{MOST_AHEAD_SECONDS:g} s"
            )
        if not 0 < strength <= 1:
            raise UserError(f"strength is {strength:g}, but must be above 0 and at most 1")
        with self.lock:
            wanted = 0 if at_seconds is None else math.ceil(at_seconds * fps - 1e-6)
            output = self.lane.output
            frame = max(wanted, output.taken_frames, output.seam_frame)
            output.put_over(PlacedGesture(gesture, frame, strength))
        return frame / fps

    def end(self) -> None:
        """Says that nothing more will come; the frames that are due follow.

        Raises:
            UserError: When the session is over.
        """
        with self._while_open() as began:
            self.listening.end(began)
            self.ended_monotonic = began
        self._host.wake()

    def close(self) -> None:
        """Gives the lane back at once; nothing can be taken any more."""
        with self.lock:
            self.is_closed = True
            self.lane.output.take()
        self._host.leave(self)

    def take(self, most: int | None = None) -> list[LiveFrame]:
        """Removes and returns the frames that wait, or the first of them."""
        with self.lock:
            was_full = self.lane.is_full
            taken = self.lane.output.take(most)
        if was_full and taken:
            self._host.wake()
        return taken

    @contextlib.contextmanager
    def _while_open(self) -> Iterator[float]:
        """Holds the lock of sound, and refuses what comes after the end; yields the time."""
        began = self._host.clock()
        with self.sound_lock, self._failing():
            self._require_open()
            yield began

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """Ends the session where something goes wrong that is no refusal."""
        try:
            yield
        except UserError:
            raise
        except Exception as problem:
            self.fail(f"what was said could not be used ({told(problem)})")
            raise UserError(f"the session is over, because {self.failure}") from problem

    def _require_open(self) -> None:
        if self.failure is not None:
            raise UserError(f"the session is over, because {self.failure}")
        if self.is_closed or self.listening.is_ending:
            raise UserError("the session was ended, so nothing more can be said; open another")

    def _require_person(self, person: int) -> None:
        if person not in range(self.options.people):
            raise UserError(
                f"person {person} is not in this session of people={self.options.people}, who are "
                "counted from 0; open it with people=2 for two"
            )
