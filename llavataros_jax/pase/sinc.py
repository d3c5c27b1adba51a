"""The learned band-pass filters of block 0 (PASE specification, section 2)."""

import numpy as np
from jaxtyping import Float, Float32

from llavataros_jax.pase.layout import CHANNELS, KERNELS, SAMPLE_RATE

_LOWEST_HZ, _NARROWEST_HZ = 50.0, 50.0


def sinc_filters(
    low_hz: Float[np.ndarray, "C 1"], band_hz: Float[np.ndarray, "C 1"]
) -> Float32[np.ndarray, "C tap"]:
    """Builds the filters in float64: in float32 the sines' arguments, up to 393, lose 5e-6.

    Args:
        low_hz: Lower edges less the lowest, of any sign.
        band_hz: Widths less the narrowest, of any sign.
    """
    half = KERNELS[0] // 2
    low = _LOWEST_HZ + np.abs(low_hz.astype(np.float64))
    high = low + _NARROWEST_HZ + np.abs(band_hz.astype(np.float64))
    high = np.clip(high, _LOWEST_HZ, SAMPLE_RATE / 2)
    times = 2 * np.pi * np.arange(-half, 0) / SAMPLE_RATE
    # Not quite the symmetric Hamming window: 125 points are spread over 0 to 124.5.
    points = np.linspace(0, KERNELS[0] / 2 - 1, half)
    window = 0.54 - 0.46 * np.cos(2 * np.pi * points / KERNELS[0])
    left = (np.sin(high * times) - np.sin(low * times)) / (times / 2) * window / (2 * (high - low))
    centre = np.ones((len(left), 1))
    return np.concatenate([left, centre, left[:, ::-1]], axis=1).astype(np.float32)


def mel_edges() -> tuple[Float32[np.ndarray, "C 1"], Float32[np.ndarray, "C 1"]]:
    """Returns the `low_hz` and `band_hz` that training starts from: even in mel, 30 to 7900 Hz."""
    lowest, highest = 2595 * np.log10(1 + np.array([30, SAMPLE_RATE / 2 - 100]) / 700)
    edges = 700 * (10 ** (np.linspace(lowest, highest, CHANNELS[0] + 1) / 2595) - 1)
    low, band = edges[:-1, None], np.diff(edges)[:, None]
    return low.astype(np.float32), band.astype(np.float32)
