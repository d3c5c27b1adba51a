"""Beat consistency as EMAGE, RAG-Gesture and the GENEA leaderboard measure it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy.signal import argrelextrema

from llavataros_jax.evaluation.beats import beat_alignment
from llavataros_jax.evaluation.statistics import speed
from llavataros_jax.sound.beats import HOP
from llavataros_jax.sound.first_import import load_librosa
from llavataros_jax.sound.reader import SPEECH_RATE

# A speed is high from this share of the joint's mean speed on: EMAGE's, and that of older code.
THRESHOLD = 0.1
ORDER_FRAMES, FPS = 7, 30.0
SIGMA_SECONDS = 0.3
TRIM_FRAMES = 60


def emage_motion_beats(
    positions: Float[np.ndarray, "T J 3"],
    fps: float,
    mean_speeds: Float[np.ndarray, " J"],
    *,
    threshold: float = THRESHOLD,
    order_frames: int = ORDER_FRAMES,
    trim_frames: int = TRIM_FRAMES,
    compat: bool = True,
) -> list[Int[np.ndarray, " beats"]]:
    """Finds where each joint's speed is lowest within some frames, and yet not at rest.

    Args:
        positions: World positions, metres.
        fps: Frames per second.
        mean_speeds: What speeds are divided by, m/s; EMAGE's `mean_vel_smplxflame_30.npy`.
        threshold: θ, the share of it above which a minimum counts.
        order_frames: A minimum is strictly lower than so many frames to either side.
        trim_frames: So many are left out at both ends.
        compat: Read whether a joint moves `trim_frames` before the beat, as the reference does,
            where indices into trimmed speeds are looked up in the untrimmed (mertic.py).

    Returns:
        Frames after the first that is not left out, rising, for each joint.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = speed(positions, fps) / mean_speeds
    kept = shares[trim_frames : len(shares) - trim_frames]
    moving = shares > threshold
    if not compat:
        moving = moving[trim_frames:]
    beats = []
    for joint in range(shares.shape[1]):
        lowest = argrelextrema(kept[:, joint], np.less, order=order_frames)[0]
        beats.append(lowest[moving[lowest, joint]])
    return beats


def speech_onsets(samples: Float32[np.ndarray, " n"]) -> Float[np.ndarray, " onsets"]:
    """Finds librosa's onsets of sound at 16 kHz, not led back, in seconds.

    EMAGE gives it the samples from 2 s on to the motion's last frame but 60.

    Raises:
        UserError: When librosa is missing.
    """
    if not len(samples):
        return np.zeros(0)
    found = load_librosa().onset.onset_detect(
        y=samples, sr=SPEECH_RATE, hop_length=HOP, units="time"
    )
    return np.asarray(found, np.float64)


def emage_alignment(
    onsets_seconds: Float[np.ndarray, " onsets"],
    motion_beats_frames: Sequence[Int[np.ndarray, " _"]],
    fps: float = FPS,
    *,
    sigma_seconds: float = SIGMA_SECONDS,
) -> tuple[float, float]:
    """Averages over joints how near onsets lie to motion beats, and the other way round.

    Args:
        onsets_seconds: Onsets of the speech, counted from the first frame that is not left out.
        motion_beats_frames: Beats of each joint that counts, 13 of SMPL-X's in EMAGE.
        fps: Frames per second.
        sigma_seconds: σ, 0.3 in EMAGE and 0.5 in TalkSHOW.

    Returns:
        From audio to motion (EMAGE's BC, the leaderboard's a2m) and from motion to audio (m2a). A
        joint without beats scores 0 in both. NaN without onsets, where the reference divides by
        zero, or without joints.
    """
    if not len(onsets_seconds) or not motion_beats_frames:
        return float("nan"), float("nan")
    scores = [
        (
            beat_alignment(onsets_seconds, beats / fps, sigma_seconds),
            beat_alignment(beats / fps, onsets_seconds, sigma_seconds) if len(beats) else 0.0,
        )
        for beats in motion_beats_frames
    ]
    to_motion, to_audio = np.mean(scores, axis=0)
    return float(to_motion), float(to_audio)
