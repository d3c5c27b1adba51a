"""PASE+ features of a recording, by the network in `llavataros_jax.pase`."""

import functools
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16, Float32

from data_prep.machine.fingerprint import model_hash
from llavataros_jax.config import AudioConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import blocks


def pase_features(
    path: Path | str, num_frames: int, config: AudioConfig, fps: float
) -> Float16[np.ndarray, "N 768"]:
    """Computes the features of a sound file, feature c of step t at 3c + t.

    They look up to 83 ms ahead in `context` mode, and not beyond 34 ms in `isolated` mode.

    Raises:
        UserError: When the sound file or the checkpoint cannot be used.
    """
    from llavataros_jax.pase.features import pase_features as encode

    params = params_of(config)
    if not num_frames:
        return np.zeros((0, 768), np.float16)
    sound = blocks(path, config.sample_rate)
    features = encode(sound, params, num_frames=num_frames, fps=fps, mode=config.pase_mode)
    return as_recorded(features, config, str(path))


def as_recorded(
    features: Float32[np.ndarray, "N 768"], config: AudioConfig, origin: str
) -> Float16[np.ndarray, "N 768"]:
    """Returns features as records hold them.

    Raises:
        UserError: When a value is too large.
    """
    recorded = features.astype(np.float16)
    if not np.isfinite(recorded).all():
        raise UserError(
            f"audio.pase={config.pase} gives values for {origin} that records cannot hold (largest "
            f"{np.abs(features).max():g}); check that the checkpoint is whole"
        )
    return recorded


def checkpoint_identity(config: AudioConfig) -> str:
    """Hashes the checkpoint.

    Raises:
        UserError: When it is missing.
    """
    return model_hash(_checkpoint(config))


def check_checkpoint(config: AudioConfig) -> None:
    """Reads the checkpoint once, and tells on standard error if it is not the published one.

    Raises:
        UserError: When it is missing, damaged or of another model.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        params_of(config)
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            print(f"note: {warning.message}", file=sys.stderr)


def _checkpoint(config: AudioConfig) -> Path:
    path = Path(config.pase or "").expanduser()
    if not path.is_file():
        raise UserError(
            f"audio.pase={config.pase} does not exist; give the path of FE_e199.ckpt, or set "
            "audio.kind=mel without audio.pase, which needs no weights"
        )
    return path


def params_of(config: AudioConfig) -> Any:
    """Returns the parameters of the checkpoint; the last ones stay loaded.

    Raises:
        UserError: When it is missing, damaged or of another model.
    """
    return _load(_checkpoint(config), checkpoint_identity(config))


@functools.lru_cache(maxsize=1)
def _load(path: Path, identity: str) -> Any:
    from llavataros_jax.pase.checkpoint import load_params

    return load_params(path)
