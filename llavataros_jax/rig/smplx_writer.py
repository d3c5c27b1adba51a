"""Motion as SMPL-X and SMPL-H `.npz`, in the layout of AMASS and BEAT2.

The models rest in a T-pose whose joints have no rotation of their own, with y up, facing +z and the
left side at +x, so a pose is the rotation from the T-pose in axes of the world: `HumanoidMotion`.
Joints that the motion lacks (legs, neck, eyes, jaw, fingers) are zero. `trans` is the model's
origin, which lies at the breast: hips of the neutral body lie 0.35 m below. y is up, as in BEAT2
and SMPL-X's own files; AMASS has z up.

Order of joints: `joint_names.py` of vchoutas/smplx.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.atomic import atomic_path
from llavataros_jax.motion.smplx import PELVIS_BELOW_ORIGIN_METRES
from llavataros_jax.rig.humanoid import SIDES
from llavataros_jax.rig.normalised import HumanoidMotion

# The bone of each of the first 22 joints.
_BODY = (
    *("hips", "leftUpperLeg", "rightUpperLeg", "spine", "leftLowerLeg", "rightLowerLeg", "chest"),
    *("leftFoot", "rightFoot", "upperChest", "leftToes", "rightToes", "neck", "leftShoulder"),
    *("rightShoulder", "head", "leftUpperArm", "rightUpperArm", "leftLowerArm", "rightLowerArm"),
    *("leftHand", "rightHand"),
)
_FACE = ("jaw", "leftEye", "rightEye")
_PARTS = ("Proximal", "Intermediate", "Distal")
_FINGERS = (
    *((finger, _PARTS) for finger in ("Index", "Middle", "Little", "Ring")),
    ("Thumb", ("Metacarpal", "Proximal", "Distal")),
)
_HANDS = tuple(
    f"{side}{finger}{part}" for side in SIDES for finger, parts in _FINGERS for part in parts
)
JOINTS = {"smplx": (*_BODY, *_FACE, *_HANDS), "smplh": (*_BODY, *_HANDS)}
_BETAS = {"smplx": 300, "smplh": 16}
_EXPRESSIONS = 100


def write_smplx(path: Path | str, motion: HumanoidMotion, *, model: str = "smplx") -> None:
    """Writes an `.npz` for SMPL-X (55 joints) or SMPL-H (52), atomically.

    Args:
        path: Where.
        motion: What; its hips are the model's pelvis.
        model: `smplx` or `smplh`.
    """
    frames = motion.num_frames
    origin = motion.hips + np.array([0.0, PELVIS_BELOW_ORIGIN_METRES, 0.0])
    arrays = {
        "poses": poses(motion, model).astype(np.float32),
        "trans": origin.astype(np.float32),
        "betas": np.zeros(_BETAS[model], np.float32),
        "gender": np.array("neutral"),
        "mocap_frame_rate": np.array(motion.fps),
    }
    if model == "smplx":
        arrays["expressions"] = np.zeros((frames, _EXPRESSIONS), np.float32)
        arrays["model"] = np.array("smplx2020")
    with atomic_path(Path(path)) as temporary:
        np.savez_compressed(temporary, **arrays)


def poses(motion: HumanoidMotion, model: str) -> Float[np.ndarray, "T D"]:
    """Returns axis-angle vectors of all joints of a model, one after another."""
    joints = JOINTS[model]
    found = np.zeros((motion.num_frames, len(joints), 3))
    for slot, bone in enumerate(joints):
        if bone in motion.bones:
            turns = motion.rotations[:, motion.bones.index(bone)]
            found[:, slot] = Rotation.from_quat(turns).as_rotvec()
    return found.reshape(motion.num_frames, -1)
