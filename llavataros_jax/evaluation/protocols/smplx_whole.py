"""All joints of SMPL-X and SMPL-H files, on a body of textbook proportions.

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
from llavataros_jax.evaluation.protocols.joint_names import chosen_skeleton
from llavataros_jax.evaluation.protocols.smplx_joints import SMPLX_JOINTS
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY

_NUMBERS = 3 * len(SMPLX_JOINTS)
# SMPL-H has no face: root, body and hands, as Seamless Interaction keeps them.
SMPLH_JOINTS = tuple(name for name in SMPLX_JOINTS if not ("jaw" in name or "eye" in name))
_PREFIX = "smplh:"
_SMPLH = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose")
_ARRAYS = {"poses", "trans", "translation", "mocap_frame_rate", *_SMPLH}
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


def read_whole_smplx(path: Path | str, *, fps: float | None = None) -> Motion | None:
    """Reads all joints of an `.npz` of BEAT2 or Seamless Interaction, in the file's own axes.

    BEAT2 has `poses` (T, 165), `trans` and `mocap_frame_rate`. Seamless Interaction has
    `smplh:global_orient`, `smplh:body_pose`, `smplh:left_hand_pose` and `smplh:right_hand_pose`,
    without face, at a rate that it does not say. NaN in poses, which BEAT2 has in places, is no
    turn, as `beat_format_load` has it.

    Args:
        path: The file.
        fps: Frames per second; goes before what the file says.

    Returns:
        The motion; None where the file has another form or no known rate, for
        `motion.reader.read_motion` to read.

    Raises:
        UserError: When what is there cannot be motion.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {
                name.removeprefix(_PREFIX): np.asarray(file[name], np.float64)
                for name in file.files
                if name.removeprefix(_PREFIX) in _ARRAYS
            }
    except Exception:  # damaged bytes raise anything, and `read_motion` says what is wrong
        return None
    rate = arrays.get("mocap_frame_rate")
    fps = float(rate.reshape(-1)[0]) if fps is None and rate is not None and rate.size else fps
    poses, names = _poses(arrays)
    if poses is None or fps is None:
        return None
    trans = arrays.get("trans", arrays.get("translation", np.zeros((len(poses), 3))))
    if trans.shape != (len(poses), 3):
        return None
    try:
        return of_axis_angles(np.nan_to_num(poses), trans, fps=fps, names=names)
    except UserError as refusal:
        raise UserError(f"{path}: {refusal}") from refusal


def _poses(
    arrays: dict[str, np.ndarray],
) -> tuple[Float[np.ndarray, "T D"] | None, tuple[str, ...]]:
    """Returns axis-angle vectors and the joints that they are of."""
    whole = arrays.get("poses")
    if whole is not None:
        fits = whole.ndim == 2 and len(whole) and whole.shape[1] == _NUMBERS
        return (whole if fits else None), SMPLX_JOINTS
    parts = [arrays.get(name) for name in _SMPLH]
    if any(part is None or not len(part) for part in parts):
        return None, ()
    flat = [part.reshape(len(part), -1) for part in parts if part is not None]
    same_length = len({len(part) for part in flat}) == 1
    sizes = [part.shape[1] for part in flat]
    return (np.hstack(flat) if same_length and sizes == [3, 63, 45, 45] else None), SMPLH_JOINTS


def of_axis_angles(
    poses: Float[np.ndarray, "T D"],
    trans: Float[np.ndarray, "T 3"],
    *,
    fps: float,
    names: tuple[str, ...] = SMPLX_JOINTS,
) -> Motion:
    """Builds the motion of axis-angle vectors and of the pelvis' translation.

    Args:
        poses: Three numbers for each joint.
        trans: Metres.
        fps: Frames per second.
        names: The joints, in SMPL-X's order, some of which may be missing.
    """
    skeleton = chosen_skeleton(SMPLX_BODY, names)
    turns = Rotation.from_rotvec(poses.reshape(-1, 3)).as_quat()
    return motion_from_local(
        turns.reshape(len(poses), -1, 4), skeleton.offsets, trans, fps=fps, skeleton=skeleton
    )
