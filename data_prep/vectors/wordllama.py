"""Word vectors of the package `wordllama`: LLaMA's token embeddings, distilled, without a download.

Its wheel carries 256 numbers for each of the 32 000 pieces of LLaMA 2's tokenizer, trained so that
the first 64 or 128 serve alone (Matryoshka). Its own loader looks for the tokenizer on the network;
here both files are read where they lie, and the package is never imported.
"""

import functools
import importlib.util
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16

from data_prep.machine.fingerprint import models_hash
from data_prep.words.spelling import vector_form
from llavataros_jax.config import TextConfig
from llavataros_jax.errors import UserError
from llavataros_jax.listing import listed
from llavataros_jax.packages import require_packages

_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_ROWS = "embedding.weight"
_LISTED_WORDS = 3


@dataclass(frozen=True, eq=False)
class _Pieces:
    """The pieces of words and their vectors."""

    tokenizer: Any
    rows: Float16[np.ndarray, "V 256"]


def wordllama_vectors(words: Sequence[str], config: TextConfig) -> Float16[np.ndarray, "K E"]:
    """Returns one vector for each word: the mean of its pieces, its components of mean square 1.

    Without that scale a common word is some times smaller than a rare one, and a network that reads
    standardised numbers would hardly see "you" beside "crab". Case and punctuation around a word do
    not matter: names are known by their capital, so of both spellings that with fewer pieces is
    taken. A word without letters or digits is a row of zeros; `<unk>` has a vector of its own.

    Raises:
        UserError: When the package is missing or has other files.
    """
    vectors = np.zeros((len(words), config.size), np.float16)
    for row, text in enumerate(words):
        vectors[row] = _word_vector(vector_form(text), config.size)
    return vectors


def wordllama_identity() -> str:
    """Tells the vectors from those of another version of the package, by the bytes of its files.

    Raises:
        UserError: When the package is missing or has other files.
    """
    return models_hash(_files())


def unknown_script_note(words: Sequence[str]) -> str | None:
    """Says so when most words are in a script of which the vectors know little but the letters."""
    foreign = [word for word in words if _is_foreign(word)]
    if 2 * len(foreign) <= len(words):
        return None
    return (
        f"text.kind=wordllama knows words in Latin letters, and {listed(foreign, _LISTED_WORDS)} "
        "are not; a model trained with text.kind=hashed or a language model tells them apart better"
    )


@functools.lru_cache(maxsize=65536)
def _word_vector(word: str, size: int) -> np.ndarray:
    if not word:
        return np.zeros(size)
    pieces = _open()
    spelled = (
        pieces.tokenizer.encode(form, add_special_tokens=False).ids
        for form in (word, word.capitalize())
    )
    mean = pieces.rows[min(spelled, key=len), :size].mean(axis=0, dtype=np.float64)
    return mean / np.sqrt(np.mean(mean**2))


@functools.cache
def _open() -> _Pieces:
    weights, tokenizer = _files()
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    try:
        return _Pieces(Tokenizer.from_file(str(tokenizer)), load_file(weights)[_ROWS])
    except Exception as problem:  # tokenizers raises nothing narrower
        raise _other_files(weights) from problem


def _files() -> tuple[Path, Path]:
    purpose = "text.kind=wordllama, unlike text.kind=hashed,"
    require_packages(purpose, "wordllama", "tokenizers", extra="prep")
    found = importlib.util.find_spec("wordllama")
    places = found.submodule_search_locations if found else None
    folder = Path(next(iter(places or [""])))
    weights, tokenizer = folder / _WEIGHTS, folder / _TOKENIZER
    for file in (weights, tokenizer):
        if not file.is_file():
            raise _other_files(file)
    return weights, tokenizer


def _other_files(file: Path) -> UserError:
    return UserError(
        f"{file} is missing or damaged, though the package wordllama 0.4 has it; install it again, "
        "or set text.kind=hashed"
    )


def _is_foreign(word: str) -> bool:
    letters = [character for character in word if character.isalpha()]
    return bool(letters) and not any("LATIN" in unicodedata.name(one, "") for one in letters)
