"""A segment as an encoder of alignment sees it: matrices to 20 frames per second, axes, windows.

What `llavataros_jax.alignment` does to clips with SciPy, as products that gradients pass through.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.ndimage import gaussian_filter1d

from llavataros_jax.alignment.body import FRAMES_PER_SECOND, SMOOTHED_SECONDS
from llavataros_jax.sound.steps import STEPS_PER_SECOND

# What the mel features of a frame stack of each channel (`data_prep.sound.features`).
STEPS_PER_FRAME = 3
_STEPS = STEPS_PER_SECOND // FRAMES_PER_SECOND
_TINY = 1e-9


def segment_points(frames: int, fps: float) -> int:
    """Returns how many frames at 20 a second so many frames are."""
    return max(1, round(frames / fps * FRAMES_PER_SECOND))


def motion_rows(frames: int, fps: float) -> Float[np.ndarray, "n T"]:
    """Returns the matrix that smooths and resamples positions as `alignment.body` does."""
    smooth = gaussian_filter1d(np.eye(frames), SMOOTHED_SECONDS * fps, axis=0, mode="nearest")
    count = segment_points(frames, fps)
    place = np.minimum(np.arange(count) / FRAMES_PER_SECOND * fps, frames - 1)
    before = np.floor(place).astype(int)
    share = (place - before)[:, None]
    after = np.minimum(before + 1, frames - 1)
    return (smooth[before] * (1 - share) + smooth[after] * share).astype(np.float32)


def speech_rows(frames: int, fps: float) -> Float[np.ndarray, "n T"]:
    """Returns the matrix that takes frames of three steps of 10 ms to five steps around each point.

    Frames count by how many of the five steps they hold (`alignment.speech`); where they hold none
    of them, the nearest one does.
    """
    count = segment_points(frames, fps)
    ends = np.floor(np.arange(1, frames + 1) * STEPS_PER_SECOND / fps + 1e-9)
    first = np.arange(count)[:, None] * _STEPS - _STEPS // 2
    held = np.minimum(first + _STEPS, ends) - np.maximum(first, ends - STEPS_PER_FRAME)
    held = np.maximum(held, 0)
    middle = first + _STEPS / 2
    nearest = np.abs(ends - STEPS_PER_FRAME / 2 - middle).argmin(axis=1)
    none = ~held.any(axis=1)
    held[none, nearest[none]] = 1
    return (held / held.sum(axis=1, keepdims=True)).astype(np.float32)


def body_axes(left: Float[Array, "B n 3"]) -> Float[Array, "B n 3 3"]:
    """Returns the axes of bodies whose left is there: rows left, up and forward."""
    x = left / _length(left)
    y = jnp.array([0.0, 1.0, 0.0])[None, None] - x * x[..., 1:2]
    y = y / _length(y)
    return jnp.stack([x, y, jnp.cross(x, y)], axis=2)


def windows(
    rows: Float[Array, "B n ..."], starts: Int[np.ndarray, " W"], frames: int, *, margin: int = 0
) -> Float[Array, "BW m ..."]:
    """Cuts windows with margins out of every lane, whose ends are held; a lane's own in a row."""
    held = ((0, 0), (margin, margin), *[(0, 0)] * (rows.ndim - 2))
    rows = jnp.pad(rows, held, mode="edge")
    cut = rows[:, starts[:, None] + np.arange(frames + 2 * margin)]
    return cut.reshape(-1, *cut.shape[2:])


def _length(vectors: Float[Array, "B n 3"]) -> Float[Array, "B n 1"]:
    return jnp.sqrt(jnp.square(vectors).sum(axis=-1, keepdims=True) + _TINY**2)
