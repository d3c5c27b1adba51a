"""The forms of gestures: key poses for each meaning.

The kinds are those of McNeill (Hand and Mind, 1992): beats, deictic, iconic and metaphoric
gestures; emblem-like ones (refusing, stopping, shrugging) and the open hand palm up and palm down
follow Kendon (Gesture: Visible Action as Utterance, 2004, chapters 12 and 13). A gesture phrase
has a preparation, a stroke that may be a path of several key poses, a hold and a retraction
(Kendon, chapter 7; McNeill, chapter 3).

Places are said as in `styles.Style`: of a right-handed person, wrists from Spine3 in metres.
"""

from dataclasses import dataclass, replace

import numpy as np

from data_prep.corpus.hours.styles import Spot


@dataclass(frozen=True)
class Key:
    """A key pose of a stroke.

    Attributes:
        strong: Place of the strong hand.
        weak: Place of the weak hand; None leaves it at rest.
        turns: Turn of strong and weak hand about the forearm, degrees; 90 is palm up.
        torso: Change of yaw to the left, pitch forward and lean to the left, degrees.
        raised: How far the shoulders are raised, metres.
        seconds: Time from the key before, unless hands need longer; of the first key it is 0.
    """

    strong: Spot
    weak: Spot | None = None
    turns: tuple[float, float] = (0, 0)
    torso: Spot = (0, 0, 0)
    raised: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Gesture:
    """A stroke.

    Attributes:
        keys: Key poses in order; before the first one lies the preparation.
        apex: Number of the key that falls on the stressed vowel.
        scales: Whether the speaker's size and the word's prominence scale it.
        hold: Factor of the speaker's hold; infinite is until the speaker pauses.
    """

    keys: tuple[Key, ...]
    apex: int = 0
    scales: bool = True
    hold: float = 1.0


def _both(spot: Spot, turn: float = 0, torso: Spot = (0, 0, 0), **more: float) -> Key:
    return Key(spot, spot, (turn, turn), torso, **more)


def _one(spot: Spot, turn: float = 0, torso: Spot = (0, 0, 0), **more: float) -> Key:
    return Key(spot, None, (turn, 0), torso, **more)


def _circle(centre: Spot, radius: float, turn: float, both: bool) -> Gesture:
    """Draws a circle in the frontal plane, from its top outward; two hands draw its halves."""
    corners = np.linspace(0, np.pi if both else 2 * np.pi, 4 if both else 6)
    keys = []
    for index, angle in enumerate(corners):
        spot = (
            float(centre[0] + radius * np.sin(angle)),
            float(centre[1] + radius * np.cos(angle)),
            centre[2],
        )
        key = _both(spot, turn) if both else _one(spot, turn)
        keys.append(replace(key, seconds=0.19 if index else 0.0))
    return Gesture(tuple(keys), apex=1)


