"""A session as its engine sees it: who has a lane, what is due, what is shown."""

import math
import secrets
import threading
from collections import deque
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from llavataros.live.host import Host
from llavataros.live.lane import Lane, Turn
from llavataros.live.listening import Listening
from llavataros.live.options import SessionOptions
from llavataros.live.rows import Row
from llavataros.live.session_dials import dials_of_run, turned_dials
from llavataros_jax.errors import UserError

_MOST_NOTICES = 100


class Seat:
    """Two halves of a session, what is said and what is moved, with a lock for each.

    What is said is `listening`, guarded by the lock under which features are computed; the engine
    never waits for it. What is moved is `lane`, guarded by one that is held for moments. Who takes
    both takes them in this order.

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
        self.ended_monotonic: float | None = None
        self.is_closed, self.failure = False, None
        self._notices: deque[str] = deque(maxlen=_MOST_NOTICES)
        self.has_news = False
        if options.people > 1 and not run.config.model.cross_blocks:
            self._notice("this run hears one person alone, so the other one has no effect")

    @property
    def has_room(self) -> bool:
        """Whether more sound should be read from the client.

        It should not while `ahead_seconds` of frames were not taken, or of sound not moved to; what
        is heard all the same is kept.
        """
        unmoved = self.listening.seconds_heard * self._host.fps - self.lane.heard_frames
        return not self.lane.is_full and unmoved < self._ahead_frames

    @property
    def has_lane(self) -> bool:
        """Whether it is moved."""
        return not (self.is_closed or self.lane.is_finished or self.failure is not None)

    def fail(self, reason: str) -> None:
        """Ends it before its end; what was made can still be taken."""
        with self.lock:
            if self.failure is None and not self.is_closed:
                self.failure = reason
                self._notice(reason)
        self._host.leave(self)

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

    def _add_rows(self, person: int, rows: list[Row]) -> None:
        with self.lock:
            self.lane.add_rows(person, rows)
        self._host.wake()

    def _notice(self, text: str) -> None:
        with self.lock:
            self._notices.append(text)
            self.has_news = True
        self._host.wake()

    def _decoded(self, poses: Float[np.ndarray, "n P"]) -> Float[np.ndarray, "n J 7"]:
        return self._host.run.animator.codec.joints(poses, self.speaker)


def told(problem: Exception) -> str:
    """Returns what a client is told of a problem: a refusal, or one line."""
    if isinstance(problem, UserError):
        return str(problem)
    return f"{type(problem).__name__}: {(str(problem).strip().splitlines() or ['no reason'])[0]}"


def _nobody_asked() -> None:
    """Is called where nobody wants to know of news."""
