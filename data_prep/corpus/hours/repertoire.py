"""The poses of a person's gestures, in the order of `Pose.flatten`, for a right-handed person."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from data_prep.corpus.body import Pose
from data_prep.corpus.hours.forms import FORMS, Gesture, Key
from data_prep.corpus.hours.styles import Spot, Style

_BEAT_METRES = 0.22
# Gestures grow and shrink about the middle of McNeill's central gesture space.
_CENTRE = np.array([0.17, -0.14, 0.27])


def gesture_of(meaning: str, style: Style) -> Gesture:
    """Returns the form of a meaning's gesture that a person uses."""
    forms = FORMS[meaning]
    return forms[style.variant % len(forms)]


def pose_of(key: Key, style: Style, size: float) -> Float[np.ndarray, " 15"]:
    """Returns a key pose as `Pose.flatten` orders it, for a right-handed person.

    Args:
        key: The key pose.
        style: Who makes it.
        size: Scale about the centre of the gesture space; 1 leaves it as it is.
    """
    spots = [_CENTRE + size * (np.array(key.strong) - _CENTRE)]
    weak = key.weak is not None
    spots.append(
        _CENTRE + size * (np.array(key.weak) - _CENTRE) if weak else np.array(style.rest[1])
    )
    turns = (key.turns[0], key.turns[1] if weak else style.rest_turns[1])
    return _pose(style, spots, turns, size * np.array(key.torso), (key.raised, key.raised))


def rest_of(style: Style) -> Float[np.ndarray, " 15"]:
    """Returns the pose in silence."""
    return _pose(style, style.rest, style.rest_turns)


def touch_of(style: Style) -> Float[np.ndarray, " 15"]:
    """Returns the pose in a long silence, when the hands hold each other."""
    return _pose(style, style.touch, (-35, -35), (0, 0, 1.5))


def beat_of(style: Style, size: float) -> Float[np.ndarray, " 15"]:
    """Returns the apex of a beat; its size scales the last part of the way to the usual beat."""
    rest = rest_of(style)
    full = _pose(style, style.beat, style.beat_turns, (0, 2.5, 0))
    way = full - rest
    length = float(np.linalg.norm(way[:6].reshape(2, 3), axis=1).max())
    change = 1 + (size * style.size - 1) * min(1.0, _BEAT_METRES / length)
    apex = rest + change * way
    apex[6:8] = rest[6:8] + min(change, 1.0) * way[6:8]
    return apex


def _pose(
    style: Style,
    spots: Sequence[Spot] | Sequence[np.ndarray],
    turns: tuple[float, float],
    torso: Sequence[float] | np.ndarray = (0, 0, 0),
    raised: tuple[float, float] = (0, 0),
) -> np.ndarray:
    posture = np.array(style.posture, dtype=np.float64) + np.asarray(torso)
    parts = (*spots, turns, posture, raised, (0.0, 0.0))
    return Pose(*(np.array(part, dtype=np.float64) for part in parts)).flatten()
