"""One step of live animation: a few frames of speech in, poses and the state of the next step out.

`step` is a pure function of parameters, state and frames. It never waits for the device, the state
never grows, and one program serves every call of as many frames. With `model.lookahead_frames`, the
poses of a call are of so many frames before, and `finish` gives the last ones.

What is not there leaves no trace, whatever its arrays hold: frames outside the mask, an absent
interlocutor, the stream before a start. A live stream cannot stop because a feature is NaN or
infinite, so the training mean takes its place, the frame counts in `StreamState.repaired_frames`,
and the frames after it are as if the mean had been given. What a sampled head carries from frame to
frame would keep a NaN for ever; there a zero takes its place, which is its mean.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, UInt32

from llavataros_jax.inference.body import Body, BodyState
from llavataros_jax.inference.dials import LiveDials
from llavataros_jax.inference.frames import Frames
from llavataros_jax.inference.lookahead import LastHeard, hear, speech_after, start_hearing
from llavataros_jax.model import (
    Cache,
    GestureModel,
    Params,
    SampleState,
    reset_cache,
    reset_sampling,
)
from llavataros_jax.motion.smoothing import (
    SmoothState,
    causal_smooth,
    finish_smoothing,
    reset_smoothing,
    start_smoothing,
)


class LiveParams(struct.PyTreeNode):
    """Parameters, and what they make of the distances between frames."""

    params: Params
    position_keys: tuple[Float[Array, "N S H"], ...]


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


def prepare(model: GestureModel, params: Params) -> LiveParams:
    """Puts parameters on the device and projects the distances: once for a set of parameters.

    Kernels become the type that products take them in, since a live frame costs the reading of all.
    """
    return LiveParams(
        params=jax.jit(model.in_product_types)(params),
        position_keys=jax.jit(model.position_keys)(params),
    )


def start(
    model: GestureModel,
    *,
    lanes: int,
    call_frames: int,
    smoothing_window: int | None = None,
    seeds: UInt32[np.ndarray, " B"] | None = None,
    body: Body | None = None,
) -> StreamState:
    """Returns the state of streams in which nothing was said.

    Args:
        model: The network.
        lanes: Streams side by side.
        call_frames: Frames that one pass of the network takes.
        smoothing_window: Window of the smoothing filter, if there is one.
        seeds: What a sampled head draws each lane's motion by; 0, 1, 2 … when not given.
        body: What turns the dials of `step` that act on poses, if any.
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
        cache=model.empty_cache(lanes, call_frames=call_frames),
        smoothing=smoothing,
        repaired_frames=jnp.zeros(lanes, jnp.int32),
        heard=heard,
        sampling=sampling,
        body=None if body is None else body.start(lanes),
    )


def step(
    model: GestureModel,
    params: LiveParams,
    state: StreamState,
    frames: Frames,
    *,
    call_frames: int,
    kernels: Float[np.ndarray, "K K"] | None = None,
    dials: LiveDials | None = None,
    body: Body | None = None,
) -> tuple[Float[Array, "B T P"], StreamState]:
    """Returns the poses of some frames and the state of the next call.

    They are normalised, but un-normalised where `body` turns dials.

    Any number of frames equals any other way to cut them, except with
    `cross_memory=main_encoder`, whose first cross block sees the other person within a call only.
    With a look-ahead of L frames, the poses of a stream's first L frames stand for nothing yet.

    Args:
        model: The network.
        params: Of `prepare`.
        state: Of the call before, or of `start`.
        frames: Speech since then.
        call_frames: What the state's rings were made for; longer calls are cut into such pieces.
        kernels: Smoothing of `causal_kernels`, if `state` has a filter.
        dials: As they are to be from these frames on; those of the options' defaults if not given.
        body: What the state's `body` was made of, if it has one.
    """
    is_start, arrived = jnp.asarray(frames.is_start), jnp.asarray(frames.frame_mask)
    dials = LiveDials.of(len(is_start)) if dials is None else dials
    frames, was_repaired = frames.repaired(model)
    repaired = jnp.where(is_start, 0, state.repaired_frames) + was_repaired.sum(1, dtype=jnp.int32)
    state = _reset(state, is_start, body).replace(repaired_frames=repaired)
    if state.heard is not None:
        brings, heard = hear(
            state.heard,
            frames.main,
            frames.interlocutor,
            jnp.asarray(frames.interlocutor_present),
            frame_mask=arrived,
            is_start=is_start,
            lookahead_frames=model.config.lookahead_frames,
        )
        frames, state = frames.replace(frame_mask=brings), state.replace(heard=heard)
    brings, before = jnp.asarray(frames.frame_mask), state.smoothing
    pose, state = _poses(
        model, params, state, frames, call_frames=call_frames, kernels=kernels, dials=dials
    )
    if body is not None and state.body is not None:
        is_motion = brings
        if (
            before is not None
        ):  # a filter answers with a stream's first pose until its delay is over
            number = before.seen[:, None] + jnp.cumsum(brings, axis=1, dtype=jnp.int32)
            is_motion = brings & (number > body.delay_frames)
        pose, moved = body(
            state.body, pose, frames.main, dials, arrived=arrived, brings=brings,
            is_motion=is_motion,
        )  # fmt: skip
        state = state.replace(body=moved)
    return pose, state


