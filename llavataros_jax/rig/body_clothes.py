"""What a body wears: a shirt, and where it has legs, trousers and shoes."""

from itertools import pairwise

import numpy as np

from llavataros_jax.rig.body_landmarks import Landmarks
from llavataros_jax.rig.body_part import Part, part
from llavataros_jax.rig.body_shapes import Shape, cone, ellipsoid, stack
from llavataros_jax.rig.humanoid import SIDES

_LEG = ("UpperLeg", "LowerLeg", "Foot")
# Height in trunks above the hips, half width and half depth in metres of a body of 1.75 m.
_TRUNK = (
    (-0.26, 0.150, 0.105),
    (-0.12, 0.170, 0.118),
    (0.04, 0.166, 0.114),
    (0.30, 0.140, 0.100),
    (0.52, 0.148, 0.108),
    (0.74, 0.166, 0.120),
    (0.90, 0.150, 0.106),
    (1.00, 0.112, 0.086),
    (1.08, 0.074, 0.068),
    (1.14, 0.064, 0.062),
)
# The shirt of a body with legs ends above the seat: its first heights are others.
_HEM = (-0.14, -0.06, 0.04)
_CLOTH_STEP, _SHOE_STEP = 0.018, 0.012


def shirt(marks: Landmarks) -> Part:
    """Returns what covers trunk and arms."""
    size, bones = marks.size, marks.bones
    shapes = [_trunk(marks)]
    trunk = (marks.shoulders - bones["hips"]) * (0, 1, 0)
    ends = [bones["hips"] - 0.28 * trunk, marks.shoulders + 0.16 * trunk]
    ends += [bones["hips"] + [0, 0, z * size] for z in (-0.10, 0.10)]
    for side in SIDES:
        arm = [bones[f"{side}{part}"] for part in ("UpperArm", "LowerArm", "Hand")]
        wrist = arm[2] - 0.012 * size * _unit(arm[2] - arm[1])
        joints = [marks.joint(f"{side}{part}") for part in ("UpperArm", "LowerArm")]
        for joint, ends_of, radii in (
            (joints[0], (arm[0], arm[1]), (0.060, 0.046)),
            (joints[1], (arm[1], wrist), (0.046, 0.034)),
        ):
            sleeve = cone(*ends_of, *(size * radius for radius in radii))
            shapes.append(Shape(sleeve, (joint,), limb=side))
        if f"{side}Shoulder" in bones:
            collar = cone(bones[f"{side}Shoulder"], arm[0], 0.050 * size, 0.058 * size)
            shapes.append(Shape(collar, (marks.joint(f"{side}Shoulder"),), limb=side))
        ends += arm
    return part("clothes", shapes, 0.05 * size, np.array(ends), 0.10 * size, _CLOTH_STEP * size)


def trousers(marks: Landmarks) -> Part:
    """Returns what covers seat and legs."""
    size, bones = marks.size, marks.bones
    hips = bones["hips"]
    legs = [[bones[f"{side}{part}"] for part in _LEG] for side in SIDES]
    seat = float(np.mean([leg[0][1] for leg in legs]))
    levels = np.array([seat - 0.10 * size, seat - 0.02 * size, max(seat, hips[1]) + 0.10 * size])
    wide = _hip_width(marks) * np.array([0.80, 0.90, 0.80])
    radii = np.stack((wide, size * np.array([0.085, 0.104, 0.086])), axis=1)
    centres = np.tile(hips[[0, 2]], (3, 1))
    pelvis = stack(levels, centres, radii, 0.05 * size)
    shapes, ends = [Shape(pelvis, (marks.joint("hips"),))], []
    for side, (hip, knee, ankle) in zip(SIDES, legs, strict=True):
        along = _unit(knee - hip)
        thigh = cone(hip + 0.07 * size * along, knee, 0.076 * size, 0.058 * size)
        shin = cone(knee, ankle - 0.01 * size * along, 0.058 * size, 0.044 * size)
        upper, lower = (marks.joint(f"{side}{part}") for part in _LEG[:2])
        shapes += [Shape(thigh, (upper,), limb=side), Shape(shin, (lower,), limb=side)]
        ends += [hip + 0.1 * size, hip, knee, ankle]
    points = np.array(ends)
    return part("trousers", shapes, 0.045 * size, points, 0.14 * size, _CLOTH_STEP * size)


