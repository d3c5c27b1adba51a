"""The spellings of SMPL, SMPL-H and SMPL-X motion in `.npz` files.

One array holds all joints (AMASS, BEAT2, AIST++: `poses`; GRAB: `fullpose`; WHAM: `pose`), or the
turn of the whole body lies beside those of its joints (AMASS-X: `root_orient` and `pose_body`;
Seamless Interaction: `smplh:global_orient` and `smplh:body_pose`; SMPLify and 4D-Humans:
`global_orient` and `body_pose`). Joints are axis-angle vectors, flat or not, or matrices.
"""

import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError

BODY_JOINTS = 22  # the first ones are the same in SMPL, SMPL-H and SMPL-X
_WHOLE = ("poses", "fullpose", "full_pose", "smpl_poses", "pose")
_BODY = ("pose_body", "body_pose")
_ROOT = ("root_orient", "global_orient")
_PLACE = ("trans", "transl", "translation", "smpl_trans")
_RATE = ("mocap_frame_rate", "mocap_framerate", "frame_rate", "framerate", "fps")
_SCALE = "smpl_scaling"  # AIST++ keeps places in this multiple of metres
_NEEDED = "poses (or root_orient and pose_body) and, if known, trans and mocap_frame_rate"
# SMPL has 24 joints, SMPL-H 52, SMPL-X 55, less eyes, jaw, hands or root where a file has none.
# Other sizes, such as 132, may be 6D vectors, quaternions or matrices in whichever order.
_FLAT_SIZES = {3 * joints for joints in (*range(21, 26), *range(51, 56))}
_ROTATION_TOLERANCE = 1e-2


@dataclass(frozen=True, eq=False)
class SmplxArrays:
    """What a file says of a body's motion.

    Attributes:
        poses: Axis-angle vectors of the first 22 joints.
        trans: Translation in metres, in the file's axes.
        fps: Frames per second, if the file says it.
        notes: What is missing in the file and was taken for granted.
    """

    poses: Float[np.ndarray, "T 22 3"]
    trans: Float[np.ndarray, "T 3"]
    fps: float | None
    notes: tuple[str, ...] = ()


