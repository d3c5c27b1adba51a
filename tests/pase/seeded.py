"""Weights drawn by the golden's rule (PASE specification, section 8), so that no file is needed."""

import functools
import zlib
from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.pase.checkpoint import to_params
from llavataros_jax.pase.layout import COUNTER, checkpoint_shapes
from llavataros_jax.pase.network import Params
from llavataros_jax.pase.sinc import mel_edges

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


@functools.cache
def seeded_tensors() -> dict[str, np.ndarray]:
    """Returns all 78 tensors under their names."""
    return {name: drawn(name, shape) for name, shape in checkpoint_shapes().items()}


@functools.cache
def seeded_params() -> Params:
    """Returns the network's parameters."""
    return to_params(seeded_tensors(), source="the seeded weights")


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Draws one tensor."""
    if name.endswith(COUNTER):
        return np.zeros(shape, np.int64)
    if "low_hz_" in name or "band_hz_" in name:
        low, band = mel_edges()
        return low if "low_hz_" in name else band
    random = np.random.RandomState(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        value = 0.5 + random.rand(*shape)
    elif name.endswith(("running_mean", "bias")):
        value = 0.1 * random.randn(*shape)
    elif "norm" in name and name.endswith("weight"):
        value = 1 + 0.1 * random.randn(*shape)
    elif ".act" in name:
        value = 0.25 * random.rand(*shape)
    else:
        value = random.randn(*shape) / np.sqrt(np.prod(shape[1:]))
    return value.astype(np.float32)


def noise(num_samples: int, seed: int = 0) -> np.ndarray:
    """Returns a sound of noise with a slow envelope."""
    random = np.random.default_rng(seed)
    envelope = 0.1 + np.abs(np.sin(np.arange(num_samples) / 3000))
    return (0.2 * envelope * random.standard_normal(num_samples)).astype(np.float32)


@functools.cache
def golden() -> dict[str, np.ndarray]:
    """Returns what the original code computed, or skips the test."""
    path = DATA / "pase" / "pase_plus_golden_seeded.npz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with np.load(path) as archive:
        return dict(archive)
