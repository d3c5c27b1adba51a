"""Words with their times, and which of them is active on each frame."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Int32

from llavataros_jax.data.active_words import active_words
from llavataros_jax.errors import UserError

UNKNOWN = "<unk>"
LATEST_END_SECONDS = 1 / 30  # a word may end this much after the audio: aligners round up


@dataclass(frozen=True)
class Word:
    """One spoken word.

    Attributes:
        text: The word as the user wrote it; `<unk>` when the source could not name it.
        start_seconds: When it begins.
        end_seconds: When it ends.
        confidence: Probability in [0, 1], if the source gives one.
    """

    text: str
    start_seconds: float
    end_seconds: float
    confidence: float | None = None


def frame_index(
    words: Sequence[Word],
    num_frames: int,
    fps: float,
    *,
    rule: Literal["interval", "pointer"] = "interval",
) -> Int32[np.ndarray, " N"]:
    """Finds the row of `words` that is active on each frame, or -1 in silence.

    The rule `interval` is that of `llavataros_jax.data.active_words`. `pointer` is the ancestor's
    way: a pointer that steps to the next word at most once a frame, so that words too short to
    hold a frame's start, or that overlap, delay those after them.
    """
    if rule == "pointer":
        return _pointed(words, num_frames, fps)
    starts, ends = [w.start_seconds for w in words], [w.end_seconds for w in words]
    return active_words(starts, ends, num_frames, fps)


def _pointed(words: Sequence[Word], num_frames: int, fps: float) -> Int32[np.ndarray, " N"]:
    index, row = np.full(num_frames, -1, np.int32), 0
    # Not frame / fps: where a word ends on a frame's start, the ancestor's rounding decides.
    for frame, time in enumerate((np.arange(num_frames) * (1 / fps)).tolist()):
        if row < len(words) and words[row].end_seconds <= time:
            row += 1
        if row == len(words):
            break
        if words[row].start_seconds <= time < words[row].end_seconds:
            index[frame] = row
    return index


def checked_words(words: Sequence[Word], audio_seconds: float, *, origin: str) -> list[Word]:
    """Returns `words`, cut at the end of the audio, if their times make sense.

    `origin` names the file and opens the error messages.

    Raises:
        UserError: When there are no words, a time is negative or not finite, a word ends before
            it starts, words are out of order, or one ends after the audio.
    """
    if not words:
        raise UserError(f"{origin} contains no words; check that it belongs to this recording")
    previous = 0.0
    for number, word in enumerate(words, 1):
        start, end = word.start_seconds, word.end_seconds
        name = f"{origin}: word {number} {word.text!r}"
        if not (math.isfinite(start) and math.isfinite(end)):
            raise UserError(f"{name} has times {start} and {end}; give seconds")
        if start < 0:
            raise UserError(f"{name} starts at {start:.3f} s, before the audio; correct its times")
        if end < start:
            raise UserError(f"{name} ends at {end:.3f} s before it starts at {start:.3f} s")
        if start < previous:
            raise UserError(
                f"{name} starts at {start:.3f} s, before the word above it at {previous:.3f} s; "
                "sort the words by time"
            )
        if end > audio_seconds + LATEST_END_SECONDS:
            raise UserError(
                f"{name} ends at {end:.3f} s, after the audio of {audio_seconds:.3f} s; "
                "check that it belongs to this recording"
            )
        previous = start
    return [
        replace(
            word,
            start_seconds=min(word.start_seconds, audio_seconds),
            end_seconds=min(word.end_seconds, audio_seconds),
        )
        for word in words
    ]


def share_interval(tokens: Sequence[str], start_seconds: float, end_seconds: float) -> list[Word]:
    """Splits an interval equally between its tokens (spec 1.3)."""
    with np.errstate(invalid="ignore"):  # times that are no numbers are refused with their file
        edges = np.linspace(start_seconds, end_seconds, len(tokens) + 1).tolist()
    return [Word(token, edges[i], edges[i + 1]) for i, token in enumerate(tokens)]
