"""The Fréchet distance between two clouds of points, each taken for a Gaussian."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.measure import Measure, Sums
from llavataros_jax.evaluation.moments import mean_and_root, moments
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories

# A draw takes a singular value decomposition.
RESAMPLES = 300

Points = Callable[[Trajectories], Float[np.ndarray, "N D"]]


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
    return _distance(*_mean_and_root(first), *_mean_and_root(second))


def frechet_of_moments(sums: Sums) -> float:
    """Computes the same of the `moments` of two clouds, one after the other.

    It differs from `frechet_distance` by rounding: by about 1e-15 of the mean square of the points.
    """
    half = len(sums) // 2
    first, second = sums[:half], sums[half:]
    if min(first[0], second[0]) < 2:
        return float("nan")
    return _distance(*mean_and_root(first), *mean_and_root(second))


def frechet_measure(
    key: str,
    title: str,
    points: Points,
    *,
    says: str,
    source: str,
    all_samples: bool = False,
    resamples: int = RESAMPLES,
) -> Measure:
    """Returns the distance of a motion's points from the recorded motion's, pooled over clips.

    Args:
        key: Of the measure, with the square of the points' unit.
        title: Of the measure.
        points: What is compared of a motion, such as poses, velocities or features of windows; of
            a motion that is too short, none, with as many dimensions as ever.
        says: Of the measure.
        source: Of the measure.
        all_samples: Pool all samples of a system, as the GENEA leaderboard does, not the first.
        resamples: Of the bootstrap.
    """

    @remembered
    def sums_of(motion: Trajectories) -> Sums:
        return moments(points(motion))

    def gather(take: Take) -> Sums | None:
        motions = (take.motion, *take.others) if all_samples else (take.motion,)
        ours, theirs = np.sum([sums_of(motion) for motion in motions], axis=0), sums_of(take.real)
        return np.concatenate([ours, theirs]) if ours[0] and theirs[0] else None

    return Measure(
        key=key,
        title=title,
        says=says,
        source=source,
        gather=gather,
        finish=frechet_of_moments,
        towards="low",
        distribution=True,
        resamples=resamples,
    )


def poses(motion: Trajectories) -> Float[np.ndarray, "T D"]:
    """Returns world positions in metres, one row for a frame."""
    return motion.positions.reshape(motion.num_frames, -1)


def velocities(motion: Trajectories) -> Float[np.ndarray, "_ D"]:
    """Returns differences of consecutive frames, m/s, one row for each.

    The public FD_k leaves them per frame; per second, rates can be compared.
    """
    return np.diff(poses(motion), axis=0) * motion.fps


def _distance(
    mean_1: Float[np.ndarray, " D"],
    root_1: Float[np.ndarray, "_ D"],
    mean_2: Float[np.ndarray, " D"],
    root_2: Float[np.ndarray, "_ D"],
) -> float:
    overlap = np.linalg.svd(root_1 @ root_2.T, compute_uv=False).sum()
    spread = np.square(root_1).sum() + np.square(root_2).sum() - 2 * overlap
    return float(max(np.square(mean_1 - mean_2).sum() + spread, 0.0))


def _mean_and_root(points: Float[np.ndarray, "N D"]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean and a matrix R with RᵀR the covariance."""
    points = np.asarray(points, np.float64)
    mean = points.mean(axis=0)
    return mean, np.linalg.qr(points - mean, mode="r") / np.sqrt(len(points) - 1)
