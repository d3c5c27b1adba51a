"""A pose to stand still in, which a model must beat."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float


def still_pose(
    clips: Iterable[Float[np.ndarray, "T ..."]], mean: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """Returns the recorded frame that is nearest to the mean, whatever numbers a frame holds.

    The mean itself averages rotations and need not be a pose that a body can take.

    Args:
        clips: Frames of each clip, read once, one clip at a time.
        mean: Of all frames.

    Raises:
        ValueError: When there are no frames.
    """
    best, least = None, np.inf
    for frames in clips:
        if not len(frames):
            continue
        distances = np.square(frames - mean).reshape(len(frames), -1).sum(axis=1)
        nearest = int(distances.argmin())
        if best is None or distances[nearest] < least:
            best, least = np.array(frames[nearest]), distances[nearest]
    if best is None:
        raise ValueError("a still pose needs at least one frame")
    return best
