"""What the trunk does: sway and breath with one's own sentences, listening and nods otherwise."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from data_prep.corpus.hours.movement import Movement
from data_prep.corpus.hours.plan import HORIZON_SECONDS, prominence, runs
from data_prep.corpus.hours.spoken import SpokenWord
from data_prep.corpus.hours.styles import Style

_BREATH_METRES = 0.006
_SHIFT_METRES = 0.018
_TURN_SECONDS = 0.8
_NOD_DOWN_SECONDS, _NOD_UP_SECONDS = 0.3, 0.42
_NOD_PROMINENCE = 0.9
_NOD_REST_SECONDS = 1.0
_IDLE_SECONDS = 3.0


def sway(
    style: Style, words: Sequence[SpokenWord], seconds: Float[np.ndarray, " T"]
) -> Float[np.ndarray, "T 5"]:
    """Turns the trunk to and fro in sentences, and shifts the weight in long silences.

    Returns yaw, pitch and lean in degrees, and the hips' way to the left and forward in metres.
    """
    # Speaking, its turn to the left, and the weight shifted in a silence, each from 0 to 1.
    state = Movement(np.zeros(3))
    half_seconds = style.sway_seconds / 2
    spoken = runs(words)
    ends = [0.0, *(end for _, end in spoken)]
    for index, end in enumerate(ends):
        begin = max(spoken[index][0] - 0.3, end + 0.01) if index < len(spoken) else np.inf
        if end > 0:
            state.move(end, [end + 1.2], [np.zeros(3)])
        if begin - 0.1 > end + _IDLE_SECONDS:
            clock = end + _IDLE_SECONDS
            state.move(clock, [clock + 1.4], [np.array([0.0, 0.0, 1.0])])
        if index < len(spoken):
            clock, side = begin, 1.0
            while clock < spoken[index][1]:
                state.move(clock, [clock + half_seconds], [np.array([1.0, side, 0.0])])
                clock, side = clock + half_seconds, -side
    speaking, turned, shifted = state.sample(seconds).T
    out = np.zeros((len(seconds), 5))
    out[:, 0] = style.sway_degrees * turned
    out[:, 1] = 1.5 * speaking
    out[:, 2] = -0.4 * style.sway_degrees * turned + 2.0 * shifted
    out[:, 3] = 0.006 * turned + _SHIFT_METRES * shifted
    out[:, 4] = 0.008 * speaking
    return out


def breath(
    words: Sequence[SpokenWord], seconds: Float[np.ndarray, " T"]
) -> Float[np.ndarray, " T"]:
    """Lifts the chest in pauses and before sentences, and lowers it while speaking, in metres."""
    lungs = Movement(np.array([0.3]))
    spoken = runs(words)
    ends = [0.0, *(end for _, end in spoken)]
    starts = [*(start for start, _ in spoken), max(float(seconds[-1]), ends[-1]) + 1.0]
    for end, start in zip(ends, starts, strict=True):
        clock, full = end + 0.05, True
        while clock < start - HORIZON_SECONDS:
            lungs.move(clock, [clock + (1.2 if full else 2.0)], [np.array([float(full)])])
            clock, full = clock + (1.3 if full else 2.3), not full
        lungs.move(max(start - 0.35, end + 0.06), [start + 0.15], [np.array([1.0])])
        lungs.move(start + 0.2, [start + 4.0], [np.array([0.0])])
    return _BREATH_METRES * lungs.sample(seconds)[:, 0]


def listening(
    style: Style,
    words: Sequence[SpokenWord],
    partner_words: Sequence[SpokenWord],
    seconds: Float[np.ndarray, " T"],
) -> Float[np.ndarray, "T 3"]:
    """Turns to a speaking partner and nods at prominent words and at the ends of sentences.

    Returns change of yaw, pitch and lean in degrees.
    """
    heeding = np.array(style.listening, dtype=np.float64)
    nod = heeding + np.array([0.0, style.nod_degrees, 0.0])
    trunk = Movement(np.zeros(3))
    events = [(start - 0.3, "speak", 1.0) for start, _ in runs(words)]
    for start, end in runs(partner_words):
        events += [(start - 0.2, "heed", 1.0), (end, "nod", 1.0)]
    for word in partner_words:
        value = prominence(word)
        if value > _NOD_PROMINENCE:
            events.append((word.stress_seconds - 0.1, "nod", min(0.5 + 0.25 * value, 1.2)))
    own, busy_until = True, 0.0
    for event_seconds, what, size in sorted(events):
        start = max(event_seconds, 0.0)
        if what != "nod":
            if own != (what == "speak"):
                own = not own
                trunk.move(start, [start + _TURN_SECONDS], [np.zeros(3) if own else heeding])
                busy_until = start + _TURN_SECONDS
        elif not own and start >= busy_until:
            deep = heeding + size * (nod - heeding)
            times = [start + _NOD_DOWN_SECONDS, start + _NOD_DOWN_SECONDS + _NOD_UP_SECONDS]
            trunk.move(start, times, [deep, heeding])
            busy_until = times[-1] + _NOD_REST_SECONDS
    return trunk.sample(seconds)
