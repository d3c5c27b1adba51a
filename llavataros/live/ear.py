"""One person's speech in a session: a `Hearing`, and the features of frames that wait."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float16

from data_prep.arriving.hearing import WordsMode
from data_prep.words.word import Word
from llavataros.live.stand_in_hearing import StandInHearing as Hearing
from llavataros_jax.config import Config


class Row(NamedTuple):
    """Features of a frame.

    Attributes:
        audio: Audio features.
        words: Vector of the active word.
        has_word: Whether there is one.
        heard_monotonic: When the last of it came.
        ready_monotonic: When the features were there.
    """

    audio: Float16[np.ndarray, " A"]
    words: Float16[np.ndarray, " E"]
    has_word: bool
    heard_monotonic: float
    ready_monotonic: float


class Ear:
    """Turns one person's sound and words into rows of features, in frames of the session's stream.

    Nothing here locks.
    """

    def __init__(self, config: Config, words: WordsMode, *, kept_frames: int):
        """Begins at the session's start.

        Args:
            config: Options of the run.
            words: Which words are to come.
            kept_frames: Rows that are kept after they were given away (`back_to`).

        Raises:
            UserError: When the features cannot be had.
        """
        self._config, self._words, self.fps = config, words, config.motion.fps
        self.rows: deque[Row | None] = deque()
        self.is_over, self.last_heard_monotonic = False, -np.inf
        self._given: deque[Row | None] = deque(maxlen=kept_frames)
        # Frame of the session's stream that is the hearing's first.
        self._first_frame = 0
        self._hearing = Hearing(config, words=words)

    @property
    def seconds_heard(self) -> float:
        """Where the sound ends, in the session's stream."""
        return self._first_frame / self.fps + self._hearing.seconds_heard

    @property
    def waits_for_words(self) -> bool:
        """Whether the next frame lacks nothing but to know its word."""
        return not self.rows and self._hearing.waits_for_words

    @property
    def late_words(self) -> int:
        """Words that came when frames they belong to had been given away."""
        return self._hearing.late_words

    def hear(self, samples: Float[np.ndarray, " n"], sample_rate: int) -> None:
        """Takes sound."""
        self._hearing.hear(samples, sample_rate)

    def silence(self, frames: int) -> None:
        """Adds sound without a voice, of which it is known that no word is in it."""
        self._hearing.silence(frames)
        self.all_words_known()

    def say(self, words: Sequence[Word], known_until_seconds: float | None) -> None:
        """Takes words with their times in the session's stream."""
        shift = self._first_frame / self.fps
        moved = [
            Word(
                word.text,
                max(word.start_seconds - shift, 0.0),
                word.end_seconds - shift,
                word.confidence,
            )
            for word in words
            if shift == 0 or word.end_seconds > shift
        ]
        until = None if known_until_seconds is None else max(known_until_seconds - shift, 0.0)
        self._hearing.say(moved, until)

    def say_text(self, text: str) -> None:
        """Takes the next piece of what is said."""
        self._hearing.say_text(text)

    def all_words_known(self) -> None:
        """Says that all words of the sound so far are known."""
        if self._words != "none":
            self._hearing.all_words_known(self._hearing.seconds_heard)

    def give_up_words(self, wait_seconds: float) -> bool:
        """Lets frames go on without words that are later than that; says whether there are any."""
        hearing = self._hearing
        wait_frames = wait_seconds * self.fps
        if self._words != "timed" or not hearing.waits_for_words:
            return False
        if hearing.frames_heard - hearing.frames_taken <= wait_frames:
            return False
        hearing.all_words_known(hearing.seconds_heard - wait_seconds)
        return True

    def end(self) -> None:
        """Ends the stream."""
        self._hearing.end()
        self.is_over = True

    def finished_rows(self, heard_monotonic: float, ready_monotonic: float) -> list[Row]:
        """Computes the features of the frames that became complete."""
        if not (count := self._hearing.frames_ready):
            return []
        heard = self._hearing.take(count)
        return [
            Row(audio, words, bool(has_word), heard_monotonic, ready_monotonic)
            for audio, words, has_word in zip(heard.audio, heard.words, heard.has_word, strict=True)
        ]

    def give(self) -> Row | None:
        """Removes and returns the next row."""
        row = self.rows.popleft()
        self._given.append(row)
        return row

    def skip(self) -> None:
        """Lets a frame of the stream pass in which there is no sound; what comes is after it."""
        self._given.append(None)
        self._first_frame += 1

    def restart(self, frame: int) -> None:
        """Forgets everything; what comes next begins at a frame of the session's stream."""
        self.rows.clear()
        self._given.clear()
        self._first_frame = frame
        self._hearing = Hearing(self._config, words=self._words)

    def back_to(self, frames: int) -> None:
        """Puts the last rows that were given away before the others again."""
        again = [self._given.pop() for _ in range(min(frames, len(self._given)))]
        self.rows.extendleft(again)
        self.rows.extendleft([None] * (frames - len(again)))
