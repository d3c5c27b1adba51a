"""What can be heard of a word's stress: loudness and pitch at its stressed vowel."""

import numpy as np
from jaxtyping import Float

_WINDOW_SECONDS = 0.045
_HOP_SECONDS = 0.015
_LONGEST_VOWEL_SECONDS = 0.16
_LOWEST_HERTZ, _HIGHEST_HERTZ = 60.0, 420.0
_FALL, _RISE = 0.62, 1.75
_VOICED = 0.55
_OCTAVE_COST = 0.05
_QUIET = 0.15


def level_decibels(
    samples: Float[np.ndarray, " n"], rate: int, stress_seconds: float, end_seconds: float
) -> float:
    """Returns the loudest 45 ms from the onset of the stressed vowel, in dB of full scale."""
    frames = _frames(samples, rate, stress_seconds, end_seconds)
    return float(10 * np.log10(np.max(np.mean(frames**2, axis=1)) + 1e-12))


def pitch_hertz(
    samples: Float[np.ndarray, " n"],
    rate: int,
    stress_seconds: float,
    end_seconds: float,
    usual_hertz: float | None = None,
) -> float | None:
    """Returns the highest pitch from the onset of the stressed vowel, if it is voiced.

    The pitch of a frame is the first high peak of its normalised autocorrelation (Boersma 1993).
    Where the speaker's usual pitch is known, it is sought within an octave and a half around it,
    since the formants of low voices look like high pitch.
    """
    frames = _frames(samples, rate, stress_seconds, end_seconds)
    frames = frames - frames.mean(axis=1, keepdims=True)
    window = np.hanning(frames.shape[1] + 2)[1:-1]
    size = 2 ** int(np.ceil(np.log2(2 * frames.shape[1])))
    ours = np.fft.irfft(np.abs(np.fft.rfft(frames * window, size)) ** 2, size)
    flat = np.fft.irfft(np.abs(np.fft.rfft(window, size)) ** 2, size)
    lowest = max(_LOWEST_HERTZ, (usual_hertz or 0.0) * _FALL)
    highest = min(_HIGHEST_HERTZ, (usual_hertz or _HIGHEST_HERTZ) * _RISE)
    lags = np.arange(int(rate / highest), int(rate / lowest) + 1)
    likeness = ours[:, lags] / (ours[:, :1] + 1e-12) / (flat[lags] / flat[0])
    # A longer lag must be clearly better: every multiple of a period is as good as it.
    best = np.argmax(likeness - _OCTAVE_COST * np.log2(lags / lags[0]), axis=1)
    # Quiet frames are consonants.
    loud = ours[:, 0] > _QUIET * ours[:, 0].max()
    voiced = np.flatnonzero(loud & (np.take_along_axis(likeness, best[:, None], 1)[:, 0] > _VOICED))
    if not len(voiced):
        return None
    return (
        float(np.percentile([_refined(likeness[i], lags, int(best[i])) for i in voiced], 85)) * rate
    )


def _refined(likeness: Float[np.ndarray, " L"], lags: np.ndarray, peak: int) -> float:
    """Returns the frequency in cycles per sample at the top of a parabola through the peak."""
    shift = 0.0
    if 0 < peak < len(lags) - 1:
        before, here, after = likeness[peak - 1 : peak + 2]
        bend = before - 2 * here + after
        shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return 1.0 / (lags[peak] + float(np.clip(shift, -1, 1)))


def _frames(
    samples: Float[np.ndarray, " n"], rate: int, start_seconds: float, end_seconds: float
) -> Float[np.ndarray, "F m"]:
    width, hop = round(_WINDOW_SECONDS * rate), round(_HOP_SECONDS * rate)
    until = min(end_seconds, start_seconds + _LONGEST_VOWEL_SECONDS)
    starts = np.arange(round(start_seconds * rate), max(round(until * rate) - width, 0) + 1, hop)
    if not len(starts):
        starts = np.array([max(0, min(round(start_seconds * rate), len(samples) - width))])
    places = starts[:, None] + np.arange(width)
    return np.where(places < len(samples), samples[np.minimum(places, len(samples) - 1)], 0.0)
