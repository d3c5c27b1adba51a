"""What live animation keeps from call to call: how it starts, and how a lane starts anew."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int, UInt32

from llavataros_jax.inference.body import Body, BodyState
from llavataros_jax.inference.lookahead import LastHeard, start_hearing
from llavataros_jax.model import Cache, GestureModel, SampleState, reset_cache, reset_sampling
from llavataros_jax.motion.smoothing import SmoothState, reset_smoothing, start_smoothing


class StreamState(struct.PyTreeNode):
    """What one call leaves to the next.

    Attributes:
        cache: Keys and values of the past.
        smoothing: State of the smoothing filter; None when poses are not smoothed.
        repaired_frames: Frames of each lane's stream with a feature that was not finite.
        heard: What each lane heard last; None when the network does not look ahead.
        sampling: Noise and past of a sampled head; None for a regression.
        body: State of the dials that act on poses; None without them.
    """

    cache: Cache
    smoothing: SmoothState | None
    repaired_frames: Int[Array, " B"]
    heard: LastHeard | None = None
    sampling: SampleState | None = None
    body: BodyState | None = None


def start(
    model: GestureModel,
    *,
    lanes: int,
    call_frames: int,
    smoothing_window: int | None = None,
    seeds: UInt32[np.ndarray, " B"] | None = None,
    body: Body | None = None,
    is_alone: bool = False,
) -> StreamState:
    """Returns the state of streams in which nothing was said.

    Args:
        model: The network.
        lanes: Streams side by side.
        call_frames: Frames that one pass of the network takes.
        smoothing_window: Window of the smoothing filter, if there is one.
        seeds: What a sampled head draws each lane's motion by; 0, 1, 2 … when not given.
        body: What turns the dials of `step` that act on poses, if any.
        is_alone: Whether frames never have an interlocutor.
    """
    smoothing = heard = sampling = None
    if smoothing_window is not None:
        smoothing = start_smoothing(lanes, model.sizes.pose, window=smoothing_window)
    if model.config.lookahead_frames:
        heard = start_hearing(lanes, model.sizes.audio)
    if model.is_sampled:
        seeds = np.arange(lanes, dtype=np.uint32) if seeds is None else seeds
        sampling = model.start_sampling(seeds)
    return StreamState(
        cache=model.empty_cache(lanes, call_frames=call_frames, is_alone=is_alone),
        smoothing=smoothing,
        repaired_frames=jnp.zeros(lanes, jnp.int32),
        heard=heard,
        sampling=sampling,
        body=None if body is None else body.start(lanes),
    )


def reset(state: StreamState, is_start: Bool[Array, " B"], body: Body | None) -> StreamState:
    """Clears the lanes in which a stream starts; a sampled head's seeds stay."""
    smoothing, sampling = state.smoothing, state.sampling
    if smoothing is not None:
        smoothing = reset_smoothing(smoothing, is_start)
    if sampling is not None:
        sampling = jax.tree.map(finite, reset_sampling(sampling, is_start))
    moved = state.body
    if body is not None and moved is not None:
        moved = body.reset(moved, is_start)
    return state.replace(
        cache=reset_cache(state.cache, is_start), smoothing=smoothing, sampling=sampling, body=moved
    )


def finite(numbers: Array) -> Array:
    """Puts zeros in the place of numbers that are not finite."""
    return jnp.where(jnp.isfinite(numbers), numbers, jnp.zeros((), numbers.dtype))