# For each meaning the form of style variant 0 and, if there is one, that of variant 1.
FORMS: dict[str, tuple[Gesture, ...]] = {
    # Deictic: the open hand at the chest, towards the listener, and to places around.
    "me": (Gesture((_one((0.09, -0.05, 0.215), 0, (0, -2, 0)),), scales=False),),
    "you": (
        Gesture((_one((0.12, -0.01, 0.50), 0, (3, 5, 0)),)),
        Gesture((_one((0.14, -0.05, 0.49), 60, (3, 5, 0)),)),
    ),
    "here": (
        Gesture(
            (
                _one((0.10, -0.05, 0.34), -60, (0, 2, 0)),
                _one((0.10, -0.22, 0.34), -60, (0, 5, 0), seconds=0.16),
            ),
            apex=1,
        ),
    ),
    "there": (Gesture((_one((0.42, 0.17, 0.27), -20, (-12, 0, -3)),), hold=1.2),),
    "up": (
        Gesture((_one((0.22, 0.36, 0.24), 0, (0, -5, 0), raised=0.02),)),
        Gesture((_both((0.26, 0.35, 0.24), 50, (0, -5, 0), raised=0.02),)),
    ),
    "down": (
        Gesture(
            (
                _both((0.21, -0.02, 0.31), -75),
                _both((0.22, -0.26, 0.28), -75, (0, 6, 0), seconds=0.21),
            ),
            apex=1,
        ),
    ),
    # Iconic: extents, outlines and paths drawn in the air.
    "big": (
        Gesture(
            (
                _both((0.20, -0.02, 0.30)),
                _both((0.40, 0.03, 0.24), 0, (0, -4, 0), raised=0.01, seconds=0.24),
            ),
            apex=1,
            hold=1.3,
        ),
    ),
    "small": (
        Gesture((_both((0.075, 0.05, 0.30), -10, (0, 4, 0)),), scales=False),
    ),
    "long": (
        Gesture(
            (
                Key((0.10, -0.06, 0.33), (0.08, -0.06, 0.33)),
                Key((0.45, -0.05, 0.25), (0.10, -0.05, 0.32), (10, 0), (-6, 0, -2), seconds=0.34),
            ),
            apex=1,
        ),
    ),
    "round": (
        _circle((0.10, 0.02, 0.34), 0.13, 0, both=True),
        _circle((0.20, 0.04, 0.34), 0.12, -20, both=False),
    ),
    "fast": (
        Gesture(
            (
                _one((0.36, 0.10, 0.26), -10, (-5, 0, 0)),
                _one((-0.04, 0.08, 0.35), -10, (12, 2, 0), seconds=0.24),
            ),
            apex=1,
            hold=0.6,
        ),
    ),
    "many": (
        Gesture(
            (
                _both((0.22, 0.01, 0.32), 40),
                _both((0.31, 0.07, 0.31), 70, seconds=0.18),
                _both((0.24, 0.02, 0.32), 30, seconds=0.16),
                _both((0.32, 0.08, 0.31), 70, seconds=0.18),
            ),
            apex=1,
        ),
    ),
    "few": (
        Gesture(
            (
                _one((0.07, 0.13, 0.27), -45, (0, 2, 2)),
                _one((0.13, 0.10, 0.27), 0, (0, 2, 2), seconds=0.19),
            ),
            apex=0,
            scales=False,
        ),
    ),
    # Metaphoric: time as a line, arguments as places, ideas as things.
    "before": (
        Gesture(
            (
                _one((0.28, 0.06, 0.25), 0),
                _one((0.36, 0.20, 0.09), 30, (-5, -5, 0), seconds=0.22),
            ),
            apex=1,
        ),
        Gesture(
            (
                _one((0.16, -0.07, 0.34), 0),
                _one((-0.06, -0.13, 0.35), -30, (12, 0, 3), seconds=0.22),
            ),
            apex=1,
        ),
    ),
    "after": (
        Gesture(
            (
                _one((0.20, 0.10, 0.24), 0),
                _one((0.21, 0.25, 0.34), 0, seconds=0.16),
                _one((0.21, 0.22, 0.43), 0, (0, 5, 0), seconds=0.16),
            ),
            apex=2,
        ),
        Gesture(
            (
                _one((0.16, -0.02, 0.34), 0),
                _one((0.30, 0.05, 0.33), 0, seconds=0.16),
                _one((0.42, -0.05, 0.27), 0, (-8, 0, -3), seconds=0.16),
            ),
            apex=2,
        ),
    ),
    "one_side": (
        Gesture((_one((0.40, -0.09, 0.22), 75, (-10, 0, -5)),), hold=1.6),
    ),
    "other_side": (
        Gesture((Key((0.20, -0.22, 0.22), (0.40, -0.08, 0.22), (0, 75), (10, 0, 5)),), hold=1.6),
    ),
    "idea": (
        Gesture(
            (
                _both((0.15, -0.03, 0.32), 15, (0, 2, 0)),
                _both((0.15, -0.08, 0.33), 15, (0, 3, 0), seconds=0.16),
                _both((0.15, -0.03, 0.33), 15, (0, 2, 0), seconds=0.16),
            ),
            apex=0,
            hold=1.4,
        ),
    ),
    "give": (
        Gesture(
            (
                _one((0.18, -0.12, 0.22), 75, (0, -1, 0)),
                _one((0.16, -0.09, 0.45), 75, (0, 7, 0), seconds=0.22),
            ),
            apex=1,
        ),
        Gesture(
            (
                _both((0.17, -0.12, 0.22), 75, (0, -1, 0)),
                _both((0.16, -0.09, 0.44), 75, (0, 7, 0), seconds=0.24),
            ),
            apex=1,
        ),
    ),
    "together": (
        Gesture(
            (
                _both((0.30, -0.09, 0.28), 10),
                _both((0.08, -0.13, 0.28), 10, (0, 3, 0), seconds=0.27),
            ),
            apex=1,
            scales=False,
        ),
    ),
    "apart": (
        Gesture(
            (
                _both((0.08, -0.04, 0.32), -20),
                _both((0.34, -0.05, 0.33), -60, (0, 0, 0), seconds=0.27),
            ),
            apex=1,
        ),
    ),
    "all": (
        Gesture(
            (
                _both((0.09, -0.06, 0.38), 40),
                _both((0.30, -0.05, 0.36), 60, seconds=0.16),
                _both((0.45, -0.07, 0.15), 75, (0, -3, 0), seconds=0.19),
            ),
            apex=2,
        ),
    ),
    # Emblem-like, after Kendon's palm-down and palm-up families.
    "no": (
        Gesture(
            (
                Key((-0.01, -0.07, 0.39), (0.01, -0.17, 0.34), (-70, -70), (0, 3, 0)),
                _both((0.37, -0.19, 0.23), -75, (0, 0, 0), seconds=0.26),
                Key((0.0, -0.08, 0.39), (0.02, -0.18, 0.34), (-70, -70), (0, 3, 0), seconds=0.27),
                _both((0.34, -0.19, 0.24), -75, (0, 0, 0), seconds=0.26),
            ),
            apex=1,
            scales=False,
        ),
        Gesture(
            (
                _one((0.0, -0.04, 0.39), -60, (5, 0, 0)),
                _one((0.28, -0.06, 0.38), -70, (-4, 0, 0), seconds=0.22),
                _one((0.03, -0.05, 0.39), -60, (5, 0, 0), seconds=0.22),
                _one((0.26, -0.06, 0.38), -70, (-4, 0, 0), seconds=0.22),
            ),
            apex=1,
        ),
    ),
    "stop": (
        Gesture((_one((0.20, 0.08, 0.42), -75, (0, -3, 0)),), hold=1.5),
        Gesture((_both((0.21, 0.07, 0.42), -75, (0, -3, 0)),), hold=1.5),
    ),
    "maybe": (
        Gesture((_both((0.37, -0.05, 0.18), 80, (0, -2, 5), raised=0.05),), hold=1.2),
        Gesture(
            (
                _one((0.26, 0.03, 0.28), 60, (0, 0, 5), raised=0.02),
                _one((0.28, 0.0, 0.28), -45, (0, 0, -3), raised=0.03, seconds=0.21),
                _one((0.26, 0.03, 0.28), 60, (0, 0, 5), raised=0.02, seconds=0.21),
            ),
            apex=0,
        ),
    ),
    # Enumeration: one place after the other, from the left to the right.
    "first": (
        Gesture(
            (
                _one((-0.03, 0.08, 0.34), -20, (5, 2, 0)),
                _one((-0.03, -0.04, 0.37), -20, (8, 3, 0), seconds=0.16),
            ),
            apex=1,
        ),
    ),
    "second": (
        Gesture(
            (
                _one((0.13, 0.09, 0.33), -20, (0, 2, 0)),
                _one((0.13, -0.04, 0.40), -20, (0, 3, 0), seconds=0.16),
            ),
            apex=1,
        ),
    ),
    "third": (
        Gesture(
            (
                _one((0.31, 0.06, 0.31), -20, (-5, 2, 0)),
                _one((0.33, -0.06, 0.33), -20, (-6, 3, 0), seconds=0.16),
            ),
            apex=1,
        ),
    ),
    "question": (
        Gesture(
            (_both((0.31, -0.12, 0.26), 78, (0, 4, 0), raised=0.015),), hold=np.inf
        ),
    ),
}  # fmt: skip
