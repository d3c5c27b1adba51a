"""Animates live speech: a few frames a call, in lanes that start and stop when they like.

`step` is a pure function of parameters, carry and frames. It never waits for the device, its carry
never grows, and one program serves every call of as many frames.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float

from llavataros_jax.batch import Speech
from llavataros_jax.data.segments import silence
from llavataros_jax.errors import UserError
from llavataros_jax.model import Cache, GestureModel, Params, forget
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.smoothing import (
    SmoothCarry,
    causal_kernels,
    causal_smooth,
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
        frame_mask: Frames that exist; the others take no time in their lane.
        is_start: Lanes in which a new stream starts with this call.
    """

    main: Speech
    interlocutor: Speech
    interlocutor_present: Bool[Array | np.ndarray, " B"]
    frame_mask: Bool[Array | np.ndarray, "B T"]
    is_start: Bool[Array | np.ndarray, " B"]


class Carry(struct.PyTreeNode):
    """What one call leaves to the next; `smoothing` is None when poses are not smoothed."""

    cache: Cache
    smoothing: SmoothCarry | None


def prepare(model: GestureModel, params: Params) -> LiveParams:
    """Puts parameters on the device and projects the distances: once for a set of parameters.

    Kernels become the type that products take them in, since a live frame costs the reading of all.
    """

    def cast(path: tuple[Any, ...], leaf: Array) -> Array:
        is_kernel = jax.tree_util.keystr(path[-1:], simple=True) == "kernel"
        return jnp.asarray(leaf).astype(model.config.compute_dtype if is_kernel else leaf.dtype)

    position_keys = jax.jit(model.position_keys)(params)
    return LiveParams(jax.tree_util.tree_map_with_path(cast, params), position_keys)


