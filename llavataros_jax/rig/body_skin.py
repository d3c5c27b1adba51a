"""Head and hands of a body: what gestures are read by."""

import numpy as np

from llavataros_jax.rig.body_landmarks import Landmarks
from llavataros_jax.rig.body_part import Part, part
from llavataros_jax.rig.body_shapes import Shape, cone, ellipsoid

_FACE_STEP, _HAIR_STEP, _EYE_STEP, _HAND_STEP = 0.011, 0.009, 0.003, 0.0065


def head(marks: Landmarks) -> Part:
    """Returns the bare head, with the neck."""
    chin, tall = marks.chin, marks.head_height
    skull, neck = marks.joint("head", "neck"), marks.joint("neck")

    def at(x: float, y: float, z: float) -> np.ndarray:
        return chin + tall * np.array([x, y, z])

    throat = marks.shoulders + np.array([0.0, 0.01 * marks.size, -0.005])
    pieces = [
        ellipsoid(at(0, 0.60, -0.02), tall * np.array([0.335, 0.40, 0.415])),
        ellipsoid(at(0, 0.26, 0.10), tall * np.array([0.225, 0.26, 0.27])),
        cone(at(0, 0.46, 0.36), at(0, 0.36, 0.395), 0.022 * tall, 0.042 * tall),
        ellipsoid(at(0.335, 0.45, -0.04), tall * np.array([0.032, 0.12, 0.07])),
        ellipsoid(at(-0.335, 0.45, -0.04), tall * np.array([0.032, 0.12, 0.07])),
    ]
    shapes = [Shape(piece, (skull,), limb=str(number)) for number, piece in enumerate(pieces)]
    column = cone(throat, at(0, 0.30, -0.08), 0.052 * marks.size, 0.049 * marks.size)
    shapes.append(Shape(column, (neck,), limb="neck"))
    ends = np.array([throat, at(0.3, 0.0, 0.4), at(-0.3, 1.0, -0.4)])
    return part("skin", shapes, 0.10 * tall, ends, 0.09 * marks.size, _FACE_STEP * marks.size)


def hair(marks: Landmarks) -> Part:
    """Returns a cap of hair."""
    chin, tall = marks.chin, marks.head_height
    middle = chin + tall * np.array([0, 0.61, -0.035])
    cap = Shape(
        ellipsoid(middle, tall * np.array([0.372, 0.430, 0.452])), (marks.joint("head", "neck"),)
    )
    face = ellipsoid(chin + tall * np.array([0, 0.26, 0.33]), tall * np.array([0.44, 0.54, 0.50]))
    ends = np.array([middle - 0.45 * tall, middle + 0.45 * tall])
    return part("hair", [cap], 0.06 * tall, ends, 0.02, _HAIR_STEP * marks.size, without=face)


def eye(marks: Landmarks, side: str) -> Part:
    """Returns the eye of a side."""
    sign, tall = (1.0 if side == "left" else -1.0), marks.head_height
    middle = marks.chin + tall * np.array([sign * 0.13, 0.49, 0.330])
    ball = Shape(
        ellipsoid(middle, tall * np.array([0.036, 0.042, 0.03])), (marks.joint("head", "neck"),)
    )
    return part("eyes", [ball], 0.001, middle[None], 0.07 * tall, _EYE_STEP * marks.size)


def hand(marks: Landmarks, side: str) -> Part:
    """Returns the hand of a side, with its fingers."""
    size, joint = marks.size, marks.joint(f"{side}Hand")
    wrist = marks.hand(side, (-0.03, 0.0, 0.0))
    shapes = [
        Shape(cone(wrist, marks.hand(side, (0.03, 0, 0)), 0.025 * size, 0.022 * size), (joint,)),
        Shape(
            ellipsoid(
                marks.hand(side, (0.055, -0.002, 0.0)), size * np.array([0.052, 0.017, 0.043])
            ),
            (joint,),
        ),
    ]
    ends = [wrist]
    for number, (finger, (start, end)) in enumerate(marks.fingers(side)):
        piece = cone(start, end, 0.0098 * size, 0.0082 * size)
        shapes.append(Shape(piece, (finger,), limb=str(number)))
        ends += [start, end]
    return part("skin", shapes, 0.011 * size, np.array(ends), 0.05 * size, _HAND_STEP * size)
