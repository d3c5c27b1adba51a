"""The ranges of people (`joint_ranges`) told for the joints of one skeleton in its resting pose.

Parts of the body are found by their names; a joint of which nothing is known has no limit.
Directions are found from the skeleton's own rest pose, whatever that is: up is y, left is where the
left shoulder is. A hinge is told without it: an elbow is straight where the two bones are in line,
and bends to where the resting pose, in which it is bent, has it; so no convention of axes is
needed. A hinge that rests straight has no known side. Scaling about straight cannot turn it over.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from llavataros_jax.motion.joint_ranges import (
    NECK,
    RANGES,
    TRUNK,
    Ball,
    Hanging,
    Hinge,
    Upright,
)
from llavataros_jax.motion.joints import JointRoles, joint_roles
from llavataros_jax.motion.kinematics import forward, local_rotations_of
from llavataros_jax.motion.rotation_vectors import to_rotation_vector
from llavataros_jax.motion.rotations import from_matrix, to_matrix
from llavataros_jax.motion.skeleton import Skeleton

_NO_LIMIT = 100.0  # radians
_LEAST_METRES = 0.01
# A resting pose is no end of a range, even where names or a rest pose mislead.
_LEAST_ROOM_DEGREES = 5.0
_STRAIGHT_DEGREES = 3.0
# How far past its range a hinge may come before its bend is measured exactly and brought back.
_PAST_STRAIGHT_DEGREES, _PAST_BENT_DEGREES = 45.0, 25.0
# A bone that points this much to the side has no forward and outward of its own.
_SIDEWAYS = 0.95


@dataclass(frozen=True, eq=False)
class JointLimits:
    """How far each joint may turn from its resting pose.

    Attributes:
        axes: Columns are three perpendicular axes of each joint, in its own frame.
        low: Least turn about each, radians from the resting pose.
        high: Most turn about each.
        is_hinge: Joints that bend one way.
        bone: Direction of a hinge's bone in the hinge's own frame.
        straight: Its direction in the parent's frame when the hinge is straight.
        bent: The direction, at right angles, to which it bends.
        most_bend: How far, radians.
    """

    axes: Float[np.ndarray, "J 3 3"]
    low: Float[np.ndarray, "J 3"]
    high: Float[np.ndarray, "J 3"]
    is_hinge: Bool[np.ndarray, " J"]
    bone: Float[np.ndarray, "J 3"]
    straight: Float[np.ndarray, "J 3"]
    bent: Float[np.ndarray, "J 3"]
    most_bend: Float[np.ndarray, " J"]


class _Body:
    """A skeleton's directions, and what is known of its limits so far."""

    def __init__(self, skeleton: Skeleton, offsets: np.ndarray, resting: np.ndarray) -> None:
        self.skeleton, self.offsets, self.resting = skeleton, offsets, resting
        self.world = np.asarray(to_matrix(skeleton.rest_rotations))
        local = local_rotations_of(self.world, skeleton.parents)
        self.local = np.asarray(local)
        self.places = np.asarray(forward(self.local, offsets, offsets[0], skeleton.parents)[0])
        joints = skeleton.num_joints
        x, y = np.eye(3)[:2]
        self.limits = JointLimits(
            axes=np.tile(np.eye(3), (joints, 1, 1)),
            low=np.full((joints, 3), -_NO_LIMIT),
            high=np.full((joints, 3), _NO_LIMIT),
            is_hinge=np.zeros(joints, bool),
            bone=np.tile(y, (joints, 1)),
            straight=np.tile(y, (joints, 1)),
            bent=np.tile(x, (joints, 1)),
            most_bend=np.full(joints, np.pi),
        )

    def limit(self, joint: int, axes: list[np.ndarray], low: list[float], high: list[float]):
        """Limits the turns about axes in the joint's own frame; degrees."""
        self.limits.axes[joint] = np.stack(axes, axis=1)
        self.limits.low[joint] = np.radians(np.minimum(low, -_LEAST_ROOM_DEGREES))
        self.limits.high[joint] = np.radians(np.maximum(high, _LEAST_ROOM_DEGREES))

    def bone(self, joint: int) -> np.ndarray:
        """Returns the direction of a joint's longest bone, or of the one that leads to it."""
        skeleton = self.skeleton
        tips = [self.offsets[c] for c, parent in enumerate(skeleton.parents) if parent == joint]
        tips += skeleton.end_sites.get(joint, [])
        tips.append(self.local[joint].T @ self.offsets[joint])
        lengths = [float(np.linalg.norm(tip)) for tip in tips]
        best = int(np.argmax(lengths[:-1])) if len(tips) > 1 else 0
        best = best if lengths[best] > _LEAST_METRES else len(tips) - 1
        return tips[best] / lengths[best] if lengths[best] > _LEAST_METRES else np.eye(3)[1]


def joint_limits(
    skeleton: Skeleton, offsets: Float[np.ndarray, "J 3"], resting: Float[np.ndarray, "J 3 3"]
) -> JointLimits:
    """Returns the limits of a body about its resting pose.

    Args:
        skeleton: Names, parents and rest pose.
        offsets: Place of each joint in its parent's frame, metres.
        resting: Resting rotation of each joint in its parent's frame.
    """
    body, roles = _Body(skeleton, offsets, resting), joint_roles(skeleton)
    directions = _directions(body, roles)
    for joint, role in enumerate(roles.role):
        match RANGES.get(role):
            case Hinge() as hinge:
                _limit_hinge(body, joint, hinge)
            case Ball() as ball:
                _limit_ball(body, joint, ball)
            case Hanging() as hanging if directions is not None:
                _limit_hanging(body, joint, hanging, directions, roles.side[joint])
            case _:
                pass
    if directions is not None:
        _limit_upright(body, roles, directions)
    return body.limits


