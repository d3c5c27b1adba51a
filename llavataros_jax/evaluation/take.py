"""What measures read: a clip with its recorded motion, a system's motion and the speech."""

import dataclasses
from dataclasses import dataclass

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.listing import listed
from llavataros_jax.motion.trajectories import Trajectories

# Systems round lengths in their own ways.
LENGTH_TOLERANCE_FRAMES = 2


@dataclass(frozen=True, eq=False)
class Performance:
    """One clip of a data set, recorded and as a system moves to it.

    Attributes:
        clip: Its name.
        speaker: Who speaks; speech is only mismatched with that of the same person.
        real: The recorded motion.
        predicted: The system's motions, one for each sample; the first counts where one is wanted.
        spoken: The speech, when there is sound.
        other: Speech of another clip of the same speaker.
        foils: Speech of further clips of the same speaker, against which the right speech must
            prove itself.
    """

    clip: str
    speaker: str
    real: Trajectories
    predicted: tuple[Trajectories, ...]
    spoken: Spoken | None = None
    other: Spoken | None = None
    foils: tuple[Spoken, ...] = ()


@dataclass(frozen=True, eq=False)
class Take:
    """One motion beside the recorded one and a speech: what a measure measures.

    Attributes:
        clip: Name of the clip.
        speaker: Who speaks.
        motion: The motion that is measured.
        real: What it is compared with, of the same joints and rate.
        spoken: The speech that it is measured against, when there is sound.
        others: Further samples of the same system for the same clip.
        foils: Speech of further clips of the same speaker.
    """

    clip: str
    speaker: str
    motion: Trajectories
    real: Trajectories
    spoken: Spoken | None = None
    others: tuple[Trajectories, ...] = ()
    foils: tuple[Spoken, ...] = ()


def matched(performance: Performance) -> Performance:
    """Returns the performance with all motions cut to the same length.

    Raises:
        UserError: When joints, rate or, by more than 2 frames, length differ.
    """
    real = performance.real
    for predicted in performance.predicted:
        _check(performance.clip, predicted, real)
    frames = min(motion.num_frames for motion in (real, *performance.predicted))
    seconds = frames / real.fps
    spoken, other = performance.spoken, performance.other
    return dataclasses.replace(
        performance,
        real=real.cut(0, frames),
        predicted=tuple(motion.cut(0, frames) for motion in performance.predicted),
        spoken=spoken and spoken.lasting(seconds),
        other=other and other.lasting(seconds),
        foils=tuple(foil.lasting(seconds) for foil in performance.foils),
    )


def _check(clip: str, predicted: Trajectories, real: Trajectories) -> None:
    ours, theirs = predicted.skeleton, real.skeleton
    if ours.names != theirs.names:
        lacking = [name for name in theirs.names if name not in ours.names]
        more = [name for name in ours.names if name not in theirs.names]
        why = "has them in another order"
        if lacking or more:
            why = f"lacks {listed(lacking, 5)}" if lacking else f"also has {listed(more, 5)}"
        raise UserError(
            f"clip {clip}: the predicted motion has {ours.num_joints} joints, the recorded one "
            f"{theirs.num_joints}, and the predicted one {why}; compare like with like"
        )
    if abs(predicted.fps - real.fps) > 1e-6:
        raise UserError(
            f"clip {clip}: the predicted motion has {predicted.fps:g} frames per second, the "
            f"recorded one {real.fps:g}; resample one of them, because speeds and jerk depend on "
            "the rate"
        )
    difference = abs(predicted.num_frames - real.num_frames)
    if difference > LENGTH_TOLERANCE_FRAMES:
        raise UserError(
            f"clip {clip}: the predicted motion has {predicted.num_frames} frames, the recorded "
            f"one {real.num_frames}; they must show the same recording"
        )
