"""Chunks of a recording against the whole of it."""

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.pase.stream import encode_steps, encode_whole
from tests.pase.seeded import golden, noise, seeded_params


def steps_of(sound, **options) -> np.ndarray:
    return np.concatenate(list(encode_steps(sound, seeded_params(), **options)))


def test_the_stream_meets_the_golden():
    expected = golden()["out_fp64"].T
    np.testing.assert_allclose(steps_of(golden()["clip"]), expected, rtol=0, atol=1e-5)
    chunked = steps_of(golden()["clip"], chunk_steps=48)
    np.testing.assert_allclose(chunked, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("num_samples", [16000, 15999, 16001, 7680, 8960, 9120])
def test_chunks_equal_the_whole(num_samples):
    sound = noise(num_samples)
    whole = encode_whole(np.pad(sound, (0, -num_samples % 160))[None], seeded_params())[0]
    assert whole.shape[0] == -(-num_samples // 160)
    for chunk_steps in (24, 2048):
        chunked = steps_of(sound, chunk_steps=chunk_steps)
        np.testing.assert_allclose(chunked, whole, rtol=0, atol=1e-5)


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
    with pytest.raises(UserError, match="no samples"):
        steps_of(sound)


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
