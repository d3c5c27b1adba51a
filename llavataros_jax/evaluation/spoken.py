"""What is said while a clip moves: a part of a recording, with its words."""

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from llavataros_jax.sound.beats import audio_beats
from llavataros_jax.sound.reader import blocks

Word = tuple[str, float, float]


@dataclass(frozen=True, eq=False)
class Spoken:
    """The speech of a clip.

    Attributes:
        recording: Sound file.
        start_seconds: Where in it the clip begins.
        seconds: Length of the clip.
        words: Text, start and end of every word in seconds of the clip; empty when not known.
        rolled_seconds: How far the speech is pushed along the clip, round its end; not 0 for
            speech of a wrong time.
    """

    recording: Path
    start_seconds: float
    seconds: float
    words: tuple[Word, ...] = ()
    rolled_seconds: float = 0.0

    def rolled(self, seconds: float) -> "Spoken":
        """Returns the same speech pushed along the clip, round its end."""
        return dataclasses.replace(self, rolled_seconds=(self.rolled_seconds + seconds))

    def lasting(self, seconds: float) -> "Spoken":
        """Returns the same speech for a clip of another length."""
        return dataclasses.replace(self, seconds=seconds)

    def samples(self, sample_rate: int) -> Float32[np.ndarray, " n"]:
        """Reads the clip's sound, mono; what lies beyond the recording is silence.

        Raises:
            UserError: When the recording cannot be read; see `llavataros_jax.sound.reader`.
        """
        first = round(self.start_seconds * sample_rate)
        count = round(self.seconds * sample_rate)
        found = np.zeros(count, np.float32)
        place = 0
        for block in blocks(self.recording, sample_rate):
            begin, end = max(place, first), min(place + len(block), first + count)
            if begin < end:
                found[begin - first : end - first] = block[begin - place : end - place]
            place += len(block)
            if place >= first + count:
                break
        return np.roll(found, round(self.rolled_seconds * sample_rate))

    @functools.cached_property
    def beats_seconds(self) -> Float[np.ndarray, " beats"]:
        """Times of the beats of speech in the clip, rising (`llavataros_jax.sound.beats`)."""
        beats = _beats(self.recording) - self.start_seconds
        return self._roll(beats[(beats >= 0) & (beats < self.seconds)])

    @property
    def word_starts_seconds(self) -> Float[np.ndarray, " words"]:
        """Starts of the words, rising."""
        return self._roll(np.array([start for _, start, _ in self.words], np.float64))

    def _roll(self, times: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        if not self.rolled_seconds:
            return times
        return np.sort((times + self.rolled_seconds) % self.seconds)


@functools.lru_cache(maxsize=8)
def _beats(recording: Path) -> Float[np.ndarray, " beats"]:
    return audio_beats(recording)
