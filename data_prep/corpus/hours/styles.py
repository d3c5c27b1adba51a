"""How each of the twelve speakers moves."""

from dataclasses import dataclass, replace
from typing import Literal

Spot = tuple[float, float, float]


@dataclass(frozen=True)
class Style:
    """How a person moves; everything is said of a right-handed person and mirrored for others.

    Places are those of a wrist from Spine3 in metres: outward, up, forward. `strong` is the hand
    that a person gestures with when one is enough, `weak` the other.

    Attributes:
        handed: The strong hand.
        size: Size of gestures.
        tempo: Speed of movements; 1 is usual.
        both: Whether beats and gestures that allow it take two hands.
        rest: Places of strong and weak hand in silence.
        rest_turns: Turn of both hands at rest, degrees; positive turns the palm up.
        beat: Places of strong and weak hand at the apex of a beat of size 1.
        beat_turns: Turn of both hands there.
        ready: How far the hands stay up between strokes, as a share of the way to the beat.
        threshold: How prominent a word must be to get a beat; see `plan.prominence`.
        refractory_seconds: Least time from a stroke's apex to the next beat's preparation.
        hold_seconds: How long a meaning's stroke is held; beats are held for half of it.
        posture: Yaw to the left, pitch forward and lean to the left while speaking, degrees.
        sway_degrees: How far the trunk turns to and fro in a sentence.
        sway_seconds: Period of that.
        listening: Change of the posture while the partner speaks, degrees.
        nod_degrees: Size of a nod.
        touch_seconds: How long a silence lasts before the hands find each other; None is never.
        touch: Places of the hands then.
        variant: Which of the forms of a meaning's gesture this person uses.
    """

    handed: Literal["right", "left"]
    size: float
    tempo: float
    both: bool
    rest: tuple[Spot, Spot]
    rest_turns: tuple[float, float]
    beat: tuple[Spot, Spot]
    beat_turns: tuple[float, float]
    ready: float
    threshold: float
    refractory_seconds: float
    hold_seconds: float
    posture: Spot
    sway_degrees: float
    sway_seconds: float
    listening: Spot
    nod_degrees: float
    touch_seconds: float | None
    touch: tuple[Spot, Spot]
    variant: int


_HANGING: Spot = (0.25, -0.365, 0.15)
_HELD: Spot = (0.17, -0.20, 0.24)
_CLASPED: tuple[Spot, Spot] = ((0.09, -0.16, 0.29), (0.12, -0.23, 0.27))
_CLASPED_HIGH: tuple[Spot, Spot] = ((0.09, -0.095, 0.29), (0.11, -0.17, 0.27))

_ADA = Style(
    handed="right",
    size=1.0,
    tempo=1.0,
    both=True,
    rest=(_HELD, (0.17, -0.21, 0.23)),
    rest_turns=(0, 0),
    beat=((0.26, -0.04, 0.30), (0.25, -0.06, 0.29)),
    beat_turns=(30, 30),
    ready=0.35,
    threshold=0.05,
    refractory_seconds=0.35,
    hold_seconds=0.4,
    posture=(0, 0, 0),
    sway_degrees=3.0,
    sway_seconds=3.2,
    listening=(6, 3, 3),
    nod_degrees=6.0,
    touch_seconds=2.0,
    touch=_CLASPED,
    variant=0,
)

