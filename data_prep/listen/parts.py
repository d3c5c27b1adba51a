"""A recording in parts that fit into memory, cut in pauses, and where in them somebody speaks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from data_prep.sound.voice_activity import Spans, speech_spans
from llavataros_jax.sound.reader import SPEECH_RATE, blocks

_EARLIEST_SHARE = 0.5  # of a part's length: what is cut earlier is heard in too many parts
_QUIET_SECONDS = 0.05


@dataclass(frozen=True, eq=False)
class Part:
    """A stretch of a recording at 16 kHz.

    Attributes:
        start_seconds: Where it begins in the recording.
        samples: Its sound.
        spans: Where somebody speaks, in seconds from its start.
    """

    start_seconds: float
    samples: Float32[np.ndarray, " n"]
    spans: Spans


def speech_parts(audio_path: Path, longest_seconds: float) -> Iterator[Part]:
    """Yields a recording in parts of up to `longest_seconds`; only one is in memory.

    Raises:
        UserError: When the file cannot be read to its end.
    """
    source, longest = blocks(audio_path, SPEECH_RATE), round(longest_seconds * SPEECH_RATE)
    held, first = np.zeros(0, np.float32), 0
    while True:
        arrived = [held]
        while sum(map(len, arrived)) <= longest and (block := next(source, None)) is not None:
            arrived.append(block)
        held = np.concatenate(arrived)
        if not len(held):
            return
        seconds = min(len(held) / SPEECH_RATE, longest_seconds)
        spans = speech_spans(held[:longest])
        if len(held) > longest:
            seconds = _cut(held[:longest], spans, longest_seconds)
        inside = [(start, min(end, seconds)) for start, end in spans if start < seconds]
        size = round(seconds * SPEECH_RATE)
        yield Part(first / SPEECH_RATE, held[:size], inside)
        held, first = held[size:], first + size


def pieces(part: Part, longest_seconds: float) -> Spans:
    """Returns the spans of a part, those that are too long cut where it is quietest."""
    found = []
    for start, end in part.spans:
        while end - start > longest_seconds:
            latest = start + longest_seconds
            cut = quietest_seconds(part.samples, (start + latest) / 2, latest)
            found.append((start, cut))
            start = cut
        found.append((start, end))
    return found


def quietest_seconds(
    samples: Float32[np.ndarray, " n"], start_seconds: float, end_seconds: float
) -> float:
    """Returns the middle of the quietest twentieth of a second between two times."""
    step = round(_QUIET_SECONDS * SPEECH_RATE)
    begin, end = (round(seconds * SPEECH_RATE) for seconds in (start_seconds, end_seconds))
    frames = samples[begin : begin + (end - begin) // step * step].reshape(-1, step)
    quietest = int(np.argmin(np.square(frames).sum(axis=1))) if len(frames) else 0
    return start_seconds + (quietest + 0.5) * _QUIET_SECONDS


def _cut(samples: Float32[np.ndarray, " n"], spans: Spans, longest_seconds: float) -> float:
    """Chooses the middle of the longest late pause, or the quietest late place."""
    earliest = _EARLIEST_SHARE * longest_seconds
    edges = [0.0, *(edge for span in spans for edge in span), longest_seconds]
    pauses = [
        (max(start, earliest), end)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if end > earliest
    ]
    start, end = max(pauses, key=lambda pause: pause[1] - pause[0], default=(0.0, 0.0))
    if end > start:
        return (start + end) / 2
    return quietest_seconds(samples, earliest, longest_seconds)
