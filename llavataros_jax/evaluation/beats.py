"""Beats of speech and of motion, and how well they agree (spec section 7.3, BEAT 2022)."""

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion.beats import speed_minima

SIGMA_SECONDS = 0.3


def motion_beats(speed: Float[np.ndarray, " T"], fps: float) -> Float[np.ndarray, " beats"]:
    """Finds when a joint's speed is lowest: frames strictly slower than all within 2/15 s.

    The speed of frame k is that at time k / fps; see `statistics.speed`.

    Returns:
        Seconds, rising.
    """
    return speed_minima(speed, fps=fps) / fps


def closeness(
    beats_seconds: Float[np.ndarray, " n"],
    others_seconds: Float[np.ndarray, " m"],
    sigma_seconds: float = SIGMA_SECONDS,
) -> Float[np.ndarray, " n"]:
    """Returns exp(-d² / 2σ²) for each beat, d from it to the nearest of the others.

    All are 0 when there are no others.
    """
    beats = np.asarray(beats_seconds, np.float64)
    others = np.sort(np.asarray(others_seconds, np.float64))
    if not len(others):
        return np.zeros(len(beats))
    after = np.searchsorted(others, beats)
    distance = np.minimum(
        np.abs(beats - others[np.maximum(after - 1, 0)]),
        np.abs(beats - others[np.minimum(after, len(others) - 1)]),
    )
    return np.exp(-np.square(distance) / (2 * sigma_seconds**2))


def beat_alignment(
    audio_beats_seconds: Float[np.ndarray, " audio"],
    motion_beats_seconds: Float[np.ndarray, " motion"],
    sigma_seconds: float = SIGMA_SECONDS,
) -> float:
    """Averages the closeness of the audio's beats to the motion's.

    It is 1 when every audio beat has a motion beat on it, and 0 without motion beats. More motion
    beats can only raise it, so read it beside its value for shifted speech (`anchors`). With the
    two sides changed it is the leaderboard's m2a, which more motion beats do not raise.

    Returns:
        The alignment, or NaN without audio beats: there is nothing to align to.
    """
    if not len(audio_beats_seconds):
        return float("nan")
    return float(closeness(audio_beats_seconds, motion_beats_seconds, sigma_seconds).mean())


def chance_corrected(alignment: float, chance: float) -> float:
    """Returns (alignment - chance) / (1 - chance): 0 for speech of any other time, 1 at best.

    Args:
        alignment: With the speech of the motion.
        chance: The mean of the same with speech pushed along the clip at random.

    Returns:
        The share; NaN where chance is perfect.
    """
    return float((alignment - chance) / (1 - chance)) if chance < 1 else float("nan")
