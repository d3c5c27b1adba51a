"""A session of live speech: sound and words in, frames of a body out.

A session has the methods that clients call, from any thread, and those by which the engine steps
it. What one person says is an `Ear`, what is shown an `Output`.
"""

import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from data_prep.words.word import Word
from llavataros.live.ear import Ear, Row
from llavataros.live.fill_clock import FillClock
from llavataros.live.host import Host
from llavataros.live.live_frame import LiveFrame
from llavataros.live.options import SessionDials, SessionOptions
from llavataros.live.output import Output, Times
from llavataros.live.session_dials import dials_of_run, turned_dials
from llavataros_jax.errors import UserError

# Another person who is late by more than this, by the wall clock, is thought not to be there.
OTHER_WAIT_SECONDS = 1.0
# After an interruption the body has this long to come to rest, also where nothing brings silence.
REST_SECONDS = 1.0
# Long sound is heard in pieces, so that an interruption need not wait for all of it.
_PIECE_SECONDS = 0.5
_MOST_NOTICES = 100


class Turn(NamedTuple):
    """What a session brings to a pass: features of a frame.

    Attributes:
        main: Of the person who moves.
        other: Of the other person, None where there is nobody.
        is_start: Whether the lane starts with it.
        number: How many frames the lane has had with it.
        epoch: After how many interruptions it is; another one makes it void.
    """

    main: Row
    other: Row | None
    is_start: bool
    number: int
    epoch: int


