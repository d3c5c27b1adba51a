"""Which channels are heard, and two people on the sides of one recording."""

import numpy as np
import pytest
import soundfile

from llavataros_jax.errors import UserError
from llavataros_jax.sound.channels import split_channels
from llavataros_jax.sound.reader import is_silent, read_info, read_mono
from tests.sound.clicks import click, make

RATE = 16000


def noise(seed):
    return 0.1 * np.random.default_rng(seed).standard_normal(2 * RATE)


def heard(tmp_path, *channels):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack(channels, axis=1), RATE, subtype="FLOAT")
    return read_mono(path, RATE), read_info(path).notes


def test_sides_that_cancel_are_not_silence(tmp_path):
    samples, notes = heard(tmp_path, click(RATE), -click(RATE) + 0.01 * noise(1))
    np.testing.assert_allclose(samples, click(RATE), atol=1e-6)
    assert notes == ("stereo whose sides cancel each other, so the left alone is heard",)
    assert not is_silent(tmp_path / "a.wav")


@pytest.mark.parametrize(("live", "name"), [(0, "left"), (1, "right")])
def test_a_dead_side_is_left_out(tmp_path, live, name):
    sides = [np.zeros(2 * RATE), np.zeros(2 * RATE)]
    sides[live] = click(RATE)
    samples, notes = heard(tmp_path, *sides)
    np.testing.assert_allclose(samples, click(RATE), atol=1e-6)
    assert notes == (f"stereo, of which the {name} alone has sound and is heard",)


def test_two_people_are_mixed(tmp_path):
    samples, notes = heard(tmp_path, noise(1), noise(2))
    np.testing.assert_allclose(samples, (noise(1) + noise(2)) / 2, atol=1e-6)
    assert notes == ("stereo mixed down to mono",)


def test_of_ten_channels_those_with_sound_are_mixed(tmp_path):
    samples, notes = heard(
        tmp_path, *[noise(seed) if seed < 2 else 0 * noise(0) for seed in range(10)]
    )
    np.testing.assert_allclose(samples, (noise(0) + noise(1)) / 2, atol=1e-6)
    assert notes == ("10 channels mixed down to mono, but for 8 without sound",)


@pytest.mark.parametrize("form", ["a.wav", "a.m4a"])
def test_sides_become_recordings(tmp_path, form):
    path = make(tmp_path / form, "-af", "pan=stereo|c0=c0|c1=0.25*c0", rate=RATE)
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir(), other.mkdir()
    left, right = split_channels(path, one)
    assert (left.name, right.name) == ("a.left.wav", "a.right.wav")
    np.testing.assert_allclose(read_mono(left, RATE), click(RATE), atol=0.15)
    difference = read_mono(right, RATE) - 0.25 * read_mono(left, RATE)
    assert np.abs(difference).max() < 0.05
    assert read_info(left).seconds == read_info(right).seconds == read_info(path).seconds
    again = split_channels(path, other)
    assert left.read_bytes() == again[0].read_bytes()


@pytest.mark.parametrize(("count", "said"), [(1, "one channel"), (3, "3 channels")])
def test_only_stereo_can_be_split(tmp_path, count, said):
    soundfile.write(tmp_path / "a.wav", np.zeros((100, count)), RATE)
    with pytest.raises(UserError, match=rf"a\.wav has {said}, so it cannot be split"):
        split_channels(tmp_path / "a.wav", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_a_side_without_anybody_is_silent(tmp_path):
    heard(tmp_path, click(RATE), np.zeros(2 * RATE))
    left, right = split_channels(tmp_path / "a.wav", tmp_path)
    assert is_silent(right)
    assert not is_silent(left)
