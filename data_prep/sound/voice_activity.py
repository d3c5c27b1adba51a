"""Where in a recording somebody speaks: the gate in front of Whisper, which fills silence."""

import functools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from llavataros_jax.packages import missing_packages
from llavataros_jax.sound.reader import SPEECH_RATE

_LEAST_PAUSE_SECONDS, _PADDING_SECONDS = 0.5, 0.2
_LEAST_SPEECH_SECONDS, _LEAST_SILENCE_SECONDS = 0.25, 0.1  # of Silero VAD, as its package has them
_STEP = SPEECH_RATE // 100
_QUIET_DECIBELS, _RANGE_DECIBELS, _LEAST_CONTRAST_DECIBELS = -75.0, 30.0, 6.0
_LEAST_SPEECH_STEPS = 15

Spans = list[tuple[float, float]]  # start and end in seconds


def speech_spans(samples: Float32[np.ndarray, " n"]) -> Spans:
    """Finds the parts of a recording at 16 kHz in which somebody speaks.

    Silero VAD, which comes with faster-whisper or by itself, tells speech from music and noise.
    Without it (see `tells_music`) loudness decides, which leaves out silence and steady noise only.
    """
    if not len(samples):
        return []
    spans = _silero_spans(samples) if tells_music() else _loud_spans(samples)
    seconds = len(samples) / SPEECH_RATE
    padded = [
        (max(0.0, start - _PADDING_SECONDS), min(seconds, end + _PADDING_SECONDS))
        for start, end in spans
    ]
    return joined(padded, _LEAST_PAUSE_SECONDS)


def tells_music() -> bool:
    """Tells whether Silero VAD is installed, with faster-whisper or by itself."""
    return _comes_with_whisper() or not missing_packages("silero_vad")


def voice_gate() -> str:
    """Names what finds speech here: `silero` by PyTorch, `silero v6` by ONNX, or `loudness`."""
    if not tells_music():
        return "loudness"
    return "silero v6" if _comes_with_whisper() else "silero"


def joined(spans: Sequence[Sequence[float]], least_pause_seconds: float) -> Spans:
    """Joins spans between which there is hardly a pause."""
    result: Spans = []
    for start, end in spans:
        if result and start - result[-1][1] < least_pause_seconds:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _comes_with_whisper() -> bool:
    return not missing_packages("faster_whisper", "onnxruntime")


def _silero_spans(samples: Float32[np.ndarray, " n"]) -> Spans:
    if _comes_with_whisper():
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        options = VadOptions(
            min_speech_duration_ms=round(1000 * _LEAST_SPEECH_SECONDS),
            min_silence_duration_ms=round(1000 * _LEAST_SILENCE_SECONDS),
            speech_pad_ms=0,
        )
        found = get_speech_timestamps(samples, options)
    else:
        found = _silero_stamps(samples)
    return [(span["start"] / SPEECH_RATE, span["end"] / SPEECH_RATE) for span in found]


def _silero_stamps(samples: Float32[np.ndarray, " n"]):
    import torch  # pyright: ignore[reportMissingImports]
    from silero_vad import get_speech_timestamps  # pyright: ignore[reportMissingImports]

    return get_speech_timestamps(torch.from_numpy(samples), _silero(), sampling_rate=SPEECH_RATE)


@functools.cache
def _silero():
    import torch  # pyright: ignore[reportMissingImports]

    threads = torch.get_num_threads()
    from silero_vad import load_silero_vad  # pyright: ignore[reportMissingImports]

    torch.set_num_threads(threads)  # importing it leaves one
    return load_silero_vad()


def _loud_spans(samples: Float32[np.ndarray, " n"]) -> Spans:
    whole = len(samples) // _STEP * _STEP
    power = np.mean(samples[:whole].reshape(-1, _STEP).astype(np.float64) ** 2, axis=1)
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    if len(decibels) < _LEAST_SPEECH_STEPS:
        return []
    quiet, loud = np.percentile(decibels, (5, 95))
    if loud < _QUIET_DECIBELS or loud - quiet < _LEAST_CONTRAST_DECIBELS:
        return []
    sound = decibels > max(_QUIET_DECIBELS, loud - _RANGE_DECIBELS, quiet + 3)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], sound, [False]]).astype(int)))
    spans = joined((edges.reshape(-1, 2) / 100).tolist(), _LEAST_PAUSE_SECONDS)
    return [(start, end) for start, end in spans if (end - start) * 100 >= _LEAST_SPEECH_STEPS]
