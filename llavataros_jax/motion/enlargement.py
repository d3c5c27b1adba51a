"""How large movements are about their own slow course: a dial of a live body, and of recordings.

Strokes grow while hands rest about where they rested. The slow course is the mean of the poses so
far, since a live stream knows no more, and for whole recordings it is the same. A pose counts less
the longer ago it was, by the factor e a second, and the faster it moved: so the mean is near where
hands rest, a stroke hardly moves it, and hands that come back are not carried beyond their rest.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from llavataros_jax.motion.dial import turned

SLOW_SECONDS = 1.0
# A pose that moves so fast counts for half, and one k times as fast for 1 / (1 + sqrt(k)). Speed is
# the 4-norm of the pose's change, about that of the fastest limb; a turn by 1 degree a second.
SLOW_PER_SECOND = 0.02
# Whole recordings run in blocks, so that few lengths are compiled.
_BLOCK_FRAMES = 1024


class EnlargeState(NamedTuple):
    """What one call leaves to the next, of each lane.

    Attributes:
        last: The last pose.
        total: Weighted sum of the poses so far.
        weight: Sum of their weights; 0 before the first.
        size: The dial as far as it has turned.
    """

    last: Float[Array, "B P"]
    total: Float[Array, "B P"]
    weight: Float[Array, " B"]
    size: Float[Array, " B"]


def start_enlarging(lanes: int, pose_size: int) -> EnlargeState:
    """Returns the state of lanes that have seen nothing."""
    # Each has a buffer of its own, because a step that is given the state uses all of them up.
    last, total = (jnp.zeros((lanes, pose_size)) for _ in range(2))
    return EnlargeState(last, total, jnp.zeros(lanes), jnp.ones(lanes))


def reset_enlarging(state: EnlargeState, is_start: Bool[Array, " B"]) -> EnlargeState:
    """Starts anew the lanes in which a stream starts."""
    return EnlargeState(
        last=jnp.where(is_start[:, None], 0.0, state.last),
        total=jnp.where(is_start[:, None], 0.0, state.total),
        weight=jnp.where(is_start, 0.0, state.weight),
        size=jnp.where(is_start, 1.0, state.size),
    )


def enlarge(
    state: EnlargeState,
    poses: Float[Array | np.ndarray, "B T P"],
    size: Float[Array | np.ndarray, " B"],
    *,
    fps: float,
    frame_mask: Bool[Array | np.ndarray, "B T"] | None = None,
) -> tuple[Float[Array, "B T P"], EnlargeState]:
    """Multiplies movement by `size` about its slow course, which is left as it is; pure and causal.

    However a stream is cut into calls, it comes out the same.

    Args:
        state: Of the call before, or of `start_enlarging`.
        poses: Un-normalised poses.
        size: The dial of each lane. At 1 poses are what they were, bit by bit. A dial that is
            turned within a stream takes 0.3 s for a whole unit.
        fps: Frames per second.
        frame_mask: Frames that exist; the others leave the state alone and come out as they are.
    """
    poses = jnp.asarray(poses)
    exists = jnp.ones(poses.shape[:2], bool) if frame_mask is None else jnp.asarray(frame_mask)
    wanted = jnp.asarray(size, poses.dtype)
    now = jnp.where(state.weight == 0, wanted, state.size)
    dial, now = turned(now, wanted, exists, fps=fps)
    frames = jnp.moveaxis(poses, 1, 0), exists.T
    state, slow = jax.lax.scan(partial(_step, fps=fps), state._replace(size=now), frames)
    larger = poses + (dial[..., None] - 1) * (poses - jnp.moveaxis(slow, 0, 1))
    is_as_it_was = (dial == 1) | ~exists
    return jnp.where(is_as_it_was[..., None], poses, larger), state


def enlarge_recording(
    poses: Float[np.ndarray, "T P"], size: float, *, fps: float
) -> Float[np.ndarray, "T P"]:
    """Returns the poses of a whole recording as `enlarge` gives them live."""
    if size == 1:
        return poses
    padding = -len(poses) % _BLOCK_FRAMES
    larger, _ = _enlarge(
        start_enlarging(1, poses.shape[1]),
        np.pad(poses, ((0, padding), (0, 0)), mode="edge")[None].astype(np.float32),
        np.full(1, size, np.float32),
        fps=fps,
    )
    return np.asarray(larger[0, : len(poses)])


def _step(
    state: EnlargeState, frame: tuple[Array, Array], *, fps: float
) -> tuple[EnlargeState, Array]:
    """Adds a frame of each lane to its slow course, and returns that."""
    pose, exists = frame
    speed = jnp.sqrt(jnp.sqrt(jnp.sum((pose - state.last) ** 4, axis=1))) * fps
    share = jnp.where(state.weight == 0, 1.0, 1 / (1 + jnp.sqrt(speed / SLOW_PER_SECOND)))
    keep = np.exp(-1 / (SLOW_SECONDS * fps))
    # What does not exist may be NaN, which a share of zero would not keep out.
    state = EnlargeState(
        last=jnp.where(exists[:, None], pose, state.last),
        total=jnp.where(exists[:, None], keep * state.total + share[:, None] * pose, state.total),
        weight=jnp.where(exists, keep * state.weight + share, state.weight),
        size=state.size,
    )
    return state, state.total / jnp.where(state.weight > 0, state.weight, 1.0)[:, None]


_enlarge = partial(jax.jit, static_argnames="fps")(enlarge)