def is_smplx(path: Path | str) -> bool:
    """Says whether an `.npz` holds the rotations of a body of SMPL's family."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return False
    return any(_find(names, keys) for keys in (_WHOLE, _BODY))


def load_smplx(path: Path) -> SmplxArrays:
    """Reads an `.npz` in whichever spelling; pickled objects are refused, never loaded.

    Raises:
        UserError: When the file is missing, damaged, or no motion of SMPL's family.
    """
    if not path.is_file():
        raise UserError(f"motion file {path} does not exist; check the path")
    notes: list[str] = []
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {
                kind: (key, np.asarray(file[key], float))
                for kind, keys in (
                    *(("whole", _WHOLE), ("body", _BODY), ("root", _ROOT)),
                    *(("trans", _PLACE), ("rate", _RATE), ("scale", (_SCALE,))),
                )
                if (key := _find(file.files, keys))
            }
            names = ", ".join(sorted(file.files)) or "nothing"
    except Exception as problem:  # damaged bytes raise anything, tokenize and zlib errors included
        raise UserError(
            f"{path} cannot be read as SMPL-X motion ({problem}); copy or export it again"
        ) from problem
    if not found.keys() & {"whole", "body"}:
        raise UserError(f"{path} has no poses, only {names}; SMPL-X motion needs {_NEEDED}")
    try:
        poses = _poses(found, notes)
        trans = _translation(found, len(poses), notes)
        fps = _one_number(*found["rate"]) if "rate" in found else None
    except UserError as refusal:
        raise UserError(f"{path} {refusal}") from refusal
    bad = ~(np.isfinite(poses).all(axis=(1, 2)) & np.isfinite(trans).all(axis=1))
    if bad.any():
        raise UserError(
            f"{path} holds NaN or infinity in {bad.sum()} frames, first at frame "
            f"{int(bad.argmax())}; repair or cut these frames"
        )
    return SmplxArrays(poses, trans, fps, tuple(notes))


def _find(names: Collection[str], keys: tuple[str, ...]) -> str | None:
    """Returns the first of these keys that a file has, also behind a prefix such as `smplh:`."""
    for key in keys:
        for name in names:
            if name == key or name.rpartition(":")[2] == key or name.rpartition("/")[2] == key:
                return name
    return None


def _poses(found: dict[str, tuple[str, np.ndarray]], notes: list[str]) -> np.ndarray:
    key, values = found.get("whole") or found["body"]
    vectors = _vectors(key, values)
    if "whole" in found and vectors.shape[1] >= BODY_JOINTS:
        return vectors[:, :BODY_JOINTS]
    if vectors.shape[1] < BODY_JOINTS - 1:
        raise _shape_error(key, values)
    root = np.zeros((len(vectors), 1, 3))
    if "root" in found:
        root_key, root_values = found["root"]
        root = _vectors(root_key, root_values)
        if root.shape != (len(vectors), 1, 3):
            raise UserError(
                f"has {root_key} of shape {root_values.shape} for {len(vectors)} frames of {key}; "
                f"it must be ({len(vectors)}, 3)"
            )
    else:
        notes.append(f"its {key} lack the turn of the whole body, so its hips do not turn")
    return np.concatenate((root, vectors[:, : BODY_JOINTS - 1]), axis=1)


def _vectors(key: str, values: np.ndarray) -> Float[np.ndarray, "T J 3"]:
    """Returns axis-angle vectors of flat ones, of one per joint or of matrices."""
    shape = values.shape
    is_root = key.endswith(_ROOT)
    if (values.ndim == 3 and shape[0] == 1 and (shape[2] > 3 or (is_root and shape[1] > 1))) or (
        values.ndim == 4 and shape[0] == 1 and shape[2] > 3
    ):
        values = values[0]  # one person of a batch
    frames = len(values) if values.ndim else 0
    if frames and is_root and values.ndim == 3 and values.shape[1:] == (3, 3):
        values = values[:, None]
    if frames and values.ndim == 4 and values.shape[2:] == (3, 3):
        return _of_matrices(key, values)
    is_flat = values.ndim == 2 and values.shape[1] in ((3,) if is_root else _FLAT_SIZES)
    if not frames or not (is_flat or (values.ndim == 3 and values.shape[2] == 3)):
        raise _shape_error(key, values)
    return values.reshape(frames, -1, 3)


def _of_matrices(key: str, matrices: Float[np.ndarray, "T J 3 3"]) -> Float[np.ndarray, "T J 3"]:
    frames, joints = matrices.shape[:2]
    if not np.isfinite(matrices).all():
        return np.full((frames, joints, 3), np.nan)
    product = matrices @ matrices.swapaxes(-1, -2)
    if np.abs(product - np.eye(3)).max() > _ROTATION_TOLERANCE or np.linalg.det(matrices).min() < 0:
        raise UserError(f"has {key} of shape {matrices.shape} that are no rotation matrices")
    flat = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_rotvec()
    return flat.reshape(frames, joints, 3)


def _translation(
    found: dict[str, tuple[str, np.ndarray]], frames: int, notes: list[str]
) -> Float[np.ndarray, "T 3"]:
    if "trans" not in found:
        notes.append("it has no trans, so the body stays in its place (zero)")
        return np.zeros((frames, 3))
    key, values = found["trans"]
    if values.shape in ((frames, 1, 3), (1, frames, 3)):
        values = values.reshape(frames, 3)
    if values.shape != (frames, 3):
        raise UserError(
            f"has {key} of shape {values.shape} for {frames} frames of poses; it must be "
            f"({frames}, 3)"
        )
    return values / _one_number(*found["scale"]) if "scale" in found else values


def _one_number(key: str, values: np.ndarray) -> float:
    if values.size != 1:
        raise UserError(f"has {key} of shape {values.shape}; it must be one number")
    number = float(values.reshape(()))
    if not (np.isfinite(number) and number > 0):
        what = "frame rate" if key in _RATE else "number"
        raise UserError(f"needs a positive {what} as {key}, not {number:g}")
    return number


def _shape_error(key: str, values: np.ndarray) -> UserError:
    return UserError(
        f"has {key} of shape {values.shape}; they must be axis-angle vectors (frames, 3 numbers "
        f"for each of at least {BODY_JOINTS} joints, or {BODY_JOINTS - 1} beside root_orient), "
        "flat or (frames, joints, 3), or matrices (frames, joints, 3, 3); convert quaternions and "
        "6D vectors to these"
    )
