"""Motion at a protocol's rate."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.evaluation.protocols.smplx_joints import axis_angles
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.resampling import resample
from llavataros_jax.motion.rotations import matrix_to_sixd, sixd_to_matrix
from llavataros_jax.motion.trajectories import Trajectories, of_motion

HOW = "rotations by slerp, positions alone linearly"


def at_rate(trajectories: Trajectories, fps: float) -> Trajectories:
    """Returns a motion at another rate; frame k shows time k / fps.

    Rotations are interpolated by slerp (`motion.resampling`), positions without rotations along
    straight lines, which shortens bones that turn.
    """
    if abs(trajectories.fps - fps) < 1e-9:
        return trajectories
    if trajectories.motion is not None:
        return of_motion(resample(trajectories.motion, fps))
    count = max(1, round(trajectories.num_frames / trajectories.fps * fps))
    places = np.minimum(np.arange(count) * (trajectories.fps / fps), trajectories.num_frames - 1)
    moved = between(trajectories.positions, places)
    return Trajectories(moved, fps, trajectories.skeleton)


def doubled_stretched(trajectories: Trajectories) -> Trajectories:
    """Returns twice the frames as PantoMatrix makes them of 15 a second.

    `time_upsample_numpy` interpolates axis-angle vectors linearly and lays the new frames evenly
    from the first old one to the last, so time runs slower by half a frame in all.
    """
    count = trajectories.num_frames
    places = np.linspace(0, count - 1, 2 * count)
    motion, fps = trajectories.motion, 2 * trajectories.fps
    if motion is None:
        return Trajectories(between(trajectories.positions, places), fps, trajectories.skeleton)
    vectors = between(axis_angles(motion), places)
    turns = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_quat().reshape(*vectors.shape[:2], 4)
    return _built(motion, turns, places, fps)


def doubled_centred(trajectories: Trajectories) -> Trajectories:
    """Returns twice the frames as RAG-Gesture makes them of 15 a second.

    `torch.nn.functional.interpolate(mode="linear")` of 6D rotations: new frame k lies at the old
    frame (k + 1/2) / 2 - 1/2, and the first and last are held.
    """
    count = trajectories.num_frames
    places = np.clip((np.arange(2 * count) + 0.5) / 2 - 0.5, 0, count - 1)
    motion, fps = trajectories.motion, 2 * trajectories.fps
    if motion is None:
        return Trajectories(between(trajectories.positions, places), fps, trajectories.skeleton)
    turns = sixd_to_matrix(between(np.asarray(matrix_to_sixd(motion.local_rotations())), places))
    return _built(motion, np.asarray(turns), places, fps)


def _built(motion: Motion, turns: np.ndarray, places: np.ndarray, fps: float) -> Trajectories:
    offsets = between(motion.local_offsets(), places)
    return of_motion(
        motion_from_local(turns, offsets, offsets[:, 0], fps=fps, skeleton=motion.skeleton)
    )


def between(
    values: Float[np.ndarray, "T ..."], places: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n ..."]:
    """Returns values between rows, linearly; places are numbers of rows, none beyond the ends."""
    before = np.floor(places).astype(int)
    after = np.minimum(before + 1, len(values) - 1)
    weight = (places - before).reshape(-1, *[1] * (values.ndim - 1))
    return values[before] + weight * (values[after] - values[before])
