"""One person's speech in a session: a `Hearing`, at its place in the session's stream."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from data_prep.arriving.hearing import Hearing, WordsMode
from data_prep.words.word import Word
from llavataros.live.rows import Row
from llavataros_jax.config import Config


class _Arrived(NamedTuple):
    """How many frames of the hearing were there at a time."""

    frames: int
    monotonic: float


class Ear:
    """Turns one person's sound and words into rows of features; times are those of the session.

    Nothing here locks.

    Attributes:
        first_frame: Frame of the session's stream that is the hearing's first.
        last_heard_monotonic: When sound came last.
        is_over: Whether nothing more will come.
        words_since_monotonic: When the sound came of which words are waited for; infinite where
            none are.
    """

    def __init__(self, config: Config, words: WordsMode, *, expects_words: bool):
        """Begins at the session's start.

        Args:
            config: Options of the run.
            words: Which words are to come.
            expects_words: Whether frames wait for timed words before the first of them has come.

        Raises:
            UserError: When the features cannot be had.
        """
        self._config, self._expects_words = config, expects_words
        self._words: WordsMode = words
        self.fps = config.motion.fps
        self.first_frame, self.last_heard_monotonic, self.is_over = 0, -math.inf, False
        self._hearing = Hearing(config, words=words)
        self._arrived: deque[_Arrived] = deque()
        self._late_words, self.words_since_monotonic = 0, math.inf

    @property
    def seconds_heard(self) -> float:
        """Where the sound ends."""
        return self.first_frame / self.fps + self._hearing.seconds_heard

    @property
    def complete_frames(self) -> int:
        """Frames since the hearing's beginning of which sound and words are there."""
        return self._hearing.num_frames

    def new_late_words(self) -> int:
        """Returns how many words more came when frames that they belong to had been computed."""
        before, self._late_words = self._late_words, self._hearing.late_words
        return self._late_words - before

    def hear(self, samples: Float[np.ndarray, " n"], sample_rate: int, now: float) -> None:
        """Takes sound.

        Raises:
            UserError: When a sample is not finite or the rate another one than before.
        """
        self._hearing.hear(samples, sample_rate)
        self.last_heard_monotonic = now
        if self._words != "timed":
            return
        self._arrived.append(_Arrived(self._hearing.frames_heard, now))
        if not self._expects_words:
            self.all_words_known()

    def silence(self, frames: int) -> None:
        """Adds sound without a voice, in which there is no word."""
        self._hearing.silence(frames)

    def say(self, words: Sequence[Word], known_until_seconds: float | None) -> None:
        """Takes words with their times; what lies before the hearing's beginning was dropped.

        Raises:
            UserError: When times make no sense, or no timed words are to come.
        """
        self._expects_words = True
        shift, until = self.first_frame / self.fps, known_until_seconds
        if shift:
            words = [
                replace(
                    word,
                    start_seconds=max(word.start_seconds - shift, 0.0),
                    end_seconds=word.end_seconds - shift,
                )
                for word in words
                if word.end_seconds > shift
            ]
            until = None if until is None else max(until - shift, 0.0)
        self._hearing.say(words, until)

    def say_text(self, text: str) -> None:
        """Takes the next piece of what is said.

        Raises:
            UserError: When no text is to come.
        """
        self._hearing.say_text(text)

    def all_words_known(self) -> None:
        """Says that all words of the sound so far are known."""
        if self._words != "none":
            self._hearing.all_words_known(self._hearing.seconds_heard)

    def give_up_words(self, before_monotonic: float) -> bool:
        """Waits no more for words of sound that came until then; says whether it waited."""
        waited = False
        while self._waits_since() <= before_monotonic:
            self._hearing.all_words_known(self._arrived.popleft().frames / self.fps)
            waited = True
        return waited

    def end(self) -> None:
        """Ends the stream."""
        if not self.is_over:
            self._hearing.end()
            self.is_over = True

    def restart(self, frame: int) -> None:
        """Forgets everything; what comes next begins at a frame of the session's stream."""
        self.first_frame, self.is_over = frame, False
        self._hearing = Hearing(self._config, words=self._words)
        self._arrived.clear()
        self._late_words = 0

    def new_rows(self, heard_monotonic: float, clock: Callable[[], float]) -> list[Row]:
        """Computes the features of the frames that became complete.

        Args:
            heard_monotonic: When what completed them was given.
            clock: Monotonic seconds.

        Raises:
            UserError: When they cannot be computed.
        """
        count = self._hearing.frames_ready
        heard = self._hearing.take(count) if count else None
        self.words_since_monotonic = self._waits_since()
        if heard is None:
            return []
        ready_monotonic = clock()
        return [
            Row(audio, words, bool(has_word), heard_monotonic, ready_monotonic)
            for audio, words, has_word in zip(heard.audio, heard.words, heard.has_word, strict=True)
        ]

    def _waits_since(self) -> float:
        if self._words != "timed" or not self._hearing.waits_for_words:
            return math.inf
        while self._arrived and self._arrived[0].frames <= self._hearing.num_frames:
            self._arrived.popleft()
        return self._arrived[0].monotonic if self._arrived else math.inf
