"""Whether a motion keeps time with its speech."""

import math
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.anchors import shifted_times
from llavataros_jax.evaluation.beats import chance_corrected, closeness, motion_beats
from llavataros_jax.evaluation.emage_beats import (
    FPS,
    ORDER_FRAMES,
    emage_alignment,
    emage_motion_beats,
)
from llavataros_jax.evaluation.measure import Measure, Sums, by_seconds, mean
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.statistics import arm_joints, hand_joints, speed
from llavataros_jax.evaluation.stress_timing import peak, speeds_around
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories

Joints = Callable[[Skeleton], Sequence[int]]
Times = Float[np.ndarray, " n"]


def _wrists(skeleton: Skeleton) -> list[int]:
    return list(hand_joints(skeleton).values())


@remembered
def _beats(motion: Trajectories) -> dict[int, Times]:
    """Returns the beats of each joint of the arms, seconds."""
    joints = {*arm_joints(motion.skeleton), *_wrists(motion.skeleton)}
    return {
        joint: motion_beats(speed(motion.positions[:, joint], motion.fps), motion.fps)
        for joint in joints
    }


def _to_motion(joints: Joints) -> Callable[[Take], Sums | None]:
    def gather(take: Take) -> Sums | None:
        audio = _audio_beats(take)
        found = [_beats(take.motion)[joint] for joint in joints(take.motion.skeleton)]
        if not len(audio) or not found:
            return None
        total = sum(closeness(audio, beats).sum() for beats in found)
        return np.array([total, len(audio) * len(found)])

    return gather


def _to_audio(take: Take) -> Sums | None:
    audio = _audio_beats(take)
    found = [_beats(take.motion)[joint] for joint in _wrists(take.motion.skeleton)]
    count = sum(len(beats) for beats in found)
    if not len(audio) or not count:
        return None
    return np.array([sum(closeness(beats, audio).sum() for beats in found), count])


def _beyond_chance(take: Take) -> Sums | None:
    """Returns what `_to_motion` of the wrists does, with chance between value and count."""
    matched = _to_motion(_wrists)(take)
    if matched is None:
        return None
    audio = _audio_beats(take)
    seed = zlib.crc32(take.clip.encode())
    shifted = shifted_times(audio, take.motion.seconds, seed=seed)
    everywhere = np.concatenate(shifted)
    found = [_beats(take.motion)[joint] for joint in _wrists(take.motion.skeleton)]
    chance = sum(closeness(everywhere, beats).sum() for beats in found) / len(shifted)
    return np.array([matched[0], chance, matched[1]])


def _emage_form(take: Take) -> float:
    motion, audio = take.motion, _audio_beats(take)
    mean_speeds = speed(take.real.positions, take.real.fps).mean(axis=0)
    order = max(1, round(ORDER_FRAMES / FPS * motion.fps))
    beats = emage_motion_beats(
        motion.positions, motion.fps, mean_speeds, order_frames=order, trim_frames=0
    )
    # What does not move in the recording, up to rounding, has no mean speed to go by.
    moving = [beats[joint] for joint in range(1, len(beats)) if mean_speeds[joint] > 1e-6]
    return emage_alignment(audio, moving, motion.fps)[0]


def _audio_beats(take: Take) -> Times:
    return take.spoken.beats_seconds if take.spoken else np.zeros(0)


def _beat_rate(take: Take) -> float:
    found = [_beats(take.motion)[joint] for joint in _wrists(take.motion.skeleton)]
    return sum(map(len, found)) / len(found) / take.motion.seconds if found else math.nan


# The rounding of a body that stands still has a peak too, which is no stroke.
_STILL_METRES_PER_SECOND = 1e-3


def _strokes(take: Take) -> Sums | None:
    motion, wrists = take.motion, _wrists(take.motion.skeleton)
    if not (take.spoken and take.spoken.words and wrists):
        return None
    hands = speed(motion.positions[:, wrists], motion.fps).mean(axis=1)
    if hands.mean() < _STILL_METRES_PER_SECOND:
        return None
    speeds = speeds_around(hands, motion.fps, take.spoken.word_starts_seconds)
    return speeds.sum(axis=0) if len(speeds) else None