def _directions(body: _Body, roles: JointRoles) -> np.ndarray | None:
    """Returns left, up and forward of the body in the world, as rows."""
    for role in ("upperarm", "thigh"):
        left, right = (roles.find(role, side) for side in ("left", "right"))
        if min(left, right) >= 0:
            across = (body.places[left] - body.places[right]) * [1, 0, 1]
            if np.linalg.norm(across) > _LEAST_METRES:
                left_axis = across / np.linalg.norm(across)
                up = np.array([0.0, 1.0, 0.0])
                return np.stack((left_axis, up, np.cross(left_axis, up)))
    return None


def _limit_ball(body: _Body, joint: int, ball: Ball) -> None:
    bone = body.bone(joint)
    first = np.cross(bone, np.eye(3)[int(np.argmin(np.abs(bone)))])
    first /= np.linalg.norm(first)
    most = [ball.bend, ball.bend, ball.turn]
    body.limit(joint, [first, np.cross(bone, first), bone], [-m for m in most], most)


def _limit_hinge(body: _Body, joint: int, hinge: Hinge) -> None:
    bone, resting, limits = body.bone(joint), body.resting[joint], body.limits
    length = np.linalg.norm(body.offsets[joint])
    straight = body.offsets[joint] / max(length, _LEAST_METRES)
    now = resting @ bone
    axis = np.cross(straight, now)
    bend = np.degrees(np.arctan2(np.linalg.norm(axis), straight @ now))
    if length <= _LEAST_METRES or not _STRAIGHT_DEGREES < bend < 180 - _STRAIGHT_DEGREES:
        _limit_ball(body, joint, Ball(bend=hinge.bend, turn=hinge.turn))
        return
    axis /= np.linalg.norm(axis)
    own = resting.T @ axis
    body.limit(
        joint,
        [own, np.cross(bone, own), bone],
        [-bend - _PAST_STRAIGHT_DEGREES, -hinge.aside, -hinge.turn],
        [hinge.bend + _PAST_BENT_DEGREES - bend, hinge.aside, hinge.turn],
    )
    limits.is_hinge[joint] = True
    limits.bone[joint], limits.straight[joint] = bone, straight
    limits.bent[joint] = np.cross(axis, straight)
    limits.most_bend[joint] = np.radians(hinge.bend)


def _limit_hanging(
    body: _Body, joint: int, ranges: Hanging, directions: np.ndarray, side: str
) -> None:
    bone, resting = body.bone(joint), body.resting[joint]
    left, up, ahead = directions @ body.world[max(body.skeleton.parents[joint], 0)]
    now = resting @ bone
    if abs(now @ left) > _SIDEWAYS or not side:
        _limit_ball(body, joint, Ball(bend=90, turn=ranges.turn))
        return
    out = left if side == "left" else -left
    # Turning about the axis to the right brings a hanging bone forward.
    forward_axis = -left + (left @ now) * now
    forward_axis /= np.linalg.norm(forward_axis)
    aside_axis = np.cross(now, forward_axis)
    outward = 1.0 if np.cross(aside_axis, now) @ out > 0 else -1.0
    bends = np.degrees([np.arctan2(now @ to, -now @ up) for to in (ahead, out)])
    body.limit(
        joint,
        [resting.T @ axis for axis in (forward_axis, outward * aside_axis, now)],
        [-ranges.backward - bends[0], -ranges.inward - bends[1], -ranges.turn],
        [ranges.forward - bends[0], ranges.outward - bends[1], ranges.turn],
    )


def _limit_upright(body: _Body, roles: JointRoles, directions: np.ndarray) -> None:
    """Limits the trunk between the hips and what hangs on it, the neck and the head."""
    neck = [j for j, role in enumerate(roles.role) if role in ("neck", "head")]
    hanging = [j for j, role in enumerate(roles.role) if role in ("upperarm", "head")]
    chain = {j for joint in hanging for j in roles.ancestors(joint)}
    spine = sorted(j for j in chain if j and roles.role[j] == "trunk")
    # How far the hips are turned at rest is no posture.
    _limit_chain(body, [0], TRUNK, directions, at_rest=np.zeros(3))
    for ranges, joints in ((TRUNK, spine), (NECK, neck)):
        bent = [np.zeros(3), *(_bent_at_rest(body, joint, directions) for joint in joints)]
        _limit_chain(body, joints, ranges, directions, at_rest=np.sum(bent, axis=0))


def _limit_chain(
    body: _Body, joints: list[int], ranges: Upright, directions: np.ndarray, *, at_rest: np.ndarray
) -> None:
    """Shares what a chain may still bend: forward of some joints makes up for backward of others.

    `at_rest` is how far the chain is bent already, degrees about left, up and forward.
    """
    high = np.array([ranges.forward, ranges.turn, ranges.aside]) - at_rest
    low = -np.array([ranges.backward, ranges.turn, ranges.aside]) - at_rest
    for joint in joints:
        axes = directions @ body.world[joint]
        body.limit(joint, list(axes), list(low / len(joints)), list(high / len(joints)))


def _bent_at_rest(body: _Body, joint: int, directions: np.ndarray) -> np.ndarray:
    turned = from_matrix(body.local[joint].T @ body.resting[joint])
    return np.degrees(directions @ body.world[joint] @ np.asarray(to_rotation_vector(turned)))