STYLES: dict[str, Style] = {
    "ada": _ADA,
    "ben": replace(
        _ADA, size=0.85, tempo=0.85, both=False, rest=(_HANGING, _HANGING), rest_turns=(5, 5),
        beat=((0.22, -0.12, 0.28), (0.23, -0.36, 0.15)), beat_turns=(10, 5), ready=0.3,
        threshold=0.45, refractory_seconds=0.6, hold_seconds=0.6, posture=(-8, 0, 0),
        sway_degrees=2.0, sway_seconds=4.2, listening=(9, 2, 0), nod_degrees=5.0,
        touch_seconds=3.0, variant=1,
    ),
    "cora": replace(
        _ADA, handed="left", size=1.08, tempo=1.02, rest=((0.19, -0.17, 0.24), (0.19, -0.18, 0.23)),
        beat=((0.28, 0.03, 0.29), (0.27, 0.0, 0.28)), beat_turns=(25, 25), ready=0.4,
        threshold=-0.15, refractory_seconds=0.3, hold_seconds=0.3, posture=(0, -1, 3),
        sway_degrees=4.0, sway_seconds=2.7, nod_degrees=7.0, touch_seconds=2.5,
    ),
    "dan": replace(
        _ADA, size=0.95, tempo=0.95, both=False, rest=(_CLASPED[0], _CLASPED[1]),
        rest_turns=(-35, -35), beat=((0.24, -0.04, 0.30), (0.12, -0.22, 0.25)),
        beat_turns=(25, -20), ready=0.3, threshold=0.15, refractory_seconds=0.45, hold_seconds=0.5,
        posture=(0, 2, -2), sway_degrees=2.5, sway_seconds=3.8, listening=(5, 4, -2),
        touch_seconds=None,
    ),
    "eve": replace(
        _ADA, size=0.9, tempo=1.03, rest=_CLASPED_HIGH, rest_turns=(-30, -30),
        beat=((0.26, 0.02, 0.29), (0.26, 0.01, 0.29)), beat_turns=(20, 20), ready=0.45,
        threshold=-0.1, refractory_seconds=0.3, hold_seconds=0.35, posture=(3, 1, 2),
        sway_degrees=3.0, sway_seconds=2.9, touch_seconds=None, variant=1,
    ),
    "finn": replace(
        _ADA, handed="left", size=1.05, tempo=0.9, both=False, rest=(_HANGING, _HANGING),
        rest_turns=(0, 0), beat=((0.27, -0.07, 0.28), (0.22, -0.34, 0.18)), beat_turns=(-30, 0),
        ready=0.35, threshold=0.25, refractory_seconds=0.5, hold_seconds=0.55, posture=(-5, 1, -2),
        sway_degrees=3.5, sway_seconds=3.6, nod_degrees=5.0, touch_seconds=3.5,
    ),
    "gia": replace(
        _ADA, size=1.1, tempo=1.0, rest=((0.21, -0.24, 0.2), (0.21, -0.25, 0.19)),
        rest_turns=(10, 10), beat=((0.30, -0.05, 0.30), (0.30, -0.06, 0.29)), beat_turns=(30, 30),
        ready=0.4, threshold=-0.15, refractory_seconds=0.25, hold_seconds=0.3, posture=(2, -2, 3),
        sway_degrees=4.5, sway_seconds=2.5, listening=(8, 3, 4), nod_degrees=8.0,
        touch_seconds=2.2, variant=1,
    ),
    "hugo": replace(
        _ADA, size=0.8, tempo=0.8, rest=_CLASPED, rest_turns=(-40, -40),
        beat=((0.25, -0.06, 0.28), (0.25, -0.07, 0.28)), beat_turns=(0, 0), ready=0.3,
        threshold=0.35, refractory_seconds=0.6, hold_seconds=0.7, posture=(0, 1, 0),
        sway_degrees=1.8, sway_seconds=4.6, listening=(4, 2, 0), nod_degrees=4.5,
        touch_seconds=None,
    ),
    "iris": replace(
        _ADA, handed="left", size=0.95, tempo=1.05, both=False,
        rest=((0.18, -0.22, 0.24), (0.13, -0.27, 0.22)), rest_turns=(0, -30),
        beat=((0.25, -0.05, 0.31), (0.15, -0.26, 0.23)), beat_turns=(40, -30), ready=0.4,
        threshold=0, refractory_seconds=0.4, posture=(4, 0, -3), listening=(5, 4, -4),
        touch_seconds=2.4, touch=_CLASPED_HIGH, variant=1,
    ),
    "jon": replace(
        _ADA, size=1.1, tempo=1.0, rest=(_HANGING, _HANGING), rest_turns=(15, 15),
        beat=((0.27, -0.09, 0.28), (0.27, -0.10, 0.28)), beat_turns=(-35, -35), ready=0.45,
        threshold=0.1, refractory_seconds=0.4, hold_seconds=0.45, posture=(0, 3, 2),
        sway_degrees=3.0, sway_seconds=3.4, listening=(7, 1, 2), touch_seconds=4.0,
    ),
    "kim": replace(
        _ADA, size=0.9, tempo=1.08, both=False, rest=((0.20, -0.2, 0.23), _HANGING),
        rest_turns=(10, 0), beat=((0.24, -0.05, 0.30), (0.23, -0.35, 0.16)), beat_turns=(30, 0),
        ready=0.4, threshold=-0.05, refractory_seconds=0.35, hold_seconds=0.35, posture=(-4, 0, -2),
        sway_degrees=3.2, sway_seconds=2.8, touch_seconds=2.6, variant=1,
    ),
    "leo": replace(
        _ADA, size=1.05, tempo=0.92, rest=(_HANGING, _HANGING), rest_turns=(0, 0),
        beat=((0.27, -0.01, 0.30), (0.27, -0.01, 0.30)), beat_turns=(10, 10), ready=0.35,
        threshold=0.05, refractory_seconds=0.4, hold_seconds=0.6, posture=(-2, 1, 3),
        sway_degrees=3.5, sway_seconds=3.9, listening=(6, 4, 3), nod_degrees=5.5,
        touch_seconds=2.8, touch=_CLASPED_HIGH,
    ),
}  # fmt: skip
