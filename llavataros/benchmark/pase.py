"""PASE+ of 10 s of sound: in chunks, whole and frame by frame, or by PyTorch."""

from collections.abc import Callable

import jax
import numpy as np

from llavataros.benchmark.turns import compare
from llavataros_jax.packages import missing_packages, needs
from llavataros_jax.pase.checkpoint import to_params
from llavataros_jax.pase.features import pase_features
from llavataros_jax.pase.layout import SAMPLE_RATE, checkpoint_shapes
from llavataros_jax.pase.stream import encode_steps, encode_whole


def run(turns: int) -> None:
    """Encodes 10 s of noise with weights of noise, whose values change no time."""
    seconds, random = 10, np.random.default_rng(0)
    sound = random.uniform(-0.1, 0.1, seconds * SAMPLE_RATE).astype(np.float32)
    tensors = noise_tensors()
    params = jax.device_put(to_params(tensors, source="noise"))
    ways: dict[str, Callable[[], object]] = {
        "in chunks (ours)": lambda: list(encode_steps(sound, params)),
        "whole (ours)": lambda: encode_whole(sound[None], params),
        "a window for each frame (ours)": lambda: pase_features(
            sound, params, num_frames=30 * seconds, mode="isolated"
        ),
    }
    if missing := missing_packages("torch"):
        print(needs("timing PASE+ beside PyTorch", missing, extra="text"))
    else:
        from llavataros.benchmark.pase_in_torch import TorchPase

        of_torch = TorchPase(tensors)
        starts = np.arange(30 * seconds) * SAMPLE_RATE // 30
        windows = np.pad(sound, (0, 1))[starts[:, None] + np.arange(534)]
        ways["whole (PyTorch)"] = lambda: of_torch(sound[None])
        ways["a window for each frame (PyTorch)"] = lambda: of_torch(windows)
    medians = compare(f"PASE+ of {seconds} s of sound", ways, turns)
    for name, median in medians.items():
        print(f"  {name:<44} {seconds / median:12.1f} s of sound a second")


def noise_tensors() -> dict[str, np.ndarray]:
    """Returns a checkpoint of noise."""
    random = np.random.default_rng(0)
    return {
        name: random.uniform(0, 0.02, shape).astype(np.float32)
        for name, shape in checkpoint_shapes().items()
    }
