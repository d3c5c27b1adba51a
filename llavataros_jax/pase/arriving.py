"""Steps of PASE+ while the sound arrives: those of the mode `padded` of `stream`.

A step is known once the sound that it depends on is there, which reaches 83 ms beyond its start.
The mode `raw` cannot be streamed: whether its first skip slides against the tower, from the first
step on, is decided by the length of the whole recording.
"""

import jax
import numpy as np
from jaxtyping import Float32

from llavataros_jax.pase.layout import FEATURES, HOP_SAMPLES
from llavataros_jax.pase.network import Params
from llavataros_jax.pase.recurrence import initial_state
from llavataros_jax.pase.stream import STEPS_BEFORE, STEPS_BEHIND, encode_chunk, padded

SAMPLES_AHEAD = 1336  # that a step needs from its start on


class StepEncoder:
    """Steps of one stream.

    Attributes:
        steps_taken: Steps that were given; the number of the next one.
        num_samples: Samples that came, at 16 kHz.
    """

    def __init__(self, params: Params):
        """Begins a stream."""
        self._params = jax.device_put(params)
        self._state = initial_state(1)
        # `_held` begins with the sample at which step `_origin` begins.
        self._held, self._origin = np.zeros(0, np.float32), 0
        self.steps_taken = self.num_samples = 0
        self._total: int | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing follows."""
        return self._total is not None

    @property
    def num_steps(self) -> int:
        """Steps, counted from the stream's first, that are known."""
        if self._total is not None:
            return self._total
        return max(0, (self.num_samples - SAMPLES_AHEAD) // HOP_SAMPLES + 1)

    def hear(self, samples: Float32[np.ndarray, " n"]) -> None:
        """Takes the next samples."""
        self._held = np.concatenate([self._held, samples])
        self.num_samples += len(samples)

    def end(self) -> None:
        """Ends the stream, which makes all its steps known: one for each 160 samples, or three."""
        if self.num_samples and self._total is None:
            self._held = padded(self._held, is_whole=self._origin == 0)
            self._total = self._origin + len(self._held) // HOP_SAMPLES

    def forget_from(self, num_samples: int) -> None:
        """Forgets all samples but the first so many; steps that were taken stay as they are."""
        self._held = self._held[: num_samples - self._origin * HOP_SAMPLES]
        self.num_samples = self._origin * HOP_SAMPLES + len(self._held)

    def take(self, count: int, *, size: int | None = None) -> Float32[np.ndarray, "n F"]:
        """Computes the next so many steps, which must be known.

        Args:
            count: Steps.
            size: Steps of the compiled program, each of which takes seconds to compile; more than
                `count` only for a stream's last steps.
        """
        if not count:
            return np.zeros((0, FEATURES), np.float32)
        size, done = size or count, self.steps_taken
        first = max(0, done - STEPS_BEFORE)
        begin, stop = (
            (step - self._origin) * HOP_SAMPLES for step in (first, done + count + STEPS_BEHIND)
        )
        samples = self._held[begin:stop]
        window = np.zeros((1, (STEPS_BEFORE + size + STEPS_BEHIND) * HOP_SAMPLES), np.float32)
        window[0, : len(samples)] = samples
        # Samples that have not come yet are behind those that these steps depend on.
        there = len(samples) if self._total is not None else stop - begin
        encoded, self._state = encode_chunk(
            self._params,
            window,
            self._state,
            np.int32(there),
            np.int32(done - first),
            None,
            size=size,
        )
        self.steps_taken += count
        kept_from = max(0, self.steps_taken - STEPS_BEFORE)
        self._held = self._held[(kept_from - self._origin) * HOP_SAMPLES :]
        self._origin = kept_from
        return np.asarray(encoded[0, :count])
