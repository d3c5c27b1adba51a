"""Whisper's weights, loaded once for each process."""

import functools
import os
from pathlib import Path
from typing import Any

from data_prep.machine.fingerprint import model_hash
from data_prep.machine.gpus import torch_device
from data_prep.sound.voice_activity import voice_gate
from data_prep.words.language import language_code
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.packages import missing_packages, needs

_AUTO = "auto"


def missing_whisper(config: WordsConfig) -> str | None:
    """Says why Whisper cannot work, or None when package and weights are here."""
    if config.whisper is None:
        return "Whisper needs the path of its weights in words.whisper"
    if missing := missing_packages("whisper"):
        return needs("words.whisper", missing, extra="whisper")
    if not Path(config.whisper).is_file() and not _is_size(config.whisper):
        return (
            f"words.whisper={config.whisper} does not exist; give the path of a .pt file, or a "
            "size such as base, which is downloaded"
        )
    return None


def whisper_identity(config: WordsConfig) -> dict[str, Any]:
    """Returns what decides what is heard: the weights, as bytes or size's name, and the gate."""
    assert config.whisper is not None
    path = Path(config.whisper)
    weights = model_hash(path) if path.is_file() else config.whisper
    return {"whisper": weights, "voice_gate": voice_gate()}


def load_whisper(config: WordsConfig) -> Any:
    """Returns the model that the config names, on the device that it names.

    Raises:
        UserError: When package or weights are missing or the weights are no Whisper model.
    """
    if reason := missing_whisper(config):
        raise UserError(reason)
    assert config.whisper is not None
    device = torch_device() if config.device == _AUTO else config.device
    return _load(config.whisper, device)


def whisper_language(model: Any, language: str) -> str | None:
    """Returns the language as Whisper knows it, None if it is to find out.

    Raises:
        UserError: When the model does not know it.
    """
    from whisper.tokenizer import LANGUAGES  # pyright: ignore[reportMissingImports]

    if language == _AUTO:
        return None if model.is_multilingual else "en"
    code = language_code(language)
    if code not in LANGUAGES:
        raise UserError(f"words.language={language} is not known to Whisper; give one such as en")
    if not model.is_multilingual and code != "en":
        raise UserError(
            f"words.whisper is a model of English only, but words.language={language}; give a "
            "multilingual one"
        )
    return code


def _is_size(name: str) -> bool:
    import whisper  # pyright: ignore[reportMissingImports]

    return os.sep not in name and name in whisper.available_models()


@functools.lru_cache(maxsize=1)
def _load(weights: str, device: str) -> Any:
    import whisper  # pyright: ignore[reportMissingImports]

    try:
        return whisper.load_model(weights, device=device)
    except Exception as problem:  # torch raises many kinds for a file that is no checkpoint
        said = str(problem).splitlines()[:1]
        if not Path(weights).is_file():
            raise UserError(
                f"words.whisper={weights} cannot be downloaded ({type(problem).__name__}); give "
                "the path of a .pt file instead"
            ) from problem
        raise UserError(
            f"words.whisper={weights} cannot be loaded on {device} ({type(problem).__name__}: "
            f"{' '.join(said)[:200]}); give the .pt file of an openai-whisper model"
        ) from problem
