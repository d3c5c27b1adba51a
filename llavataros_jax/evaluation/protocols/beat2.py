"""What the protocols of BEAT2 share: joints, files, and measures of positions."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.diversity import absolute_deviation
from llavataros_jax.evaluation.emage_beats import (
    ORDER_FRAMES,
    SIGMA_SECONDS,
    emage_alignment,
    emage_motion_beats,
    speech_onsets,
)
from llavataros_jax.evaluation.measure import Measure, Sums, mean
from llavataros_jax.evaluation.protocols.joint_names import chosen, require
from llavataros_jax.evaluation.protocols.smplx_joints import BEAT_JOINTS, ROOT, SMPLX_JOINTS
from llavataros_jax.evaluation.remembered import remembered
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.statistics import speed
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.trajectories import Trajectories
from llavataros_jax.sound.reader import SPEECH_RATE

FPS = 30.0
JOINTS = "those of SMPL-X's 55 that the motion has, 13 of them for beats"
LACKS = (
    "SMPL-X's body model: places are those of a body of textbook proportions with the file's "
    "rotations, so BC, L1div and SRGR come near the published ones and are not equal",
    "FGD by AESKConv_240_100.bin, whose weights cannot be had here; --embedding takes an "
    "autoencoder of your own, whose FGD compares with no published one",
)
MEAN_SPEEDS = "the recording's own, of each joint in the world"

Body = Callable[[Trajectories], Trajectories]


@dataclass(frozen=True)
class Beats:
    """How beats of motion are found and compared with onsets of speech.

    Attributes:
        threshold: Share of a joint's mean speed above which a minimum counts.
        trim_frames: Left out at both ends.
        chunk_frames: Length of the parts that are measured one by one; None for whole clips.
        compat: Look up whether a joint moves `trim_frames` too early, as the reference does.
        mean_speeds: m/s by joint of SMPL-X, or None for the recording's own.
    """

    threshold: float
    trim_frames: int
    chunk_frames: int | None
    compat: bool
    mean_speeds: Float[np.ndarray, "55"] | None


def smplx_joints(motion: Trajectories, *, protocol: str, clip: str) -> Trajectories:
    """Returns the joints of SMPL-X that a motion has, in SMPL-X's order.

    Raises:
        UserError: When it lacks one that beats are found in.
    """
    require(motion.skeleton, (ROOT, *BEAT_JOINTS), protocol=protocol, clip=clip)
    return chosen(motion, SMPLX_JOINTS)


def read_mean_speeds(path: Path) -> Float[np.ndarray, "55"]:
    """Reads a file as `mean_vel_smplxflame_30.npy` of EMAGE's evaluation: m/s of 55 joints.

    Raises:
        UserError: When it is none.
    """
    try:
        speeds = np.asarray(np.load(path, allow_pickle=False), np.float64)
    except Exception as problem:  # damaged bytes raise anything
        raise UserError(
            f"mean speeds {path} cannot be read ({problem}); give an .npy of 55 numbers"
        ) from problem
    if speeds.shape != (len(SMPLX_JOINTS),) or not (np.isfinite(speeds) & (speeds > 0)).all():
        raise UserError(
            f"mean speeds {path} have shape {speeds.shape}, or some are not positive; give the "
            "mean speed of each of SMPL-X's 55 joints in m/s"
        )
    return speeds


def beat_measures(
    beats: Beats, body: Body, *, source: str, both: bool = False, pooled: bool = False
) -> list[Measure]:
    """Returns BC from audio to motion and, for `both`, from motion to audio.

    Args:
        beats: How they are found.
        body: Places that are measured of a motion.
        source: Of the measures.
        both: Whether m2a is told too.
        pooled: Whether all samples of a system count, or the first alone.
    """

    def scores(take: Take, motion: Trajectories) -> Float[np.ndarray, "3"]:
        """Sums a2m and m2a by frames, and the frames."""
        total = np.zeros(3)
        if take.spoken is None:
            return total
        names = motion.skeleton.names
        joints = [names.index(name) for name in BEAT_JOINTS]
        places = body(motion).positions[:, joints]
        means = _mean_speeds(take.real)[joints]
        if beats.mean_speeds is not None:
            means = beats.mean_speeds[[SMPLX_JOINTS.index(name) for name in BEAT_JOINTS]]
        for first, stop in parts(motion.num_frames, beats.chunk_frames):
            frames = stop - first - 2 * beats.trim_frames
            if frames <= 2 * ORDER_FRAMES:
                continue
            onsets = _onsets(take.spoken, first, stop, beats.trim_frames)
            found = emage_motion_beats(
                places[first:stop],
                FPS,
                means,
                threshold=beats.threshold,
                trim_frames=beats.trim_frames,
                compat=beats.compat,
            )
            pair = emage_alignment(onsets, found, FPS, sigma_seconds=SIGMA_SECONDS)
            if np.isfinite(pair).all():
                total += [frames * pair[0], frames * pair[1], frames]
        return total

    # Both measures ask for it of one take after the other.
    @functools.lru_cache(maxsize=1)
    def totals(take: Take) -> Float[np.ndarray, "3"]:
        motions = (take.motion, *take.others) if pooled else (take.motion,)
        return np.sum([scores(take, motion) for motion in motions], axis=0)

    def gathering(side: int) -> Callable[[Take], Sums | None]:
        def gather(take: Take) -> Sums | None:
            total = totals(take)
            return total[[side, 2]] if total[2] else None

        return gather

    measures = [
        Measure(
            "beat_consistency",
            "BC" if not both else "BC, audio to motion",
            "How near each onset of speech is to a moment when a joint is slowest; motion with "
            "more such moments scores higher, so read it beside the recorded value and the shifted "
            "speech.",
            source,
            gathering(0),
            mean,
            hears=True,
        ),
        Measure(
            "beat_consistency_from_motion",
            "BC, motion to audio",
            "How near each moment when a joint is slowest is to an onset of speech; dense speech "
            "scores higher.",
            source,
            gathering(1),
            mean,
            hears=True,
        ),
    ]
    return measures if both else measures[:1]


def diversity_measure(
    body: Body, *, source: str, chunk_frames: int | None = None, pooled: bool = False
) -> Measure:
    """Returns L1div: how far joints are from their mean over a clip, summed over coordinates."""

    @remembered
    def sums(motion: Trajectories) -> Sums:
        places, total = body(motion).positions, np.zeros(2)
        for first, stop in parts(motion.num_frames, chunk_frames):
            total += [absolute_deviation(places[first:stop]), stop - first]
        return total

    def gather(take: Take) -> Sums | None:
        motions = (take.motion, *take.others) if pooled else (take.motion,)
        total = np.sum([sums(motion) for motion in motions], axis=0)
        return total if total[1] else None

    return Measure(
        "l1_diversity_metres",
        "L1div (m)",
        "How far all joints are from their mean over the clip, summed over joints and coordinates; "
        "it grows with the number of joints, and jitter raises it.",
        source,
        gather,
        mean,
    )


def parts(num_frames: int, chunk_frames: int | None) -> list[tuple[int, int]]:
    """Returns first frame and end of each whole part of a clip; a rest is left out."""
    if chunk_frames is None:
        return [(0, num_frames)]
    firsts = range(0, num_frames - chunk_frames + 1, chunk_frames)
    return [(first, first + chunk_frames) for first in firsts]


@remembered
def _mean_speeds(motion: Trajectories) -> Float[np.ndarray, " J"]:
    return speed(motion.positions, motion.fps).mean(axis=0)


@functools.lru_cache(maxsize=64)
def _onsets(spoken: Spoken, first: int, stop: int, trim: int) -> Float[np.ndarray, " onsets"]:
    """Finds the onsets of frames [first + trim, stop - trim), counted from the first of them."""
    begin, cut = _samples(first), _samples(trim)
    end = begin + _samples(stop - first)
    return speech_onsets(_sound(spoken)[begin + cut : end - cut])


@functools.lru_cache(maxsize=2)
def _sound(spoken: Spoken) -> np.ndarray:
    return spoken.samples(SPEECH_RATE)


def _samples(frames: int) -> int:
    return int(frames * SPEECH_RATE / FPS)
