"""What a human body cannot do: joints beyond their ranges, and limbs through the trunk.

Ranges are the normal ones of the American Academy of Orthopaedic Surgeons (Joint Motion: Method of
Measuring and Recording, 1965; Greene and Heckman, The Clinical Measurement of Joint Motion, 1994).
The trunk is the surface of an ellipse about the spine, as wide as the skeleton's own shoulders
leave it; forearms and hands are as thick as a slim person's.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion

_HIPS, _SPINE2, _SPINE3 = 0, 1, 2
_ARMS = {"right": (3, 4, 5, -1.0), "left": (6, 7, 8, 1.0)}
# Degrees.
ELBOW_FLEXION = (0.0, 150.0)
SHOULDER_EXTENSION = 60.0
FOREARM_TURN = 90.0
TRUNK_TURN, TRUNK_LEAN, TRUNK_FORWARD, TRUNK_BACK = 45.0, 35.0, 80.0, 25.0
SHOULDER_RAISE_METRES = 0.08
# Half width and half depth of the trunk at hips, waist, ribs and collar, and how far the middle
# lies before the joint, metres; the surface between them is linear in height.
_TRUNK_LEVELS = np.array([0.0, 0.18, 0.36, 0.50])
_TRUNK_HALF = np.array([[0.15, 0.105], [0.125, 0.095], [0.145, 0.105], [0.11, 0.085]])
_FOREARM_METRES, _HAND_METRES = 0.025, 0.018
_PALM_METRES = 0.08
_HANDS_APART_METRES = 0.04
_DEEPEST_METRES = 0.0


def violations(motion: Motion) -> list[str]:
    """Lists what a human body could not do in a motion of `AVATAROS_9`; empty when nothing."""
    return [
        f"frame {int(frame)} ({frame / motion.fps:.2f} s): {what} {worst:.4g}"
        for what, frame, worst in _worst(motion)
    ]


def _worst(motion: Motion) -> Iterator[tuple[str, int, float]]:
    checks = {**_trunk_angles(motion), **_arm_angles(motion), **_distances(motion)}
    for what, (values, low, high) in checks.items():
        excess = np.maximum(low - values, values - high)
        frame = int(np.argmax(excess))
        if excess[frame] > 0:
            yield f"{what} beyond [{low:g}, {high:g}]:", frame, float(values[frame])


_Check = tuple[Float[np.ndarray, " T"], float, float]


def _trunk_angles(motion: Motion) -> dict[str, _Check]:
    chest = Rotation.from_quat(motion.quaternions[:, _SPINE3])
    hips = Rotation.from_quat(motion.quaternions[:, _HIPS])
    yaw, lean, pitch = (hips.inv() * chest).as_euler("YZX", degrees=True).T
    return {
        "trunk turned by degrees": (yaw, -TRUNK_TURN, TRUNK_TURN),
        "trunk leaning by degrees": (lean, -TRUNK_LEAN, TRUNK_LEAN),
        "trunk bent forward by degrees": (pitch, -TRUNK_BACK, TRUNK_FORWARD),
    }


def _arm_angles(motion: Motion) -> dict[str, _Check]:
    local = motion.local_rotations()
    offsets = motion.local_offsets()
    checks: dict[str, _Check] = {}
    for side, (shoulder, elbow, hand, sign) in _ARMS.items():
        along = local[:, elbow, :, 1]
        flexion = np.degrees(np.arccos(np.clip(along[:, 1], -1, 1)))
        # The upper arm in the chest's frame: outward, up, forward.
        out, up, ahead = (local[:, shoulder, :, 1] * [sign, 1, 1]).T
        back = np.degrees(np.arctan2(-ahead, np.hypot(up, np.maximum(out, 0))))
        across = np.degrees(np.arctan2(-out, np.maximum(ahead, 1e-9)))
        turn = Rotation.from_matrix(local[:, hand]).as_rotvec(degrees=True)[:, 1]
        rise = offsets[:, shoulder, 1] - motion.skeleton.offsets[shoulder, 1]
        checks |= {
            f"{side} elbow bent by degrees": (flexion, *ELBOW_FLEXION),
            f"{side} upper arm back by degrees": (back, -180.0, SHOULDER_EXTENSION),
            f"{side} upper arm across by degrees": (across, -180.0, 45.0),
            f"{side} forearm turned by degrees": (turn, -FOREARM_TURN, FOREARM_TURN),
            f"{side} shoulder raised by metres": (rise, -0.03, SHOULDER_RAISE_METRES),
        }
    return checks


def _distances(motion: Motion) -> dict[str, _Check]:
    checks: dict[str, _Check] = {}
    palms = []
    for side, (_, elbow, hand, _) in _ARMS.items():
        wrist = motion.positions[:, hand]
        axis = Rotation.from_quat(motion.quaternions[:, hand]).apply([0.0, 1.0, 0.0])
        upper = motion.positions[:, elbow]
        limb = [upper + share * (wrist - upper) for share in (0.35, 0.6, 0.85, 1.0)]
        palm = [wrist + share * _PALM_METRES * axis for share in (0.5, 1.0)]
        depths = [_outside(motion, point) - _FOREARM_METRES for point in limb]
        depths += [_outside(motion, point) - _HAND_METRES for point in palm]
        checks[f"{side} forearm or hand from the trunk by metres"] = (
            np.min(depths, axis=0),
            _DEEPEST_METRES,
            np.inf,
        )
        palms.append((wrist, wrist + _PALM_METRES * axis))
    checks["hands from each other by metres"] = (
        _segment_distance(*palms[0], *palms[1]),
        _HANDS_APART_METRES,
        np.inf,
    )
    return checks


def _outside(motion: Motion, points: Float[np.ndarray, "T 3"]) -> Float[np.ndarray, " T"]:
    """Returns about how far points lie outside the trunk, in metres; negative is inside."""
    joints = [motion.positions[:, j] for j in (_HIPS, _SPINE2, _SPINE3)]
    turns = [Rotation.from_quat(motion.quaternions[:, j]) for j in (_HIPS, _SPINE2, _SPINE3)]
    collar = joints[2] + turns[2].apply([0.0, 0.11, 0.0])
    nodes = np.stack([*joints, collar], axis=1)
    # Height along the bent spine, by the nearest place of its four nodes' polyline.
    best = np.full(len(points), np.inf)
    outside = np.full(len(points), np.inf)
    heights = np.cumsum(
        np.concatenate(
            ([0.0], np.linalg.norm(np.diff(nodes.mean(axis=0), axis=0), axis=-1)),
        )
    )
    for index in range(3):
        first, second = nodes[:, index], nodes[:, index + 1]
        bone = second - first
        share = np.sum((points - first) * bone, axis=1) / np.sum(bone**2, axis=1)
        share = np.clip(share, 0, 1)
        away = points - first - share[:, None] * bone
        local = turns[min(index + 1, 2)].inv().apply(away)
        height = heights[index] + share * (heights[index + 1] - heights[index])
        half = np.stack(
            [np.interp(height, _TRUNK_LEVELS, _TRUNK_HALF[:, k]) for k in range(2)], axis=1
        )
        flat = local[:, [0, 2]]
        scaled = np.linalg.norm(flat / half, axis=1)
        distance = np.linalg.norm(flat, axis=1) * (1 - 1 / np.maximum(scaled, 1e-6))
        distance = np.where(np.abs(local[:, 1]) > 0.02, np.hypot(distance, local[:, 1]), distance)
        length = np.linalg.norm(away, axis=1)
        nearer = length < best
        best = np.where(nearer, length, best)
        outside = np.where(nearer, distance, outside)
    return outside


def _segment_distance(
    first_start: Float[np.ndarray, "T 3"],
    first_end: Float[np.ndarray, "T 3"],
    second_start: Float[np.ndarray, "T 3"],
    second_end: Float[np.ndarray, "T 3"],
) -> Float[np.ndarray, " T"]:
    """Returns the least distance between two segments, from nine places on each."""
    shares = np.linspace(0, 1, 9)[:, None, None]
    one = first_start + shares * (first_end - first_start)
    two = second_start + shares * (second_end - second_start)
    return np.linalg.norm(one[:, None] - two[None], axis=-1).min(axis=(0, 1))
