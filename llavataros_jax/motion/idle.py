"""How still a body is while it says nothing: a dial between motion as predicted and a hold.

A filter follows the predicted poses exactly while somebody speaks. When speech has stopped for a
moment its time constant grows, within about half a second, from nothing to seconds: hands settle,
and drift on gently, since a body that is frozen looks dead. Only a large movement, such as hands
that come down after the last stroke, is let through until it is done, for a second or two: a plain
hold would leave an arm in the air. When speech starts again the filter catches up in 0.3 s on a
minimum-jerk course (Flash and Hogan, "The coordination of arm movements", 1985): whatever way is
left is covered from rest to rest.

The dial blends predicted and held poses, so that movement in silence falls with it in proportion.
The filter itself knows nothing of the dial, which may be turned while it runs. Poses are vectors of
`PoseCodec`; 6D rotations are blended as they are, and decoding makes them rotations again.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from llavataros_jax.motion.dial import turned

# Pauses between words are shorter than the first; after it, the second is how long settling takes.
PAUSE_SECONDS = 0.2
SETTLE_SECONDS = 0.4
CATCH_UP_SECONDS = 0.3
# Time constant of the hold: slow enough to take breathing down to a sixth.
HOLD_SECONDS = 4.0
# A difference of poses this large halves the time constant, and one that is k times as large
# divides it by 1 + k^2. Its size is the 4-norm, between the largest number and the usual length, so
# that it is about one limb and not about how many joints sway. A turn by 4 degrees is as large;
# breathing stays below, and an arm that comes down is ten times as large.
LARGE = 0.08
# So it is until the first, and no more from the second: seconds since somebody spoke.
FINISH_SECONDS = (1.0, 2.0)
# Voice activity from which on a frame counts as speech.
SPEAKING = 0.5
# Whole recordings run in blocks, so that few lengths are compiled.
_BLOCK_FRAMES = 1024


class IdleState(NamedTuple):
    """What one call leaves to the next, of each lane.

    Attributes:
        held: The filter's last pose.
        awake: 1 while the pose is as predicted, 0 while it holds.
        quiet_frames: Frames since somebody spoke.
        finishing: 1 while large movements are let through, 0 when they are held as well.
        idle: The dial as far as it has turned.
        is_new: Lanes that have seen no frame.
    """

    held: Float[Array, "B P"]
    awake: Float[Array, " B"]
    quiet_frames: Int[Array, " B"]
    finishing: Float[Array, " B"]
    idle: Float[Array, " B"]
    is_new: Bool[Array, " B"]


def start_idle(lanes: int, pose_size: int) -> IdleState:
    """Returns the state of lanes that have seen nothing: as predicted, as if speech just ended."""
    return IdleState(
        held=jnp.zeros((lanes, pose_size)),
        awake=jnp.ones(lanes),
        quiet_frames=jnp.zeros(lanes, jnp.int32),
        finishing=jnp.ones(lanes),
        idle=jnp.zeros(lanes),
        is_new=jnp.ones(lanes, bool),
    )


def reset_idle(state: IdleState, is_start: Bool[Array, " B"]) -> IdleState:
    """Starts anew the lanes in which a stream starts."""
    new = start_idle(*state.held.shape)
    return IdleState(
        *(
            jnp.where(is_start.reshape(-1, *[1] * (old.ndim - 1)), fresh, old)
            for fresh, old in zip(new, state, strict=True)
        )
    )


def quieten(
    state: IdleState,
    poses: Float[Array | np.ndarray, "B T P"],
    activity: Float[Array | np.ndarray, "B T"],
    idle: Float[Array | np.ndarray, " B"],
    *,
    fps: float,
    ahead_frames: int = 0,
    frame_mask: Bool[Array | np.ndarray, "B T"] | None = None,
) -> tuple[Float[Array, "B T P"], IdleState]:
    """Returns poses that are quieter where nobody speaks; pure and causal.

    However a stream is cut into calls, it comes out the same.

    Args:
        state: Of the call before, or of `start_idle`.
        poses: Un-normalised poses.
        activity: Voice activity from 0 to 1, by which poses go on `ahead_frames` later.
        idle: The dial of each lane, 0 to 1. At 0 poses are what they were, bit by bit. A dial that
            is turned within a stream gets there in at most 0.3 s.
        fps: Frames per second.
        ahead_frames: Frames by which activity is known before its pose is due: the hold ends so
            much before speech, and begins as late as without.
        frame_mask: Frames that exist; the others leave the state alone and come out meaningless.
    """
    poses, activity = jnp.asarray(poses), jnp.asarray(activity)
    lanes, frames = activity.shape
    exists = jnp.ones((lanes, frames), bool) if frame_mask is None else jnp.asarray(frame_mask)
    wanted = jnp.asarray(idle, poses.dtype)
    now = jnp.where(state.is_new, wanted, state.idle)
    dial, now = turned(now, wanted, exists, fps=fps)
    step = partial(_step, fps=fps, ahead_frames=ahead_frames)
    by_frame = (jnp.moveaxis(poses, 1, 0), (activity >= SPEAKING).T, exists.T)
    state, held = jax.lax.scan(step, state._replace(idle=now), by_frame)
    held = jnp.moveaxis(held, 0, 1)
    blend = dial[..., None]
    return jnp.where(blend == 0, poses, poses + blend * (held - poses)), state


def quieten_recording(
    poses: Float[np.ndarray, "T P"],
    activity: Float[np.ndarray, " T"],
    idle: float,
    *,
    fps: float,
    ahead_frames: int = 0,
) -> Float[np.ndarray, "T P"]:
    """Returns the poses of a whole recording as `quieten` gives them live.

    `activity` is that of the same frames as the poses; its look-ahead is made here.
    """
    if idle == 0:
        return poses
    frames = len(poses)
    padding = -frames % _BLOCK_FRAMES
    early = np.concatenate((activity, np.zeros(ahead_frames + padding)))[ahead_frames:]
    quieter, _ = _quieten(
        start_idle(1, poses.shape[1]),
        np.pad(poses, ((0, padding), (0, 0)), mode="edge")[None].astype(np.float32),
        early[None].astype(np.float32),
        np.full(1, idle, np.float32),
        fps=fps,
        ahead_frames=ahead_frames,
    )
    return np.asarray(quieter[0, :frames])


_quieten = jax.jit(quieten, static_argnames=("fps", "ahead_frames"))


def _step(
    state: IdleState, frame: tuple[Array, Array, Array], *, fps: float, ahead_frames: int
) -> tuple[IdleState, Array]:
    """Moves the filter by one frame of each lane."""
    pose, speaks, exists = frame
    quiet_frames = jnp.where(speaks, 0, state.quiet_frames + 1)
    quiet_seconds = (quiet_frames - ahead_frames).astype(pose.dtype) / fps
    is_awake = quiet_frames <= round(PAUSE_SECONDS * fps) + ahead_frames
    catch_up, settle = 1 / (CATCH_UP_SECONDS * fps), 1 / (SETTLE_SECONDS * fps)
    awake = jnp.clip(state.awake + jnp.where(is_awake, catch_up, -settle), 0.0, 1.0)
    # It comes back with speech only once the filter has caught up, or that would be a jump.
    finishing = jnp.where(awake >= 1, 1.0, jnp.minimum(state.finishing, _finishing(quiet_seconds)))
    size = jnp.sqrt(jnp.sum((pose - state.held) ** 4, axis=1)) / LARGE**2
    hold = 1 - jnp.exp(-(1 + finishing * size) / (HOLD_SECONDS * fps))
    gain = jnp.maximum(_gain(awake, catch_up), hold)[:, None]
    held = state.held + gain * (pose - state.held)
    held = jnp.where((gain >= 1) | state.is_new[:, None], pose, held)
    new = IdleState(held, awake, quiet_frames, finishing, state.idle, jnp.zeros_like(state.is_new))
    kept = IdleState(
        *(
            jnp.where(exists.reshape(-1, *[1] * (old.ndim - 1)), fresh, old)
            for fresh, old in zip(new, state, strict=True)
        )
    )
    return kept, kept.held


def _finishing(quiet_seconds: Float[Array, " B"]) -> Float[Array, " B"]:
    first, last = FINISH_SECONDS
    late = jnp.clip((quiet_seconds - first) / (last - first), 0.0, 1.0)
    return 1 - late**2 * (3 - 2 * late)


def _gain(awake: Float[Array, " B"], step: float) -> Float[Array, " B"]:
    """Returns the share of the way left that a frame covers, to come at `awake` from a step before.

    What is left on a minimum-jerk course after a share u of its time is 1 - 10u^3 + 15u^4 - 6u^5.
    """

    def left(u: Array) -> Array:
        return (1 - u) ** 3 * (1 + u * (3 + 6 * u))

    before = left(jnp.clip(awake - step, 0.0, 1.0))
    return 1 - left(awake) / jnp.maximum(before, 1e-9)
