"""How far a pose goes from the resting pose: a dial that scales every rotation on its manifold.

A joint that is turned by R = R_rest exp(w) comes out as R_rest exp(scale w), and the root's place
is scaled about its mean. So 0 is the resting pose, 1 leaves everything as it is, bit by bit, and 2
doubles every turn. Legs and the root are scaled together, so that a foot that stands goes on
standing, to first order. Offsets of flexible joints are left alone: they also tell whose body it
is, which no dial changes.

The resting pose is the mean pose of the codec, made rotations: about it a speaker moves. (The rest
pose of a BVH file is mostly a T; scaled about that, hands that lie in a lap would go through it.)

Above 1 no joint leaves the range of people (`joint_limits`) that was inside: the way that is added
is bent smoothly from halfway to the limit, with a continuous second derivative, and comes to
nothing at it. A joint that is beyond its limit already stays where it is. Up to 1 nothing is
limited.
"""

import functools
import math
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.joint_limits import joint_limits
from llavataros_jax.motion.rotation_vectors import from_rotation_vector, to_rotation_vector
from llavataros_jax.motion.rotations import (
    AnyArray,
    apply_matrices,
    from_matrix,
    matrix_to_sixd,
    multiply_matrices,
    namespace,
    sixd_to_matrix,
    to_matrix,
)

# Before half a turn from the resting pose the way back is as near as the way on: there nothing is
# added, so that a joint which passes it does not jump.
_FARTHEST = math.radians(170.0)
# A body that turns round passes half a turn from where it mostly faces; scaled down, it would jump
# to the other side. From the first of these angles on the root comes back to what was predicted.
_ROUND = math.radians(120.0), math.radians(175.0)
# Within about this of a limit a joint slows down, however far it was to go.
_SOFT = math.radians(10.0)


