"""Shoulders that shrug, told by collar bones that a skeleton does not have.

The upper arms of AvatarOS hang on the back at offsets that move by centimetres, which is all that
is left of the collar bones. VRM and SMPL have no offsets that move but have these bones: turned so
that their ends are where the arms are. Only the length between stays what it is at rest.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion import rotations
from llavataros_jax.motion.motion import Motion
from llavataros_jax.rig.humanoid import SIDES
from llavataros_jax.rig.normalised import Humanoid, HumanoidMotion, humanoid_motion
from llavataros_jax.rig.whole_body import whole_body

# Arms that hang firmer than this have no shoulders to tell of.
_RIGID_METRES = 1e-4


def shrugging_motion(motion: Motion, *, place: str = "the motion") -> HumanoidMotion:
    """Tells a motion as `humanoid_motion` does, with shoulders where arms move on the back.

    World rotations of all bones stay what they are.

    Raises:
        UserError: When hips, spine or arms are not found.
    """
    told = humanoid_motion(motion, place=place)
    if any(f"{side}Shoulder" in told.bones for side in SIDES):
        return told
    stiff = told.to_motion()
    own = motion.positions[:, list(Humanoid(motion.skeleton, place=place).joints)]
    arms = [told.bones.index(f"{side}UpperArm") for side in SIDES]
    back = stiff.skeleton.parents[arms[0]]
    turn = rotations.conjugate(stiff.quaternions[:, back])
    # Where the arms are from the joint they hang on, in axes of the T-pose.
    hang = [np.asarray(rotations.rotate(turn, own[:, a] - own[:, back])) for a in arms]
    away = [h - (told.rest[a] - told.rest[back]) for h, a in zip(hang, arms, strict=True)]
    if max(float(np.abs(shift).max()) for shift in away) < _RIGID_METRES:
        return told
    wanted = [f"{side}Shoulder" for side in SIDES]
    whole = whole_body(told, wanted)
    turns = np.array(whole.rotations)
    for side, shift in zip(SIDES, away, strict=True):
        collar, arm = (whole.bones.index(f"{side}{part}") for part in ("Shoulder", "UpperArm"))
        bone = whole.rest[arm] - whole.rest[collar]
        turns[:, collar] = _least_turn(bone, bone + shift)
        turns[:, arm] = rotations.multiply(
            np.asarray(rotations.conjugate(turns[:, collar])), turns[:, arm]
        )
    return dataclasses.replace(whole, rotations=np.asarray(rotations.continuous(turns)))


def _least_turn(
    start: Float[np.ndarray, " 3"], ends: Float[np.ndarray, "T 3"]
) -> Float[np.ndarray, "T 4"]:
    """Returns the least turns that bring a direction onto others."""
    first = start / np.linalg.norm(start)
    last = ends / np.linalg.norm(ends, axis=1, keepdims=True)
    # A quaternion of half the angle lies between the whole one and none.
    whole = np.concatenate((np.cross(first, last), (last @ first)[:, None] + 1.0), axis=1)
    return np.asarray(rotations.normalise(whole))
