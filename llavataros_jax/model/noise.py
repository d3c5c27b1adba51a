"""Noise that moves smoothly in time, one frame after another, at a pace that may change.

Each component is a stationary Gaussian process of unit variance in a state-space form, so that a
frame needs the state of the frame before and fresh normal numbers, and nothing else. Its clock runs
at `pace`: at 0 it stands still, at 2 it runs twice as fast, and whatever the pace does, every value
stays standard normal. Axis letters: Z components, R numbers of state, N normal numbers a frame.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Exact to 1e-5 up to this much of the process's own time in a frame; faster noise is white anyway.
_NODES = 6
_LONGEST = 2.5


@dataclass(frozen=True, eq=False)
class SmoothNoise:
    """The Matérn process of smoothness 5/2 (Rasmussen & Williams 2006, eq. 4.17; Särkkä 2013).

    Its paths can be differentiated twice, so that poses made of it do not jitter.

    Attributes:
        rate_per_frame: Deviation of each component's derivative at pace 1.
    """

    rate_per_frame: Float[np.ndarray, " Z"]
    states = 3
    draws = _NODES

    def start(self, normal: Float[Array, "*B Z N"]) -> Float[Array, "*B R Z"]:
        """Returns a stationary state: the value and its two derivatives in the process's time."""
        first, second, third = (normal[..., k] for k in range(3))
        states = (first, second / np.sqrt(3.0), np.sqrt(8.0 / 9.0) * third - first / 3.0)
        return jnp.stack(states, axis=-2)

    def advance(
        self,
        state: Float[Array, "*B R Z"],
        normal: Float[Array, "*B Z N"],
        pace: Float[Array, "*B"],
    ) -> Float[Array, "*B R Z"]:
        """Returns the state of the next frame."""
        # The process of unit length scale has a derivative of deviation 1/√3.
        rate = jnp.asarray(np.sqrt(3.0) * self.rate_per_frame, jnp.float32)
        d = pace[..., None] * rate.reshape((1,) * pace.ndim + (-1,))
        d = jnp.minimum(d, _LONGEST)
        x, v, a = state[..., 0, :], state[..., 1, :], state[..., 2, :]
        # x(t) = exp(-t) (x + (v + x) t + (a + 2 v + x) t²/2) and its derivatives.
        linear, square = v + x, (a + 2 * v + x) / 2
        value = x + linear * d + square * d * d
        slope = linear + 2 * square * d
        decayed = (value, slope - value, 2 * square - 2 * slope + value)
        fresh = self._fresh(normal, d)
        return jnp.stack(
            [jnp.exp(-d) * old + new for old, new in zip(decayed, fresh, strict=True)], axis=-2
        )

    def _fresh(self, normal: Array, d: Array) -> tuple[Array, Array, Array]:
        """Returns what white noise adds in a time `d`, by Gauss and Legendre's quadrature.

        As a sum over nodes instead of the root of its covariance, which cancels in float32.
        """
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        u = jnp.asarray((nodes + 1) / 2, jnp.float32).reshape((1,) * d.ndim + (-1,)) * d[..., None]
        share = jnp.asarray(weights / 2 * 16 / 3, jnp.float32).reshape((1,) * d.ndim + (-1,))
        pushed = normal * jnp.exp(-u) * jnp.sqrt(share * d[..., None])
        responses = (u * u / 2, u - u * u / 2, 1 - 2 * u + u * u / 2)
        return tuple((response * pushed).sum(-1) for response in responses)  # type: ignore

    def correlation(self, frames: int) -> Float[np.ndarray, "Z T"]:
        """Returns each component's correlation with itself at distances of 0, 1, … frames."""
        d = np.sqrt(3.0) * np.outer(self.rate_per_frame, np.arange(frames))
        return (1 + d + d * d / 3) * np.exp(-d)


@dataclass(frozen=True, eq=False)
class FirstOrderNoise:
    """The autoregressive process of order one.

    Attributes:
        coefficient: Correlation of neighbouring frames at pace 1.
        size: Number of components.
    """

    coefficient: float
    size: int
    states = 1
    draws = 1

    def start(self, normal: Float[Array, "*B Z N"]) -> Float[Array, "*B R Z"]:
        """Returns a stationary state."""
        return jnp.moveaxis(normal, -1, -2)

    def advance(
        self,
        state: Float[Array, "*B R Z"],
        normal: Float[Array, "*B Z N"],
        pace: Float[Array, "*B"],
    ) -> Float[Array, "*B R Z"]:
        """Returns the state of the next frame."""
        kept = jnp.power(jnp.float32(self.coefficient), pace)[..., None, None]
        return kept * state + jnp.sqrt(1 - kept * kept) * jnp.moveaxis(normal, -1, -2)

    def correlation(self, frames: int) -> Float[np.ndarray, "Z T"]:
        """Returns each component's correlation with itself at distances of 0, 1, … frames."""
        return np.tile(np.power(self.coefficient, np.arange(frames)), (self.size, 1))


Noise = SmoothNoise | FirstOrderNoise


def path_factor(noise: Noise, frames: int) -> Float[np.ndarray, "Z T T"]:
    """Returns what turns T independent normal numbers into a path of T frames at pace 1."""
    correlation = noise.correlation(frames)
    lag = np.abs(np.subtract.outer(np.arange(frames), np.arange(frames)))
    # Long smooth paths are determined by fewer numbers than frames, up to rounding.
    return np.linalg.cholesky(correlation[:, lag] + 1e-6 * np.eye(frames)).astype(np.float32)