class Expressiveness:
    """Scales the poses of one codec about its resting pose."""

    def __init__(self, codec: PoseCodec) -> None:
        """Finds the resting pose and the limits about it."""
        joints = codec.skeleton.num_joints
        self.num_joints = joints
        self.root = np.asarray(codec.mean[:3], np.float64)
        self.resting = resting_rotations(codec)
        self.limits = joint_limits(codec.skeleton, codec.rest_offsets.mean(axis=0), self.resting)

    def __call__(
        self, pose: Float[AnyArray, "*batch P"], scale: Float[AnyArray, "..."] | float
    ) -> Float[AnyArray, "*batch P"]:
        """Returns un-normalised poses, scaled; pure, for NumPy and JAX, with `scale` traced or not.

        `scale` broadcasts against the leading axes of `pose`: for lanes of frames pass
        `scale[:, None]`.
        """
        xp = namespace(pose) if isinstance(scale, int | float) else namespace(pose, scale)
        lead, joints = pose.shape[:-1], self.num_joints
        end = 3 + 6 * joints
        wanted = xp.asarray(scale, dtype=pose.dtype)
        factor = xp.broadcast_to(wanted, lead)[..., None]
        mean = _like(self.root, pose, len(lead))
        root = mean + factor * (pose[..., :3] - mean)
        sixd = xp.reshape(pose[..., 3:end], (*lead, joints, 6))
        turned = xp.reshape(matrix_to_sixd(self._turned(sixd_to_matrix(sixd), factor)), (*lead, -1))
        scaled = xp.concat((root, turned, pose[..., end:]), axis=-1)
        return xp.where(factor == 1, pose, scaled)

    def _turned(self, matrices: Any, factor: Any) -> Any:
        """Returns the scaled rotations (..., J, 3, 3) of local ones."""
        xp, axes = namespace(matrices, factor), factor.ndim - 1
        constant = functools.partial(_like, like=matrices, axes=axes)
        limits, resting = self.limits, xp.broadcast_to(constant(self.resting), matrices.shape)
        back = xp.matrix_transpose(resting)
        vector = to_rotation_vector(from_matrix(multiply_matrices(back, matrices)))
        angle = xp.sqrt(xp.sum(vector**2, axis=-1))
        at_root = constant(np.arange(self.num_joints) == 0)
        less = vector * self._less(angle, factor, at_root)[..., None]
        share = _approach(angle, factor * angle, 0.0, _FARTHEST)
        more = share / xp.where(angle > 0, angle, 1.0)
        basis = xp.broadcast_to(constant(limits.axes), matrices.shape)
        start = apply_matrices(xp.matrix_transpose(basis), vector)
        low, high = constant(limits.low), constant(limits.high)
        within = _approach(start, start * more[..., None], low, high)
        grows = factor[..., None] > 1
        chosen = xp.where(grows, apply_matrices(basis, within), less)
        scaled = multiply_matrices(resting, to_matrix(from_rotation_vector(chosen)))
        unbent = multiply_matrices(self._hinged(matrices, scaled, constant), scaled)
        return xp.where(grows[..., None], unbent, scaled)

    def _less(self, angle: Any, factor: Any, at_root: Any) -> Any:
        """Returns what turns are multiplied by up to 1."""
        first, last = _ROUND
        away = namespace(angle).clip((angle - first) / (last - first), 0, 1) * at_root
        return factor + (1 - factor) * away**2 * (3 - 2 * away)

    def _hinged(self, before: Any, scaled: Any, constant: Any) -> Any:
        """Returns the turns in the parents' frames that bring hinges back into their range."""
        xp, limits = namespace(before, scaled), self.limits
        straight, bent = constant(limits.straight), constant(limits.bent)
        bone = xp.broadcast_to(constant(limits.bone), before.shape[:-1])

        def bend(matrices: Any) -> Any:
            along = apply_matrices(matrices, bone)
            return xp.atan2(xp.sum(along * bent, axis=-1), xp.sum(along * straight, axis=-1))

        wanted = bend(scaled)
        reached = _approach(bend(before), wanted, 0.0, constant(limits.most_bend))
        turn = xp.where(constant(limits.is_hinge), reached - wanted, 0.0)
        axis = constant(np.cross(limits.straight, limits.bent))
        return to_matrix(from_rotation_vector(turn[..., None] * axis))


def resting_rotations(codec: PoseCodec) -> Float[np.ndarray, "J 3 3"]:
    """Returns the rotations nearest to the mean 6D vectors of a codec, in the parents' frames."""
    joints = codec.skeleton.num_joints
    columns = np.asarray(codec.mean[3 : 3 + 6 * joints], np.float64).reshape(joints, 2, 3)
    # Gram-Schmidt would favour the first column; the polar factor is nearest to both.
    left, _, right = np.linalg.svd(columns.transpose(0, 2, 1), full_matrices=False)
    first, second = np.moveaxis(left @ right, 2, 0)
    return np.stack((first, second, np.cross(first, second)), axis=-1)


def _approach(start: Any, wanted: Any, low: Any, high: Any) -> Any:
    """Goes from `start` towards `wanted`, never past a limit that `start` is within.

    Half of the room is free; the other half is a hyperbolic tangent, so that slope and curvature
    are continuous. Near a limit the room itself ends with slope 0, so that beyond it, where there
    is none, nothing changes abruptly.
    """
    xp = namespace(start, wanted)
    excess = wanted - start
    room = xp.maximum(xp.where(excess > 0, high - start, start - low), 0.0 * start)
    half = room**2 / (room + _SOFT) / 2
    size = xp.abs(excess)
    beyond = xp.maximum(size - half, 0.0 * size)
    way = xp.minimum(size, half) + half * xp.tanh(beyond / (half + 1e-9))
    return start + xp.sign(excess) * way


def _like(values: Any, like: Any, axes: int) -> Any:
    """Returns a constant with leading axes to broadcast against those of poses."""
    xp = namespace(like)
    array = np.asarray(values, np.float64)
    return xp.asarray(array.reshape((1,) * axes + array.shape), dtype=like.dtype)
