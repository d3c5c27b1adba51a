"""Numbers of the GENEA challenges that are one for each recording, in centimetres.

Every recording counts alike, however long it is. Sources: `calk_jerk_or_acceleration.py`,
`calc_cca.py` and `cca.py` of the GENEA numerical evaluations, and `calc_errors.py` of
github.com/Svito-zar/gesticulator (a9247c7).
"""

import math
import warnings

import numpy as np
from jaxtyping import Float

from llavataros_jax.packages import require_packages

_CONSTANT = 1e-8  # standard deviation of a number that `cca.py` leaves out


def derivative_size(centimetres: Float[np.ndarray, "T J 3"], order: int, fps: float) -> float:
    """Returns the mean norm of the differences of an order × fps^order, over frames and joints.

    Of order 2 it is the average acceleration AA (cm/s²), of order 3 the average jerk AJ (cm/s³);
    NaN of a recording that is too short.
    """
    differences = np.diff(centimetres, n=order, axis=0)
    if not len(differences):
        return math.nan
    return float(np.linalg.norm(differences, axis=2).mean() * fps**order)


def position_error(
    predicted: Float[np.ndarray, "T J 3"], real: Float[np.ndarray, "T J 3"]
) -> float:
    """Returns APE: the mean distance of joints from where they were, over frames and joints."""
    return float(np.linalg.norm(predicted - real, axis=2).mean())


def absolute_error(
    predicted: Float[np.ndarray, "T J 3"], real: Float[np.ndarray, "T J 3"]
) -> float:
    """Returns MAE: the mean difference of coordinates, over frames, joints and axes."""
    return float(np.abs(predicted - real).mean())


def canonical_correlation(
    predicted: Float[np.ndarray, "T J 3"], real: Float[np.ndarray, "T J 3"], max_iter: int
) -> float:
    """Returns the correlation of the two poses' first canonical variables, fitted to this clip.

    The reference fits scikit-learn's CCA with its own scaling, to each clip anew. It is 1 when a
    clip has fewer frames than a pose has numbers; NaN where nothing moves.

    Raises:
        UserError: When scikit-learn is missing.
    """
    require_packages("canonical correlation", "sklearn", extra="prep")
    from sklearn.cross_decomposition import CCA
    from sklearn.exceptions import ConvergenceWarning

    pair = [side.reshape(len(side), -1) for side in (real, predicted)]
    pair = [side[:, side.std(axis=0) > _CONSTANT] for side in pair]
    if len(predicted) < 2 or not all(side.shape[1] for side in pair):
        return math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = CCA(n_components=1, max_iter=max_iter).fit(pair[0], pair[1])
        first, second = map(np.ravel, fitted.transform(pair[0], y=pair[1]))
    if not (first.std() and second.std()):
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])
