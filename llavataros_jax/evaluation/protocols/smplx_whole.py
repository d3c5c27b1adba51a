"""All 55 joints of BEAT2's SMPL-X files, on a body of textbook proportions.

Rotations are the file's own, so numbers that are made of rotations alone (FD_g, FD_k, var_k and
Div-sample of the GENEA leaderboard) are those of the reference. Positions are not: SMPL-X's body
model, and the shape of each speaker in it, may not be had here. The upper body is that of
`motion.smplx`; hips, legs and hands are from the same figure of Drillis and Contini, face and
fingers are our choice, and hands are flat where SMPL-X's own rest slightly bent.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.protocols.smplx_joints import SMPLX_JOINTS
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY

_NUMBERS = 3 * len(SMPLX_JOINTS)
_HEIGHT_METRES = 1.70
# As shares of the height, left side; x is the left, y up, z the front.
_LEG = (
    ("hip", "pelvis", (0.0955, 0.0, 0.0)),
    ("knee", "hip", (0.0, -0.245, 0.0)),
    ("ankle", "knee", (0.0, -0.246, 0.0)),
    ("foot", "ankle", (0.0, -0.039, 0.08)),
)
_FACE = (
    ("jaw", (0.0, 0.0, 0.02)),
    ("left_eye_smplhf", (0.018, 0.06, 0.045)),
    ("right_eye_smplhf", (-0.018, 0.06, 0.045)),
)
# Where on the hand a finger begins, along it and across; each bone is a sixth of the hand.
_FINGERS = {
    "index": (0.055, 0.0135),
    "middle": (0.057, 0.0),
    "pinky": (0.045, -0.025),
    "ring": (0.053, -0.0125),
    "thumb": (0.018, 0.015),
}
_BONE = 0.018


def _skeleton() -> Skeleton:
    upper = SMPLX_UPPER_BODY
    parents = {
        name: upper.names[parent] if parent >= 0 else ""
        for name, parent in zip(upper.names, upper.parents, strict=True)
    }
    offsets = dict(zip(upper.names, upper.offsets, strict=True))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        mirror = _HEIGHT_METRES * np.array([sign, 1.0, 1.0])
        for name, parent, offset in _LEG:
            parents[f"{side}_{name}"] = parent if parent == "pelvis" else f"{side}_{parent}"
            offsets[f"{side}_{name}"] = mirror * offset
        for finger, (along, across) in _FINGERS.items():
            for bone in (1, 2, 3):
                name, before = f"{side}_{finger}{bone}", f"{side}_{finger}{bone - 1}"
                parents[name] = f"{side}_wrist" if bone == 1 else before
                offsets[name] = mirror * ((along, 0.0, across) if bone == 1 else (_BONE, 0.0, 0.0))
    for name, offset in _FACE:
        parents[name], offsets[name] = "head", _HEIGHT_METRES * np.array(offset)
    return Skeleton(
        SMPLX_JOINTS,
        tuple(SMPLX_JOINTS.index(parents[name]) if parents[name] else -1 for name in SMPLX_JOINTS),
        np.array([offsets[name] for name in SMPLX_JOINTS]),
    )


SMPLX_BODY = _skeleton()


def read_whole_smplx(path: Path | str) -> Motion:
    """Reads `poses` (T, 165), `trans` (T, 3) and `mocap_frame_rate` of an `.npz` of BEAT2.

    NaN in poses, which BEAT2 has in places, is no turn, as `beat_format_load` has it.

    Raises:
        UserError: When it cannot be read, or has no such arrays.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            poses, trans, fps = (
                np.asarray(file[key], np.float64) for key in ("poses", "trans", "mocap_frame_rate")
            )
    except Exception as problem:  # damaged bytes raise anything
        raise UserError(
            f"{path} cannot be read as a motion of BEAT2 ({problem}); give an .npz with poses "
            "(frames, 165), trans (frames, 3) and mocap_frame_rate"
        ) from problem
    if poses.ndim != 2 or poses.shape[1] != _NUMBERS or trans.shape != (len(poses), 3):
        raise UserError(
            f"{path} has poses of shape {poses.shape} and trans of shape {trans.shape}; BEAT2's "
            f"are (frames, {_NUMBERS}) and (frames, 3)"
        )
    try:
        return of_axis_angles(np.nan_to_num(poses), trans, fps=float(fps.reshape(-1)[0]))
    except UserError as refusal:
        raise UserError(f"{path}: {refusal}") from refusal


def of_axis_angles(
    poses: Float[np.ndarray, "T 165"], trans: Float[np.ndarray, "T 3"], *, fps: float
) -> Motion:
    """Builds the motion of axis-angle vectors of all joints and of the pelvis' translation."""
    turns = Rotation.from_rotvec(poses.reshape(-1, 3)).as_quat()
    return motion_from_local(
        turns.reshape(len(poses), -1, 4), SMPLX_BODY.offsets, trans, fps=fps, skeleton=SMPLX_BODY
    )
