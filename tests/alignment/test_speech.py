"""What is heard of speech, by closed forms."""

import numpy as np
import pytest

from llavataros_jax.alignment.speech import CHANNELS, SAMPLE_RATE, speech_features
from llavataros_jax.errors import UserError
from tests.alignment.synthetic import noise

ENERGY, ONSET, VOICING, PITCH = map(CHANNELS.index, ("energy", "onset", "voicing", "pitch"))


def test_loudness_is_heard_when_it_is_there_and_scale_does_not_matter():
    loudness = np.where(np.arange(100) % 20 < 10, 1.0, 0.1)
    samples = noise(loudness, 20.0)
    heard = speech_features(samples, 5.0)
    assert heard.shape == (100, 4)
    assert np.corrcoef(heard[:, ENERGY], np.log(loudness))[0, 1] > 0.95
    onsets = heard[:, ONSET].reshape(5, 20)[1:]
    assert set(onsets.argmax(axis=1)) <= {19, 0, 1}  # where it grows loud: at 0 of every 20
    np.testing.assert_allclose(
        speech_features(0.25 * samples, 5.0)[:, ENERGY], heard[:, ENERGY], atol=1e-2
    )


def test_pitch_rises_with_the_tone_and_is_standardised():
    hertz = 120 + 20 * np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    samples = 0.3 * np.sin(2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE)
    pitch = speech_features(samples.astype(np.float32), 4.0)[:, PITCH]
    assert np.corrcoef(pitch[2:], np.arange(2, len(pitch)))[0, 1] > 0.99
    voiced = pitch[pitch != 0]
    assert (voiced.mean(), voiced.std()) == pytest.approx((0, 1), abs=1e-5)


def test_silence_is_nothing_and_sound_may_be_short_or_missing():
    for samples in (np.zeros(SAMPLE_RATE, np.float32), np.zeros(0, np.float32)):
        heard = speech_features(samples, 3.0)
        assert heard.shape == (60, 4)
        assert not heard.any()


def test_samples_that_are_no_numbers_are_refused():
    samples = np.zeros(SAMPLE_RATE, np.float32)
    samples[[5, 9]] = np.nan
    with pytest.raises(UserError, match="2 of 16000 samples are NaN"):
        speech_features(samples, 1.0)
