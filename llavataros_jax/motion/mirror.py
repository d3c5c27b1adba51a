"""The motion that a mirror shows."""

import dataclasses

import numpy as np

from llavataros_jax.motion.motion import Motion

# Reflection in the plane x = 0 takes a rotation R to M R M with M = diag(-1, 1, 1).
_REFLECT_PLACE = np.array([-1.0, 1.0, 1.0])
_REFLECT_QUATERNION = np.array([1.0, -1.0, -1.0, 1.0])


def mirror(motion: Motion) -> Motion:
    """Reflects left and right: x becomes -x, and joints change places with their twins.

    The skeleton is reflected too, so an arm that is longer on the left is longer on the right
    afterwards. (The mirrored AvatarOS takes keep each arm's own length instead: hips and hands
    agree with this to millimetres, elbows to 5 cm.) Mirroring twice gives the motion back.
    """
    skeleton, order = motion.skeleton, list(motion.skeleton.mirror_order)
    reflected = dataclasses.replace(
        skeleton,
        offsets=skeleton.offsets[order] * _REFLECT_PLACE,
        rest_rotations=skeleton.rest_rotations[order] * _REFLECT_QUATERNION,
        end_sites={
            order.index(joint): [tip * _REFLECT_PLACE for tip in tips]
            for joint, tips in skeleton.end_sites.items()
        },
    )
    reflection = np.concatenate((_REFLECT_PLACE, _REFLECT_QUATERNION))
    return Motion(motion.frames[:, order] * reflection, motion.fps, reflected)
