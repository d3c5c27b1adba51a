"""Vectors of words as they come."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float16

from data_prep.vectors.choice import text_features, text_starts
from data_prep.words.word import Word
from llavataros_jax.config import TextConfig

_MOST_WORDS_BEFORE = 1024


class WordVectors:
    """Computes vectors of words that follow those before them.

    Those of `wordllama` and `hashed` are of single words, and so those of the file. A language
    model reads the words of the utterance (or conversation) so far, at most 1024 before the new
    ones: a causal model gives what it gives for the file, as long as both fit into its window and
    its tokenizer cuts at spaces; one that reads both ways, as BERT, has heard less.
    """

    def __init__(self, config: TextConfig):
        """Begins a stream."""
        self._config = config
        self._before: list[Word] = []

    def __call__(self, words: Sequence[Word]) -> Float16[np.ndarray, "K E"]:
        """Returns one vector for each of the next words.

        Raises:
            UserError: When vectors cannot be had.
        """
        if self._config.kind != "language_model":
            return text_features(words, self._config)
        text = [*self._before, *words]
        vectors = text_features(text, self._config)
        first = (text_starts(text, self._config) or [0])[-1]
        self._before = text[max(first, len(text) - _MOST_WORDS_BEFORE) :]
        return vectors[len(vectors) - len(words) :]

    def forget(self) -> None:
        """Forgets the words before, as what follows is another utterance."""
        self._before = []
