"""SMPL-X motion files, as of BEAT2 and AMASS: the upper body without the body model.

A file holds rotations about each joint, not where joints are: that is in a body model whose licence
keeps it out of here. So the bones' lengths are those of nobody in particular, from the proportions
of Drillis and Contini, "Body segment parameters" (1966), as printed in Winter, "Biomechanics and
Motor Control of Human Movement", fig. 4.1, for a height of 1.70 m. They say nothing about the
trunk's inside; three spine joints at its quarters and the inner end of the collar bones at a
quarter of the way to the shoulders are our choice. Rotations, speeds of turning and Euler angles
are the file's own; positions are those of a neutral body.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.resampling import find_fps
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.smplx_arrays import load_smplx

_HEIGHT_METRES = 1.70
# The model's origin is at the breast; its neutral pelvis lies about this far below.
PELVIS_BELOW_ORIGIN_METRES = 0.35

_SPINE = 0.288 / 4  # from the hips at 0.530 to the shoulders at 0.818 of the height
_HALF_BREADTH = 0.129
# Row in the file, name, parent and offset as a share of the height. y up, facing +z, left at +x.
_JOINTS = (
    (0, "pelvis", -1, (0.0, 0.530, 0.0)),
    (3, "spine1", 0, (0.0, _SPINE, 0.0)),
    (6, "spine2", 1, (0.0, _SPINE, 0.0)),
    (9, "spine3", 2, (0.0, _SPINE, 0.0)),
    (12, "neck", 3, (0.0, _SPINE, 0.0)),
    (15, "head", 4, (0.0, 0.052, 0.0)),  # to the chin's height, 0.870
    (13, "left_collar", 3, (_HALF_BREADTH / 4, _SPINE, 0.0)),
    (16, "left_shoulder", 6, (_HALF_BREADTH * 3 / 4, 0.0, 0.0)),
    (18, "left_elbow", 7, (0.186, 0.0, 0.0)),
    (20, "left_wrist", 8, (0.146, 0.0, 0.0)),
    (14, "right_collar", 3, (-_HALF_BREADTH / 4, _SPINE, 0.0)),
    (17, "right_shoulder", 10, (-_HALF_BREADTH * 3 / 4, 0.0, 0.0)),
    (19, "right_elbow", 11, (-0.186, 0.0, 0.0)),
    (21, "right_wrist", 12, (-0.146, 0.0, 0.0)),
)
_TIPS = {5: (0.0, 0.130, 0.0), 9: (0.108, 0.0, 0.0), 13: (-0.108, 0.0, 0.0)}

SMPLX_UPPER_BODY = Skeleton(
    names=tuple(name for _, name, _, _ in _JOINTS),
    parents=tuple(parent for _, _, parent, _ in _JOINTS),
    offsets=_HEIGHT_METRES * np.array([offset for *_, offset in _JOINTS]),
    end_sites={joint: [_HEIGHT_METRES * np.array(tip)] for joint, tip in _TIPS.items()},
)


def read_smplx(
    path: Path | str, *, fps: float | None = None, audio_seconds: float | None = None
) -> Motion:
    """Reads an `.npz` as `read_smplx_body` does, without its notes."""
    return read_smplx_body(path, fps=fps, audio_seconds=audio_seconds)[0]


def read_smplx_body(
    path: Path | str, *, fps: float | None = None, audio_seconds: float | None = None
) -> tuple[Motion, tuple[str, ...]]:
    """Reads an `.npz` of SMPL's family as upper-body motion, in the file's own axes.

    Args:
        path: The file; see `smplx_arrays` for its spellings.
        fps: Frames per second; goes before what the file says.
        audio_seconds: Length of the speech that belongs to the motion, to find the rate by when
            neither `fps` nor the file states it.

    Returns:
        The motion, and what is missing in the file and was taken for granted.

    Raises:
        UserError: When the file is missing, damaged or incomplete, or its rate cannot be known.
    """
    path = Path(path)
    arrays = load_smplx(path)
    turns = _quaternions(arrays.poses[:, [row for row, *_ in _JOINTS]])
    root = arrays.trans - [0.0, PELVIS_BELOW_ORIGIN_METRES, 0.0]
    frames, notes = len(turns), arrays.notes
    try:
        rate = arrays.fps if fps is None else fps
        if rate is None and audio_seconds is not None:
            rate = find_fps(frames, audio_seconds)
            notes += (f"it does not say its rate; by its sound it has {rate:g} frames per second",)
        if rate is None:
            raise UserError(
                "does not say its rate (mocap_frame_rate) and has no speech to find it from; state "
                f"it (motion.source_fps), for {frames} frames at 30 would be {frames / 30:.2f} "
                "seconds"
            )
        motion = motion_from_local(
            turns, SMPLX_UPPER_BODY.offsets, root, fps=rate, skeleton=SMPLX_UPPER_BODY
        )
    except UserError as refusal:
        raise UserError(f"{path}: {refusal}") from refusal
    return motion, notes


def _quaternions(vectors: Float[np.ndarray, "T J 3"]) -> Float[np.ndarray, "T J 4"]:
    """Turns axis-angle vectors into quaternions."""
    angles = np.linalg.norm(vectors, axis=-1, keepdims=True)
    # sin(a / 2) / a, which is 1/2 at no angle.
    turned = vectors * np.sinc(angles / (2 * np.pi)) / 2
    return np.asarray(rotations.normalise(np.concatenate((turned, np.cos(angles / 2)), axis=-1)))
