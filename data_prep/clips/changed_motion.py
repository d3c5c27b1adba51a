"""The same movement mirrored, larger or smaller, and faster or slower."""

import dataclasses

import numpy as np
from scipy.ndimage import gaussian_filter1d

from data_prep.clips.change import Change
from llavataros_jax.errors import UserError
from llavataros_jax.motion.mirror import mirror
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.resampling import resample
from llavataros_jax.motion.rotations import matrix_to_sixd, sixd_to_matrix

_SLOW_SECONDS = 1.0


def changed_motion(motion: Motion, change: Change) -> Motion:
    """Returns the changed motion at the same rate; what was seen at time t is seen at t / speed.

    Raises:
        UserError: When it is to be mirrored and no joints are left and right.
    """
    if change.is_mirrored:
        if not motion.skeleton.left_right_pairs:
            raise UserError(
                f"none of its {motion.skeleton.num_joints} joints is called left or right, so "
                "there is no telling its mirror image; set augmentation.mirror=false"
            )
        motion = mirror(motion)
    motion = _enlarged(motion, change.amplitude)
    if change.speed == 1:
        return motion
    fps = motion.fps
    return resample(dataclasses.replace(motion, fps=fps * change.speed), fps)


def changed_frames(num_frames: int, speed: float, fps: float) -> int:
    """Returns how many frames remain of so many, as `resample` counts them."""
    return num_frames if speed == 1 else max(1, round(num_frames / (fps * speed) * fps))


def _enlarged(motion: Motion, size: float) -> Motion:
    """Multiplies the movement of rotations in the parents' frames, as 6D vectors, and of offsets.

    The 6D vectors are made rotations again afterwards, and rigid bones keep their lengths.
    """
    if size == 1:
        return motion
    frames, joints = motion.num_frames, motion.skeleton.num_joints
    sixd = np.asarray(matrix_to_sixd(motion.local_rotations())).reshape(frames, -1)
    offsets = motion.local_offsets().reshape(frames, -1)
    sixd = _about_slow_course(sixd, motion.fps, size).reshape(frames, joints, 6)
    offsets = _about_slow_course(offsets, motion.fps, size).reshape(frames, joints, 3)
    return motion_from_local(
        np.asarray(sixd_to_matrix(sixd)),
        offsets,
        offsets[:, 0],
        fps=motion.fps,
        skeleton=motion.skeleton,
    )


def _about_slow_course(values: np.ndarray, fps: float, size: float) -> np.ndarray:
    """Multiplies movement by `size` about a Gaussian mean, which is left as it is.

    The mean sees what comes, as that of generated motion does not (`motion/enlargement.py`): what
    is learned must not come earlier or later for being larger.
    """
    slow = gaussian_filter1d(values, _SLOW_SECONDS * fps, axis=0, mode="nearest")
    return slow + size * (values - slow)