BEAT_ALIGNMENT = Measure(
    key="beat_alignment_wrists",
    title="beat alignment, wrists",
    says="How near beats of the speech lie to moments at which a wrist is slow; many beats of "
    "motion raise it by themselves, so read it beside the shifted speech.",
    source="BEAT 2022, σ 0.3 s, minima of speed within 2/15 s; pooled over beats of the speech",
    gather=_to_motion(_wrists),
    finish=mean,
    hears=True,
)
BEAT_ALIGNMENT_ARMS = Measure(
    key="beat_alignment_arms",
    title="beat alignment, arms",
    says="The same of shoulders, elbows and wrists.",
    source="BEAT 2022, six joints of the arms",
    gather=_to_motion(arm_joints),
    finish=mean,
    hears=True,
)
BEAT_ALIGNMENT_TO_AUDIO = Measure(
    key="beat_alignment_wrists_to_audio",
    title="beat alignment, wrists to speech",
    says="How near slow moments of the wrists lie to beats of the speech; many beats of motion do "
    "not raise it.",
    source="m2a of the GENEA leaderboard, emage_evaltools/metric_modified.py, with beats as in "
    "BEAT 2022, pooled over beats of the motion",
    gather=_to_audio,
    finish=mean,
    hears=True,
)
BEAT_ALIGNMENT_EMAGE = Measure(
    key="beat_alignment_emage_form",
    title="beat alignment, EMAGE's form",
    says="The same of all joints but the root, where minima count only while a joint moves faster "
    "than a tenth of its recorded mean speed.",
    source="BC of PantoMatrix emage_evaltools/mertic.py, θ 0.1, 7 frames at 30 per second, without "
    "its trimming; onsets led back to where the sound begins to rise",
    gather=by_seconds(_emage_form),
    finish=mean,
    hears=True,
)
BEAT_ALIGNMENT_BEYOND_CHANCE = Measure(
    key="beat_alignment_beyond_chance",
    title="beat alignment beyond chance",
    says="What of the wrists' beat alignment is owed to the right moment: 0 as for speech of any "
    "other time, 1 at best; it spreads widely where jitter makes chance itself high.",
    source="ours: (value - chance) / (1 - chance), chance over 100 random shifts of the speech",
    gather=_beyond_chance,
    finish=lambda sums: chance_corrected(sums[0] / sums[2], sums[1] / sums[2]),
    hears=True,
)
BEAT_RATE = Measure(
    key="wrist_beats_per_second",
    title="beats of a wrist (1/s)",
    says="How often a wrist is slow for a moment; jitter has many beats.",
    source="the beats of BEAT 2022, counted",
    gather=by_seconds(_beat_rate),
    finish=mean,
)
STROKE_CONTRAST = Measure(
    key="stroke_contrast",
    title="stroke contrast",
    says="How much faster than their mean the hands are at their fastest lag from the starts of "
    "words; 1 is flat, and few words leave ripples, so read it beside the shifted speech.",
    source="ours: peak by mean of the mean speed within 0.5 s of words, pooled over words",
    gather=_strokes,
    finish=lambda sums: peak(sums)[1],
    hears=True,
)
STROKE_LAG = Measure(
    key="stroke_lag_seconds",
    title="stroke lag (s)",
    says="When, after words begin, the hands are fastest; it means little where the contrast is "
    "that of shifted speech.",
    source="ours: the lag of the same peak",
    gather=_strokes,
    finish=lambda sums: peak(sums)[0],
    hears=True,
)

TIMING: tuple[Measure, ...] = (
    BEAT_ALIGNMENT_BEYOND_CHANCE,
    BEAT_ALIGNMENT,
    BEAT_ALIGNMENT_TO_AUDIO,
    BEAT_ALIGNMENT_ARMS,
    BEAT_ALIGNMENT_EMAGE,
    BEAT_RATE,
    STROKE_CONTRAST,
    STROKE_LAG,
)
