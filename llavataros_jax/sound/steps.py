"""Log-mel and prosody in steps of 10 ms.

Steps lie on one grid over the whole recording: step s covers 10 s to 10 (s + 1) ms. Every window
ends where its step ends, so a step depends on no sample after its own end, but for the few
milliseconds by which a recording of another rate is resampled. Windows reach back 25 ms (mel,
energy, onset: plus one step) and 64 ms (pitch, voicing).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.first_import import load_librosa
from llavataros_jax.sound.reader import blocks
from llavataros_jax.sound.windows import (
    PITCH_WINDOW_SECONDS,
    mel_filters,
    onset_strength,
    window_features,
    window_samples,
    windows_at,
)

STEPS_PER_SECOND = 100
PROSODY = ("energy", "pitch", "voicing", "onset")
BLOCK_STEPS = 2000  # 20 s


def load_tools(config: AudioConfig) -> None:
    """Imports what the steps need, which takes seconds, so that it can be done beside others."""
    mel_filters(config)
    _ = load_librosa().yin


def step_features(
    path: Path | str,
    num_steps: int,
    config: AudioConfig,
    *,
    block_steps: int = BLOCK_STEPS,
) -> Iterator[Float32[np.ndarray, "S C"]]:
    """Yields features of `block_steps` steps at a time; any block size gives the same values."""
    source = blocks(path, config.sample_rate)
    yield from step_features_of(source, num_steps, config, block_steps=block_steps)


def step_features_of(
    source: Iterator[Float32[np.ndarray, " n"]],
    num_steps: int,
    config: AudioConfig,
    *,
    block_steps: int = BLOCK_STEPS,
) -> Iterator[Float32[np.ndarray, "S C"]]:
    """Yields the same of samples that come in blocks, at `config.sample_rate`."""
    stream = StepStream(config)
    for first in range(0, num_steps, block_steps):
        stop = min(first + block_steps, num_steps)
        while (missing := stream.samples_of(stop) - stream.num_samples) > 0:
            part = next(source, None)
            stream.hear(np.zeros(missing, np.float32) if part is None else part)
        yield stream.take(stop - first)


class StepStream:
    """Steps of sound that arrives in pieces of any size.

    Attributes:
        config: Options of the features.
        num_samples: Samples that came, at `config.sample_rate`.
        steps_taken: Steps that were given; the number of the next one.
    """

    def __init__(self, config: AudioConfig):
        """Begins a stream, before which there was silence."""
        self.config = config
        self.num_samples = self.steps_taken = 0
        self._history = window_samples(config, PITCH_WINDOW_SECONDS)
        # The samples from number `_first` on, of which some still lie in the pieces they came in.
        self._held, self._first = np.zeros(self._history, np.float32), -self._history
        self._pieces: deque[Float32[np.ndarray, " n"]] = deque()
        self._previous_mel: Float32[np.ndarray, "1 mels"] | None = None

    @property
    def num_steps(self) -> int:
        """Steps, counted from the stream's first, whose samples are there."""
        count = int(self.num_samples / self.config.sample_rate * STEPS_PER_SECOND) + 1
        while self.samples_of(count) > self.num_samples:
            count -= 1
        return count

    def samples_of(self, num_steps: int) -> int:
        """Returns how many samples the first so many steps need."""
        return round(num_steps * (self.config.sample_rate / STEPS_PER_SECOND))

    def hear(self, samples: Float32[np.ndarray, " n"]) -> None:
        """Takes the next samples and keeps them; they must not be written to afterwards."""
        if len(samples):
            self._pieces.append(samples)
            self.num_samples += len(samples)

    def forget_from(self, num_samples: int) -> None:
        """Forgets all samples but the first so many, which must hold all steps that were taken."""
        self._join(self.num_samples)
        self._held = self._held[: num_samples - self._first]
        self.num_samples = self._first + len(self._held)

    def take(self, count: int) -> Float32[np.ndarray, "S C"]:
        """Computes the next so many steps, whose samples must be there."""
        return take_steps([self], [count])[0]

    def windows(
        self, count: int
    ) -> tuple[Float32[np.ndarray, "S short"], Float32[np.ndarray, "S long"]]:
        """Returns the windows of the next so many steps, for `take_steps`."""
        hop = self.config.sample_rate / STEPS_PER_SECOND
        numbers = np.arange(self.steps_taken + 1, self.steps_taken + count + 1)
        ends = np.round(numbers * hop).astype(np.int64)
        if count:
            self._join(int(ends[-1]))
        return windows_at(self._held, ends - self._first, self.config)

    def move_on(
        self, log_mel: Float32[np.ndarray, "S mels"], prosody: Float32[np.ndarray, "S 3"]
    ) -> Float32[np.ndarray, "S C"]:
        """Completes the next steps by what grew since the one before, and forgets old samples."""
        before = log_mel[:1] if self._previous_mel is None else self._previous_mel
        onset = onset_strength(np.concatenate([before, log_mel]))
        if len(log_mel):
            self._previous_mel = log_mel[-1:]
            self.steps_taken += len(log_mel)
            kept_from = self.samples_of(self.steps_taken) - self._history
            self._held, self._first = self._held[kept_from - self._first :], kept_from
        return np.concatenate([log_mel, prosody, onset[:, None]], axis=1)

    def _join(self, num_samples: int) -> None:
        """Lays as many pieces end to end as the first so many samples take."""
        parts, end = [self._held], self._first + len(self._held)
        while end < num_samples:
            parts.append(self._pieces.popleft())
            end += len(parts[-1])
        if len(parts) > 1:
            self._held = np.concatenate(parts)


def take_steps(
    streams: Sequence[StepStream], counts: Sequence[int]
) -> list[Float32[np.ndarray, "S C"]]:
    """Computes the next steps of several streams of the same options at once.

    They are what `take` gives one by one, to the last bit, but cost less: most of a call is spent
    before the first window.
    """
    windows = [stream.windows(count) for stream, count in zip(streams, counts, strict=True)]
    short, long = (np.concatenate(each) for each in zip(*windows, strict=True))
    log_mel, prosody = window_features(short, long, streams[0].config)
    stops = np.cumsum(counts)
    return [
        stream.move_on(log_mel[stop - count : stop], prosody[stop - count : stop])
        for stream, count, stop in zip(streams, counts, stops, strict=True)
    ]
