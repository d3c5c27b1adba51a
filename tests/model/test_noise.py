"""Noise in time against SciPy's matrix exponential and scikit-learn's kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov
from sklearn.gaussian_process.kernels import Matern

from llavataros_jax.model.noise import FirstOrderNoise, SmoothNoise, path_factor

RATE = np.array([0.02, 0.1, 0.3], np.float32)
# dx = F x dt + G dW of the Matérn process 5/2 with a length scale of √5 (λ = 1).
DRIFT = np.array([[0.0, 1, 0], [0, 0, 1], [-1, -3, -3]])
DIFFUSION = np.diag([0.0, 0, 16 / 3])


def _matrices(noise, pace: float) -> tuple[np.ndarray, np.ndarray]:
    """Reads transition (Z, R, R) and loading (Z, R, N) off the function itself."""
    size, states, draws = len(RATE), noise.states, noise.draws
    still, silent = jnp.zeros((states, size)), jnp.zeros((size, draws))
    step = jax.jit(lambda s, n: noise.advance(s, n, jnp.float32(pace)))
    moves = [step(still.at[k].set(1.0), silent) for k in range(states)]
    loads = [step(still, silent.at[:, k].set(1.0)) for k in range(draws)]
    return np.stack(moves, -1).transpose(1, 0, 2), np.stack(loads, -1).transpose(1, 0, 2)


@pytest.mark.parametrize("pace", [0.0, 0.01, 1.0, 3.0])
def test_a_frame_is_the_stochastic_differential_equation(pace):
    moves, loads = _matrices(SmoothNoise(RATE), pace)
    stationary = solve_continuous_lyapunov(DRIFT, -DIFFUSION)
    for rate, move, load in zip(RATE, moves, loads, strict=True):
        d = np.sqrt(3.0) * float(rate) * pace
        exact = expm(DRIFT * d)
        np.testing.assert_allclose(move, exact, atol=1e-6)
        fresh = stationary - exact @ stationary @ exact.T
        np.testing.assert_allclose(load @ load.T, fresh, atol=2e-6)


def test_fresh_noise_keeps_its_digits_when_time_nearly_stands_still():
    """As a difference of covariances it would be rounding: here it falls with the fifth power."""
    _, slow = _matrices(SmoothNoise(RATE), 0.01)
    variance = np.square(slow[:, 0]).sum(-1)
    d = np.sqrt(3.0) * RATE.astype(np.float64) * 0.01
    np.testing.assert_allclose(variance, 16 / 3 * d**5 / 20, rtol=0.02)


def test_the_start_is_stationary():
    noise = SmoothNoise(RATE)
    loads = [noise.start(jnp.zeros((1, 6)).at[0, k].set(1.0))[:, 0] for k in range(6)]
    load = np.stack(loads, axis=-1)
    stationary = solve_continuous_lyapunov(DRIFT, -DIFFUSION)
    np.testing.assert_allclose(load @ load.T, stationary, atol=1e-6)


def test_the_correlation_is_the_matern_kernel():
    found = SmoothNoise(RATE).correlation(40)
    for rate, row in zip(RATE, found, strict=True):
        kernel = Matern(length_scale=np.sqrt(5.0) / (np.sqrt(3.0) * rate), nu=2.5)
        frames = np.arange(40.0)[:, None]
        np.testing.assert_allclose(row, kernel(frames)[0], atol=1e-6)
        # The rate is what it says: of a path, changes from frame to frame.
        assert np.sqrt(2 - 2 * row[1]) == pytest.approx(rate, rel=0.05)


def test_the_first_order_process_has_its_coefficient():
    noise = FirstOrderNoise(0.8, 3)
    move, load = _matrices(noise, 2.0)
    np.testing.assert_allclose(move[:, 0, 0], 0.8**2, rtol=1e-6)
    np.testing.assert_allclose(np.square(load[:, 0, 0]), 1 - 0.8**4, rtol=1e-6)
    np.testing.assert_allclose(noise.correlation(4)[0], 0.8 ** np.arange(4))
    independent, fresh = _matrices(FirstOrderNoise(0.0, 3), 1.0)
    assert not independent.any()
    assert (fresh == 1).all()


@pytest.mark.parametrize("noise", [SmoothNoise(RATE), FirstOrderNoise(0.7, 3)])
def test_paths_of_training_have_the_correlation_of_the_process(noise):
    factor = path_factor(noise, 30).astype(np.float64)
    covariance = factor @ factor.transpose(0, 2, 1)
    lag = np.abs(np.subtract.outer(np.arange(30), np.arange(30)))
    np.testing.assert_allclose(covariance, noise.correlation(30)[:, lag], atol=1e-5)
