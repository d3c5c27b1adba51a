"""Log-mel, energy, pitch and voicing of windows of sound, and what grew from one to the next."""

import functools
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int

from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.first_import import load_librosa

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PITCH_WINDOW_SECONDS = 0.064
_MEL_WINDOW_SECONDS = 0.025
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 500.0
_MEL_FLOOR, _RMS_FLOOR = 1e-8, 1e-5
_VOICED = 0.5  # normalised autocorrelation at the period


def windows_at(
    samples: Float32[np.ndarray, " n"], ends: Int[np.ndarray, " S"], config: AudioConfig
) -> tuple[Float32[np.ndarray, "S short"], Float32[np.ndarray, "S long"]]:
    """Returns the windows that end there, of 25 ms and of 64 ms."""
    short, long = (
        samples[ends[:, None] + np.arange(-window_samples(config, seconds), 0)]
        for seconds in (_MEL_WINDOW_SECONDS, PITCH_WINDOW_SECONDS)
    )
    return short, long


def window_features(
    short: Float32[np.ndarray, "S short"], long: Float32[np.ndarray, "S long"], config: AudioConfig
) -> tuple[Float32[np.ndarray, "S mels"], Float32[np.ndarray, "S 3"]]:
    """Computes log-mel, and energy, pitch and voicing, of windows; each as if it were alone."""
    window = short.shape[1]
    power = np.abs(np.fft.rfft(short * _hann(window), _fft_size(window), axis=1)) ** 2
    # Not BLAS, whose order of adding depends on the number of rows, and whose threads wait for each
    # other: a step that is computed as it arrives is that of the file to the last bit.
    mel = np.ascontiguousarray((mel_filters(config) @ power.astype(np.float32).T).T)
    log_mel = np.log(mel + _MEL_FLOOR)
    energy = np.log(np.sqrt(np.mean(short**2, axis=1)) + _RMS_FLOOR)
    pitch, voicing = _pitch_and_voicing(long, config.sample_rate)
    return log_mel, np.stack([energy, pitch, voicing], axis=1).astype(np.float32)


def _pitch_and_voicing(
    windows: Float32[np.ndarray, "S n"], sample_rate: int
) -> tuple[np.ndarray, np.ndarray]:
    """Finds log(f0 / 60 Hz), 0 when unvoiced, by YIN, and how periodic each window is (0 to 1)."""
    librosa = load_librosa()

    count, length = windows.shape
    loud = np.sqrt(np.mean(windows**2, axis=1)) > 10 * _RMS_FLOOR
    pitch, voicing = np.zeros(count, np.float32), np.zeros(count, np.float32)
    if not loud.any():
        return pitch, voicing
    voiced = windows[loud]
    # Laid end to end with a hop of one window, each window is one frame of librosa's.
    f0 = librosa.yin(
        voiced.ravel(),
        fmin=_LOWEST_HZ,
        fmax=_HIGHEST_HZ,
        sr=sample_rate,
        frame_length=length,
        hop_length=length,
        center=False,
    )
    period = np.round(sample_rate / f0).astype(np.int64)
    width = length - round(sample_rate / _LOWEST_HZ) - 1
    late = voiced[:, length - width :]
    early = np.take_along_axis(
        voiced, np.arange(length - width, length)[None, :] - period[:, None], axis=1
    )
    energies = np.sum(late**2, axis=1) * np.sum(early**2, axis=1)
    periodic = np.clip(np.sum(late * early, axis=1) / np.sqrt(energies + 1e-12), 0, 1)
    voicing[loud] = periodic
    pitch[loud] = np.where(periodic > _VOICED, np.log(f0 / _LOWEST_HZ), 0)
    return pitch, voicing


def onset_strength(log_mel: Float32[np.ndarray, "S1 mels"]) -> Float32[np.ndarray, " S"]:
    """Averages what grew in each mel band since the step before (librosa's onset strength)."""
    return np.maximum(np.diff(log_mel, axis=0), 0).mean(axis=1)


def window_samples(config: AudioConfig, seconds: float) -> int:
    return round(config.sample_rate * seconds)


def _fft_size(window: int) -> int:
    return 1 << (window - 1).bit_length()


@functools.cache
def _hann(window: int) -> np.ndarray:
    from scipy.signal import get_window

    return np.asarray(get_window("hann", window, fftbins=True), np.float32)


@functools.cache
def mel_filters(config: AudioConfig) -> "csr_array":
    """Returns the mel bands (mels, bins), each of which hears a few bins."""
    from scipy.sparse import csr_array

    filters = load_librosa().filters.mel(
        sr=config.sample_rate,
        n_fft=_fft_size(window_samples(config, _MEL_WINDOW_SECONDS)),
        n_mels=config.mels,
    )
    return csr_array(filters)
