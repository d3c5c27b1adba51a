"""Loudness and pitch are measured right on sounds whose loudness and pitch are known."""

import numpy as np
import pytest

from data_prep.corpus.hours.conversation import measured
from data_prep.corpus.hours.heard import level_decibels, pitch_hertz
from data_prep.corpus.hours.spoken import SpokenWord

RATE = 16000


def voice(hertz: float, seconds: float = 0.3, formant_hertz: float = 600.0) -> np.ndarray:
    """Harmonics under one formant, which is far stronger than the fundamental."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = [
        np.exp(-(((k * hertz - formant_hertz) / 300) ** 2)) * np.sin(2 * np.pi * k * hertz * time)
        for k in range(1, int(3500 / hertz))
    ]
    return np.sum(tones, axis=0) + 0.05 * np.sin(2 * np.pi * hertz * time)


@pytest.mark.parametrize("hertz", [75.0, 98.0, 131.0, 180.0, 247.0, 340.0])
def test_pitch_of_harmonics(hertz):
    found = pitch_hertz(voice(hertz), RATE, 0.05, 0.25, usual_hertz=1.2 * hertz)
    assert found == pytest.approx(hertz, rel=0.02)


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).standard_normal(RATE)
    assert pitch_hertz(noise, RATE, 0.1, 0.3) is None
    assert pitch_hertz(np.zeros(RATE), RATE, 0.1, 0.3) is None


def test_level_of_a_tone():
    tone = 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)
    assert level_decibels(tone, RATE, 0.2, 0.5) == pytest.approx(-20.0, abs=0.1)


def test_words_at_the_end_of_the_sound_are_measured():
    tone = voice(150.0)
    assert np.isfinite(level_decibels(tone, RATE, 0.29, 0.4))
    pitch_hertz(tone, RATE, 0.29, 0.4)


def test_measures_are_relative_to_the_median():
    pitches, gains = [120, 120, 120, 160, 90], [0, 0, 0, 6, -12]
    sound = np.concatenate(
        [10 ** (g / 20) * voice(p, 0.4) for p, g in zip(pitches, gains, strict=True)]
    )
    words = [
        SpokenWord("word", None, 0.4 * k, 0.4 * k + 0.35, 0.4 * k + 0.1, 0.0, 0.0, 0, "statement")
        for k in range(5)
    ]
    heard = measured(words, sound)
    semitones = 12 * np.log2(np.array(pitches) / 120)
    np.testing.assert_allclose([w.pitch_semitones for w in heard], semitones, atol=0.4)
    powers = [10 * np.log10(np.mean(voice(p, 0.4) ** 2)) for p in pitches]
    expected = np.array(powers) - powers[0] + gains
    np.testing.assert_allclose([w.loudness_decibels for w in heard], expected, atol=0.7)
