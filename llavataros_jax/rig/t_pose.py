"""The T-pose of any body: standing, facing +z, arms along ±x, palms down, legs straight.

VRM 1.0 tells rotations from this pose (vrm-specification, VRMC_vrm-1.0/tpose.md), while skeletons
rest with arms half down, hanging, or facing elsewhere. Bones are brought into it by the least turn,
from the body outwards, so that an arm that is lifted from the side ends palm down, as a person's
does. A limb that is within a few degrees is left as its maker drew it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.kinematics import forward, local_rotations_of
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.rig.humanoid import SIDES

# T-poses as people draw them are within this much of straight.
_STRAIGHT_DEGREES = 5.0
# Bodies lean at rest, palms tilt; beyond this they are meant to face elsewhere.
_UPRIGHT_DEGREES = 30.0
_LIMBS = (
    *(("UpperArm", "LowerArm"), ("LowerArm", "Hand"), ("Hand", "MiddleProximal")),
    *(("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot")),
)
_SHORTEST_METRES = 1e-4


def rest_pose(skeleton: Skeleton) -> tuple[Float[np.ndarray, "J 3"], Float[np.ndarray, "J 4"]]:
    """Returns world places and world rotations of the joints of a skeleton at rest."""
    local = local_rotations_of(skeleton.rest_rotations, skeleton.parents)
    root = skeleton.offsets[0]
    places, turns = forward(local, skeleton.offsets, root, skeleton.parents)
    return np.asarray(places), np.asarray(turns)


def t_pose(
    places: Float[np.ndarray, "J 3"],
    rotations: Float[np.ndarray, "J 4"],
    parents: Sequence[int],
    humanoid: Mapping[str, int],
) -> tuple[Float[np.ndarray, "J 3"], Float[np.ndarray, "J 4"]]:
    """Brings a body from its rest pose into the T-pose.

    Args:
        places: World places of its joints at rest, in metres.
        rotations: World quaternions of its joints at rest.
        parents: Of each joint, -1 where there is none; in any order.
        humanoid: The joint of each bone of VRM; the hips and both arms are among them.

    Returns:
        World places and world quaternions in the T-pose; joints that are no bones go along.
    """
    pose = _Pose(places, rotations, parents)
    pose.turn(pose.top(humanoid["hips"]), _to_upright(pose.places, humanoid))
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        for start, end in _LIMBS:
            joint, child = humanoid.get(side + start), humanoid.get(side + end)
            if joint is not None and child is not None:
                aim = [0.0, -1.0, 0.0] if "Leg" in start else [sign, 0.0, 0.0]
                pose.turn(joint, _to_aim(pose.places[child] - pose.places[joint], aim))
        fingers = [humanoid.get(f"{side}{finger}Proximal") for finger in ("Index", "Little")]
        if None not in fingers:
            across = pose.places[fingers[0]] - pose.places[fingers[1]]
            pose.turn(humanoid[f"{side}LowerArm"], _to_palm_down(across))
    return pose.places, pose.rotations


class _Pose:
    """Places and rotations that are changed joint by joint, with all that hangs on a joint."""

    def __init__(self, places: np.ndarray, rotations: np.ndarray, parents: Sequence[int]) -> None:
        self.places = np.array(places, dtype=np.float64)
        self.rotations = np.array(rotations, dtype=np.float64)
        self._parents = parents

    def top(self, joint: int) -> int:
        """Returns the root above a joint."""
        while self._parents[joint] >= 0:
            joint = self._parents[joint]
        return joint

    def turn(self, joint: int, turn: Rotation) -> None:
        """Turns a joint about its place, in the world's axes."""
        if turn.magnitude() < 1e-9:
            return
        below = np.array([self._is_below(other, joint) for other in range(len(self._parents))])
        pivot = self.places[joint].copy()
        self.places[below] = turn.apply(self.places[below] - pivot) + pivot
        turned = turn * Rotation.from_quat(self.rotations[below])
        self.rotations[below] = turned.as_quat()

    def _is_below(self, joint: int, other: int) -> bool:
        while joint != other and joint >= 0:
            joint = self._parents[joint]
        return joint == other


def _to_upright(places: np.ndarray, humanoid: Mapping[str, int]) -> Rotation:
    """Returns the turn after which the body stands and faces +z."""
    left, right = (places[humanoid[f"{side}UpperArm"]] for side in SIDES)
    up = (left + right) / 2 - places[humanoid["hips"]]
    y = up / max(float(np.linalg.norm(up)), _SHORTEST_METRES)
    x = (left - right) - y * ((left - right) @ y)
    if min(np.linalg.norm(up), np.linalg.norm(x)) < _SHORTEST_METRES:
        return Rotation.identity()
    x /= np.linalg.norm(x)
    exact = Rotation.from_matrix([x, y, np.cross(x, y)])
    # Of the turns by quarters the nearest: a body that leans keeps its lean.
    quarters = Rotation.create_group("O")
    near = (exact * quarters.inv()).magnitude()
    best = quarters[int(near.argmin())]
    return best if near.min() < np.radians(_UPRIGHT_DEGREES) else exact


def _to_aim(bone: Float[np.ndarray, " 3"], aim: Sequence[float]) -> Rotation:
    """Returns the least turn of a bone to a direction, or none when it is nearly there."""
    length = np.linalg.norm(bone)
    if length < _SHORTEST_METRES:
        return Rotation.identity()
    axis, cosine = np.cross(bone / length, aim), float(bone / length @ np.array(aim))
    angle = np.arctan2(np.linalg.norm(axis), cosine)
    if angle < np.radians(_STRAIGHT_DEGREES):
        return Rotation.identity()
    if np.linalg.norm(axis) < 1e-9:  # it points the other way: about whatever is across
        axis = np.array([0.0, 0.0, 1.0])
    return Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle)


def _to_palm_down(across: Float[np.ndarray, " 3"]) -> Rotation:
    """Returns the roll about x that brings the index finger's side of a hand to the front."""
    angle = np.arctan2(across[1], across[2])
    if np.hypot(*across[1:]) < _SHORTEST_METRES or abs(angle) < np.radians(_UPRIGHT_DEGREES):
        return Rotation.identity()
    return Rotation.from_rotvec([angle, 0.0, 0.0])
