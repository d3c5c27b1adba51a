"""Words that are said between two known times: what an aligner is asked when more is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from data_prep.words.note import Note
from data_prep.words.word import Word
from llavataros_jax.sound.reader import SPEECH_RATE, blocks


@dataclass(frozen=True)
class Window:
    """A stretch of a recording and what is said in it.

    Attributes:
        words: One or more words.
        start_seconds: Where the stretch begins.
        end_seconds: Where it ends.
    """

    words: tuple[str, ...]
    start_seconds: float
    end_seconds: float


@runtime_checkable
class WindowAligner(Protocol):
    """An aligner that may be told roughly when words are said."""

    def align_windows(
        self, audio_path: Path, windows: Sequence[Window], note: Note
    ) -> Iterator[list[Word] | None]:
        """Yields the words of each window with their times in the recording, None if not found.

        Raises:
            UserError: When no word at all can be found.
        """
        ...


def sounds(audio_path: Path, windows: Sequence[Window]) -> Iterator[Float32[np.ndarray, " n"]]:
    """Yields the sound of each window at 16 kHz; windows come in the order of their starts.

    The recording is read once, and no more of it is held than a window and a block.
    """
    source = blocks(audio_path, SPEECH_RATE)
    held, first = np.zeros(0, np.float32), 0
    for window in windows:
        begin = round(window.start_seconds * SPEECH_RATE)
        end = round(window.end_seconds * SPEECH_RATE)
        parts, reached = [held], first + len(held)
        while reached < end and (block := next(source, None)) is not None:
            if reached + len(block) <= begin:  # nothing of it, nor of what came before
                parts, first = [], reached + len(block)
            else:
                parts.append(block)
            reached += len(block)
        held = np.concatenate(parts) if parts else held[:0]
        skipped = min(max(begin - first, 0), len(held))
        held, first = held[skipped:], first + skipped
        yield held[: end - first]
