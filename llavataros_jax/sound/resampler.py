"""Resampling of sound that comes in pieces, by the streams of soxr.

However a recording is cut, the samples are the same to the last bit. soxr computes blocks, so what
comes out lags behind what went in: at 16 kHz, by up to 37 ms from 48 or 24 kHz, 41 ms from 44.1 or
22.05 kHz, 58 ms from 32 kHz and 116 ms from 8 kHz; sound that is at the wanted rate already does
not wait (`tests/sound/test_resampler.py` measures it).
"""

import numpy as np
from jaxtyping import Float32

from llavataros_jax.packages import require_packages


class Resampler:
    """Turns samples of one rate into samples of another."""

    def __init__(self, sample_rate: int, wanted_rate: int):
        """Begins a stream of `sample_rate` hertz, before which there was silence.

        Raises:
            UserError: When soxr is missing.
        """
        require_packages("reading audio", "soxr", extra="prep")
        import soxr

        self._stream = None
        if sample_rate != wanted_rate:
            self._stream = soxr.ResampleStream(sample_rate, wanted_rate, 1, dtype="float32")

    def __call__(self, samples: Float32[np.ndarray, " n"]) -> Float32[np.ndarray, " m"]:
        """Takes the next samples and returns those that are known by now; there may be none."""
        return samples if self._stream is None else self._stream.resample_chunk(samples)

    def rest(self) -> Float32[np.ndarray, " m"]:
        """Returns the last samples of a stream that is over."""
        nothing = np.zeros(0, np.float32)
        return nothing if self._stream is None else self._stream.resample_chunk(nothing, last=True)
