"""Word vectors that need no download: hashed words and sub-words.

A word's vector is the sum of a row for the whole word and rows for its character n-grams, as in
fastText, but each row is drawn by hashing instead of learned. Equal words have equal vectors on
any machine, and words that share spelling are alike, in any script.
"""

import functools
import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float16
from scipy.special import ndtri

from data_prep.words.spelling import vector_form
from data_prep.words.word import UNKNOWN
from llavataros_jax.config import TextConfig


def hashed_vectors(words: Sequence[str], config: TextConfig) -> Float16[np.ndarray, "K E"]:
    """Draws one vector for each word; components have mean 0 and variance about 1.

    Case, Unicode form and surrounding punctuation do not matter. A word without letters or digits
    is a row of zeros; `<unk>` has a vector of its own.
    """
    features = np.zeros((len(words), config.size), np.float16)
    for row, text in enumerate(words):
        features[row] = _word_vector(vector_form(text), config)
    return features


@functools.lru_cache(maxsize=65536)
def _word_vector(word: str, config: TextConfig) -> np.ndarray:
    if not word:
        return np.zeros(config.size)
    whole = _hashed_row(f"word:{word}", config.size)
    marked = f"<{word}>"
    grams = [
        marked[start : start + length]
        for length in range(config.ngram_min, config.ngram_max + 1)
        for start in range(len(marked) - length + 1)
    ]
    if word == UNKNOWN or not grams:
        return whole
    parts = sum(_hashed_row(f"gram:{gram}", config.size) for gram in grams)
    return np.sqrt(0.5) * (whole + parts / np.sqrt(len(grams)))


def _hashed_row(key: str, size: int) -> np.ndarray:
    """Draws a standard normal row by hashing: NumPy does not promise equal draws for ever."""
    digest = hashlib.shake_256(key.encode()).digest(2 * size)
    uniform = (np.frombuffer(digest, "<u2") + 0.5) / 65536
    return ndtri(uniform)
