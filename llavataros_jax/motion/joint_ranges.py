"""How far the joints of people turn: the table of normal ranges of motion, in degrees.

Ranges are those of the American Academy of Orthopaedic Surgeons (Joint Motion: Method of Measuring
and Recording, 1965; Greene and Heckman, The Clinical Measurement of Joint Motion, 1994), measured
from the anatomical position: upright, arms and legs hanging straight. What these leave out is from
Kapandji (The Physiology of the Joints, 6th ed., 2007): adduction of the shoulder, the collar bone,
and the turning of a bent knee.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hanging:
    """A limb's first bone, which hangs down: the shoulder and the hip.

    Attributes:
        forward: Flexion.
        backward: Extension.
        outward: Abduction.
        inward: Adduction.
        turn: Rotation about the bone to either side, from the resting pose: where a skeleton's own
            neutral turn lies is not known.
    """

    forward: float
    backward: float
    outward: float
    inward: float
    turn: float


@dataclass(frozen=True)
class Upright:
    """A joint of the trunk or the neck; a chain of several shares the range.

    Attributes:
        forward: Flexion.
        backward: Extension.
        aside: Lateral bending to either side.
        turn: Rotation to either side.
    """

    forward: float
    backward: float
    aside: float
    turn: float


@dataclass(frozen=True)
class Hinge:
    """A joint that bends one way: the elbow and the knee.

    Attributes:
        bend: Flexion from straight.
        aside: What a hinge gives to either side, from the resting pose.
        turn: Rotation about the bone to either side, from the resting pose.
    """

    bend: float
    aside: float
    turn: float


@dataclass(frozen=True)
class Ball:
    """A joint of which the side that it bends to is not known: the same range to every side.

    Attributes:
        bend: Between the resting pose and any other direction of the bone.
        turn: Rotation about the bone to either side, from the resting pose.
    """

    bend: float
    turn: float


TRUNK = Upright(forward=80, backward=25, aside=35, turn=45)
NECK = Upright(forward=45, backward=45, aside=45, turn=60)
# By the roles of `llavataros_jax.motion.joints`. Rotation of the shoulder is 70 inward and 90
# outward, of the hip 45 both ways; the palm's side is not known, so that the wrist has its wider
# range, flexion and extension, to all sides. Forearm bones turn by 80 either way, which skeletons
# put into the elbow, the wrist or both.
RANGES = {
    "clavicle": Ball(bend=30, turn=30),
    "upperarm": Hanging(forward=180, backward=60, outward=180, inward=45, turn=80),
    "forearm": Hinge(bend=150, aside=15, turn=80),
    "hand": Ball(bend=75, turn=80),
    "finger": Ball(bend=90, turn=20),
    "thigh": Hanging(forward=120, backward=30, outward=45, inward=30, turn=45),
    "shin": Hinge(bend=135, aside=10, turn=35),
    "foot": Ball(bend=50, turn=35),
    "toe": Ball(bend=50, turn=20),
}
