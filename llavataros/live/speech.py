"""Speech that a body is to move to: a recording, played as fast as it is wanted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from data_prep.words.text_file import read_text
from data_prep.words.timed_files import read_timed_words
from data_prep.words.word import Word
from llavataros.wanted_recordings import wanted_recordings
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import blocks, read_info

BLOCK_SECONDS = 0.1
Form = Literal["none", "timed", "untimed"]


@runtime_checkable
class Speech(Protocol):
    """Sound and the words that belong to it.

    Attributes:
        sample_rate: Samples a second.
        form: Whether words come with their times, without, or not at all.
    """

    @property
    def sample_rate(self) -> int: ...

    @property
    def form(self) -> Form: ...

    def parts(self) -> Iterator["Part"]:
        """Yields sound and words as they come."""
        ...


@dataclass(frozen=True, eq=False)
class Part:
    """A piece of speech.

    Attributes:
        samples: Mono, from -1 to 1.
        words: Words that become known before it, with times of the stream.
        known_until_seconds: Up to where in the stream no other words will come.
        text: Words without times that become known before it.
    """

    samples: Float32[np.ndarray, " n"]
    words: Sequence[Word] = ()
    known_until_seconds: float | None = None
    text: str | None = None


class RecordedSpeech:
    """A recording with its words, if there are any.

    Attributes:
        path: The file.
        sample_rate: Samples a second.
        seconds: Its length.
        form: Whether words come with their times, without, or not at all.
        notes: What was chosen for the user.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        words: Path | str | None = None,
        transcript: Path | str | None = None,
        loop: bool = False,
    ) -> None:
        """Reads words, and the recording's header.

        Args:
            path: A file that ffmpeg reads.
            words: A file of timed words; by default one of the recording's name beside it.
            transcript: A file of plain text.
            loop: Whether it begins again at its end.

        Raises:
            UserError: When a file is missing or cannot be read.
        """
        self.path, self._loops = Path(path).expanduser(), loop
        if self.path.is_dir():
            raise UserError(f"{path} is a folder; name one recording to be played live")
        info = read_info(self.path)
        self.sample_rate, self.seconds = info.sample_rate, info.seconds
        notes = [note for note in info.notes if not note.startswith("resampled")]
        if words is None and transcript is None:
            (found,) = wanted_recordings([self.path], out=Path())
            words, transcript = found.words, found.transcript
            notes += found.notes
        self._words = read_timed_words(Path(words).expanduser(), self.seconds) if words else []
        self._text = read_text(Path(transcript).expanduser()) if transcript else None
        if words is None and transcript is None:
            notes.append(
                "it moves by the sound alone; --words or --transcript gives gestures sense"
            )
        self.form: Form = "timed" if words else "untimed" if transcript else "none"
        self.notes = tuple(notes)

    def parts(self) -> Iterator[Part]:
        """Yields the recording in pieces of a tenth of a second; again and again if it loops."""
        begin_seconds = 0.0
        while True:
            heard = 0
            for samples in self._blocks():
                yield self._first(samples, begin_seconds) if not heard else Part(samples)
                heard += len(samples)
            begin_seconds += heard / self.sample_rate
            if not self._loops or not heard:
                return

    def _first(self, samples: Float32[np.ndarray, " n"], begin_seconds: float) -> Part:
        if self.form == "untimed":
            return Part(samples, text=self._text)
        if self.form == "none":
            return Part(samples)
        words = [
            Word(word.text, word.start_seconds + begin_seconds, word.end_seconds + begin_seconds)
            for word in self._words
        ]
        return Part(samples, words, begin_seconds + self.seconds)

    def _blocks(self) -> Iterator[Float32[np.ndarray, " n"]]:
        size = round(BLOCK_SECONDS * self.sample_rate)
        for long in blocks(self.path, self.sample_rate):
            for start in range(0, len(long), size):
                yield long[start : start + size]
