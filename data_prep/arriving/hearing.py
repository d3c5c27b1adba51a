"""One person's speech as it arrives: sound in, words in, features of complete frames out."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from data_prep.arriving.heard import Heard
from data_prep.words.word import Word
from llavataros_jax.config import Config

WordsMode = Literal["none", "timed", "untimed"]


class Hearing:
    """Features of one person's speech, frame by frame, as sound and words arrive.

    Times are seconds of the stream, which begins at the first sample; frames are counted from 0.
    Nothing here locks: calls must follow each other. No call blocks; `take` is where the features
    are computed. A second person is a second `Hearing`.
    """

    def __init__(self, config: Config, *, words: WordsMode = "none"):
        """Begins a stream by the sections audio, text, words and motion.fps of a run.

        Args:
            config: Options of the run.
            words: `none` if no word ever comes; `timed` if they come by `say`, and a frame waits
                until its word is known; `untimed` if they come by `say_text` and are placed as the
                sound comes.

        Raises:
            UserError: When the word vectors or the audio features cannot be had.
        """
        raise NotImplementedError

    @property
    def fps(self) -> float:
        """Frames per second."""
        raise NotImplementedError

    @property
    def seconds_heard(self) -> float:
        """Length of the sound that came, silence that was added included."""
        raise NotImplementedError

    @property
    def frames_heard(self) -> int:
        """Frames, counted from the stream's first, whose sound is there; their words may not be."""
        raise NotImplementedError

    @property
    def num_frames(self) -> int:
        """Frames, counted from the stream's first, that are complete: `take` can have had them."""
        raise NotImplementedError

    @property
    def frames_taken(self) -> int:
        """Frames that `take` has given; the number of the next one."""
        raise NotImplementedError

    @property
    def frames_ready(self) -> int:
        """Complete frames that were not taken."""
        return self.num_frames - self.frames_taken

    @property
    def waits_for_words(self) -> bool:
        """Whether the sound of the next frame is there, and its word is not known."""
        return self.num_frames == self.frames_taken < self.frames_heard

    @property
    def is_over(self) -> bool:
        """Whether the stream has ended and all its frames were taken."""
        raise NotImplementedError

    @property
    def late_words(self) -> int:
        """Words that came when frames they belong to had been taken."""
        raise NotImplementedError

    def hear(self, samples: Float[np.ndarray, " n"], sample_rate: int) -> None:
        """Takes the next samples, of one channel and in [-1, 1].

        Raises:
            UserError: When a sample is not finite, the rate another one than before, or the stream
                has ended.
        """
        raise NotImplementedError

    def silence(self, frames: int) -> None:
        """Adds sound without a voice in it, and without words, of so many frames' length."""
        raise NotImplementedError

    def say(self, words: Sequence[Word], known_until_seconds: float | None = None) -> None:
        """Takes the next words, with their times in the stream, in order of their starts.

        Up to the end of the last one, or to `known_until_seconds`, all words are known from now on.

        Raises:
            UserError: When times are not finite, negative, out of order or far in the future, a
                word is too long or there are too many, or this stream takes no timed words.
        """
        raise NotImplementedError

    def say_text(self, text: str) -> None:
        """Takes the next piece of what is said; only white space or the end completes a word.

        Raises:
            UserError: When a word is too long or there are too many, or this stream takes words
                with times or none.
        """
        raise NotImplementedError

    def all_words_known(self, until_seconds: float) -> None:
        """Says that no word that begins before this time is to come; a text's last word is whole.

        Raises:
            UserError: When the time is not finite or negative.
        """
        raise NotImplementedError

    def take(self, most: int) -> Heard:
        """Removes and returns the next complete frames, at most so many.

        Raises:
            UserError: When features cannot be computed.
        """
        raise NotImplementedError

    def end(self) -> None:
        """Ends the stream: no sound or words follow, and all frames become complete.

        There are round(seconds_heard * fps) in all, as of a file.
        """
        raise NotImplementedError

    def drop(self) -> None:
        """Forgets sound and words whose frames were not taken; the next sound follows these."""
        raise NotImplementedError


def take_together(hearings: Sequence[Hearing], most: int) -> list[Heard]:
    """Takes from several streams of the same options at once, which costs less than one by one.

    Each gives what its own `take(most)` would give, to the last bit.

    Raises:
        UserError: When features cannot be computed.
    """
    return [hearing.take(most) for hearing in hearings]
