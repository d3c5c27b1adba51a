"""The Fréchet distance between two clouds of points, each taken for a Gaussian."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def frechet_distance(first: Float[np.ndarray, "N D"], second: Float[np.ndarray, "M D"]) -> float:
    """Computes |μ₁ - μ₂|² + Tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½) (spec/evaluation.md), covariances over n - 1.

    With centred points Q R, Σ is RᵀR / (n - 1), and the trace of the root is the sum of the
    singular values of R₁R₂ᵀ. So no covariance is formed and no matrix root taken: dimensions that
    are constant, or more than there are points, need no care.

    Returns:
        The distance, in the square of the points' unit; NaN when a cloud has fewer than 2 points.
    """
    if min(len(first), len(second)) < 2:
        return float("nan")
    (mean_1, root_1), (mean_2, root_2) = _moments(first), _moments(second)
    overlap = np.linalg.svd(root_1 @ root_2.T, compute_uv=False).sum()
    spread = np.square(root_1).sum() + np.square(root_2).sum() - 2 * overlap
    return float(max(np.square(mean_1 - mean_2).sum() + spread, 0.0))


def pose_distance(
    predicted: Sequence[Float[np.ndarray, "_ J 3"]], real: Sequence[Float[np.ndarray, "_ J 3"]]
) -> float:
    """Computes FD_g, square metres: between poses as world positions, pooled over clips."""
    return frechet_distance(_flat(predicted), _flat(real))


def velocity_distance(
    predicted: Sequence[Float[np.ndarray, "_ J 3"]],
    real: Sequence[Float[np.ndarray, "_ J 3"]],
    *,
    fps: float,
) -> float:
    """Computes FD_k, m²/s²: between differences of consecutive frames × fps, pooled over clips.

    The public metric leaves the differences per frame; per second, rates can be compared.
    """
    velocities = [
        _flat([np.diff(positions, axis=0) * fps for positions in side])
        for side in (predicted, real)
    ]
    return frechet_distance(*velocities)


def _moments(points: Float[np.ndarray, "N D"]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean and a matrix R with RᵀR the covariance."""
    points = np.asarray(points, np.float64)
    mean = points.mean(axis=0)
    return mean, np.linalg.qr(points - mean, mode="r") / np.sqrt(len(points) - 1)


def _flat(clips: Sequence[Float[np.ndarray, "_ J 3"]]) -> Float[np.ndarray, "N D"]:
    return np.concatenate([clip.reshape(len(clip), -1) for clip in clips])
