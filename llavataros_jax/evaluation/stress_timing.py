"""Whether strokes fall on words: the mean speed of the hands around the starts of words."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros_jax.evaluation.anchors import shifted_times

# Words follow each other every half second: a longer window finds the stroke of the next one.
REACH_SECONDS = 0.5
# Where sums over clips are taken, whatever their rates.
LAGS_SECONDS: Float[np.ndarray, " L"] = np.arange(-15, 16) / 30


@dataclass(frozen=True, eq=False)
class StrokeTiming:
    """When, after its word begins, the hand is fastest, and how clearly.

    All numbers are NaN when no word has its whole window inside the motion; the contrasts also
    when nothing moves.

    Attributes:
        lag_seconds: From a word's start to the peak of the mean profile.
        contrast: The profile's peak over its mean; 1 is flat.
        shuffled_lag_seconds: Mean of the same over words pushed to other times.
        shuffled_contrast: Likewise; above 1 because few words leave ripples.
        chance: Share of the shuffles, and the words themselves, that reach this contrast (the
            p-value of a permutation test; 0.01 at best with 100 shuffles).
        lags_seconds: Where the profile was taken.
        profile: Mean speed, m/s, at each lag.
    """

    lag_seconds: float
    contrast: float
    shuffled_lag_seconds: float
    shuffled_contrast: float
    chance: float
    lags_seconds: Float[np.ndarray, " L"]
    profile: Float[np.ndarray, " L"]


def stroke_timing(
    wrist_speed: Float[np.ndarray, " T"],
    fps: float,
    word_starts_seconds: Float[np.ndarray, " W"],
    *,
    seed: int = 0,
) -> StrokeTiming:
    """Averages the speed from 0.5 s before to 0.5 s after words begin, and finds its peak.

    Args:
        wrist_speed: m/s on every frame.
        fps: Frames per second.
        word_starts_seconds: Starts of words, or of their stressed vowels when those are known.
        seed: Of the shuffles.
    """
    speed = np.asarray(wrist_speed, np.float64)
    starts = np.asarray(word_starts_seconds, np.float64)
    reach = round(REACH_SECONDS * fps)
    lags = np.arange(-reach, reach + 1) / fps
    profile = _profile(speed, fps, starts, lags)
    lag, contrast = peak(profile, lags)
    shuffles = shifted_times(starts, len(speed) / fps, seed=seed)
    peaks = np.array([peak(_profile(speed, fps, times, lags), lags) for times in shuffles])
    peaks = peaks[np.isfinite(peaks).all(axis=1)]
    shuffled_lag, shuffled_contrast = peaks.mean(axis=0) if len(peaks) else (np.nan, np.nan)
    reached = 1 + np.count_nonzero(peaks[:, 1] >= contrast)
    return StrokeTiming(
        lag_seconds=lag,
        contrast=contrast,
        shuffled_lag_seconds=float(shuffled_lag),
        shuffled_contrast=float(shuffled_contrast),
        chance=float(reached / (1 + len(peaks))) if np.isfinite(contrast) else float("nan"),
        lags_seconds=lags,
        profile=profile,
    )


def speeds_around(
    speed: Float[np.ndarray, " T"],
    fps: float,
    starts_seconds: Float[np.ndarray, " W"],
    lags_seconds: Float[np.ndarray, " L"] = LAGS_SECONDS,
) -> Float[np.ndarray, "_ L"]:
    """Returns the speed at each lag from each word whose whole window lies inside the motion.

    So each lag has all of these words, and no lag is fast because few words have it.
    """
    starts, lags = starts_seconds, lags_seconds
    last_seconds = (len(speed) - 1) / fps
    whole = starts[(starts + lags[0] >= 0) & (starts + lags[-1] <= last_seconds)]
    return np.interp((whole[:, None] + lags) * fps, np.arange(len(speed)), speed)


def peak(
    profile: Float[np.ndarray, " L"], lags_seconds: Float[np.ndarray, " L"] = LAGS_SECONDS
) -> tuple[float, float]:
    """Returns the lag of a profile's peak, and the peak by the mean; NaN when nothing moves."""
    mean = profile.mean()
    if not mean > 0:
        return float("nan"), float("nan")
    place = int(profile.argmax())
    return float(lags_seconds[place]), float(profile[place] / mean)


def _profile(
    speed: Float[np.ndarray, " T"],
    fps: float,
    starts: Float[np.ndarray, " W"],
    lags: Float[np.ndarray, " L"],
) -> Float[np.ndarray, " L"]:
    speeds = speeds_around(speed, fps, starts, lags)
    return speeds.mean(axis=0) if len(speeds) else np.full(len(lags), np.nan)
