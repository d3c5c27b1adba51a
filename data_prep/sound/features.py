"""Log-mel and prosody in steps of 10 ms, three stacked to a frame.

Steps lie on one grid over the whole recording: step s covers 10 s to 10 (s + 1) ms. Frame k stacks
the last three steps that end no later than the frame does, so at 30 fps nine of ten steps are used
and nothing drifts. PASE+ features have the same order, but their three steps are the first ones
from the frame's start on (`data_prep.sound.pase`).

Look-ahead: every window ends where its step ends, so frame k of log-mel and prosody depends on no
sample after its own end (33 ms after its start at 30 fps), but for the few milliseconds by which a
recording of another rate is resampled. Windows reach back 25 ms (mel, energy, onset: plus one step)
and 64 ms (pitch, voicing). A step of PASE+ looks 83 ms ahead of its start.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float16, Float32, Int

from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.first_import import load_librosa
from llavataros_jax.sound.reader import blocks

STEPS_PER_FRAME = 3
STEPS_PER_SECOND = 100
PROSODY = ("energy", "pitch", "voicing", "onset")
BLOCK_STEPS = 2000  # 20 s

_MEL_WINDOW_SECONDS = 0.025
_PITCH_WINDOW_SECONDS = 0.064
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 500.0
_MEL_FLOOR, _RMS_FLOOR = 1e-8, 1e-5
_VOICED = 0.5  # normalised autocorrelation at the period


def feature_names(config: AudioConfig) -> list[str]:
    """Names the A features of a frame in order: channel by channel, its three steps together."""
    if config.kind == "pase":
        return [f"pase{c}/{step}" for c in range(256) for step in range(STEPS_PER_FRAME)]
    channels = [f"mel{band}" for band in range(config.mels)] + list(PROSODY)
    return [f"{channel}/{step}" for channel in channels for step in range(STEPS_PER_FRAME)]


def audio_features(
    path: Path | str, num_frames: int, config: AudioConfig, fps: float
) -> Float16[np.ndarray, "N A"]:
    """Computes the features of a sound file; A = 3 (mels + 4), feature c of step t at 3c + t.

    With `audio.kind=pase` they are the 768 of PASE+ instead, in the same order; these look ahead.

    With `audio.lookahead_frames`, the features of a frame are those of so many frames later.

    The file is read in blocks, so beyond the result no memory grows with its length. Frames
    after its end are those of silence.

    Raises:
        UserError: When the file cannot be read; see `llavataros_jax.sound.reader`.
    """
    ahead = config.lookahead_frames
    return _features(path, num_frames + ahead, config, fps)[ahead:]


def _features(
    path: Path | str, num_frames: int, config: AudioConfig, fps: float
) -> Float16[np.ndarray, "N A"]:
    """Computes the features of the first frames of a sound file."""
    if config.kind == "pase":
        from data_prep.sound.pase import pase_features

        return pase_features(path, num_frames, config, fps)
    # In whole numbers for whole rates, because 0.1 x 30 must not fall short of 3.
    ends = np.floor(np.arange(1, num_frames + 1) * STEPS_PER_SECOND / fps + 1e-9).astype(np.int64)
    num_steps = int(ends[-1]) if num_frames else 0
    # Zeros before the first step serve rates whose first frame is shorter than three steps.
    steps = np.zeros((STEPS_PER_FRAME + num_steps, config.mels + len(PROSODY)), np.float16)
    first = STEPS_PER_FRAME
    for block in step_features(path, num_steps, config):
        steps[first : first + len(block)] = block
        first += len(block)
    return stack_steps(steps, ends)


def load_tools(config: AudioConfig) -> None:
    """Imports what the features need, which takes seconds, so that it can be done beside others."""
    if config.kind == "mel":
        _mel_filters(config)
        _ = load_librosa().yin


def check_audio(config: AudioConfig) -> None:
    """Refuses a checkpoint of PASE+ that cannot be used, before any work is done.

    Raises:
        UserError: When it is missing, damaged or of another model.
    """
    if config.kind == "pase":
        from data_prep.sound.pase import check_checkpoint

        check_checkpoint(config)


def stack_steps(
    padded_steps: Float16[np.ndarray, "S C"], ends: Int[np.ndarray, " N"]
) -> Float16[np.ndarray, "N A"]:
    """Stacks the three steps before each end to a frame, channel-major as PASE+ features are.

    Args:
        padded_steps: Steps of 10 ms after three rows of padding.
        ends: Step at which each frame ends, counted without the padding.
    """
    by_frame = padded_steps[ends[:, None] + np.arange(STEPS_PER_FRAME)]
    return by_frame.transpose(0, 2, 1).reshape(len(ends), STEPS_PER_FRAME * padded_steps.shape[1])


def step_features(
    path: Path | str,
    num_steps: int,
    config: AudioConfig,
    *,
    block_steps: int = BLOCK_STEPS,
) -> Iterator[Float32[np.ndarray, "S C"]]:
    """Yields features of `block_steps` steps at a time; any block size gives the same values."""
    hop = config.sample_rate / STEPS_PER_SECOND
    history = _window(config, _PITCH_WINDOW_SECONDS)
    source = blocks(path, config.sample_rate)
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
        log_mel, prosody = _features_at(samples, ends - first_sample, config)
        before = log_mel[:1] if previous_mel is None else previous_mel
        onset = _onset_strength(np.concatenate([before, log_mel]))
        previous_mel = log_mel[-1:]
        yield np.concatenate([log_mel, prosody, onset[:, None]], axis=1)
        keep_from = ends[-1] - first_sample - history
        samples, first_sample = samples[keep_from:], first_sample + int(keep_from)


def _features_at(
    samples: Float32[np.ndarray, " n"], ends: np.ndarray, config: AudioConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Computes log-mel (S, mels) and energy, pitch, voicing (S, 3) of windows that end there."""
    window = _window(config, _MEL_WINDOW_SECONDS)
    short = samples[ends[:, None] + np.arange(-window, 0)]
    power = np.abs(np.fft.rfft(short * _hann(window), _fft_size(window), axis=1)) ** 2
    log_mel = np.log(power.astype(np.float32) @ _mel_filters(config).T + _MEL_FLOOR)
    energy = np.log(np.sqrt(np.mean(short**2, axis=1)) + _RMS_FLOOR)
    long = samples[ends[:, None] + np.arange(-_window(config, _PITCH_WINDOW_SECONDS), 0)]
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


def _onset_strength(log_mel: Float32[np.ndarray, "S1 mels"]) -> Float32[np.ndarray, " S"]:
    """Averages what grew in each mel band since the step before (librosa's onset strength)."""
    return np.maximum(np.diff(log_mel, axis=0), 0).mean(axis=1)


def _window(config: AudioConfig, seconds: float) -> int:
    return round(config.sample_rate * seconds)


def _fft_size(window: int) -> int:
    return 1 << (window - 1).bit_length()


@functools.cache
def _hann(window: int) -> np.ndarray:
    from scipy.signal import get_window

    return np.asarray(get_window("hann", window, fftbins=True), np.float32)


@functools.cache
def _mel_filters(config: AudioConfig) -> np.ndarray:
    librosa = load_librosa()

    return librosa.filters.mel(
        sr=config.sample_rate,
        n_fft=_fft_size(_window(config, _MEL_WINDOW_SECONDS)),
        n_mels=config.mels,
    )
