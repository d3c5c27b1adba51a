"""FGD: the Fréchet distance of the features of an autoencoder's windows (Yoon et al. 2020)."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.embedding.checkpoint import read_checkpoint
from llavataros_jax.embedding.embedding import Embedding
from llavataros_jax.embedding.features import features
from llavataros_jax.embedding.file import digest, read_embedding
from llavataros_jax.evaluation.frechet import Points, frechet_measure
from llavataros_jax.evaluation.measure import Measure
from llavataros_jax.motion.trajectories import Trajectories
from llavataros_jax.weights.described_file import SUFFIX

LACKS_FGD = (
    "FGD: it needs an autoencoder of these joints and this rate (--embedding, of "
    "`llavataros evaluate fit-embedding`)"
)


SAYS = (
    "How far the features of the motion's windows are from those of the recorded ones; only "
    "numbers of one autoencoder can be compared."
)
SOURCE = "github.com/genea-workshop/genea_numerical_evaluations: FGD; Yoon et al. 2020"


def feature_points(path: Path, *, drops_last_window: bool) -> Points:
    """Returns what gives the features of a motion by an autoencoder.

    Args:
        path: One of ours or, of any other suffix than ours, a GENEA checkpoint.
        drops_last_window: Whether the last whole window of each recording is left out, as GENEA's
            code does; it changes nothing where windows do not end with the recording.

    Raises:
        UserError: When it cannot be used.
    """
    embedding = _opened(path).replace(drops_last_window=drops_last_window)

    def points(motion: Trajectories) -> Float[np.ndarray, "windows D"]:
        return np.asarray(features(embedding, motion), np.float64)

    return points


def fgd(path: Path, *, drops_last_window: bool) -> Measure:
    """Returns FGD of the first sample; see `feature_points`.

    Raises:
        UserError: When the autoencoder cannot be used.
    """
    points = feature_points(path, drops_last_window=drops_last_window)
    return frechet_measure("fgd", "FGD", points, says=SAYS, source=SOURCE)


def told(path: Path) -> dict[str, str]:
    """Returns which autoencoder a table's FGD is of: its file, and a digest of all it depends on.

    Raises:
        UserError: When the autoencoder cannot be used.
    """
    return {"autoencoder of FGD": f"{path}, {digest(_opened(path))}"}


def _opened(path: Path) -> Embedding:
    return read_embedding(path) if path.suffix == SUFFIX else read_checkpoint(path)
