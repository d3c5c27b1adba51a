"""Chunks of a recording against the whole of it."""

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.pase.stream import count_steps, encode_steps, encode_whole
from tests.pase.seeded import golden, noise, seeded_params


def steps_of(sound, **options) -> np.ndarray:
    return np.concatenate(list(encode_steps(sound, seeded_params(), **options)))


@pytest.mark.slow
def test_the_stream_meets_the_golden():
    expected = golden()["out_fp64"].T
    np.testing.assert_allclose(steps_of(golden()["clip"]), expected, rtol=0, atol=1e-5)
    chunked = steps_of(golden()["clip"], chunk_steps=48)
    np.testing.assert_allclose(chunked, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("num_samples", [16000, 15999, 16001, 7680, 8960, 9120])
@pytest.mark.slow
def test_chunks_equal_the_whole(num_samples):
    sound = noise(num_samples)
    whole = encode_whole(np.pad(sound, (0, -num_samples % 160))[None], seeded_params())[0]
    assert whole.shape[0] == -(-num_samples // 160)
    for chunk_steps in (24, 2048):
        chunked = steps_of(sound, chunk_steps=chunk_steps)
        np.testing.assert_allclose(chunked, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("num_samples", "steps"),
    [
        (471, 3),  # the least
        (534, 3),
        (16150, 100),  # one step pools 161 samples of the first block
        (24150, 150),  # the longest recording that does
        (24160, 151),
        (25611, 160),  # 151 beyond a multiple, the first to gain a step; pools 159 samples
        pytest.param(25759, 161, marks=pytest.mark.slow),
        (48037, 300),
    ],
)
@pytest.mark.slow
def test_raw_steps_are_the_originals_whatever_the_length(num_samples, steps):
    sound = noise(num_samples)
    whole = encode_whole(sound[None], seeded_params())[0]
    assert len(whole) == steps == count_steps(num_samples, mode="raw")
    for chunk_steps in (24, 2048):
        found = steps_of(sound, mode="raw", chunk_steps=chunk_steps)
        np.testing.assert_allclose(found, whole, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("remainder", [0, 1, 9, 10, 79, 80, 149, 150, 151, 155, 158, 159])
def test_raw_steps_at_every_kind_of_remainder(remainder):
    sound = noise(160 * 170 + remainder)
    whole = encode_whole(sound[None], seeded_params())[0]
    found = steps_of(sound, mode="raw", chunk_steps=48)
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-5)


def test_raw_and_padded_differ_in_the_last_eight_steps_and_in_number():
    sound = noise(25700)
    raw, padded = steps_of(sound, mode="raw"), steps_of(sound)
    assert (len(raw), len(padded)) == (160, 161)
    np.testing.assert_allclose(raw[:-8], padded[:-9], rtol=0, atol=1e-5)
    assert np.abs(raw[-8:] - padded[-9:-1]).max() > 1e-3


@pytest.mark.slow
def test_raw_steps_of_blocks_need_their_number():
    sound = noise(25759)
    blocks = np.split(sound, [1, 1, 700, 14321, 25000])
    found = steps_of(iter(blocks), mode="raw", num_samples=25759, chunk_steps=24)
    expected = steps_of(sound, mode="raw", chunk_steps=24)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(UserError, match="has 25759 samples, not 25760"):
        steps_of(iter(blocks), mode="raw", num_samples=25760)
    with pytest.raises(ValueError, match="num_samples"):
        steps_of(iter(blocks), mode="raw")


@pytest.mark.parametrize("num_samples", [1, 470])
def test_raw_steps_of_too_short_a_sound_are_refused(num_samples):
    with pytest.raises(UserError, match=f"at least 471 samples.* has {num_samples}; .*padded"):
        steps_of(noise(num_samples), mode="raw")


def test_blocks_may_be_cut_anywhere():
    sound = noise(8000)
    blocks = np.split(sound, [1, 1, 700, 4321, 7999])
    np.testing.assert_array_equal(
        steps_of(iter(blocks), chunk_steps=24), steps_of(sound, chunk_steps=24)
    )


def test_the_past_crosses_chunks():
    sound = noise(8000)
    changed = np.concatenate([0.5 * sound[:160], sound[160:]])
    far = slice(30, None)  # beyond the reach of the convolutions, in the second chunk
    difference = steps_of(sound, chunk_steps=24)[far] - steps_of(changed, chunk_steps=24)[far]
    assert np.abs(difference).max() > 1e-7


@pytest.mark.parametrize("num_samples", [1, 470, 480])
def test_very_short_sound_is_padded_to_three_steps(num_samples):
    padded = np.pad(noise(num_samples), (0, 480 - num_samples))
    expected = encode_whole(padded[None], seeded_params())[0]
    np.testing.assert_allclose(steps_of(noise(num_samples)), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("sound", [np.zeros(0, np.float32), [], [np.zeros(0, np.float32)]])
def test_no_sound_is_refused(sound):
    for options in ({}, {"mode": "raw", "num_samples": 0}):
        with pytest.raises(UserError, match="no samples"):
            steps_of(sound, **options)


def test_only_what_a_chunk_needs_is_read_ahead():
    taken = 0

    def source():
        nonlocal taken
        for block in np.split(noise(160 * 400), 400):
            taken += 1
            yield block

    reading = encode_steps(source(), seeded_params(), chunk_steps=24)
    ahead = []
    for number, chunk in enumerate(reading, 1):
        ahead.append(taken - number * 24)
        assert len(chunk) <= 24
    assert max(ahead) <= 10