class Session:
    """Live speech of one body; made by `Engine.open`. No method blocks, and any thread may call."""

    def __init__(self, host: Host, options: SessionOptions):
        """Begins the stream at 0 seconds.

        Raises:
            UserError: When the speaker is unknown, a dial is out of its range or the features
                cannot be had.
        """
        self._host, self.options = host, options
        self.id = secrets.token_hex(8)
        self.on_news: Callable[[], None] = _nobody_listens
        run, fps = host.run, host.fps
        self.speaker = run.speaker_id(options.speaker)
        usual = dials_of_run(run, has_words=options.words != "none")
        self.dials = turned_dials(run, usual, options.dials)
        self._ahead_frames = round(options.ahead_seconds * fps)
        kept = 2 * self._ahead_frames + host.delay_frames
        self._ears = [
            Ear(run.config, options.words, kept_frames=kept if person else 0)
            for person in range(options.people)
        ]
        self._output = Output(self._decoded, fps=fps, kept_frames=kept)
        self._clock = FillClock(host.clock())
        # Features are computed under the first, which the engine never waits for.
        self._sound, self._lock = threading.RLock(), threading.RLock()
        self._hears = [threading.Lock() for _ in self._ears]
        self._epoch = self._fed_frames = self._base_frame = 0
        self._starts, self._is_spoken, self._rest_seconds = True, False, 0.0
        self._is_ending = self._is_finished = self._is_closed = False
        self._ended_monotonic = 0.0
        self._failure: str | None = None
        self._notices: deque[str] = deque(maxlen=_MOST_NOTICES)
        self._told: set[str] = set()
        self._has_news = False
        self.deadline_monotonic: float | None = None

    # What clients call.

    @property
    def seconds_heard(self) -> float:
        """Where the sound of the person who moves ends."""
        return self._ears[0].seconds_heard

    @property
    def frames_made(self) -> int:
        """Frames since the beginning, taken or not."""
        return self._output.made_frames

    @property
    def waiting_frames(self) -> int:
        """Frames that can be taken."""
        return self._output.unread_frames

    @property
    def has_room(self) -> bool:
        """Whether more sound should be read from the client: nothing is too far ahead."""
        ahead = self._ahead_frames
        unheard = self.seconds_heard * self._host.fps - self._base_frame - self._fed_frames
        return self._output.unread_frames < ahead and unheard < ahead

    @property
    def is_over(self) -> bool:
        """Whether no frame will follow, and none waits."""
        ended = self._is_closed or self._is_finished or self._failure is not None
        return ended and not self._output.unread_frames

    @property
    def failure(self) -> str | None:
        """Why the session ended before its end, if it did."""
        return self._failure

    @property
    def notices(self) -> tuple[str, ...]:
        """What the client should know, the latest last."""
        with self._lock:
            return tuple(self._notices)

    def hear(self, samples: Float[np.ndarray, " n"], sample_rate: int, person: int = 0) -> None:
        """Takes sound of one channel, from -1 to 1; in the session's stream it follows the last.

        With `silence="fill"`, sound of the person who moves begins an utterance.

        Raises:
            UserError: When there is no such person, a sample is not finite, the rate changes, or
                the session has ended.
        """
        began = self._host.clock()
        ear, epoch = self._ear(person), self._epoch
        size = max(round(_PIECE_SECONDS * sample_rate), 1)
        with self._hears[person]:
            for first in range(0, len(samples), size):
                with self._sound:
                    if person == 0 and epoch != self._epoch:
                        return  # the rest was unspoken when it was interrupted
                    self._require_hearing()
                    if person == 0:
                        self._advance_clock()
                        self._is_spoken, self._rest_seconds = True, 0.0
                    ear.hear(samples[first : first + size], sample_rate)
                    ear.last_heard_monotonic = began
                    self._collect(person, began)

    def say(
        self,
        words: Sequence[Word],
        person: int = 0,
        *,
        known_until_seconds: float | None = None,
    ) -> None:
        """Takes words with their times in the stream, in their order.

        Args:
            words: The words.
            person: Who says them.
            known_until_seconds: No other word begins before this time; by default that is where
                the last of them ends.

        Raises:
            UserError: When times make no sense, or the session takes no timed words.
        """
        began = self._host.clock()
        with self._sound:
            self._require_hearing()
            self._ear(person).say(words, known_until_seconds)
            self._collect(person, began)

    def say_text(self, text: str, person: int = 0) -> None:
        """Takes the next piece of what is said, whose words are placed as the sound comes.

        Raises:
            UserError: When the session takes words with times, or none.
        """
        began = self._host.clock()
        with self._sound:
            self._require_hearing()
            self._ear(person).say_text(text)
            self._collect(person, began)

    def begin_utterance(self) -> float:
        """Says that sound is to come; returns the time of the stream at which it will begin."""
        with self._sound:
            self._require_hearing()
            self._advance_clock()
            self._is_spoken, self._rest_seconds = True, 0.0
            self._told.clear()
            return self.seconds_heard

    def end_utterance(self) -> None:
        """Says that the utterance's sound has come, and all of its words are known."""
        began = self._host.clock()
        with self._sound:
            self._require_hearing()
            self._advance_clock()
            self._is_spoken = False
            self._ears[0].all_words_known()
            self._collect(0, began)

    def interrupt(self, at_frame: int | None = None) -> int:
        """Stops the sentence: the body comes to rest, without a jump, from a frame on.

        Sound and words that were not spoken by then are forgotten, and frames from there on are
        made anew, of silence; what the other person said stays. Gestures end too.

        Args:
            at_frame: The frame, by default the first that was not taken. Of those that were, the
                client throws away this one and what follows. One that is not made yet is brought
                forward to the first such.

        Returns:
            Which frame it is.
        """
        with self._sound, self._lock:
            frame = self._output.cut(at_frame)
            if self._is_finished or self._is_closed or self._failure:
                return frame
            fps, delay = self._host.fps, self._host.delay_frames
            again = self._base_frame + self._fed_frames - frame
            self._epoch += 1
            self._base_frame, self._fed_frames, self._starts = frame, 0, True
            self._is_spoken, self._rest_seconds = False, frame / fps + REST_SECONDS
            self._told.clear()
            now = self._host.clock()
            self._ears[0].restart(frame)
            for ear in self._ears[1:]:
                ear.back_to(again)
            # With its look-ahead filled, the lane answers every frame from now on.
            self._fall_silent(delay, now)
            self._clock.restart(now, self.seconds_heard)
            if self._is_ending:
                self._end(now)
        self._host.wake()
        return frame

    def turn(self, dials: SessionDials) -> None:
        """Turns dials; those that are None stay.

        Raises:
            UserError: When one is out of its range, or turns samples that the run does not draw.
        """
        with self._lock:
            self.dials = turned_dials(self._host.run, self.dials, dials)

    def gesture(self, name: str, at_seconds: float | None = None, strength: float = 1.0) -> float:
        """Lets the body make a gesture; returns the time of the stream at which it begins.

        Args:
            name: One of `Engine.gestures`.
            at_seconds: When it begins; by default, and if frames are taken until later, with the
                next frame that was not taken.
            strength: How much of it is seen, above 0 to 1.

        Raises:
            UserError: When there is no such gesture, or a number is out of its range.
        """
        raise UserError(f"gesture {name!r} is unknown; this engine knows none")

    def end(self) -> None:
        """Says that nothing more will come; the frames that are due follow."""
        began = self._host.clock()
        with self._sound:
            self._require_hearing()
            with self._lock:
                self._is_ending = True
            self._end(began)
        self._host.wake()

    def close(self) -> None:
        """Gives the lane back at once; nothing can be taken any more."""
        with self._lock:
            self._is_closed = True
            self._output.take()
        self._host.leave(self.id)

    def take(self, most: int | None = None) -> list[LiveFrame]:
        """Removes and returns the frames that wait, or the first of them."""
        with self._lock:
            taken = self._output.take(most)
        if taken:
            self._host.wake()  # a lane that waited for room goes on
        return taken

    # What the engine calls.

    def tend(self, now: float) -> None:
        """Brings the silence that is due by the wall clock."""
        if not self._is_filled() or not self._sound.acquire(blocking=False):
            return
        try:
            if not self._is_filled():
                return
            self._clock.advance(now, self.seconds_heard, is_spoken=False)
            if frames := self._clock.due_frames(self.seconds_heard, self._host.fps):
                self._fall_silent(frames, now)
            self.deadline_monotonic = self._clock.next_monotonic(self.seconds_heard, self._host.fps)
        finally:
            self._sound.release()

    def next_turn(self, now: float) -> Turn | None:
        """Returns the next frame that is complete, if there is room for its pose."""
        with self._lock:
            ears, full = self._ears, self._output.unread_frames >= self._ahead_frames
            if self._is_closed or self._is_finished or full or not ears[0].rows:
                return None
            other = None
            if len(ears) > 1:
                if ears[1].rows:
                    other = ears[1].give()
                elif self._awaits_other(now):
                    return None
                else:
                    ears[1].skip()
            main, starts = ears[0].give(), self._starts
            assert main is not None
            self._starts = False
            self._fed_frames += 1
            return Turn(main, other, starts, self._fed_frames, self._epoch)

    @property
    def queued_frames(self) -> int:
        """Frames of which the features wait."""
        return len(self._ears[0].rows)

    @property
    def wants_flush(self) -> bool:
        """Whether only those frames are missing that the delay holds back."""
        with self._lock:
            over = self._is_closed or self._is_finished
            return self._is_ending and not over and not self._ears[0].rows

    def shown(self, turn: Turn, poses: Float[np.ndarray, "n P"]) -> Float[np.ndarray, "n P"] | None:
        """Returns poses as they are to be shown; None where a turn brought none of its stream."""
        with self._lock:
            if self._is_closed or turn.epoch != self._epoch:
                return None
            if turn.number <= self._host.delay_frames:
                return None
            return self._output.shown(poses)

    def deliver(
        self,
        turn: Turn,
        poses: Float[np.ndarray, "n P"],
        shown: Float[np.ndarray, "n P"],
        joints: Float[np.ndarray, "n J 7"],
        stepped_monotonic: float,
    ) -> None:
        """Keeps frames for whoever takes them."""
        times = Times(turn.main.heard_monotonic, turn.main.ready_monotonic, stepped_monotonic)
        with self._lock:
            if not self._is_closed and turn.epoch == self._epoch:
                self._output.deliver(poses, shown, joints, times, self._host.clock())
                self._has_news = True

    def begin_flush(self) -> int:
        """Returns the epoch of the flush that is to come."""
        return self._epoch

    def finish(self, epoch: int, poses: Float[np.ndarray, "D P"], stepped_monotonic: float) -> None:
        """Keeps the poses that the delay held back, which are the last."""
        with self._lock:
            if self._is_closed or epoch != self._epoch:
                return
            due = min(self._fed_frames, len(poses))
            if due:
                poses = poses[len(poses) - due :]
                shown, now = self._output.shown(poses), self._host.clock()
                times = Times(self._ended_monotonic, self._ended_monotonic, stepped_monotonic)
                self._output.deliver(poses, shown, self._decoded(shown), times, now)
            self._is_finished = self._has_news = True
        self._host.leave(self.id)

    def fail(self, reason: str) -> None:
        """Ends the session before its end; what was made can still be taken."""
        with self._lock:
            if self._failure is None:
                self._failure = reason
                self._notice(reason)
        self._host.leave(self.id)

    def tell(self) -> None:
        """Calls `on_news` if there is any."""
        with self._lock:
            told, self._has_news = self._has_news, False
        if told:
            self.on_news()

    # Within.

    def _ear(self, person: int) -> Ear:
        if person not in range(len(self._ears)):
            raise UserError(
                f"person {person} is not in this session of {len(self._ears)}; count from 0, and "
                "open it with people=2 for two"
            )
        return self._ears[person]

    def _require_hearing(self) -> None:
        if self._failure is not None:
            raise UserError(f"the session is over: {self._failure}")
        if self._is_ending or self._is_closed:
            raise UserError(
                "the session has ended, so nothing more can be said in it; open another"
            )

    def _is_filled(self) -> bool:
        """Whether the wall clock brings silence now."""
        if self._is_ending or self._is_closed or self._failure is not None:
            return False
        always = self.options.silence == "fill" and not self._is_spoken
        return always or self.seconds_heard < self._rest_seconds

    def _advance_clock(self) -> None:
        self._clock.advance(self._host.clock(), self.seconds_heard, is_spoken=not self._is_filled())

    def _fall_silent(self, frames: int, now: float) -> None:
        self._ears[0].silence(frames)
        self._collect(0, now)

    def _end(self, now: float) -> None:
        self._ended_monotonic = now
        missing = round((self._rest_seconds - self.seconds_heard) * self._host.fps)
        if missing > 0:
            self._ears[0].silence(missing)
        for person, ear in enumerate(self._ears):
            if not ear.is_over:
                ear.end()
            self._collect(person, now)

    def _collect(self, person: int, began: float) -> None:
        """Computes the features of frames that became complete, and lets the engine have them."""
        ear = self._ears[person]
        rows = ear.finished_rows(began, self._host.clock())
        if ear.give_up_words(self.options.words_wait_seconds):
            rows += ear.finished_rows(began, self._host.clock())
            self._notice_once(
                f"words of the sound up to {ear.seconds_heard:.1f} s did not come within "
                f"{self.options.words_wait_seconds:g} s, so the body moves on without them"
            )
        if ear.late_words:
            self._notice_once("words came after the frames that they belong to were made")
        if rows:
            with self._lock:
                ear.rows.extend(rows)
            self._host.wake()

    def _awaits_other(self, now: float) -> bool:
        """Whether the other person's sound may still come for the next frame."""
        ear, main = self._ears[1], self._ears[0].rows[0]
        assert main is not None
        until = max(main.ready_monotonic, ear.last_heard_monotonic) + OTHER_WAIT_SECONDS
        if ear.is_over or now >= until:
            return False
        self.deadline_monotonic = until
        return True

    def _notice_once(self, text: str) -> None:
        kind = text.split()[0:3]
        if (key := " ".join(kind)) not in self._told:
            self._told.add(key)
            self._notice(text)

    def _notice(self, text: str) -> None:
        with self._lock:
            self._notices.append(text)
            self._has_news = True
        self._host.wake()

    def _decoded(self, poses: Float[np.ndarray, "n P"]) -> Float[np.ndarray, "n J 7"]:
        return self._host.decode(poses, np.full(len(poses), self.speaker))


def _nobody_listens() -> None:
    """Is called when nobody asked for news."""
