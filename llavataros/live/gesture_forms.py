"""The gestures that come along: the forms of the corpus that is generated, each performed once.

Kinds and forms are those of `data_prep.corpus.hours.forms`, after McNeill and Kendon. A hand goes
from rest to the stroke and back, on paths of least jerk, as in the corpus.
"""

import numpy as np
from jaxtyping import Float

from data_prep.corpus.body import Pose, embody
from data_prep.corpus.hours.clearance import keep_clear
from data_prep.corpus.hours.forms import FORMS
from data_prep.corpus.hours.movement import Movement
from data_prep.corpus.hours.repertoire import beat_of, gesture_of, pose_of, rest_of
from data_prep.corpus.hours.styles import STYLES
from llavataros_jax.motion.motion import Motion

_STYLE = STYLES["ada"]
# Preparation and retraction leave time to blend; hands take sqrt(way) times the pace between keys.
_PREPARE_SECONDS, _RETRACT_SECONDS = 0.6, 0.9
_PACE = 0.63
_BEAT_HOLD_SECONDS, _LEAST_HOLD_SECONDS, _MOST_HOLD_SECONDS = 0.1, 0.3, 1.0


def performed_forms(fps: float) -> dict[str, Motion]:
    """Returns a clip of each meaning's gesture, and of a beat, of the nine joints of AvatarOS."""
    motions = {"beat": _performed([beat_of(_STYLE, 1.0)], [0.0], _BEAT_HOLD_SECONDS, fps)}
    for meaning in FORMS:
        form = gesture_of(meaning, _STYLE)
        keys = [pose_of(key, _STYLE, _STYLE.size if form.scales else 1.0) for key in form.keys]
        hold = np.clip(_STYLE.hold_seconds * form.hold, _LEAST_HOLD_SECONDS, _MOST_HOLD_SECONDS)
        gaps = [key.seconds for key in form.keys]
        motions[meaning] = _performed(keys, gaps, float(hold), fps)
    return motions


def _performed(
    keys: list[Float[np.ndarray, " 15"]], gaps: list[float], hold_seconds: float, fps: float
) -> Motion:
    """Moves hands from rest through key poses and back, with so much time at least before each."""
    rest = rest_of(_STYLE)
    ways = [
        np.linalg.norm((b - a)[:6].reshape(2, 3), axis=1).max()
        for a, b in zip([rest, *keys], keys, strict=False)
    ]
    steps = [max(gap, _PACE * float(np.sqrt(way))) for gap, way in zip(gaps, ways, strict=True)]
    steps[0] = max(steps[0], _PREPARE_SECONDS)
    times = np.cumsum(steps)
    movement = Movement(rest)
    movement.move(0.0, times.tolist(), keys)
    let_go = float(times[-1]) + hold_seconds
    movement.move(let_go, [let_go + _RETRACT_SECONDS], [rest])
    seconds = np.arange(round((let_go + _RETRACT_SECONDS) * fps) + 1) / fps
    poses = keep_clear(movement.sample(seconds))
    return embody(Pose.unflatten(poses), np.zeros(len(seconds)), fps)
