"""Relative attention against the textbook, index by index and in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.special import softmax

from llavataros_jax.model.attention import (
    Positions,
    RelativeAttention,
    band,
    sinusoids,
)
from llavataros_jax.model.kernels import relative_shift
from tests.model.conftest import small_config


@pytest.mark.parametrize(
    ("frames", "past", "distances"), [(1, 0, 1), (1, 4, 5), (4, 5, 6), (4, 9, 4), (7, 1, 8)]
)
def test_shift_equals_gathering_by_index(frames, past, distances):
    scores = np.random.default_rng(0).normal(size=(2, frames, distances)).astype(np.float32)
    shifted = np.asarray(relative_shift(jnp.asarray(scores), past))
    assert shifted.shape == (2, frames, past + frames)
    for i in range(frames):
        for j in range(past + frames):
            distance = i + past - j
            if 0 <= distance < distances:
                np.testing.assert_array_equal(
                    shifted[:, i, j], scores[:, i, distances - 1 - distance]
                )


def test_sinusoids_are_those_of_the_distances():
    table = sinusoids(5, 6)
    for row, distance in enumerate([4, 3, 2, 1, 0]):
        angles = [distance / 10000 ** (2 * k / 6) for k in range(3)]
        np.testing.assert_allclose(table[row], [*np.sin(angles), *np.cos(angles)], atol=1e-7)


def test_band_is_causal_and_of_constant_span():
    visible = band(4, 6, span=3)
    for i in range(4):
        assert np.flatnonzero(visible[i]).tolist() == [i + 4, i + 5, i + 6]


def test_attention_equals_the_formula():
    config = small_config()
    attention = RelativeAttention(config, rngs=nnx.Rngs(0))
    rng = np.random.default_rng(1)
    frames, past = 5, 7
    keys = rng.normal(size=(2, past + frames, 16))
    queries = rng.normal(size=(2, frames, 16))
    u, v = rng.normal(size=(2, 2, 4))
    distances = sinusoids(past + frames, 16)
    visible = np.broadcast_to(band(frames, past, 6), (2, frames, past + frames))

    w_q, w_k, w_v, w_r, w_o = (
        np.asarray(getattr(attention, name).kernel[...], np.float64)
        for name in ("query", "key", "value", "position", "output")
    )
    expected = np.zeros((2, frames, 16))
    for b in range(2):
        for n in range(2):
            q, k, value = queries[b] @ w_q[:, n], keys[b] @ w_k[:, n], keys[b] @ w_v[:, n]
            r = distances @ w_r[:, n]
            score = np.full((frames, past + frames), -np.inf)
            for i in range(frames):
                for j in np.flatnonzero(visible[b, i]):
                    row = past + frames - 1 - (i + past - j)
                    score[i, j] = ((q[i] + u[n]) @ k[j] + (q[i] + v[n]) @ r[row]) / np.sqrt(4)
            expected[b] += softmax(score, axis=1) @ value @ w_o[n]

    positions = Positions(*(jnp.asarray(x, jnp.float32) for x in (distances, u, v)))
    x, memory = jnp.asarray(queries, jnp.float32), jnp.asarray(keys, jnp.float32)
    got = attention(x, *jnp.split(memory, [past], 1), jnp.asarray(visible), positions)
    np.testing.assert_allclose(got, expected, atol=2e-6)


def test_a_query_that_sees_nothing_gets_zero_and_a_finite_gradient():
    attention = RelativeAttention(small_config(), rngs=nnx.Rngs(0))
    positions = Positions(jnp.asarray(sinusoids(4, 16)), jnp.ones((2, 4)), jnp.ones((2, 4)))
    x, none = jax.random.normal(jax.random.key(0), (1, 4, 16)), jnp.zeros((1, 0, 16))
    nothing = jnp.zeros((1, 4, 4), bool)
    np.testing.assert_array_equal(attention(x, none, x, nothing, positions), 0)
    gradient = jax.grad(lambda x: attention(x, none, x, nothing, positions).sum())(x)
    np.testing.assert_array_equal(gradient, 0)
