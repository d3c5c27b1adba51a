"""Beats of motion: where a joint is slowest for a moment (spec section 7.3, BEAT 2022)."""

import numpy as np
from jaxtyping import Float, Int

REACH_SECONDS = 2 / 15  # two frames to either side at 15 fps


def speed_minima(speed: Float[np.ndarray, " T"], *, fps: float) -> Int[np.ndarray, " beats"]:
    """Finds the frames that are strictly slower than all others within 2/15 s."""
    from scipy.signal import argrelmin  # a second to import

    return argrelmin(np.asarray(speed), order=max(1, round(REACH_SECONDS * fps)))[0]
