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
from jaxtyping import Array, Float

from llavataros_jax.inference.body import Body
from llavataros_jax.inference.dials import LiveDials
from llavataros_jax.inference.frames import Frames
from llavataros_jax.inference.lookahead import hear, speech_after
from llavataros_jax.inference.state import StreamState, finite, reset
from llavataros_jax.model import Cache, GestureModel, Params, SampleState
from llavataros_jax.motion.smoothing import causal_smooth, finish_smoothing


class LiveParams(struct.PyTreeNode):
    """Parameters, and what they make of the distances between frames."""

    params: Params
    position_keys: tuple[Float[Array, "N S H"], ...]


def prepare(model: GestureModel, params: Params) -> LiveParams:
    """Puts parameters on the device and projects the distances: once for a set of parameters.

    Kernels become the type that products take them in, since a live frame costs the reading of all.
    """
    return LiveParams(
        params=jax.jit(model.in_product_types)(params),
        position_keys=jax.jit(model.position_keys)(params),
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
    state = reset(state, is_start, body).replace(repaired_frames=repaired)
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
    is_alone: bool = False,
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
        is_alone: As for the state's `start`.
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
        other = None if is_alone else other
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
            finite(feature),
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
