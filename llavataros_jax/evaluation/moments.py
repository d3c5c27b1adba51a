"""Mean and covariance of a cloud of points as sums, which clips can be added to."""

import functools

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import get_lapack_funcs

from llavataros_jax.evaluation.measure import Sums

# Sums of squares keep 15 digits, of which the mean takes its part; a variance below this share of
# the mean square is rounding. Of places in metres it is a micrometre's.
_ROUNDING = 1e-12
(_pivoted_cholesky,) = get_lapack_funcs(("pstrf",), dtype=np.float64)


def moments(points: Float[np.ndarray, "N D"]) -> Sums:
    """Returns the number of points, their sum and the lower triangle of their summed squares.

    All are about the origin of the points, which does not move from clip to clip, so they can be
    added. They have 1 + D + D (D + 1) / 2 numbers.
    """
    points = np.asarray(points, np.float64)
    squares = points.T @ points
    return np.concatenate([[len(points)], points.sum(axis=0), squares[_triangle(len(squares))]])


def dimensions(length: int) -> int:
    """Returns D of moments that have so many numbers."""
    return round((np.sqrt(8 * length + 1) - 3) / 2)


def mean_and_root(
    sums: Sums,
) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, "rank D"]]:
    """Returns the mean and a matrix R with RᵀR the covariance, over n - 1.

    R comes of a Cholesky factorisation that takes the largest variance first and stops at
    rounding, so it has as many rows as the covariance has rank: dimensions that are constant, or
    more than there are points, need no care. Of fewer than 2 points the root is NaN.
    """
    size = dimensions(len(sums))
    count, total, triangle = sums[0], sums[1 : 1 + size], sums[1 + size :]
    if count < 2:
        return np.full(size, np.nan), np.full((1, size), np.nan)
    squares = np.zeros((size, size))
    squares[_triangle(size)] = triangle
    mean = total / count
    least = _ROUNDING * squares.diagonal().max() / (count - 1)
    covariance = (squares - count * np.outer(mean, mean)) / (count - 1)
    # A pivot of 0 in the first place would be taken, whatever the least.
    if covariance.diagonal().max() <= least:
        return mean, np.zeros((1, size))
    factor, pivots, rank, _ = _pivoted_cholesky(covariance, tol=least, lower=1)
    root = np.zeros((rank, size))
    root[:, pivots - 1] = np.tril(factor)[:, :rank].T
    return mean, root


@functools.lru_cache(maxsize=16)
def _triangle(size: int) -> tuple[Int[np.ndarray, " P"], Int[np.ndarray, " P"]]:
    return np.tril_indices(size)
