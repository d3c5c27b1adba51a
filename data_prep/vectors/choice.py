"""Word vectors: the choice between LLaMA's distilled ones, hashed ones and a language model's."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float16

from data_prep.vectors.hashed import hashed_vectors
from data_prep.vectors.wordllama import (
    unknown_script_note,
    wordllama_identity,
    wordllama_vectors,
)
from data_prep.words.utterances import utterance_starts
from data_prep.words.word import Word
from llavataros_jax.config import TextConfig


def text_features(words: Sequence[Word], config: TextConfig) -> Float16[np.ndarray, "K E"]:
    """Computes one vector of `config.size` numbers for each word.

    Raises:
        UserError: When `wordllama` is not installed, or the language model cannot be had or has
            another size.
    """
    texts = [word.text for word in words]
    if config.kind == "hashed":
        return hashed_vectors(texts, config)
    if config.kind == "wordllama":
        return wordllama_vectors(texts, config)
    from data_prep.vectors.language_model import word_vectors

    return word_vectors(texts, config, starts=text_starts(words, config))


def check_text(config: TextConfig) -> None:
    """Refuses vectors that cannot be had or have another size, before any work is done.

    Raises:
        UserError: When the extra is not installed, the model missing or gated, or an option wrong.
    """
    if config.kind == "wordllama":
        wordllama_identity()
    elif config.kind == "language_model":
        from data_prep.vectors.model_files import check_model

        check_model(config)


def text_notes(words: Sequence[Word], config: TextConfig) -> list[str]:
    """Says what the user should know of the vectors of these words."""
    note = unknown_script_note([word.text for word in words])
    return [note] if note and config.kind == "wordllama" else []


def text_starts(words: Sequence[Word], config: TextConfig) -> list[int]:
    """Returns the first word of each text that a language model is to read on its own."""
    return utterance_starts(words) if config.context == "utterance" else [0][: len(words)]
