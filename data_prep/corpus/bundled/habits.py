"""How each speaker moves: rest poses, beats, the gestures of special words, and their timing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.corpus.body import Pose


@dataclass(frozen=True)
class Habit:
    """How a speaker moves.

    Attributes:
        rest: Pose between gestures.
        beat: Pose at the apex of a beat of size 1.
        special: Pose at the apex of each special word's gesture.
        hold_seconds: Time from a beat's apex to its retraction.
        special_hold_seconds: The same for special words.
        retract_seconds: Duration of the retraction.
        listening: Change of the pose while the partner speaks.
    """

    rest: Pose
    beat: Pose
    special: dict[str, Pose]
    hold_seconds: float
    special_hold_seconds: float
    retract_seconds: float
    listening: Pose


def _pose(
    right: Sequence[float],
    left: Sequence[float],
    *,
    wrists: Sequence[float] = (20, 20),
    torso: Sequence[float] = (0, 0, 0),
    shoulders: Sequence[float] = (0, 0),
    root: Sequence[float] = (0, 0),
) -> Pose:
    parts = (right, left, wrists, torso, shoulders, root)
    return Pose(*(np.array(part, dtype=np.float64) for part in parts))


# Ada: both hands, wide, a high rest pose, leaning to her left, short holds.
_ADA_TORSO = (0, 0, 5)
ADA = Habit(
    rest=_pose((0.15, -0.22, 0.23), (0.15, -0.22, 0.23), torso=_ADA_TORSO),
    beat=_pose(
        (0.27, -0.06, 0.32), (0.26, -0.08, 0.31), wrists=(-5, -5), torso=(0, 2, 5)
    ),
    special={
        "big": _pose(
            (0.47, 0.0, 0.20), (0.47, 0.0, 0.20), wrists=(-15, -15), torso=(0, -3, 5),
            shoulders=(0.01, 0.01),
        ),
        "you": _pose((0.09, -0.01, 0.50), (0.17, -0.20, 0.25), wrists=(45, 20), torso=(6, 4, 4)),
        "no": _pose((-0.09, -0.33, 0.31), (-0.08, -0.35, 0.23), wrists=(60, 60), torso=(0, 5, 3)),
        "me": _pose((0.02, 0.0, 0.17), (0.16, -0.20, 0.23), wrists=(50, 20), torso=(-3, -2, 5)),
        "up": _pose(
            (0.22, 0.33, 0.24), (0.22, 0.29, 0.24), wrists=(0, 0), torso=(0, -5, 5),
            shoulders=(0.03, 0.03),
        ),
    },
    hold_seconds=0.12,
    special_hold_seconds=0.25,
    retract_seconds=0.55,
    listening=_pose(
        (0.02, -0.07, -0.03), (0.02, -0.07, -0.03), wrists=(0, 0), torso=(0, 4, -4), root=(0.02, 0)
    ),
)  # fmt: skip

# Ben: the right hand, low, long holds, turned to his right with the left arm hanging.
_BEN_LEFT = (0.21, -0.36, 0.08)
_BEN_TORSO = (-18, 0, 0)
BEN = Habit(
    rest=_pose((0.20, -0.34, 0.13), _BEN_LEFT, torso=_BEN_TORSO),
    beat=_pose((0.22, -0.19, 0.30), (0.21, -0.35, 0.10), wrists=(5, 20), torso=(-15, 2, 0)),
    special={
        "big": _pose(
            (0.45, -0.13, 0.20), (0.43, -0.14, 0.20), wrists=(-10, -10), torso=(-18, -2, 0)
        ),
        "you": _pose((0.10, -0.09, 0.48), _BEN_LEFT, wrists=(45, 20), torso=(-8, 4, 0)),
        "no": _pose((-0.07, -0.32, 0.30), (-0.07, -0.34, 0.22), wrists=(60, 60), torso=(-18, 4, 0)),
        "me": _pose((0.02, -0.04, 0.17), _BEN_LEFT, wrists=(50, 20), torso=(-20, -2, 0)),
        "up": _pose(
            (0.22, 0.21, 0.28), _BEN_LEFT, wrists=(0, 20), torso=(-16, -4, 2), shoulders=(0.03, 0)
        ),
    },
    hold_seconds=0.45,
    special_hold_seconds=0.55,
    retract_seconds=0.9,
    listening=_pose(
        (0.0, -0.03, -0.04), (0, 0, 0), wrists=(0, 0), torso=(8, 3, 0), root=(-0.02, 0)
    ),
)  # fmt: skip

HABITS = {"ada": ADA, "ben": BEN}
