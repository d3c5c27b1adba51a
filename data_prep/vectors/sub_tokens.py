"""From words to the text that a language model reads, and from its sub-tokens back to words."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from data_prep.words.word import UNKNOWN

# Thai, Lao, Burmese, Khmer, then the signs, kana and Han characters of Chinese and Japanese.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff]"
)
_UNHEARD = "..."


@dataclass(frozen=True)
class Window:
    """Sub-tokens that are read at once: from `start` to before `stop`."""

    start: int
    stop: int


def lay_out(words: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Joins words to a text, and says from which to before which character each reaches.

    Words are parted by one space, but not where both neighbours are of a script that is written
    without. A word that its source could not name is written as three dots.
    """
    text, spans = "", []
    for word in words:
        word = _UNHEARD if word == UNKNOWN else word
        is_tight = word and _UNSPACED.match(word[0]) and text and _UNSPACED.match(text[-1])
        text += "" if not text or is_tight else " "
        spans.append((len(text), len(text) + len(word)))
        text += word
    return text, spans


def last_sub_tokens(
    spans: Sequence[tuple[int, int]], offsets: Sequence[tuple[int, int]]
) -> Int[np.ndarray, " K"]:
    """Finds each word's last sub-token: the last that shares a character with it.

    Sub-tokens may hold the space before a word, several words or a part of a character. A word
    of which the tokenizer leaves nothing gets the last sub-token before it, -1 if there is none.

    Args:
        spans: Characters of each word, in order.
        offsets: Characters of each sub-token, in order; empty for those that are of no character.
    """
    tokens = [(start, stop, row) for row, (start, stop) in enumerate(offsets) if stop > start]
    found = np.full(len(spans), -1, np.int64)
    following = 0
    for word, (_, stop) in enumerate(spans):
        while following < len(tokens) and tokens[following][0] < stop:
            following += 1
        if following:
            found[word] = tokens[following - 1][2]
    return found


def windows(num_tokens: int, longest: int) -> list[Window]:
    """Divides sub-tokens into windows of at most `longest`, which overlap by at least half."""
    if num_tokens <= longest:
        return [Window(0, num_tokens)] if num_tokens else []
    starts = [*range(0, num_tokens - longest, longest // 2), num_tokens - longest]
    return [Window(start, start + longest) for start in starts]


def window_of(tokens: Int[np.ndarray, " K"], divided: Sequence[Window]) -> Int[np.ndarray, " K"]:
    """Chooses the window in which each sub-token lies deepest.

    So a quarter of a window is before and after each one, but at the ends of the text.
    """
    middles = [(earlier.stop + later.start) // 2 for earlier, later in itertools.pairwise(divided)]
    return np.searchsorted(middles, tokens, side="right")
