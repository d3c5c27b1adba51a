"""Log-mel and prosody in steps of 10 ms.

Steps lie on one grid over the whole recording: step s covers 10 s to 10 (s + 1) ms. Every window
ends where its step ends, so a step depends on no sample after its own end, but for the few
milliseconds by which a recording of another rate is resampled. Windows reach back 25 ms (mel,
energy, onset: plus one step) and 64 ms (pitch, voicing).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.first_import import load_librosa
from llavataros_jax.sound.reader import blocks
from llavataros_jax.sound.windows import (
    PITCH_WINDOW_SECONDS,
    mel_filters,
    onset_strength,
    window_features,
    window_samples,
)

STEPS_PER_SECOND = 100
PROSODY = ("energy", "pitch", "voicing", "onset")
BLOCK_STEPS = 2000  # 20 s


def load_tools(config: AudioConfig) -> None:
    """Imports what the steps need, which takes seconds, so that it can be done beside others."""
    mel_filters(config)
    _ = load_librosa().yin


def step_features(
    path: Path | str,
    num_steps: int,
    config: AudioConfig,
    *,
    block_steps: int = BLOCK_STEPS,
) -> Iterator[Float32[np.ndarray, "S C"]]:
    """Yields features of `block_steps` steps at a time; any block size gives the same values."""
    source = blocks(path, config.sample_rate)
    yield from step_features_of(source, num_steps, config, block_steps=block_steps)


def step_features_of(
    source: Iterator[Float32[np.ndarray, " n"]],
    num_steps: int,
    config: AudioConfig,
    *,
    block_steps: int = BLOCK_STEPS,
) -> Iterator[Float32[np.ndarray, "S C"]]:
    """Yields the same of samples that come in blocks, at `config.sample_rate`."""
    hop = config.sample_rate / STEPS_PER_SECOND
    history = window_samples(config, PITCH_WINDOW_SECONDS)
    samples, first_sample = np.zeros(history, np.float32), -history
    previous_mel = None
    for first in range(0, num_steps, block_steps):
        stop = min(first + block_steps, num_steps)
        ends = np.round(np.arange(first + 1, stop + 1) * hop).astype(np.int64)
        parts, available = [samples], first_sample + len(samples)
        while available < ends[-1]:
            part = next(source, None)
            if part is None:
                part = np.zeros(ends[-1] - available, np.float32)
            parts.append(part)
            available += len(part)
        samples = np.concatenate(parts)
        log_mel, prosody = window_features(samples, ends - first_sample, config)
        before = log_mel[:1] if previous_mel is None else previous_mel
        onset = onset_strength(np.concatenate([before, log_mel]))
        previous_mel = log_mel[-1:]
        yield np.concatenate([log_mel, prosody, onset[:, None]], axis=1)
        keep_from = ends[-1] - first_sample - history
        samples, first_sample = samples[keep_from:], first_sample + int(keep_from)
