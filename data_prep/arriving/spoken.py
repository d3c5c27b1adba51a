"""Which words may be said to a live stream, and how they are written."""

import math
from collections.abc import Sequence
from dataclasses import replace

from data_prep.words.labels import SILENCE_LABELS, UNKNOWN_LABELS
from data_prep.words.word import UNKNOWN, Word, share_interval
from llavataros_jax.errors import UserError

LONGEST_WORD = 256  # characters
MOST_WORDS = 3000  # that wait for their sound: ten minutes of fast speech
MOST_AHEAD_SECONDS = 600.0
_SHOWN = 24


def checked_spoken(
    words: Sequence[Word], *, after_seconds: float, heard_seconds: float, waiting: int
) -> list[Word]:
    """Returns words as a file of them is read: no silence among them, none of several words.

    Args:
        words: With their times in the stream.
        after_seconds: When the last word before them begins.
        heard_seconds: Length of the sound that came.
        waiting: Words before them whose sound has not come.

    Raises:
        UserError: When one cannot be true or is too long, or there are too many.
    """
    found: list[Word] = []
    for number, word in enumerate(words, 1):
        start, end = word.start_seconds, word.end_seconds
        name = f"word {number} {_shown(word.text)}"
        if not (math.isfinite(start) and math.isfinite(end)):
            raise UserError(f"{name} has times {start} and {end}; give seconds")
        if start < 0:
            raise UserError(f"{name} starts at {start:.3f} s, before the stream; correct its times")
        if end < start:
            raise UserError(f"{name} ends at {end:.3f} s before it starts at {start:.3f} s")
        if start < after_seconds:
            raise UserError(
                f"{name} starts at {start:.3f} s, before the word that came before it, at "
                f"{after_seconds:.3f} s; send words in order of time"
            )
        if end > heard_seconds + MOST_AHEAD_SECONDS:
            raise UserError(
                f"{name} ends at {end:.3f} s, but {heard_seconds:.3f} s were heard, and words may "
                f"be {MOST_AHEAD_SECONDS:.0f} s ahead; check that times are in seconds"
            )
        after_seconds = start
        found += _as_written(word)
    check_texts([word.text for word in found], waiting)
    return found


def check_texts(texts: Sequence[str], waiting: int) -> None:
    """Refuses words that are too long or too many.

    Raises:
        UserError: When one is, or there are.
    """
    for text in texts:
        if len(text) > LONGEST_WORD:
            raise UserError(
                f"the word {_shown(text)} has {len(text)} characters, but a word has at most "
                f"{LONGEST_WORD}; put spaces between words"
            )
    if waiting + len(texts) > MOST_WORDS:
        raise UserError(
            f"{waiting + len(texts)} words wait for their sound, but at most {MOST_WORDS} can; "
            "send them closer to their sound"
        )


def written(text: str) -> str:
    """Returns a text without what is no character, as half of a pair of surrogates in JSON."""
    return text.encode("utf-8", "replace").decode()


def _as_written(word: Word) -> list[Word]:
    tokens = written(word.text).split()
    text = " ".join(tokens)
    if text.lower() in SILENCE_LABELS:
        return []
    if text.lower() in UNKNOWN_LABELS:
        return [replace(word, text=UNKNOWN)]
    if len(tokens) == 1:
        return [replace(word, text=text)]
    return share_interval(tokens, word.start_seconds, word.end_seconds)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
