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


def beat_alignment(
    audio_beats_seconds: Float[np.ndarray, " audio"],
    motion_beats_seconds: Float[np.ndarray, " motion"],
    sigma_seconds: float = SIGMA_SECONDS,
) -> float:
    """Averages exp(-d² / 2σ²) over the audio's beats, d from each to the nearest motion beat.

    It is 1 when every audio beat has a motion beat on it, and 0 without motion beats. More motion
    beats can only raise it, so read it beside its value for shifted speech (`anchors`).

    Returns:
        The alignment, or NaN without audio beats: there is nothing to align to.
    """
    audio = np.asarray(audio_beats_seconds, np.float64)
    motion = np.sort(np.asarray(motion_beats_seconds, np.float64))
    if not len(audio):
        return float("nan")
    if not len(motion):
        return 0.0
    after = np.searchsorted(motion, audio)
    last = len(motion) - 1
    distance = np.minimum(
        np.abs(audio - motion[np.maximum(after - 1, 0)]),
        np.abs(audio - motion[np.minimum(after, last)]),
    )
    return float(np.exp(-np.square(distance) / (2 * sigma_seconds**2)).mean())
