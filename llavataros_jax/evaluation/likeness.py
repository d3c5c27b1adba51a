"""How near a motion is to the recorded one, frame by frame."""

import warnings

import numpy as np
from jaxtyping import Float

from llavataros_jax.packages import require_packages

# As genea_numerical_evaluations cca.py has it, there in centimetres.
_CONSTANT = 1e-8
_ITERATIONS = 2000


def canonical_correlation(
    first: Float[np.ndarray, "T D"], second: Float[np.ndarray, "T E"]
) -> float:
    """Correlates the one-dimensional projections of two motions that correlate best (CCA).

    scikit-learn's CCA with one component, without scaling, fitted to the clip itself, as
    genea_numerical_evaluations cca.py does; dimensions that never change are left out. A fit to
    few frames is good for anything: it is 1 for fewer frames than dimensions.

    Returns:
        Pearson's r, or NaN with no more than D + E frames, or where nothing moves.

    Raises:
        UserError: When scikit-learn is missing.
    """
    require_packages("canonical correlation", "sklearn", extra="prep")
    from sklearn.cross_decomposition import CCA
    from sklearn.exceptions import ConvergenceWarning

    first, second = (side[:, side.std(axis=0) > _CONSTANT] for side in (first, second))
    dimensions = (first.shape[1], second.shape[1])
    if not all(dimensions) or len(first) <= sum(dimensions):
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = CCA(n_components=1, max_iter=_ITERATIONS, scale=False)
        projections = model.fit(first, second).transform(first, second)
    return float(np.corrcoef(*(side.ravel() for side in projections))[0, 1])


def semantic_recall(
    predicted: Float[np.ndarray, "T J 3"],
    real: Float[np.ndarray, "T J 3"],
    *,
    threshold_metres: float = 0.1,
    weights: Float[np.ndarray, " T"] | None = None,
    mean_weight: float | None = None,
) -> float:
    """Computes SRGR: the share of frames and joints that are near enough, weighted by meaning.

    Without weights every frame counts alike, which is the share of correct keypoints (PCK); it
    then rewards the mean pose. With them it is divided by their mean, so that 1 is all.

    Args:
        predicted: World positions, metres.
        real: Likewise.
        threshold_metres: What is near enough.
        weights: How much each frame means.
        mean_weight: What to divide by, where it is not the clip's own mean; EMAGE has 0.165 and
            the GENEA leaderboard 0.1672, the mean over their data.

    Returns:
        A share; NaN where the weights are all 0.
    """
    near = (np.linalg.norm(predicted - real, axis=-1) < threshold_metres).mean(axis=1)
    if weights is None:
        return float(near.mean())
    mean_weight = weights.mean() if mean_weight is None else mean_weight
    return float((near * weights).mean() / mean_weight) if mean_weight else float("nan")
