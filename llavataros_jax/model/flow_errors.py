"""What the sampled head gets wrong, of which training makes a loss."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Key

from llavataros_jax.model.flow import FlowHead
from llavataros_jax.model.sampling import Sampling, smoothed

_TIME, _NOISE, _HEARD, _HISTORY_NOISE, _HISTORY_KNOWN = range(5)


class FlowErrors(struct.PyTreeNode):
    """Errors of the head on a segment, for some draws of flow time and noise (axis K).

    Attributes:
        velocity: Predicted less true velocity of each component.
        change: How the same changes from frame to frame, in units of what the components do.
        pace: Predicted less true pace, from the second frame on.
        estimate: Normalised poses that one step from the first draw would reach.
    """

    velocity: Float[Array, "K B T Z"]
    change: Float[Array, "K B U Z"]
    pace: Float[Array, "B U"]
    estimate: Float[Array, "B T P"]


def flow_errors(
    head: FlowHead,
    sampling: Sampling,
    feature: Float[Array, "B T D"],
    regressed: Float[Array, "B T P"],
    target: Float[Array, "B T P"],
    *,
    frame_mask: Bool[Array, "B T"],
    path_factor: Float[np.ndarray, "Z T T"],
    key: Key[Array, ""],
    drop_speech: float,
) -> FlowErrors:
    """Draws flow times and noises and compares velocities (Liu et al. 2022, eq. 1).

    Noise is drawn as in sampling, a path over the whole segment, and a path has one flow time, so
    that errors of neighbouring frames can be compared. The smoothed feature starts anew with every
    segment, of which two frames tell, and history knows nothing of the segment before.

    Args:
        head: The head.
        sampling: Its options and components.
        feature: The trunk's.
        regressed: The regression's normalised poses.
        target: Recorded normalised poses.
        frame_mask: Frames that exist; the others must hold finite numbers.
        path_factor: Of `noise.path_factor` for this length.
        key: Root of what is drawn.
        drop_speech: Share of lanes in which the head hears nothing.
    """
    flow, basis = sampling.flow, sampling.basis
    lanes, frames = frame_mask.shape
    is_first = jnp.broadcast_to(jnp.arange(frames) == 0, (lanes, frames))
    condition = smoothed(
        feature,
        feature[:, 0],
        share=flow.condition_smoothing,
        is_first=is_first,
        exists=frame_mask,
    )
    recorded = jnp.asarray(basis.components(target))
    base = jnp.zeros_like(recorded)
    if flow.target == "residual":
        base = jax.lax.stop_gradient(basis.components(regressed))
    wanted = recorded - base
    draws = (flow.repeats, lanes)
    time = jax.random.uniform(jax.random.fold_in(key, _TIME), draws)
    white = jax.random.normal(jax.random.fold_in(key, _NOISE), (*draws, frames, basis.size))
    noise = jnp.einsum("ZTS,KBSZ->KBTZ", jnp.asarray(path_factor), white)
    heard = jax.random.bernoulli(jax.random.fold_in(key, _HEARD), 1 - drop_speech, (lanes,))
    history = _history(sampling, recorded, key) if flow.history_frames else None
    modulations = head.modulations(condition, heard=heard, history=history)
    part = time[..., None, None]
    here = (1 - part) * noise + part * wanted[None]
    velocity = jax.vmap(lambda x, t: head.velocity(x, t, modulations))(here, time)
    error = velocity - (wanted[None] - noise)
    rate = jnp.maximum(jnp.asarray(basis.rate_per_frame), 1e-3)
    moved = jnp.diff(recorded, axis=1) / rate[None, None]
    # How fast people are is read off the features; it must not shape them.
    pace = head.pace(jax.lax.stop_gradient(condition))[:, 1:]
    return FlowErrors(
        velocity=error,
        change=jnp.diff(error, axis=2) / rate[None, None, None],
        pace=pace - jnp.sqrt(jnp.square(moved).mean(axis=-1)),
        estimate=jnp.asarray(basis.poses((here + (1 - part) * velocity)[0] + base)),
    )


def _history(
    sampling: Sampling, recorded: Float[Array, "B T Z"], key: Key[Array, ""]
) -> Float[Array, "B T I"]:
    """Returns the frames before each frame, newest first, as unsure as the head's own would be."""
    flow = sampling.flow
    count = flow.history_frames
    padded = jnp.pad(recorded, ((0, 0), (count, 0), (0, 0)))
    frames = recorded.shape[1]
    before = [padded[:, count - 1 - k : count - 1 - k + frames] for k in range(count)]
    joined = jnp.concatenate(before, axis=-1)
    noise = jax.random.normal(jax.random.fold_in(key, _HISTORY_NOISE), joined.shape)
    known = jax.random.bernoulli(
        jax.random.fold_in(key, _HISTORY_KNOWN), 1 - flow.history_dropout, (*joined.shape[:2], 1)
    )
    known = known & (jnp.arange(frames) >= count)[None, :, None]
    return jnp.where(known, joined + flow.history_noise * noise, 0.0)
