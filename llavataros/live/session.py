"""A session of live speech: sound and words in, frames of a body out, from any thread."""

import contextlib
import math
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float

from data_prep.words.word import Word
from llavataros.live.host import Host
from llavataros.live.lane import Lane, Turn
from llavataros.live.listening import Listening
from llavataros.live.live_frame import LiveFrame
from llavataros.live.options import SessionDials, SessionOptions
from llavataros.live.rows import Row
from llavataros.live.session_dials import dials_of_run, turned_dials
from llavataros_jax.errors import UserError

# Long sound is heard in pieces, so that an interruption need not wait for all of it.
_PIECE_SECONDS = 0.5
_MOST_NOTICES = 100


class Session:
    """Live speech of one body, made by `Engine.open`.

    No method waits for the network. What is said is `listening`, guarded by a lock under which
    features are computed; the engine never waits for it. What is moved is `lane`, guarded by one
    that is held for moments. Who takes both takes them in this order.

    Attributes:
        id: A name that nobody guesses.
        options: As it was opened.
        speaker: Row of the speaker in the run.
        dials: Where they stand.
        on_news: Called, from the engine's thread, when there are frames or notices, or the session
            is over.
        failure: Why it was ended before its end, if it was.
    """

    def __init__(self, host: Host, options: SessionOptions):
        """Begins the stream at 0 seconds.

        Raises:
            UserError: When the speaker is unknown, a dial is out of its range or the features
                cannot be had.
        """
        self.id, self.options, self._host = secrets.token_hex(8), options, host
        self.on_news: Callable[[], None] = _nobody_asked
        run, fps = host.run, host.fps
        self.speaker = run.speaker_id(options.speaker)
        usual = dials_of_run(run, has_words=options.words != "none")
        self.dials = turned_dials(run, usual, options.dials)
        self.sound_lock, self.lock = threading.RLock(), threading.RLock()
        self.listening = Listening(
            run.config, options, clock=host.clock, add_rows=self._add_rows, notice=self._notice
        )
        self._ahead_frames = round(options.ahead_seconds * fps)
        self.lane = Lane(
            self.listening.ears,
            self._decoded,
            fps=fps,
            delay_frames=host.delay_frames,
            ahead_frames=self._ahead_frames,
        )
        self._hears = [threading.Lock() for _ in range(options.people)]
        self._interruptions = 0
        self.ended_monotonic: float | None = None
        self.is_closed, self.failure = False, None
        self._notices: deque[str] = deque(maxlen=_MOST_NOTICES)
        self._new_notices: deque[str] = deque(maxlen=_MOST_NOTICES)
        self.has_news = False

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
    def has_room(self) -> bool:
        """Whether more sound should be read from the client.

        It should not while `ahead_seconds` of frames were not taken, or of sound not moved to; what
        is heard all the same is kept.
        """
        unmoved = self.seconds_heard * self._host.fps - self.lane.heard_frames
        return not self.lane.is_full and unmoved < self._ahead_frames

    @property
    def is_over(self) -> bool:
        """Whether no frame waits and none will follow."""
        is_done = self.is_closed or self.lane.is_finished or self.failure is not None
        return is_done and not self.waiting_frames

    @property
    def has_lane(self) -> bool:
        """Whether it is moved."""
        return not (self.is_closed or self.lane.is_finished or self.failure is not None)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the client should know, the latest of it last."""
        with self.lock:
            return tuple(self._notices)

    def take_notices(self) -> list[str]:
        """Returns the notices that this did not return before."""
        with self.lock:
            new, self._new_notices = list(self._new_notices), deque(maxlen=_MOST_NOTICES)
        return new

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
        with self.sound_lock, self.lock:
            if not self.has_lane:
                return self.lane.output.cut(at_frame)
            self._interruptions += 1
            frame = self.lane.interrupt(at_frame)
            # With its look-ahead filled, the lane answers every frame from now on.
            self.listening.interrupt(frame, self._host.delay_frames)
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
        raise UserError(f"gesture {name!r} is unknown; this engine knows none")

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

    def fail(self, reason: str) -> None:
        """Ends it before its end; what was made can still be taken."""
        with self.lock:
            if self.failure is None and not self.is_closed:
                self.failure = reason
                self._notice(reason)
        self._host.leave(self)

    # What the engine calls.

    def ready_since(self) -> float | None:
        """Returns when the next frame was complete, None where there is none to be moved."""
        with self.lock:
            lane = self.lane
            row = lane.next_row if self.has_lane and not lane.is_full else None
            return None if row is None else row.ready_monotonic

    def due_monotonic(self) -> float:
        """Returns when there is something to do without anybody's call; infinite if never."""
        with self.lock:
            if not self.has_lane:
                return math.inf
            other = self.lane.other_until_monotonic
            due = self.listening.due_monotonic(has_room=self.has_room)
            return due if other is None or self.lane.is_full else min(due, other)

    def next_turn(self, now: float) -> Turn | None:
        """Does what is due by the clock, and returns the next frame if it is complete."""
        if not self.has_lane:
            return None
        has_room = self.has_room
        if now >= self.listening.due_monotonic(has_room=has_room) and self.sound_lock.acquire(
            blocking=False
        ):
            try:
                self.listening.tend(now, has_room=has_room)
            finally:
                self.sound_lock.release()
        with self.lock:
            return self.lane.next_turn(now) if self.has_lane else None

    def last_turn(self) -> Turn | None:
        """Returns what stands for the last frames, if they alone are missing."""
        with self.lock:
            ended = self.ended_monotonic
            if ended is None or not self.has_lane or not self.lane.lacks_delayed:
                return None
            return self.lane.last_turn(ended)

    def shown(self, turn: Turn, poses: Float[np.ndarray, "n P"]) -> Float[np.ndarray, "n P"] | None:
        """Returns a turn's pose as it is to be shown, None where there is nothing to be shown."""
        with self.lock:
            shown = self.lane.shown(turn, poses) if self.has_lane else None
        if shown is not None and not np.isfinite(shown).all():
            raise UserError("its poses hold NaN or infinity")
        return shown

    def deliver(
        self,
        turn: Turn,
        poses: Float[np.ndarray, "n P"],
        shown: Float[np.ndarray, "n P"],
        joints: Float[np.ndarray, "n J 7"],
        stepped_monotonic: float,
    ) -> None:
        """Keeps frames for whoever takes them."""
        with self.lock:
            if self.has_lane:
                now = self._host.clock()
                self.has_news |= self.lane.deliver(
                    turn, poses, shown, joints, stepped_monotonic=stepped_monotonic,
                    made_monotonic=now,
                )  # fmt: skip

    def finish(self, turn: Turn, poses: Float[np.ndarray, "D P"], stepped_monotonic: float) -> None:
        """Keeps the last frames, after which the lane is free."""
        with self.lock:
            if self.has_lane:
                self.has_news |= self.lane.finish(
                    turn, poses, stepped_monotonic=stepped_monotonic,
                    made_monotonic=self._host.clock(),
                )  # fmt: skip
        if self.lane.is_finished:
            self._host.leave(self)

    def tell(self) -> None:
        """Says that there is news, if there is."""
        with self.lock:
            told, self.has_news = self.has_news, False
        if told:
            self.on_news()

    @contextlib.contextmanager
    def _while_open(self) -> Iterator[float]:
        """Holds the lock of sound, and refuses what comes after the end; yields the time."""
        began = self._host.clock()
        with self.sound_lock:
            self._require_open()
            try:
                yield began
            except UserError:
                raise
            except Exception as problem:
                self.fail(f"what was said could not be used ({problem})")
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

    def _add_rows(self, person: int, rows: list[Row]) -> None:
        with self.lock:
            self.lane.add_rows(person, rows)
        self._host.wake()

    def _notice(self, text: str) -> None:
        with self.lock:
            self._notices.append(text)
            self._new_notices.append(text)
            self.has_news = True
        self._host.wake()

    def _decoded(self, poses: Float[np.ndarray, "n P"]) -> Float[np.ndarray, "n J 7"]:
        return self._host.run.animator.codec.joints(poses, self.speaker)


def _nobody_asked() -> None:
    """Is called where nobody wants to know of news."""
