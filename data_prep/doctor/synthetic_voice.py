"""A second of a made-up voice, for trying stages without a recording."""

import numpy as np
from jaxtyping import Float64
from scipy.signal import lfilter

from llavataros_jax.sound.reader import SPEECH_RATE

TEXT = "are we"  # what an aligner is told that it says

# Frequencies of the first three resonances of four vowels, in hertz, after Peterson and Barney.
_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
_BANDWIDTHS = (80, 100, 120)
_EDGE_SECONDS, _RISE_SECONDS = 0.15, 0.05


def synthetic_voice(seconds: float = 1.0) -> Float64[np.ndarray, " n"]:
    """Returns four vowels one after another between two pauses, at `SPEECH_RATE`."""
    count = round(seconds * SPEECH_RATE)
    times = np.arange(count) / SPEECH_RATE
    pitch = 120 + 15 * np.sin(4 * np.pi * times)
    pulses = np.diff(np.floor(np.cumsum(pitch) / SPEECH_RATE), prepend=0)
    spoken = np.minimum((times * len(_VOWELS) / seconds).astype(int), len(_VOWELS) - 1)
    voice = np.zeros(count)
    for vowel, frequencies in enumerate(_VOWELS):
        sound = pulses
        for frequency, bandwidth in zip(frequencies, _BANDWIDTHS, strict=True):
            radius = np.exp(-np.pi * bandwidth / SPEECH_RATE)
            turn = 2 * radius * np.cos(2 * np.pi * frequency / SPEECH_RATE)
            sound = lfilter([1 - radius], [1, -turn, radius**2], sound)
        voice += np.where(spoken == vowel, sound, 0)
    rise = np.minimum(times - _EDGE_SECONDS, seconds - _EDGE_SECONDS - times) / _RISE_SECONDS
    voice *= np.clip(rise, 0, 1)
    hiss = 1e-4 * np.random.default_rng(0).normal(size=count)
    return 0.3 * voice / np.abs(voice).max() + hiss
