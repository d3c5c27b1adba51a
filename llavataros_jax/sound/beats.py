"""Beats of speech: onsets, led back to where their sound begins to rise (spec section 7.3)."""

from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.packages import require_packages
from llavataros_jax.sound.first_import import load_librosa
from llavataros_jax.sound.reader import SPEECH_RATE, blocks

HOP, WINDOW = 512, 2048


def audio_beats(path: Path | str) -> Float[np.ndarray, " beats"]:
    """Finds librosa's onsets, each moved back to the preceding local minimum of RMS energy.

    Onsets that lead back to the same minimum count once. Spectra are made block by block, so that
    one hour takes 0.2 GB (its mel bands, a few times) and not its spectrogram.

    Returns:
        Seconds, rising, multiples of 32 ms; none for silence.

    Raises:
        UserError: When librosa is missing, or the file cannot be read; see
            `llavataros_jax.sound.reader`.
    """
    require_packages("finding the beats of speech", "librosa", extra="prep")
    librosa = load_librosa()

    mel, energy = _mel_and_energy(path)
    strength = librosa.onset.onset_strength(
        S=librosa.power_to_db(mel), sr=SPEECH_RATE, hop_length=HOP, n_fft=WINDOW
    )
    onsets = librosa.onset.onset_detect(
        onset_envelope=strength, sr=SPEECH_RATE, hop_length=HOP, units="frames"
    )
    if not len(onsets):
        return np.zeros(0)
    frames = np.unique(librosa.onset.onset_backtrack(onsets, energy))
    return np.asarray(librosa.frames_to_time(frames, sr=SPEECH_RATE, hop_length=HOP))


def _mel_and_energy(path: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """Computes mel bands (128, S) and RMS energy (S,) of windows centred on every 512th sample."""
    librosa = load_librosa()

    margin = np.zeros(WINDOW // 2, np.float32)
    mels, energies = [], []
    waiting = np.zeros(0, np.float32)
    for block in chain([margin], blocks(path, SPEECH_RATE), [margin]):
        waiting = np.concatenate([waiting, block])
        count = (len(waiting) - WINDOW) // HOP + 1
        if count < 1:
            continue
        ready = waiting[: (count - 1) * HOP + WINDOW]
        mel = librosa.feature.melspectrogram(
            y=ready, sr=SPEECH_RATE, n_fft=WINDOW, hop_length=HOP, center=False
        )
        rms = librosa.feature.rms(y=ready, frame_length=WINDOW, hop_length=HOP, center=False)
        mels.append(mel)
        energies.append(rms[0])
        waiting = waiting[count * HOP :]
    return np.concatenate(mels, axis=1), np.concatenate(energies)
