"""From what the hands and the torso should do to the nine joints' frames.

Joint frames follow the recordings of AvatarOS: limbs lie along +y of their parent's frame, elbows
bend about its x, and the torso's three joints rest at pitches of about -12, 4 and 9 degrees.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9

_HIPS, _SPINE2, _SPINE3 = 0, 1, 2
_ARMS = {"right": (3, 4, 5, -1.0), "left": (6, 7, 8, 1.0)}

# Pitch of each torso joint in its parent's frame when standing at ease, in degrees.
_EASE_PITCH = (-11.8, 16.2, 4.3)
# Where elbows point, when they can: outward, down and back.
_ELBOW = np.array([0.4, -0.6, -0.7])
_LONGEST_REACH = 0.985
_Y_AXIS = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Pose:
    """What a gesture asks of the body; arrays hold one row for each frame.

    Attributes:
        right_hand: Wrist relative to Spine3 in metres: outward (to the right), up, forward.
        left_hand: The same with outward to the left.
        wrists: Turn of the hands about the forearm, right and left, degrees.
        torso: Yaw to the left, pitch forward and lean to the left, degrees.
        shoulders: How far each shoulder is raised, right and left, metres.
        root: Shift of the hips to the left and forward, metres.
    """

    right_hand: Float[np.ndarray, "*T 3"]
    left_hand: Float[np.ndarray, "*T 3"]
    wrists: Float[np.ndarray, "*T 2"]
    torso: Float[np.ndarray, "*T 3"]
    shoulders: Float[np.ndarray, "*T 2"]
    root: Float[np.ndarray, "*T 2"]

    def flatten(self) -> Float[np.ndarray, "*T 15"]:
        """Returns all values in one vector, for interpolation."""
        return np.concatenate([getattr(self, field.name) for field in fields(self)], axis=-1)

    @classmethod
    def unflatten(cls, vector: Float[np.ndarray, "*T 15"]) -> "Pose":
        """Rebuilds what `flatten` made."""
        return cls(*np.split(vector, np.cumsum([3, 3, 2, 3, 2]), axis=-1))


def embody(pose: Pose, breath_metres: Float[np.ndarray, " T"], fps: float) -> Motion:
    """Solves the skeleton for every frame of `pose`.

    Args:
        pose: Wanted hands and torso; hands beyond reach stop at it.
        breath_metres: How far the chest is lifted.
        fps: Frames per second.

    Returns:
        Motion whose limb bones are rigid, because positions come from forward kinematics.
    """
    frames = len(breath_metres)
    offsets = np.tile(AVATAROS_9.offsets, (frames, 1, 1))
    offsets[:, _SPINE2, 2] += 0.5 * breath_metres
    rotations = np.empty((frames, AVATAROS_9.num_joints, 3, 3))
    yaw, pitch, lean = np.moveaxis(pose.torso, -1, 0)
    shares = ((0.25, 0.1, 0.2), (0.45, 0.5, 0.5), (0.3, 0.4, 0.3))
    for joint, ease, share in zip((_HIPS, _SPINE2, _SPINE3), _EASE_PITCH, shares, strict=True):
        # Intrinsic turns about y, z and x; leaning to the left (x+) is a negative turn about z.
        angles = np.stack((yaw * share[0], -lean * share[1], ease + pitch * share[2]), axis=-1)
        rotations[:, joint] = Rotation.from_euler("YZX", angles, degrees=True).as_matrix()
    for index, (side, (shoulder, elbow, hand, sign)) in enumerate(_ARMS.items()):
        wanted = pose.right_hand if side == "right" else pose.left_hand
        outward = np.array([sign, 1.0, 1.0])
        offsets[:, shoulder, 1] += pose.shoulders[:, index] + breath_metres
        upper, lower = _reach(
            wanted * outward - offsets[:, shoulder],
            _ELBOW * outward,
            float(np.linalg.norm(AVATAROS_9.offsets[elbow])),
            float(np.linalg.norm(AVATAROS_9.offsets[hand])),
        )
        turn = Rotation.from_rotvec(-sign * pose.wrists[:, index, None] * _Y_AXIS, degrees=True)
        rotations[:, shoulder] = upper
        rotations[:, elbow] = upper.swapaxes(-1, -2) @ lower
        rotations[:, hand] = turn.as_matrix()
    root = AVATAROS_9.offsets[_HIPS] + np.stack(
        (pose.root[:, 0], np.zeros(frames), pose.root[:, 1]), axis=-1
    )
    return motion_from_local(rotations, offsets, root, fps=fps, skeleton=AVATAROS_9)


def _reach(
    hand: Float[np.ndarray, "T 3"],
    elbow_direction: Float[np.ndarray, " 3"],
    upper_metres: float,
    lower_metres: float,
) -> tuple[Float[np.ndarray, "T 3 3"], Float[np.ndarray, "T 3 3"]]:
    """Solves a two-bone arm in closed form by the law of cosines.

    Returns the frames of upper arm and forearm in the chest's frame: y along the bone, x the hinge
    of the elbow.
    """
    distance = np.linalg.norm(hand, axis=-1, keepdims=True)
    ahead = hand / distance
    distance = np.minimum(distance, _LONGEST_REACH * (upper_metres + lower_metres))
    along = (upper_metres**2 - lower_metres**2 + distance**2) / (2 * distance)
    bulge = np.sqrt(np.maximum(upper_metres**2 - along**2, 0.0))
    aside = elbow_direction - ahead * np.sum(elbow_direction * ahead, axis=-1, keepdims=True)
    aside /= np.linalg.norm(aside, axis=-1, keepdims=True)
    elbow = along * ahead + bulge * aside
    upper = elbow / upper_metres
    lower = (distance * ahead - elbow) / lower_metres
    hinge = np.cross(upper, lower)
    hinge /= np.linalg.norm(hinge, axis=-1, keepdims=True)

    def frame(bone: np.ndarray) -> np.ndarray:
        return np.stack((hinge, bone, np.cross(hinge, bone)), axis=-1)

    return frame(upper), frame(lower)