def finish(
    model: GestureModel,
    params: LiveParams,
    state: StreamState,
    *,
    call_frames: int,
    kernels: Float[np.ndarray, "K K"] | None = None,
    final_kernels: Float[np.ndarray, "N D K"] | None = None,
    dials: LiveDials | None = None,
    body: Body | None = None,
) -> Float[Array, "B T P"]:
    """Returns the poses that are still due, as if each stream ended here.

    They are those that look-ahead and smoothing hold back, at least one of which there must be. A
    stream of fewer frames has its poses at the end.

    Args:
        model: The network.
        params: Of `prepare`.
        state: Of the last call.
        call_frames: As for `step`.
        kernels: As for `step`.
        final_kernels: Smoothing of `motion.smoothing.final_kernels`, if `state` has a filter.
        dials: As for `step`.
        body: As for `step`.
    """
    lanes = len(state.repaired_frames)
    dials = LiveDials.of(lanes) if dials is None else dials
    poses, due_frames = [], jnp.zeros(lanes, jnp.int32)
    if state.smoothing is not None and final_kernels is not None:
        due_frames = jnp.minimum(state.smoothing.seen, final_kernels.shape[1])
    if state.heard is not None:
        lookahead_frames = model.config.lookahead_frames
        main, other, due = speech_after(state.heard, model.sizes, lookahead_frames=lookahead_frames)
        present = state.heard.interlocutor_present
        frames = Frames(main, other, present, frame_mask=due, is_start=jnp.zeros_like(present))
        due_frames = due_frames + state.heard.waited_frames
        pose, state = _poses(
            model, params, state, frames, call_frames=call_frames, kernels=kernels, dials=dials
        )
        poses.append(pose)
    if state.smoothing is not None and final_kernels is not None:
        poses.append(finish_smoothing(state.smoothing, kernels=final_kernels))
    pose = jnp.concatenate(poses, axis=1)
    if body is None or state.body is None:
        return pose
    first = pose.shape[1] - due_frames
    due = jnp.arange(pose.shape[1], dtype=jnp.int32)[None] >= first[:, None]
    return body.finish(state.body, pose, dials, due=due)


def _reset(state: StreamState, is_start: Bool[Array, " B"], body: Body | None) -> StreamState:
    """Clears the lanes in which a stream starts; a sampled head's seeds stay."""
    smoothing, sampling = state.smoothing, state.sampling
    if smoothing is not None:
        smoothing = reset_smoothing(smoothing, is_start)
    if sampling is not None:
        sampling = jax.tree.map(_finite, reset_sampling(sampling, is_start))
    moved = state.body
    if body is not None and moved is not None:
        moved = body.reset(moved, is_start)
    return state.replace(
        cache=reset_cache(state.cache, is_start), smoothing=smoothing, sampling=sampling, body=moved
    )


def _poses(
    model: GestureModel,
    params: LiveParams,
    state: StreamState,
    frames: Frames,
    *,
    call_frames: int,
    kernels: Float[np.ndarray, "K K"] | None,
    dials: LiveDials,
) -> tuple[Float[Array, "B T P"], StreamState]:
    """Runs network and filter over frames whose mask says which of them bring a pose."""
    exists = jnp.asarray(frames.frame_mask)
    count = exists.shape[1]

    def piece(
        carry: tuple[Cache, SampleState | None], part: Frames
    ) -> tuple[tuple[Cache, SampleState | None], Array]:
        cache, sampling = carry
        feature, cache = model.advance(
            params.params,
            part.main,
            part.interlocutor,
            jnp.asarray(part.interlocutor_present),
            frame_mask=jnp.asarray(part.frame_mask),
            position_keys=params.position_keys,
            cache=cache,
        )
        if sampling is None:
            return (cache, None), model.regress(params.params, feature)
        pose, sampling = model.sample(
            params.params,
            _finite(feature),
            sampling,
            dials.of_head,
            frame_mask=jnp.asarray(part.frame_mask),
        )
        return (cache, sampling), pose

    carry, whole = (state.cache, state.sampling), count // call_frames
    poses = []
    if whole > 1:
        parts = [frames.cut(k * call_frames, call_frames) for k in range(whole)]
        carry, pose = jax.lax.scan(piece, carry, jax.tree.map(lambda *x: jnp.stack(x), *parts))
        poses.append(jnp.moveaxis(pose, 0, 1).reshape(pose.shape[1], -1, pose.shape[-1]))
    done = whole * call_frames if whole > 1 else 0
    for start in range(done, count, call_frames):
        carry, pose = piece(carry, frames.cut(start, min(call_frames, count - start)))
        poses.append(pose)
    pose, smoothing = jnp.concatenate(poses, axis=1), state.smoothing
    if smoothing is not None and kernels is not None:
        pose, smoothing = causal_smooth(smoothing, pose, kernels=kernels, frame_mask=exists)
    return pose, state.replace(cache=carry[0], sampling=carry[1], smoothing=smoothing)


def _finite(numbers: Array) -> Array:
    return jnp.where(jnp.isfinite(numbers), numbers, jnp.zeros((), numbers.dtype))
