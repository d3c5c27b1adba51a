"""Savitzky-Golay smoothing along time: window 9, order 2 at 30 fps (spec/llanimation.md, 6)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.rotations import matrix_to_sixd, sixd_to_matrix

ORDER = 2
WINDOW = 9  # frames at 30 fps


def window_frames(fps: float, window: int = WINDOW) -> int:
    """Returns the odd window that spans at `fps` what `window` frames span at 30: 17 at 60."""
    return 2 * round((window - 1) / 2 * fps / 30) + 1


def smooth_values(
    values: Float[np.ndarray, "T ..."], fps: float, window: int = WINDOW
) -> Float[np.ndarray, "T ..."]:
    """Smooths anything linear along its first axis, such as un-normalised poses before decoding.

    The window, in frames at 30 fps, shrinks to what a short motion has; from 3 frames down nothing
    changes.
    """
    window = min(window_frames(fps, window), (len(values) - 1) // 2 * 2 + 1)
    if window <= ORDER + 1:
        return np.array(values)
    from scipy.signal import savgol_filter  # a second to import

    flat = np.reshape(values, (len(values), -1))
    return np.asarray(savgol_filter(flat, window, ORDER, axis=0)).reshape(values.shape)


def smooth_recording(
    values: Float[np.ndarray, "T P"], fps: float, window: int = WINDOW
) -> Float[np.ndarray, "T P"]:
    """Smooths a whole recording as a live stream is that waits half a window: `smooth_values`.

    Only the first half window differs. There the parabola is fitted to the frames that a live
    stream has by then, all of those up to half a window later.
    """
    smoothed = smooth_values(values, fps, window)
    delay = half_window(fps, window)
    kernels = causal_kernels(fps, delay, window)
    for frame in range(min(delay, len(values) - delay)):
        known = frame + delay + 1
        smoothed[frame] = kernels[known - 1, -known:] @ values[:known]
    return smoothed


def smooth(motion: Motion) -> Motion:
    """Smooths rotations in the parents' frames as 6D vectors, the root and the offsets.

    The 6D vectors are made rotations again afterwards, and rigid bones keep their lengths.
    """
    sixd = smooth_values(np.asarray(matrix_to_sixd(motion.local_rotations())), motion.fps)
    offsets = smooth_values(motion.local_offsets(), motion.fps)
    return motion_from_local(
        np.asarray(sixd_to_matrix(sixd)),
        offsets,
        offsets[:, 0],
        fps=motion.fps,
        skeleton=motion.skeleton,
    )


class SmoothState(NamedTuple):
    """What live smoothing keeps of each lane.

    Attributes:
        history: The last values of a lane, newest last; zeros before its first.
        seen: How many of them there are.
    """

    history: Float[Array, "B K P"]
    seen: Int[Array, " B"]


def half_window(fps: float, window: int = WINDOW) -> int:
    """Returns the delay with which live smoothing equals the offline filter: 4 frames at 30 fps."""
    return window_frames(fps, window) // 2


def causal_kernels(fps: float, delay_frames: int, window: int = WINDOW) -> Float[np.ndarray, "K K"]:
    """Returns the weights of the last K values when 1, 2, ... K of them are known.

    Row K-1 is the Savitzky-Golay filter of the offline window evaluated `delay_frames` before its
    newest value; with half a window of delay (`half_window`) it is the offline filter, with
    less it follows sooner and smooths less. The rows above fit what a young stream has, and answer
    with its first frame until the delay has passed.
    """
    window = window_frames(fps, window)
    if not 0 <= delay_frames < window:
        raise UserError(
            f"a delay of {delay_frames} frames is outside the smoothing window of {window} frames "
            f"at {fps:g} fps; give 0 to {window - 1}"
        )
    kernels = np.zeros((window, window), np.float32)
    from scipy.signal import savgol_coeffs

    for known in range(1, window + 1):
        order, place = min(ORDER, known - 1), max(known - 1 - delay_frames, 0)
        kernels[known - 1, window - known :] = savgol_coeffs(known, order, pos=place, use="dot")
    return kernels


def final_kernels(
    fps: float, delay_frames: int, window: int = WINDOW
) -> Float[np.ndarray, "N D K"]:
    """Returns the weights that finish a stream: the values that its delay still holds back.

    Row n, of N = K + 1, serves a lane that has seen n values, K or more counting as K. Its D
    weightings of the last K values give the last D smoothed ones, oldest first, as the offline
    filter gives them for the whole motion: near the end by the polynomial of the last window,
    which shrinks to what a short motion has. Where a lane has seen fewer than D values, the first
    weightings are zero. A delay of more than half a window asks for values whose offline window
    the history no longer holds; they are read off the oldest window that it holds.
    """
    window = window_frames(fps, window)
    kernels = np.zeros((window + 1, delay_frames, window), np.float32)
    from scipy.signal import savgol_coeffs

    for known in range(1, window + 1):
        width = min(window, (known - 1) // 2 * 2 + 1)
        for age in range(min(delay_frames, known)):
            frame = known - 1 - age
            first = min(max(frame - width // 2, 0), known - width)
            weights = savgol_coeffs(width, min(ORDER, width - 1), pos=frame - first, use="dot")
            place = window - known + first
            kernels[known, delay_frames - 1 - age, place : place + width] = weights
    return kernels


def start_smoothing(lanes: int, size: int, *, window: int) -> SmoothState:
    """Returns the state of lanes that have seen nothing."""
    return SmoothState(jnp.zeros((lanes, window, size)), jnp.zeros(lanes, jnp.int32))


def reset_smoothing(state: SmoothState, is_start: Bool[Array, " B"]) -> SmoothState:
    """Clears the lanes in which a stream starts: a weight of zero times NaN would be NaN."""
    return SmoothState(
        history=jnp.where(is_start[:, None, None], 0.0, state.history),
        seen=jnp.where(is_start, 0, state.seen),
    )


def finish_smoothing(
    state: SmoothState, *, kernels: Float[np.ndarray, "N D K"]
) -> Float[Array, "B D P"]:
    """Returns the last D smoothed values of each lane, if nothing came after what it has seen."""
    return _weighted("BDK,BKP->BDP", jnp.asarray(kernels)[state.seen], state.history)


def causal_smooth(
    state: SmoothState,
    values: Float[Array | np.ndarray, "B T P"],
    *,
    kernels: Float[np.ndarray, "K K"],
    frame_mask: Bool[Array | np.ndarray, "B T"] | None = None,
) -> tuple[Float[Array, "B T P"], SmoothState]:
    """Smooths the newest values of live streams; pure, so that it runs inside a compiled step.

    However a stream is cut into calls, it comes out the same. `reset_smoothing` starts a lane
    anew. Frames outside `frame_mask` are not part of the stream, and come out meaningless.
    """
    lanes, frames, _ = values.shape
    window = len(kernels)
    exists = jnp.asarray(np.ones((lanes, frames), bool) if frame_mask is None else frame_mask)
    values = jnp.asarray(values)
    known, number = joined(state.history.astype(values.dtype), values, exists)
    reach = number[:, :, None] + jnp.arange(window, dtype=jnp.int32)[None, None]
    windows = jnp.take_along_axis(known[:, None], reach[..., None], axis=2)
    used = jnp.clip(state.seen[:, None] + number, 1, window)
    smoothed = _weighted("BTK,BTKP->BTP", jnp.asarray(kernels)[used - 1], windows)
    kept = number[:, -1:] + jnp.arange(window, dtype=jnp.int32)[None]
    history = jnp.take_along_axis(known, kept[..., None], axis=1)
    return smoothed, SmoothState(history, jnp.minimum(state.seen + number[:, -1], window))


def joined(
    history: Float[Array, "B K *P"],
    values: Float[Array, "B T *P"],
    exists: Bool[Array, "B T"],
) -> tuple[Float[Array, "B S *P"], Int[Array, "B T"]]:
    """Puts the values of frames that exist behind a lane's history, without the holes between them.

    Returns:
        The history with as many values as a lane has behind it, and for each frame how many of its
        lane's frames exist up to it.
    """
    lanes, kept = history.shape[:2]
    number = jnp.cumsum(exists, axis=1, dtype=jnp.int32)
    # A place too many takes what does not exist.
    place = jnp.where(exists, kept - 1 + number, kept + values.shape[1])
    row = jnp.zeros((lanes, values.shape[1] + 1, *values.shape[2:]), values.dtype)
    shown = exists.reshape(*exists.shape, *[1] * (values.ndim - 2))
    known = jnp.concatenate([history, row], axis=1)
    known = known.at[jnp.arange(lanes)[:, None], place].set(jnp.where(shown, values, 0.0))
    return known, number


def _weighted(equation: str, weights: Array, values: Array) -> Array:
    # Poses are not features: rounded to TF32 or bfloat16 they would jitter by millimetres.
    return jnp.einsum(equation, weights, values, precision=jax.lax.Precision.HIGHEST)
