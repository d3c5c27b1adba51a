"""Whisper's weights, loaded once for each process, whatever program runs them."""

import functools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from data_prep.listen.whisper_weights import Engine, missing_whisper, whisper_engine
from data_prep.sound.voice_activity import Spans
from data_prep.words.language import language_code
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError

LEAST_PAUSE_SECONDS = 2.0  # whatever is said before a shorter one helps with what follows


@dataclass(frozen=True)
class Segment:
    """A sentence or so as Whisper heard it.

    Attributes:
        words: Its words with the times that Whisper gives them.
        compression_ratio: Of its text; large when Whisper repeats itself.
    """

    words: tuple[Word, ...]
    compression_ratio: float

    @property
    def text(self) -> str:
        """What is said."""
        return "".join(word.text for word in self.words).strip()


@runtime_checkable
class WhisperModel(Protocol):
    """Weights, and the program that runs them."""

    is_multilingual: bool
    languages: Collection[str]

    def hear(
        self, samples: Float32[np.ndarray, " n"], spans: Spans, language: str | None
    ) -> tuple[list[Segment], str]:
        """Writes down those parts of sound at 16 kHz in which somebody speaks.

        Returns:
            What was heard, and its language.
        """
        ...


def load_whisper(config: WordsConfig, engine: Engine | None = None) -> Any:
    """Returns the `WhisperModel` that the config names, on the device that it names.

    Raises:
        UserError: When package or weights are missing or the weights are no Whisper model.
    """
    if reason := missing_whisper(config, engine):
        raise UserError(reason)
    assert config.whisper is not None
    return _load(config.whisper, config.device, engine or whisper_engine(config.whisper))


def whisper_language(model: WhisperModel, language: str) -> str | None:
    """Returns the language as Whisper knows it, None if it is to find out.

    Raises:
        UserError: When the model does not know it.
    """
    if language == "auto":
        return None if model.is_multilingual else "en"
    code = language_code(language)
    if code not in model.languages:
        raise UserError(f"words.language={language} is not known to Whisper; give one such as en")
    if not model.is_multilingual and code != "en":
        raise UserError(
            f"words.whisper is a model of English only, but words.language={language}; give a "
            "multilingual one, such as base"
        )
    return code


@functools.lru_cache(maxsize=1)
def _load(weights: str, device: str, engine: Engine) -> WhisperModel:
    if engine == "faster-whisper":
        from data_prep.listen.whisper_converted import ConvertedWhisper

        return ConvertedWhisper(weights, device)
    from data_prep.listen.whisper_torch import TorchWhisper

    return TorchWhisper(weights, device)
