"""Whether a network found what is built into a generated corpus.

Words with a gesture of their own can be known from the words, the size of a beat from the loudness
of the voice, the time of a stroke from either, and a habit from the speaker's name.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros.ablation.annotation import BEAT, Stroke
from llavataros_jax.evaluation.measure import Measure, Sums, mean, weighted
from llavataros_jax.evaluation.statistics import hand_joints, speed
from llavataros_jax.evaluation.stress_timing import stroke_timing
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories

Strokes = Mapping[str, tuple[Stroke, ...]]
GESTURES, SIZES, CONTRAST = "own_gesture_share", "beat_size_correlation", "stress_contrast"
HABITS = "habit_share"
_LEAST_BEATS = 3
# Beats that differ by less, hundredths of a millimetre, are of one size.
_SAME_METRES2 = 1e-8
# Of a network that hears nothing hands hardly move, and what they do then has no size to speak of.
_STILL_METRES_PER_SECOND = 1e-3


@dataclass(frozen=True, eq=False)
class Reference:
    """How the speakers move in the training clips.

    Attributes:
        gestures: By speaker and kind, where the wrists are at the apex, metres.
        beats: By speaker, the direction, of length 1, in which the wrists' place at the apex of
            beats varies most: the beats' size.
        habits: By speaker, the mean of the wrists' places and their deviations, metres.
    """

    gestures: Mapping[str, Mapping[str, Float[np.ndarray, " W"]]]
    beats: Mapping[str, Float[np.ndarray, " W"]]
    habits: Mapping[str, Float[np.ndarray, " V"]]


def reference_of(
    clips: Iterable[tuple[str, Trajectories, tuple[Stroke, ...]]],
) -> Reference:
    """Learns from recorded motion; clips come with their speaker and strokes."""
    apexes: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    habits: dict[str, list[np.ndarray]] = defaultdict(list)
    for speaker, motion, strokes in clips:
        places = _wrists(motion)
        habits[speaker].append(_habit(motion))
        for stroke in strokes:
            apexes[speaker][stroke.kind].append(places[_frame(stroke, motion)])
    return Reference(
        gestures={
            speaker: {
                kind: np.mean(places, axis=0) for kind, places in kinds.items() if kind != BEAT
            }
            for speaker, kinds in apexes.items()
        },
        beats={
            speaker: _direction(np.stack(kinds[BEAT]))
            for speaker, kinds in apexes.items()
            if len(kinds.get(BEAT, ())) >= _LEAST_BEATS
        },
        habits={speaker: np.mean(found, axis=0) for speaker, found in habits.items()},
    )


def built_in_measures(reference: Reference, strokes: Strokes) -> tuple[Measure, ...]:
    """Returns the measures of what is built in, that of habits last.

    `Take.speaker` is in whose body the take is, which need not be whose words they are.

    Args:
        reference: Of the training clips.
        strokes: Of the clips that are measured, by name.
    """

    def gestures(take: Take) -> Sums | None:
        known = reference.gestures.get(take.speaker, {})
        places, right, total = _wrists(take.motion), 0, 0
        for stroke in strokes.get(take.clip, ()):
            if stroke.kind in known and len(known) > 1:
                place = places[_frame(stroke, take.motion)]
                right += _nearest(place, known) == stroke.kind
                total += 1
        return np.array([right, total], np.float64) if total else None

    def sizes(take: Take) -> Sums | None:
        if take.speaker not in reference.beats:
            return None
        direction = reference.beats[take.speaker]
        of_beats = [s for s in strokes.get(take.clip, ()) if s.kind == BEAT]
        if not of_beats:
            return None
        x, y = (
            _wrists(motion)[[_frame(s, motion) for s in of_beats]] @ direction
            for motion in (take.motion, take.real)
        )
        # About the clip's means, so that speakers of other sizes make no correlation.
        x, y = x - x.mean(), y - y.mean()
        return np.array([x @ x, y @ y, x @ y])

    def contrast(take: Take) -> Sums | None:
        times = np.array([s.stress_seconds for s in strokes.get(take.clip, ())], np.float64)
        hands = _hands(take.motion)
        if not len(times) or not hands:
            return None
        wrist_speed = speed(take.motion.positions[:, hands], take.motion.fps).mean(axis=1)
        if wrist_speed.mean() < _STILL_METRES_PER_SECOND:
            return np.array([0.0, take.motion.seconds])
        timing = stroke_timing(wrist_speed, take.motion.fps, np.sort(times))
        return weighted(timing.contrast - timing.shuffled_contrast, take.motion.seconds)

    def habits(take: Take) -> Sums | None:
        if len(reference.habits) < 2 or not _hands(take.motion):
            return None
        nearest = _nearest(_habit(take.motion), reference.habits)
        return np.array([nearest == take.speaker, 1.0])

    return (
        _measure(
            *(GESTURES, "words that get their own gesture"),
            "Share of the words with a gesture of their own at whose apex the wrists are nearer to "
            "that gesture of the speaker's than to any other.",
            *(gestures, mean),
        ),
        _measure(
            *(SIZES, "size of beats, r with real"),
            "Correlation, within clips, of the size of beats, which follows the voice's loudness, "
            "with the recorded one; size is how far the wrists are along the direction in which "
            "the speaker's beats vary.",
            *(sizes, _correlation),
            compares=True,
        ),
        _measure(
            *(CONTRAST, "stroke contrast at stresses, above shifted"),
            "How much faster than on average the wrists are at one lag from the stressed vowels "
            "of words with a gesture, above the same at shifted times; 0 is no timing.",
            *(contrast, mean),
        ),
        _measure(
            *(HABITS, "speakers that keep their habit"),
            "Share of bodies, the clip's own and others with the same speech, whose wrists' mean "
            "place and extent are nearest to those of their own speaker.",
            *(habits, mean),
        ),
    )


def _measure(
    key: str,
    title: str,
    says: str,
    gather: Callable[[Take], Sums | None],
    finish: Callable[[Sums], float],
    *,
    compares: bool = False,
) -> Measure:
    return Measure(
        key, title, says, "ours: corpus/README.md", gather, finish, "high", compares=compares
    )


def _hands(motion: Trajectories) -> list[int]:
    return list(hand_joints(motion.skeleton).values())


def _wrists(motion: Trajectories) -> Float[np.ndarray, "T W"]:
    return motion.positions[:, _hands(motion)].reshape(motion.num_frames, -1)


def _habit(motion: Trajectories) -> Float[np.ndarray, " V"]:
    places = _wrists(motion)
    return np.concatenate([places.mean(axis=0), places.std(axis=0)])


def _frame(stroke: Stroke, motion: Trajectories) -> int:
    return min(round(stroke.apex_seconds * motion.fps), motion.num_frames - 1)


def _nearest(place: np.ndarray, known: Mapping[str, np.ndarray]) -> str:
    return min(known, key=lambda name: float(np.linalg.norm(place - known[name])))


def _direction(places: Float[np.ndarray, "N W"]) -> Float[np.ndarray, " W"]:
    """Returns the first principal direction."""
    return np.linalg.svd(places - places.mean(axis=0), full_matrices=False)[2][0]


def _correlation(sums: Sums) -> float:
    first, second, product = sums
    if min(first, second) < _SAME_METRES2:
        return float("nan")
    return float(product / np.sqrt(first * second))
