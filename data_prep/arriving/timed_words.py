"""Words that come with their times, and from when on those of a frame cannot change."""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float16

from data_prep.arriving.spoken import checked_spoken
from data_prep.arriving.word_vectors import WordVectors
from data_prep.words.word import Word
from llavataros_jax.config import Config
from llavataros_jax.data.active_words import active_words
from llavataros_jax.errors import UserError

_Row = tuple[float, float, Float16[np.ndarray, " E"]]  # start and end in seconds, vector


class TimedWords:
    """The words of one stream, by frames.

    Attributes:
        late: Words that came when frames of theirs had been taken. They are used from then on.
    """

    def __init__(self, config: Config):
        """Begins a stream in which nothing is known."""
        self.late = 0
        self._fps, self._size = config.motion.fps, config.text.size
        self._points = config.words.frame_rule == "pointer"
        self._vectors = WordVectors(config.text)
        self._rows: deque[_Row] = deque()
        self._known_until = self._last_start = 0.0
        self._taken = 0

    def say(
        self, words: Sequence[Word], known_until_seconds: float | None, heard_seconds: float
    ) -> None:
        """Takes the next words.

        Raises:
            UserError: When they cannot be true, are too many, or vectors cannot be had.
        """
        if known_until_seconds is not None:
            check_time(known_until_seconds)
        found = checked_spoken(
            words,
            after_seconds=self._last_start,
            heard_seconds=heard_seconds,
            waiting=len(self._rows),
        )
        vectors = self._vectors(found)
        for word, vector in zip(found, vectors, strict=True):
            self._rows.append((word.start_seconds, word.end_seconds, vector))
            first = self._first_frame_from(word.start_seconds)
            self.late += first < self._taken and self._time_of(first) < word.end_seconds
        if words:
            self._last_start = words[-1].start_seconds
        known = words[-1].end_seconds if words else 0.0
        self._know(known if known_until_seconds is None else known_until_seconds)

    def all_known(self, until_seconds: float) -> None:
        """Says that no word that begins before a time is to come.

        Raises:
            UserError: When it is no time.
        """
        check_time(until_seconds)
        self._know(until_seconds)

    def silent(self, until_seconds: float) -> None:
        """Says that there is silence up to a time, and so no word to come."""
        self._know(until_seconds)

    def end(self) -> None:
        """Says that no word is to come."""
        self._know(math.inf)

    def cut(self, seconds: float) -> None:
        """Forgets all words; what follows begins at this time."""
        self._rows.clear()
        self._vectors.forget()
        self._known_until = self._last_start = seconds

    def num_frames(self, heard_frames: int) -> int:
        """Returns how many of the frames heard, from the stream's first, have a word for good."""
        if self._known_until == math.inf:
            return heard_frames
        return min(heard_frames, self._first_frame_from(self._known_until))

    def take(
        self, audio: Float16[np.ndarray, "n A"]
    ) -> tuple[Float16[np.ndarray, "n E"], Bool[np.ndarray, " n"]]:
        """Returns the word vectors of the next frames, and whether there is a word.

        Args:
            audio: Their audio features, of which times depend on nothing.
        """
        count = len(audio)
        index = self._pointed(count) if self._points else self._active(count)
        vectors = np.zeros((count, self._size), np.float16)
        for place, row in enumerate(index):
            if row is not None:
                vectors[place] = row[2]
        self._taken += count
        return vectors, np.array([row is not None for row in index], bool)

    def _active(self, count: int) -> list[_Row | None]:
        following = self._time_of(self._taken + count)
        rows: list[_Row] = []
        while self._rows and self._rows[0][0] < following:
            rows.append(self._rows.popleft())
        self._rows.extendleft(row for row in reversed(rows) if row[1] > following)
        starts, ends = [row[0] for row in rows], [row[1] for row in rows]
        index = active_words(starts, ends, count, self._fps, first_frame=self._taken)
        return [rows[place] if place >= 0 else None for place in index.tolist()]

    def _pointed(self, count: int) -> list[_Row | None]:
        """Steps to the next word at most once a frame, as `data_prep.words.word` does."""
        found: list[_Row | None] = []
        for frame in range(self._taken, self._taken + count):
            time = self._time_of(frame)
            if self._rows and self._rows[0][1] <= time:
                self._rows.popleft()
            row = self._rows[0] if self._rows else None
            found.append(row if row and row[0] <= time < row[1] else None)
        return found

    def _know(self, until_seconds: float) -> None:
        self._known_until = max(self._known_until, until_seconds)

    def _time_of(self, frame: int) -> float:
        # The two rules round otherwise, and words may begin on a frame's start.
        return frame * (1 / self._fps) if self._points else frame / self._fps

    def _first_frame_from(self, seconds: float) -> int:
        """Returns the first frame that does not begin before a time."""
        frame = max(0, math.ceil(seconds * self._fps))
        while self._time_of(frame) < seconds:
            frame += 1
        while frame and self._time_of(frame - 1) >= seconds:
            frame -= 1
        return frame


def check_time(seconds: float) -> None:
    """Refuses what is no time up to which words can be known.

    Raises:
        UserError: When it is not finite or negative.
    """
    if not (math.isfinite(seconds) and seconds >= 0):
        raise UserError(f"words are said to be known until {seconds} s; give seconds from 0 on")
