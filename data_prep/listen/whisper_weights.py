"""Where Whisper's weights are, which program runs them, and what tells them apart."""

import importlib.metadata
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from data_prep.machine.fingerprint import model_hash, models_hash
from data_prep.sound.voice_activity import voice_gate
from data_prep.words.language import language_code
from llavataros_jax.config import WordsConfig
from llavataros_jax.packages import missing_packages, needs

Engine = Literal["faster-whisper", "openai-whisper"]

# Sizes of both programs; the value is where faster-whisper's weights are on the hub.
_HUB = "Systran/faster-whisper-"
SIZES = {
    **{name: _HUB + name for name in ("tiny.en", "tiny", "base.en", "base", "small.en", "small")},
    **{name: _HUB + name for name in ("medium.en", "medium", "large-v1", "large-v2", "large-v3")},
    "large": f"{_HUB}large-v3",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "distil-small.en": "Systran/faster-distil-whisper-small.en",
    "distil-medium.en": "Systran/faster-distil-whisper-medium.en",
    "distil-large-v2": "Systran/faster-distil-whisper-large-v2",
    "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
}
# What is taken, unasked, of what was downloaded before: the best that is quick on any machine.
_KEPT = ("small.en", "small", "base.en", "base", "tiny.en", "tiny")
_WEIGHTS = "model.bin"
_WAYS = "a size such as base.en, which is downloaded, a CTranslate2 folder, or a .pt file"


def whisper_engine(weights: str) -> Engine:
    """Returns what runs the weights: folders by faster-whisper, files by openai-whisper.

    A size is run by faster-whisper, unless only the other is installed.
    """
    if converted_folder(weights) is not None:
        return "faster-whisper"
    if weights in SIZES and not Path(weights).is_file():
        only_other = missing_packages("faster_whisper") and not missing_packages("whisper")
        return "openai-whisper" if only_other else "faster-whisper"
    return "openai-whisper"


def converted_folder(weights: str) -> Path | None:
    """Returns the CTranslate2 folder that is named by itself or by its `model.bin`."""
    path = Path(weights)
    if path.name == _WEIGHTS and path.is_file():
        return path.parent
    return path if path.is_dir() else None


def missing_whisper(config: WordsConfig, engine: Engine | None = None) -> str | None:
    """Says why Whisper cannot work, or None when package and weights are here.

    Args:
        config: Names the weights.
        engine: What has to run them; by the weights when not given.
    """
    weights = config.whisper
    if weights is None:
        return f"Whisper needs weights: name them by words.whisper, {_WAYS}"
    folder = converted_folder(weights)
    if folder is None and not Path(weights).is_file() and weights not in SIZES:
        return f"words.whisper={weights} does not exist; give {_WAYS}"
    if folder is not None and not (folder / _WEIGHTS).is_file():
        return (
            f"words.whisper={weights} is a folder without {_WEIGHTS}; give that of a CTranslate2 "
            f"model, such as `hf download {SIZES['base.en']} --local-dir {weights}` makes"
        )
    engine = engine or whisper_engine(weights)
    if engine == "openai-whisper" and folder is not None:
        return f"words.whisper={weights} is of faster-whisper; give the .pt file of openai-whisper"
    module, extra = (
        ("faster_whisper", "prep") if engine == "faster-whisper" else ("whisper", "whisper")
    )
    missing = missing_packages(module)
    return needs(f"words.whisper={weights}", missing, extra=extra) if missing else None


def whisper_identity(config: WordsConfig, engine: Engine | None = None) -> dict[str, Any]:
    """Returns what decides what is heard: the weights' bytes or size, what runs them, the gate."""
    assert config.whisper is not None
    engine = engine or whisper_engine(config.whisper)
    path, folder = Path(config.whisper), converted_folder(config.whisper)
    if folder is not None:
        weights = models_hash(file for file in folder.iterdir() if file.is_file())
    else:
        weights = model_hash(path) if path.is_file() else config.whisper
    try:
        version = importlib.metadata.version(engine)
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    return {"whisper": weights, engine: version, "voice_gate": voice_gate()}


def with_kept_weights(config: WordsConfig) -> WordsConfig:
    """Names weights that were downloaded before, where the config names none and some fit."""
    if config.whisper is not None or missing_packages("faster_whisper"):
        return config
    is_english = language_code(config.language) == "en"
    for size in _KEPT:
        if (is_english or not size.endswith(".en")) and kept_weights(size) is not None:
            return replace(config, whisper=size)
    return config


def kept_weights(size: str) -> Path | None:
    """Returns the folder of a size that faster-whisper has downloaded, without asking the hub."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    name = f"models--{SIZES[size].replace('/', '--')}"
    found = sorted(hub.joinpath(name).glob(f"snapshots/*/{_WEIGHTS}"))
    return found[-1].parent if found else None
