"""One step of live animation: a few frames of speech in, poses and the state of the next step out.

`step` is a pure function of parameters, state and frames. It never waits for the device, the state
never grows, and one program serves every call of as many frames. With `model.lookahead_frames`, the
poses of a call are of so many frames before, and `finish` gives the last ones.

What is not there leaves no trace, whatever its arrays hold: frames outside the mask, an absent
interlocutor, the stream before a start. A live stream cannot stop because a feature is NaN or
infinite, so the training mean takes its place, the frame counts in `StreamState.repaired_frames`,
and the frames after it are as if the mean had been given.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from llavataros_jax.batch import Speech
from llavataros_jax.inference.lookahead import LastHeard, hear, speech_after, start_hearing
from llavataros_jax.model import Cache, GestureModel, Params, reset_cache
from llavataros_jax.motion.smoothing import (
    SmoothState,
    causal_smooth,
    reset_smoothing,
    start_smoothing,
)


class LiveParams(struct.PyTreeNode):
    """Parameters, and what they make of the distances between frames."""

    params: Params
    position_keys: tuple[Float[Array, "N S H"], ...]


class Frames(struct.PyTreeNode):
    """What arrived since the last call, in lanes.

    A frame has one word at most, so both speeches carry one word vector for each frame.

    Attributes:
        main: Speech of the person who moves.
        interlocutor: Speech of the other person; silence where there is none.
        interlocutor_present: Lanes in which the other person is there.
        frame_mask: Frames that exist; the others do not advance their lane.
        is_start: Lanes in which a new stream starts with this call.
    """

    main: Speech
    interlocutor: Speech
    interlocutor_present: Bool[Array | np.ndarray, " B"]
    frame_mask: Bool[Array | np.ndarray, "B T"]
    is_start: Bool[Array | np.ndarray, " B"]


class StreamState(struct.PyTreeNode):
    """What one call leaves to the next.

    Attributes:
        cache: Keys and values of the past.
        smoothing: State of the smoothing filter; None when poses are not smoothed.
        repaired_frames: Frames of each lane's stream with a feature that was not finite.
        heard: What each lane heard last; None when the network does not look ahead.
    """

    cache: Cache
    smoothing: SmoothState | None
    repaired_frames: Int[Array, " B"]
    heard: LastHeard | None = None


def prepare(model: GestureModel, params: Params) -> LiveParams:
    """Puts parameters on the device and projects the distances: once for a set of parameters.

    Kernels become the type that products take them in, since a live frame costs the reading of all.
    """
    return LiveParams(
        params=jax.jit(model.in_product_types)(params),
        position_keys=jax.jit(model.position_keys)(params),
    )


def start(
    model: GestureModel, *, lanes: int, call_frames: int, smoothing_window: int | None = None
) -> StreamState:
    """Returns the state of streams in which nothing was said."""
    smoothing = heard = None
    if smoothing_window is not None:
        smoothing = start_smoothing(lanes, model.sizes.pose, window=smoothing_window)
    if model.config.lookahead_frames:
        heard = start_hearing(lanes, model.sizes.audio)
    cache = model.empty_cache(lanes, call_frames=call_frames)
    return StreamState(cache, smoothing, jnp.zeros(lanes, jnp.int32), heard)


def step(
    model: GestureModel,
    params: LiveParams,
    state: StreamState,
    frames: Frames,
    *,
    call_frames: int,
    kernels: Float[np.ndarray, "K K"] | None = None,
) -> tuple[Float[Array, "B T P"], StreamState]:
    """Returns the normalised poses of some frames and the state of the next call.

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
    """
    is_start, exists = jnp.asarray(frames.is_start), jnp.asarray(frames.frame_mask)
    cache, smoothing, heard = reset_cache(state.cache, is_start), state.smoothing, state.heard
    frames, was_repaired = _repaired(model, frames)
    repaired = jnp.where(is_start, 0, state.repaired_frames) + was_repaired.sum(1, dtype=jnp.int32)
    if heard is not None:
        exists, heard = hear(
            heard,
            frames.main,
            frames.interlocutor,
            jnp.asarray(frames.interlocutor_present),
            frame_mask=exists,
            is_start=is_start,
            lookahead_frames=model.config.lookahead_frames,
        )
        frames = frames.replace(frame_mask=exists)
    if smoothing is not None:
        smoothing = reset_smoothing(smoothing, is_start)
    pose, cache, smoothing = _poses(
        model, params, cache, smoothing, frames, call_frames=call_frames, kernels=kernels
    )
    return pose, StreamState(cache, smoothing, repaired, heard)


def finish(
    model: GestureModel,
    params: LiveParams,
    state: StreamState,
    *,
    call_frames: int,
    kernels: Float[np.ndarray, "K K"] | None = None,
) -> tuple[Float[Array, "B L P"], SmoothState | None]:
    """Returns the normalised poses that look-ahead holds back, as if each stream ended here.

    They go through the smoothing filter as those of `step` do, and its state is returned. A stream
    of fewer than L frames has its poses at the end.
    """
    assert state.heard is not None, "poses are held back by look-ahead"
    lookahead_frames = model.config.lookahead_frames
    main, other, due = speech_after(state.heard, model.sizes, lookahead_frames=lookahead_frames)
    present = state.heard.interlocutor_present
    frames = Frames(main, other, present, frame_mask=due, is_start=jnp.zeros_like(present))
    pose, _, smoothing = _poses(
        model,
        params,
        state.cache,
        state.smoothing,
        frames,
        call_frames=call_frames,
        kernels=kernels,
    )
    return pose, smoothing


def _poses(
    model: GestureModel,
    params: LiveParams,
    cache: Cache,
    smoothing: SmoothState | None,
    frames: Frames,
    *,
    call_frames: int,
    kernels: Float[np.ndarray, "K K"] | None,
) -> tuple[Float[Array, "B T P"], Cache, SmoothState | None]:
    """Runs network and filter over frames whose mask says which of them bring a pose."""
    exists = jnp.asarray(frames.frame_mask)
    count = exists.shape[1]

    def piece(cache: Cache, part: Frames) -> tuple[Cache, Array]:
        pose, cache = model.apply_incremental(
            params.params,
            part.main,
            part.interlocutor,
            jnp.asarray(part.interlocutor_present),
            frame_mask=jnp.asarray(part.frame_mask),
            position_keys=params.position_keys,
            cache=cache,
        )
        return cache, pose

    whole = count // call_frames
    poses = []
    if whole > 1:
        parts = [_cut(frames, k * call_frames, call_frames) for k in range(whole)]
        cache, pose = jax.lax.scan(piece, cache, jax.tree.map(lambda *x: jnp.stack(x), *parts))
        poses.append(jnp.moveaxis(pose, 0, 1).reshape(pose.shape[1], -1, pose.shape[-1]))
    done = whole * call_frames if whole > 1 else 0
    for start in range(done, count, call_frames):
        cache, pose = piece(cache, _cut(frames, start, min(call_frames, count - start)))
        poses.append(pose)
    pose = jnp.concatenate(poses, axis=1)
    if smoothing is not None and kernels is not None:
        pose, smoothing = causal_smooth(smoothing, pose, kernels=kernels, frame_mask=exists)
    return pose, cache, smoothing


def _repaired(model: GestureModel, frames: Frames) -> tuple[Frames, Bool[Array, "B T"]]:
    """Returns frames of finite features, and which existing ones had others."""
    main, of_main = model.repair(frames.main)
    other, of_other = model.repair(frames.interlocutor)
    was_repaired = of_main | (of_other & jnp.asarray(frames.interlocutor_present)[:, None])
    frames = frames.replace(main=main, interlocutor=other)
    return frames, was_repaired & jnp.asarray(frames.frame_mask)


def _cut(frames: Frames, start: int, count: int) -> Frames:
    """Returns some frames of a call, whose words are one for each frame."""

    def speech(speech: Speech) -> Speech:
        index = jnp.asarray(speech.word_index)[:, start : start + count]
        return speech.replace(
            audio=jnp.asarray(speech.audio)[:, start : start + count],
            words=jnp.asarray(speech.words)[:, start : start + count],
            word_index=jnp.where(index < 0, -1, index - start),
        )

    return frames.replace(
        main=speech(frames.main),
        interlocutor=speech(frames.interlocutor),
        interlocutor_present=jnp.asarray(frames.interlocutor_present),
        frame_mask=jnp.asarray(frames.frame_mask)[:, start : start + count],
        is_start=jnp.asarray(frames.is_start),
    )