def step(
    model: GestureModel,
    params: LiveParams,
    carry: Carry,
    frames: Frames,
    *,
    call_frames: int,
    kernels: Float[np.ndarray, "K K"] | None = None,
) -> tuple[Float[Array, "B T P"], Carry]:
    """Returns the normalised poses of some frames and the carry of the next call.

    Any number of frames equals any other way to cut them, except with
    `cross_memory=main_encoder`, whose first cross block sees the other person within a call only.

    Args:
        model: The network.
        params: Of `prepare`.
        carry: Of the call before, or of a start.
        frames: Speech since then.
        call_frames: What the carry's rings were made for; longer calls are cut into such pieces.
        kernels: Smoothing of `causal_kernels`, if the carry has a state for it.
    """
    count = frames.frame_mask.shape[1]
    cache = forget(carry.cache, jnp.asarray(frames.is_start))

    def piece(cache: Cache, part: Frames) -> tuple[Cache, Array]:
        pose, cache = model.live(
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
    pose, smoothing = jnp.concatenate(poses, axis=1), carry.smoothing
    if smoothing is not None and kernels is not None:
        fresh = smoothing._replace(seen=jnp.where(frames.is_start, 0, smoothing.seen))
        pose, smoothing = causal_smooth(fresh, pose, kernels=kernels, frame_mask=frames.frame_mask)
    return pose, Carry(cache, smoothing)


class Streamer:
    """A trained network that turns speech into poses while it is spoken."""

    def __init__(
        self,
        model: GestureModel,
        params: Params,
        codec: PoseCodec,
        *,
        lanes: int = 1,
        call_frames: int | None = None,
        smooth_fps: float | None = None,
        delay_frames: int = 4,
    ):
        """Prepares the parameters; each number of frames compiles at its first call.

        Args:
            model: The network.
            params: Its parameters.
            codec: Codec of its poses.
            lanes: Streams side by side.
            call_frames: Frames that one pass of the network takes, a segment by default; 1 is the
                fastest for calls of single frames. Longer calls are cut into such passes.
            smooth_fps: Rate of the frames, to smooth the poses; None leaves them as they are.
            delay_frames: Frames by which smoothed poses come later than speech.
        """
        self.model, self.codec, self.lanes = model, codec, lanes
        self.call_frames = call_frames or model.config.segment_frames
        self.params = prepare(model, params)
        self.kernels = None if smooth_fps is None else causal_kernels(smooth_fps, delay_frames)
        self._step: Callable[..., Any] = jax.jit(self._denormalised, donate_argnums=1)

    def start(self) -> Carry:
        """Returns the carry of streams in which nothing was said."""
        cache = self.model.empty_cache(self.lanes, call_frames=self.call_frames)
        if self.kernels is None:
            return Carry(cache, None)
        size = self.model.sizes.pose
        return Carry(cache, start_smoothing(self.lanes, size, window=len(self.kernels)))

    def __call__(
        self,
        carry: Carry,
        main: Speech,
        interlocutor: Speech | None = None,
        *,
        interlocutor_present: Bool[np.ndarray, " B"] | None = None,
        frame_mask: Bool[np.ndarray, "B T"] | None = None,
        is_start: Bool[np.ndarray, " B"] | None = None,
    ) -> tuple[Float[Array, "B T P"], Carry]:
        """Returns the un-normalised poses of the frames of `main`, and the carry, which it uses up.

        Raises:
            UserError: When shapes do not fit the lanes, each other or the network.
        """
        lanes, count = self.lanes, np.shape(main.word_index)[-1]
        self._check(main, "speaker", count)
        if interlocutor is None:
            sizes = self.model.sizes.audio, self.model.sizes.text
            other = silence(lanes, frames=count, rows=count, sizes=sizes)
            interlocutor_present = np.zeros(lanes, bool)
        else:
            self._check(interlocutor, "interlocutor", count)
            other = _word_of_frame(interlocutor)
        frames = Frames(
            main=_word_of_frame(main),
            interlocutor=other,
            interlocutor_present=_or_else(interlocutor_present, np.ones(lanes, bool)),
            frame_mask=_or_else(frame_mask, np.ones((lanes, count), bool)),
            is_start=_or_else(is_start, np.zeros(lanes, bool)),
        )
        return self._step(self.params, carry, frames)

    def _denormalised(self, params: LiveParams, carry: Carry, frames: Frames):
        pose, carry = step(
            self.model, params, carry, frames, call_frames=self.call_frames, kernels=self.kernels
        )
        return self.codec.denormalise(pose), carry

    def _check(self, speech: Speech, who: str, frames: int) -> None:
        sizes, words = self.model.sizes, np.shape(speech.words)
        found = tuple(map(np.shape, (speech.audio, speech.word_index, speech.speaker)))
        wanted = ((self.lanes, frames, sizes.audio), (self.lanes, frames), (self.lanes,))
        if frames == 0:
            raise UserError("a call of no frames has no motion; wait until a frame has arrived")
        if found != wanted or len(words) != 3 or words[::2] != (self.lanes, sizes.text):
            raise UserError(
                f"the {who}'s audio, word_index and speaker have shapes {found} and words {words}, "
                f"but this stream needs {wanted} and ({self.lanes}, words, {sizes.text})"
            )


def _or_else(given: np.ndarray | None, default: np.ndarray) -> np.ndarray:
    return default if given is None else given


def _word_of_frame(speech: Speech) -> Speech:
    """Gives each frame its own word vector, so that shapes depend on the frames alone.

    Raises:
        UserError: When `word_index` names a word that is not there.
    """
    index = np.asarray(speech.word_index)
    words = np.asarray(speech.words)
    if index.size and index.max() >= words.shape[1]:
        raise UserError(
            f"word_index names row {index.max()}, but there are {words.shape[1]} words; pass the "
            "vectors of all words that are active in these frames"
        )
    if words.shape[1] == 0:  # nobody has said a word yet
        words = np.zeros((len(words), 1, words.shape[2]), words.dtype)
    rows = np.take_along_axis(words, np.maximum(index, 0)[..., None], axis=1)
    numbers = np.arange(index.shape[1], dtype=np.int32)
    return speech.replace(words=rows, word_index=np.where(index < 0, np.int32(-1), numbers))


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
