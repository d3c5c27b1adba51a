"""Keeps hands in front of the trunk, apart from each other, and forearms in their range.

Key poses are such that nothing touches; on the way from one to another hands could. Each
correction is nought where there is room and grows smoothly, so a movement stays smooth.
"""

import numpy as np
from jaxtyping import Float

_SOFT_METRES = 0.012
# The front of the trunk, seen from Spine3: so far ahead at its height, further ahead below it
# because the chest is bent forward over the hips; and how wide it is.
_FRONT_METRES, _SLOPE, _HALF_WIDTH_METRES = 0.22, 0.25, 0.25
# Hands that lie side by side point at each other, so they need more room than stacked ones.
_APART_METRES, _SIDE_BY_SIDE = 0.1, 1.9
_FREE_TURN, _MORE_TURN = 60.0, 25.0


def keep_clear(pose: Float[np.ndarray, "T 15"]) -> Float[np.ndarray, "T 15"]:
    """Corrects hands and turns of poses in the order of `Pose.flatten`."""
    pose = pose.copy()
    right, left = pose[:, 0:3], pose[:, 3:6]
    between = (right - left) / 2
    between[:, 0] = (right[:, 0] + left[:, 0]) / 2
    measure = np.sqrt(
        (2 * between[:, 0] / _SIDE_BY_SIDE) ** 2 + np.sum((2 * between[:, 1:]) ** 2, axis=1)
    )
    measure = np.maximum(measure, 0.02)
    spread = between * (_excess(_APART_METRES - measure) / measure)[:, None]
    right += spread
    left += spread * (1, -1, -1)
    for hand in (right, left):
        front = _FRONT_METRES - _SLOPE * np.minimum(hand[:, 1], 0.1)
        front = front * np.exp(-((hand[:, 0] / _HALF_WIDTH_METRES) ** 4))
        hand[:, 2] += _excess(front - hand[:, 2])
    turns = pose[:, 6:8]
    beyond = np.maximum(np.abs(turns) - _FREE_TURN, 0.0)
    turns -= np.sign(turns) * (beyond - _MORE_TURN * np.tanh(beyond / _MORE_TURN))
    return pose


def _excess(metres: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """Is smoothly the larger of nought and what is given."""
    return _SOFT_METRES * np.logaddexp(0.0, metres / _SOFT_METRES)
