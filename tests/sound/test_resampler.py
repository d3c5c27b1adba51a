"""Resampling of pieces against soxr's of the whole, and how far it lags behind."""

import numpy as np
import pytest
import soxr

from llavataros_jax.sound.resampler import Resampler

# Hertz, and the most milliseconds by which what comes out lags behind what went in.
LAGS = [(48000, 37), (44100, 41), (24000, 37), (22050, 41), (16000, 0), (32000, 58), (8000, 116)]


def noise(count):
    return (0.1 * np.random.default_rng(0).standard_normal(count)).astype(np.float32)


def resampled(samples, rate, cuts):
    stream = Resampler(rate, 16000)
    return np.concatenate([*map(stream, np.split(samples, cuts)), stream.rest()])


@pytest.mark.parametrize("rate", [rate for rate, _ in LAGS] + [44101])
def test_pieces_give_what_the_whole_gives(rate):
    samples = noise(rate)
    whole = soxr.resample(samples, rate, 16000)
    random = np.random.default_rng(rate)
    by_chance = np.sort(random.integers(0, rate, 40))
    np.testing.assert_array_equal(resampled(samples, rate, by_chance), whole)
    np.testing.assert_array_equal(resampled(samples, rate, range(1, 2000)), whole)


@pytest.mark.parametrize(("rate", "most_milliseconds"), LAGS)
def test_how_far_it_lags_behind(rate, most_milliseconds):
    stream, lags, done = Resampler(rate, 16000), [], 0
    for heard in range(1, rate, 16):
        done += len(stream(noise(16)))
        lags.append((heard + 15) / rate - done / 16000)
    assert max(lags) <= most_milliseconds / 1000
    assert max(lags) > most_milliseconds / 1000 - 0.002
