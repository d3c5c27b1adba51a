"""SMPL-X motion files, as of BEAT2 and AMASS: the upper body without the body model.

A file holds rotations about each joint, not where joints are: that is in a body model whose licence
keeps it out of here. So the bones' lengths are those of nobody in particular, from the proportions
of Drillis and Contini, "Body segment parameters" (1966), as printed in Winter, "Biomechanics and
Motor Control of Human Movement", fig. 4.1, for a height of 1.70 m. They say nothing about the
trunk's inside; three spine joints at its quarters and the inner end of the collar bones at a
quarter of the way to the shoulders are our choice. Rotations, speeds of turning and Euler angles
are the file's own; positions are those of a neutral body.
"""

import zipfile
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import Skeleton

BODY_JOINTS = 22  # the first ones are the same in SMPL, SMPL-H and SMPL-X
_HEIGHT_METRES = 1.70
# The model's origin is at the breast; its neutral pelvis lies about this far below.
_PELVIS_BELOW_ORIGIN_METRES = 0.35

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


def is_smplx(path: Path | str) -> bool:
    """Says whether an `.npz` holds `poses`, as SMPL-X motion does."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "poses.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def read_smplx(path: Path | str) -> Motion:
    """Reads `poses` (axis-angle), `trans` and the rate of an `.npz` as upper-body motion.

    Raises:
        UserError: When the file is missing, damaged or incomplete.
    """
    path = Path(path)
    poses, translation, fps = _load(path)
    rows = [row for row, *_ in _JOINTS]
    turns = _quaternions(poses.reshape(len(poses), -1, 3)[:, rows])
    root = translation - [0.0, _PELVIS_BELOW_ORIGIN_METRES, 0.0]
    try:
        return motion_from_local(
            turns, SMPLX_UPPER_BODY.offsets, root, fps=fps, skeleton=SMPLX_UPPER_BODY
        )
    except UserError as refusal:
        raise UserError(f"{path}: {refusal}") from refusal


def _quaternions(vectors: Float[np.ndarray, "T J 3"]) -> Float[np.ndarray, "T J 4"]:
    """Turns axis-angle vectors into quaternions."""
    angles = np.linalg.norm(vectors, axis=-1, keepdims=True)
    # sin(a / 2) / a, which is 1/2 at no angle.
    turned = vectors * np.sinc(angles / (2 * np.pi)) / 2
    return np.asarray(rotations.normalise(np.concatenate((turned, np.cos(angles / 2)), axis=-1)))


def _load(path: Path) -> tuple[np.ndarray, np.ndarray, float]:
    if not path.is_file():
        raise UserError(f"motion file {path} does not exist; check the path")
    try:
        with np.load(path, allow_pickle=False) as file:
            found = set(file.files)
            rate = next(
                (key for key in ("mocap_frame_rate", "mocap_framerate") if key in found), ""
            )
            lacking = [name for name in ("poses", "trans") if name not in found]
            if lacking or not rate:
                lacking += [] if rate else ["mocap_frame_rate"]
                raise UserError(
                    f"{path} has no {', '.join(lacking)}, only {', '.join(sorted(found))}; SMPL-X "
                    "motion needs poses, trans and mocap_frame_rate"
                )
            poses, translation = (np.asarray(file[key], float) for key in ("poses", "trans"))
            fps = float(file[rate])
    except UserError:
        raise
    except Exception as problem:  # damaged bytes raise anything, tokenize and zlib errors included
        raise UserError(
            f"{path} cannot be read as SMPL-X motion ({problem}); copy or export it again"
        ) from problem
    frames, size = len(poses), 3 * BODY_JOINTS
    if poses.ndim != 2 or not frames or poses.shape[1] < size or poses.shape[1] % 3:
        raise UserError(
            f"{path} has poses of shape {poses.shape}; they must be (frames, 3 numbers for each "
            f"joint), of at least {BODY_JOINTS} joints"
        )
    if translation.shape != (frames, 3):
        raise UserError(
            f"{path} has trans of shape {translation.shape} for {frames} frames of poses; it must "
            f"be ({frames}, 3)"
        )
    bad = ~(np.isfinite(poses).all(axis=1) & np.isfinite(translation).all(axis=1))
    if bad.any():
        raise UserError(
            f"{path} holds NaN or infinity in {bad.sum()} frames, first at frame "
            f"{int(bad.argmax())}; repair or cut these frames"
        )
    return poses, translation, fps
