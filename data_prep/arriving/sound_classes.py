"""Which of a few broad classes of speech sounds a step of sound is like, and a word is made of.

Silence, vowels, sonorants, voiced obstruents, weak fricatives, stops and sibilants differ in
loudness, voicing and the tilt of the spectrum in any language and voice, so words can be followed
through a recording by them without an acoustic model. Means and deviations are of the synthetic
voices of the bundled corpus and of `mfa_synthetic`, rounded and widened.
"""

import functools
import unicodedata

import numpy as np
from jaxtyping import Float, Float16

from data_prep.sound.features import STEPS_PER_FRAME
from data_prep.words.pronunciation import letter_to_sound, pronunciations
from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.first_import import load_librosa
from llavataros_jax.sound.steps import PROSODY

SILENCE, VOWEL, SONORANT, VOICED, WEAK, STOP, SIBILANT, ANY = range(8)
_PHONES = {
    VOWEL: "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW",
    SONORANT: "M N NG L R W Y",
    VOICED: "B D G V DH Z ZH JH",
    WEAK: "F TH HH",
    STOP: "P T K",
    SIBILANT: "S SH CH",
}
_CLASS_OF = {phone: kind for kind, phones in _PHONES.items() for phone in phones.split()}
# Of each class: loudness under the speaker's peak (dB), voicing (0 to 25), and how far the treble
# (over 3.5 kHz) and the middle (1 to 3 kHz) lie over the bass (dB); then their deviations.
_MEANS = np.array(
    [
        *([-47, 2, -6, -8], [-5, 20, -25, -11], [-8, 20, -30, -15], [-16, 17, -22, -13]),
        *([-21, 13, -13, -9], [-23, 12, -14, -8], [-15, 10, 2, -4], [-12, 17, -21, -11]),
    ],
    float,
)
_DEVIATIONS = np.array(
    [
        *([9, 5, 5, 4], [6, 5, 9, 8], [7, 5, 10, 9], [10, 7, 15, 11]),
        *([10, 8, 15, 9], [12, 8, 15, 10], [8, 8, 12, 8], [10, 8, 15, 10]),
    ],
    float,
)
SECONDS = np.array([0.35, 0.095, 0.07, 0.065, 0.08, 0.08, 0.1, 0.08])  # that one lasts
# Neighbouring steps say nearly the same, so each counts as half of one.
_EXPONENT = 0.5
_LEAST = 0.01  # of the likeliest class: a text may be wrong, and a sound unusual
_QUIET, _PEAK_START, _PEAK_LEAST = -32.0, -45.0, -50.0  # dB
_PEAK_RISE, _PEAK_FALL = 0.3, 3.0 / 90  # share, dB, a step
_NEPER = 20 / np.log(10)


class SoundClasses:
    """Likelihoods of the classes, step by step, of one stream."""

    def __init__(self, config: AudioConfig):
        """Begins a stream of frames of log-mel and prosody."""
        self._mels = config.mels
        self._bands = _bands(config)
        self._peak = _PEAK_START

    def __call__(self, audio: Float16[np.ndarray, "n A"]) -> Float[np.ndarray, "S K"]:
        """Returns the likelihoods of the three steps of each of the next frames, 1 at most."""
        channels = self._mels + len(PROSODY)
        steps = audio.astype(np.float64).reshape(len(audio), channels, STEPS_PER_FRAME)
        steps = steps.transpose(0, 2, 1).reshape(-1, channels)
        loudness = _NEPER * steps[:, self._mels + PROSODY.index("energy")]
        under_peak = np.empty(len(steps))
        for place, decibels in enumerate(loudness.tolist()):
            rise = decibels - self._peak
            self._peak += rise * _PEAK_RISE if rise > 0 else -_PEAK_FALL
            self._peak = max(self._peak, _PEAK_LEAST)
            under_peak[place] = decibels - self._peak
        bass, middle, treble = 10 * np.log10(np.exp(steps[:, : self._mels]) @ self._bands + 1e-8).T
        is_quiet = under_peak < _QUIET
        found = np.stack(
            [
                np.clip(under_peak, -50, 3),
                25 * steps[:, self._mels + PROSODY.index("voicing")],
                np.where(is_quiet, -5, np.clip(treble - bass, -45, 25)),
                np.where(is_quiet, -8, np.clip(middle - bass, -35, 15)),
            ],
            axis=1,
        )
        distances = (found[:, None] - _MEANS) / _DEVIATIONS
        logs = -0.5 * np.sum(distances**2, axis=2) - np.sum(np.log(_DEVIATIONS), axis=1)
        logs *= _EXPONENT
        return np.exp(logs - logs.max(axis=1, keepdims=True)) + _LEAST


def classes_of(word: str) -> list[int]:
    """Returns the classes of a word's sounds, by English spelling where it has Latin letters."""
    found = pronunciations(word, _spelled)
    if found:
        return [_CLASS_OF[phone] for phone in found[0].split() if phone in _CLASS_OF]
    sounds: list[int] = []
    for letter in word:
        if unicodedata.category(letter)[0] in "LN":
            is_syllable = unicodedata.category(letter) == "Lo" and ord(letter) >= 0x2E80
            sounds += [ANY, VOWEL] if is_syllable else [ANY]
    return sounds or [ANY, VOWEL]


def _spelled(word: str) -> list[str]:
    is_word = word.isascii() and word.isalpha() and any(letter in "aeiouy" for letter in word)
    return [letter_to_sound(word)] if is_word else []


@functools.cache
def _bands(config: AudioConfig) -> Float[np.ndarray, "mels 3"]:
    """Returns which mel bands are bass, middle and treble."""
    hertz = load_librosa().mel_frequencies(config.mels + 2, fmin=0, fmax=config.sample_rate / 2)
    spans = ((150, 1000), (1000, 3000), (3500, np.inf))
    return np.stack([(hertz[1:-1] > a) & (hertz[1:-1] <= b) for a, b in spans], axis=1) * 1.0
