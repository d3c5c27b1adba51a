"""What is said in a session: sound and words of its people, its utterances and its silence."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from data_prep.words.word import Word
from llavataros.live.ear import Ear
from llavataros.live.fill_clock import FillClock
from llavataros.live.options import SessionOptions
from llavataros.live.rows import Row
from llavataros_jax.config import Config

# After an interruption the body has this long to come to rest, also where nothing brings silence.
REST_SECONDS = 1.0


class Listening:
    """Turns sound and words into rows of features as they come, and brings silence by the clock.

    Nothing here locks.

    Attributes:
        ears: Those of each person.
        is_ending: Whether nothing more will be said.
    """

    def __init__(
        self,
        config: Config,
        options: SessionOptions,
        *,
        clock: Callable[[], float],
        add_rows: Callable[[int, list[Row]], None],
        notice: Callable[[str], None],
    ):
        """Begins at 0 seconds.

        Args:
            config: Options of the run.
            options: Of the session.
            clock: Monotonic seconds.
            add_rows: Takes the rows of a person, as they become complete.
            notice: Takes what the client should know.

        Raises:
            UserError: When the features cannot be had.
        """
        self._options, self._fps, self._clock = options, config.motion.fps, clock
        self._add_rows, self._notice = add_rows, notice
        people = range(options.people)
        self.ears = [Ear(config, options.words, expects_words=person == 0) for person in people]
        self._silence = FillClock(clock())
        self._is_spoken, self._rest_seconds = False, 0.0
        self.is_ending = False
        self._told: set[tuple[str, int]] = set()

    @property
    def seconds_heard(self) -> float:
        """Where the sound of the person who moves ends."""
        return self.ears[0].seconds_heard

    @property
    def is_filled(self) -> bool:
        """Whether the wall clock brings silence now."""
        if self.is_ending:
            return False
        return self._always_fills or self._rest_frames > 0

    def due_monotonic(self, *, has_room: bool) -> float:
        """Returns when there is something to tend; infinite if nothing is in sight.

        Without room for sound there is no silence to be brought.
        """
        words = min(ear.words_since_monotonic for ear in self.ears)
        due = words + self._options.words_wait_seconds
        if self.is_filled and has_room:
            due = min(due, self._silence.next_monotonic(self.seconds_heard, self._fps))
        return due

    def hear(
        self, samples: Float[np.ndarray, " n"], sample_rate: int, person: int, began: float
    ) -> None:
        """Takes sound; that of the person who moves begins an utterance if none is open."""
        if person == 0:
            self._advance()
        self.ears[person].hear(samples, sample_rate, began)
        if person == 0:
            self._is_spoken, self._rest_seconds = True, 0.0
        self._collect(person, began)

    def say(
        self,
        words: Sequence[Word],
        person: int,
        known_until_seconds: float | None,
        began: float,
    ) -> None:
        """Takes words with their times."""
        self.ears[person].say(words, known_until_seconds)
        self._collect(person, began)

    def say_text(self, text: str, person: int, began: float) -> None:
        """Takes the next piece of what is said."""
        self.ears[person].say_text(text)
        self._collect(person, began)

    def begin_utterance(self) -> float:
        """Opens an utterance; returns where it will begin."""
        self._advance()
        self._is_spoken, self._rest_seconds = True, 0.0
        self._told.clear()
        return self.seconds_heard

    def end_utterance(self, began: float) -> None:
        """Closes the utterance."""
        self._advance()
        self._is_spoken = False
        self.ears[0].all_words_known()
        self._collect(0, began)

    def tend(self, now: float, *, has_room: bool) -> None:
        """Does what is due by the wall clock: silence, and words that are waited for no more."""
        for person, ear in enumerate(self.ears):
            if ear.words_since_monotonic + self._options.words_wait_seconds <= now:
                self._collect(person, now)
        if not (self.is_filled and has_room):
            return
        self._silence.advance(now, self.seconds_heard, is_spoken=False)
        due = self._silence.due_frames(self.seconds_heard, self._fps)
        self._fall_silent(due if self._always_fills else min(due, self._rest_frames), now)

    def interrupt(self, frame: int, silent_frames: int) -> None:
        """Forgets what the person who moves said; frames of silence follow at once, from one on."""
        now = self._clock()
        self._is_spoken, self._rest_seconds = False, frame / self._fps + REST_SECONDS
        self._told.clear()
        self.ears[0].restart(frame)
        self._fall_silent(silent_frames, now)
        # Features that look ahead themselves (PASE+) need a little more.
        self._fall_silent(silent_frames - self.ears[0].complete_frames, now)
        self._silence.restart(now, self.seconds_heard)
        if self.is_ending:
            self.end(now)

    def end(self, began: float) -> None:
        """Ends all of it; after an interruption the body comes to rest first."""
        self.is_ending = True
        self._fall_silent(self._rest_frames, began)
        for person, ear in enumerate(self.ears):
            ear.end()
            self._collect(person, began)

    @property
    def _always_fills(self) -> bool:
        return self._options.silence == "fill" and not self._is_spoken

    @property
    def _rest_frames(self) -> int:
        """How many frames of silence a body still needs to come to rest."""
        return max(round((self._rest_seconds - self.seconds_heard) * self._fps), 0)

    def _advance(self) -> None:
        self._silence.advance(self._clock(), self.seconds_heard, is_spoken=not self.is_filled)

    def _fall_silent(self, frames: int, now: float) -> None:
        if frames > 0:
            self.ears[0].silence(frames)
            self._collect(0, now)

    def _collect(self, person: int, began: float) -> None:
        """Computes the features of frames that became complete."""
        ear, wait = self.ears[person], self._options.words_wait_seconds
        if ear.give_up_words(began - wait):
            self._notice_once(
                "without",
                person,
                f"words of sound before {ear.seconds_heard:.1f} s did not come within {wait:g} s "
                "of it, so the body goes on without them",
            )
        rows = ear.new_rows(began, self._clock)
        if ear.new_late_words():
            self._notice_once(
                "late", person, "words came when the frames that they belong to had been made"
            )
        if rows:
            self._add_rows(person, rows)

    def _notice_once(self, kind: str, person: int, text: str) -> None:
        """Says it once in an utterance."""
        if (kind, person) not in self._told:
            self._told.add((kind, person))
            self._notice(text)
