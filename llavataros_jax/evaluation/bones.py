"""Lengths of bones, which bodies keep and positions that a network makes may not."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def bone_lengths(
    positions: Float[np.ndarray, "T J 3"], parents: Sequence[int]
) -> Float[np.ndarray, "T bones"]:
    """Returns the distance of each joint but the root from its parent, metres."""
    # The root is joint 0, and it alone has no parent.
    return np.linalg.norm(positions[:, 1:] - positions[:, list(parents[1:])], axis=-1)


def bone_length_errors(
    positions: Float[np.ndarray, "T J 3"],
    real: Float[np.ndarray, "S J 3"],
    parents: Sequence[int],
) -> Float[np.ndarray, "T bones"]:
    """Returns how far bones are from their mean length in the recorded motion, metres.

    Of the recorded motion itself it is how much its bones change, 0 where they are rigid.
    """
    lengths = bone_lengths(real, parents).mean(axis=0)
    return np.abs(bone_lengths(positions, parents) - lengths)
