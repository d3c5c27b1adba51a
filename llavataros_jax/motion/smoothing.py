"""Savitzky-Golay smoothing along time: window 9, order 2 at 30 fps (spec/llanimation.md, 6)."""

import numpy as np
from jaxtyping import Float
from scipy.signal import savgol_filter

from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.rotations import matrix_to_sixd, sixd_to_matrix

ORDER = 2


def window_frames(fps: float) -> int:
    """Returns the odd window that spans at `fps` what 9 frames span at 30: 17 at 60."""
    return 2 * round(4 * fps / 30) + 1


def smooth_values(values: Float[np.ndarray, "T ..."], fps: float) -> Float[np.ndarray, "T ..."]:
    """Smooths anything linear along its first axis, such as un-normalised poses before decoding.

    The window shrinks to what a short motion has; from 3 frames down nothing changes.
    """
    window = min(window_frames(fps), (len(values) - 1) // 2 * 2 + 1)
    if window <= ORDER + 1:
        return np.array(values)
    flat = np.reshape(values, (len(values), -1))
    return np.asarray(savgol_filter(flat, window, ORDER, axis=0)).reshape(values.shape)


def smooth(motion: Motion) -> Motion:
    """Smooths rotations in the parents' frames as 6D vectors, the root and the offsets.

    The 6D vectors are made rotations again afterwards, and rigid bones keep their lengths.
    """
    sixd = smooth_values(np.asarray(matrix_to_sixd(motion.local_rotations())), motion.fps)
    offsets = smooth_values(motion.local_offsets(), motion.fps)
    return motion_from_local(
        np.asarray(sixd_to_matrix(sixd)),
        offsets,
        offsets[:, 0],
        fps=motion.fps,
        skeleton=motion.skeleton,
    )