def shoe(marks: Landmarks, side: str) -> Part:
    """Returns the shoe of a side."""
    size, ankle = marks.size, marks.bones[f"{side}Foot"]
    sole = np.array([ankle[0], marks.ground, ankle[2]])
    ball = sole + size * np.array([0.0, 0.030, 0.115])
    shapes = [
        Shape(
            cone(ankle, sole + size * np.array([0, 0.04, -0.02]), 0.040 * size, 0.038 * size), (0,)
        ),
        Shape(cone(sole + size * np.array([0, 0.04, 0]), ball, 0.040 * size, 0.033 * size), (0,)),
    ]
    foot, toes = marks.joint(f"{side}Foot"), marks.joint(f"{side}Toes", f"{side}Foot")
    toe = Shape(
        ellipsoid(ball + size * np.array([0, 0, 0.03]), size * np.array([0.042, 0.03, 0.06])),
        (toes,),
    )
    shapes = [Shape(shape.distance, (foot,)) for shape in shapes] + [toe]
    ends = np.array([ankle, sole, ball])
    return part("shoes", shapes, 0.03 * size, ends, 0.11 * size, _SHOE_STEP * size)


def has_legs(marks: Landmarks) -> bool:
    """Says whether there are two whole legs."""
    return {f"{side}{bone}" for side in SIDES for bone in _LEG} <= marks.bones.keys()


def _trunk(marks: Landmarks) -> Shape:
    heights, wide, deep = np.array(_TRUNK).T
    hips = marks.bones["hips"]
    # Breadth follows the shoulders' joints, whose half distance is 0.129 of the height.
    breadth = abs(marks.bones["leftUpperArm"][0] - marks.bones["rightUpperArm"][0])
    wide = wide * 0.5 * (marks.size + breadth / 0.27)
    if has_legs(marks):
        heights = np.array([*_HEM, *heights[len(_HEM) :]])
        wide[: len(_HEM)] = _hip_width(marks) * np.array([0.96, 1.0, 1.0])
    levels = hips[1] + heights * (marks.shoulders[1] - hips[1])
    line = [hips, marks.shoulders]
    centres = np.stack(
        [np.interp(levels, [p[1] for p in line], [p[a] for p in line]) for a in (0, 2)], axis=1
    )
    centres[:, 1] += 0.012 * marks.size * np.sin(np.clip(heights, 0, 1) * np.pi)
    radii = np.stack((wide, deep * marks.size), axis=1)
    bones = marks.trunk()

    def shares(points: np.ndarray) -> np.ndarray:
        # A joint takes over within a few centimetres about its height.
        width = 0.05 * marks.size
        above = [_step((points[:, 1] - height) / width) for _, height in bones[1:]]
        levels = [np.ones(len(points)), *above, np.zeros(len(points))]
        return np.stack([a - b for a, b in pairwise(levels)], axis=1)

    shape = stack(levels, centres, radii, 0.04 * marks.size)
    return Shape(shape, tuple(joint for joint, _ in bones), lambda p: np.maximum(shares(p), 0.0))


def _hip_width(marks: Landmarks) -> float:
    """Returns half of the breadth of the hips, which legs far apart make broad."""
    legs = [abs(marks.bones[f"{side}UpperLeg"][0]) for side in SIDES]
    return max(0.166 * marks.size, max(legs) + 0.082 * marks.size)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _step(x: np.ndarray) -> np.ndarray:
    """Rises smoothly from 0 at -1 to 1 at 1."""
    share = np.clip((x + 1) / 2, 0.0, 1.0)
    return share * share * (3 - 2 * share)
