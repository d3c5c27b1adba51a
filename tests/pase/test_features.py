"""Frames of motion out of steps of 10 ms, in both ways."""

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.pase.features import count_frames, first_of_frames, pase_features
from llavataros_jax.pase.stream import encode_steps, encode_whole
from tests.pase.seeded import golden, noise, seeded_params


def test_windows_start_where_the_ancestors_do():
    k = np.arange(100_000)
    np.testing.assert_array_equal(first_of_frames(100_000, 30.0, 16000), 533 * k + k // 3)
    np.testing.assert_array_equal(first_of_frames(100_000, 30.0, 100), 10 * k // 3)
    drift = first_of_frames(100_000, 30000 / 1001, 16000) - k * 16000 * 1001 / 30000
    assert np.abs(drift).max() < 1.001


@pytest.mark.parametrize(
    ("num_samples", "isolated", "context"),
    [(1600, 2, 3), (1601, 3, 3), (32000, 59, 60), (534, 1, 1), (3, 1, 1)],
)
def test_frames_are_counted_as_the_ancestor_does(num_samples, isolated, context):
    assert count_frames(num_samples, mode="isolated") == isolated
    assert count_frames(num_samples, mode="context") == context


def test_isolated_windows_meet_the_original():
    found = pase_features(
        golden()["clip"], seeded_params(), num_frames=60, fps=30.0, mode="isolated"
    )
    for frame, figures in {
        30: (0.022403, 0.575127, -0.272372, -0.198604),
        44: (0.015173, 0.540139, -0.304015, -0.288295),
    }.items():
        row = found[frame]
        ours = [row.mean(), row.std(), row[0], row[-1]]
        np.testing.assert_allclose(ours, figures, rtol=0, atol=2e-6)


@pytest.mark.parametrize("num_frames", [1, 20, 140])
def test_isolated_frames_are_windows_encoded_alone(num_frames):
    sound = noise(16000)
    found = pase_features(
        iter(np.split(sound, [100, 9000])), seeded_params(), num_frames=num_frames, mode="isolated"
    )
    assert found.shape == (num_frames, 768)
    assert found.dtype == np.float32
    padded = np.pad(sound, (0, 100_000))
    for k in {0, min(7, num_frames - 1), num_frames - 1}:
        start = 533 * k + k // 3
        alone = encode_whole(padded[None, start : start + 534], seeded_params())[0]
        for c, t in ((0, 0), (5, 2), (255, 1)):
            assert abs(found[k, 3 * c + t] - alone[t, c]) < 1e-5


@pytest.mark.parametrize("fps", [30.0, 25.0, 60.0])
@pytest.mark.parametrize("num_frames", [0, 10, 100])
@pytest.mark.slow
def test_context_frames_are_the_steps_of_the_whole(fps, num_frames):
    sound = noise(16000)
    steps = np.concatenate(list(encode_steps(sound, seeded_params())))
    found = pase_features(sound, seeded_params(), num_frames=num_frames, fps=fps, mode="context")
    assert found.shape == (num_frames, 768)
    for k in range(num_frames):
        for t in range(3):
            step = min(int(100 * k / fps + 1e-9) + t, len(steps) - 1)
            np.testing.assert_allclose(found[k, t::3], steps[step], rtol=0, atol=1e-6)


def test_context_crosses_chunks(monkeypatch):
    sound = noise(16000)
    expected = pase_features(sound, seeded_params(), num_frames=31, mode="context")

    def small_chunks(sound, params):
        return encode_steps(sound, params, chunk_steps=24)

    monkeypatch.setattr("llavataros_jax.pase.features.encode_steps", small_chunks)
    found = pase_features(sound, seeded_params(), num_frames=31, mode="context")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("mode", ["context", "isolated"])
def test_no_sound_is_refused(mode):
    with pytest.raises(UserError, match="no samples"):
        pase_features(np.zeros(0, np.float32), seeded_params(), num_frames=3, mode=mode)


def test_options_are_checked(unchecked):
    with pytest.raises(UserError, match="no mode 'other'"):
        pase_features(noise(1600), seeded_params(), num_frames=3, mode="other")
    with pytest.raises(UserError, match="fps is 0"):
        pase_features(noise(1600), seeded_params(), num_frames=3, fps=0)
