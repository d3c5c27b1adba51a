"""The 55 joints of SMPL-X in its own order, and a body seen from its pelvis.

Order: `JOINT_NAMES` of the `smplx` package, the first 55. BEAT2's arrays and the lists of numbers
in the reference code follow it.
"""

import functools

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.trajectories import Trajectories, of_motion

_FINGERS = tuple(
    f"{finger}{bone}" for finger in ("index", "middle", "pinky", "ring", "thumb") for bone in "123"
)
SMPLX_JOINTS = (
    *("pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2"),
    *("left_ankle", "right_ankle", "spine3", "left_foot", "right_foot", "neck"),
    *("left_collar", "right_collar", "head", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("jaw", "left_eye_smplhf", "right_eye_smplhf"),
    *(f"left_{name}" for name in _FINGERS),
    *(f"right_{name}" for name in _FINGERS),
)
ROOT = SMPLX_JOINTS[0]
# The reference's `upper_body`: 3, 6, 9 and 12 to 21.
BEAT_JOINTS = tuple(SMPLX_JOINTS[joint] for joint in (3, 6, 9, *range(12, 22)))


@remembered
def from_pelvis(trajectories: Trajectories) -> Trajectories:
    """Returns a body with its pelvis at the origin and unturned, as EMAGE's evaluation has it.

    There `global_orient` and `transl` are zero. Where rotations are not known, the body keeps its
    turn, and is only moved.
    """
    motion = trajectories.motion
    if motion is None:
        return unplaced(trajectories)
    turns = motion.local_quaternions().copy()
    turns[:, 0] = (0.0, 0.0, 0.0, 1.0)
    offsets, origin = motion.local_offsets(), np.zeros((motion.num_frames, 3))
    return of_motion(
        motion_from_local(turns, offsets, origin, fps=motion.fps, skeleton=motion.skeleton)
    )


@remembered
def unplaced(trajectories: Trajectories) -> Trajectories:
    """Returns a body with its first joint at the origin, turned as it is."""
    return trajectories.moved(trajectories.positions - trajectories.positions[:, :1])


@functools.lru_cache(maxsize=8)
def axis_angles(motion: Motion) -> Float[np.ndarray, "T J 3"]:
    """Returns each joint's turn in its parent's frame as an axis-angle vector of at most a half."""
    turns = motion.local_quaternions()
    vectors = Rotation.from_quat(turns.reshape(-1, 4)).as_rotvec()
    vectors = vectors.reshape(*turns.shape[:2], 3)
    vectors.flags.writeable = False
    return vectors
