"""Animates live speech: a few frames a call, in lanes that start and stop when they like."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from llavataros_jax.batch import Speech
from llavataros_jax.data.segments import silence
from llavataros_jax.errors import UserError
from llavataros_jax.inference.step import (
    Frames,
    LiveParams,
    StreamState,
    finish,
    prepare,
    start,
    step,
)
from llavataros_jax.model import GestureModel, Params
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.smoothing import causal_kernels, final_kernels, finish_smoothing


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
            delay_frames: Frames by which smoothing delays poses. What look-ahead delays comes on
                top; the property `delay_frames` is both together.
        """
        self.model, self.codec, self.lanes = model, codec, lanes
        self.call_frames = call_frames or model.config.segment_frames
        self.params = prepare(model, params)
        self.kernels = self._final_kernels = None
        if smooth_fps is not None:
            self.kernels = causal_kernels(smooth_fps, delay_frames)
            self._final_kernels = final_kernels(smooth_fps, delay_frames)
        self._step: Callable[..., Any] = jax.jit(self._denormalised, donate_argnums=1)
        self._finish = jax.jit(self._finished)

    @property
    def delay_frames(self) -> int:
        """Frames by which a pose comes later than its frame: look-ahead and smoothing together.

        Call by call, as many poses at the beginning of a stream are none of its motion; those that
        look-ahead leaves without speech mean nothing, and those of smoothing are its first pose.
        """
        smoothing = 0 if self._final_kernels is None else self._final_kernels.shape[1]
        return self.model.config.lookahead_frames + smoothing

    def start(self) -> StreamState:
        """Returns the state of streams in which nothing was said."""
        return start(
            self.model,
            lanes=self.lanes,
            call_frames=self.call_frames,
            smoothing_window=None if self.kernels is None else len(self.kernels),
        )

    def flush(self, state: StreamState) -> Float[Array, "B D P"]:
        """Returns the last `delay_frames` poses of each lane, as if its stream ended here.

        They are those of a whole clip: where the network looks ahead, the last sound goes on
        without a word, and the filter is the offline one. What came before and these make one pose
        for each frame of a stream, once its first `delay_frames` poses are left out. A stream of
        fewer frames has its poses at the end. `state` stays usable, so that the other lanes may go
        on; where nothing is delayed, there are no poses.
        """
        if not self.delay_frames:
            return jnp.zeros((self.lanes, 0, self.model.sizes.pose))
        return self._finish(self.params, state)

    def __call__(
        self,
        state: StreamState,
        main: Speech,
        interlocutor: Speech | None = None,
        *,
        interlocutor_present: Bool[np.ndarray, " B"] | None = None,
        frame_mask: Bool[np.ndarray, "B T"] | None = None,
        is_start: Bool[np.ndarray, " B"] | None = None,
    ) -> tuple[Float[Array, "B T P"], StreamState]:
        """Returns un-normalised poses, one a frame of `main`, and the state, which it uses up.

        They are of `delay_frames` earlier.

        Raises:
            UserError: When shapes do not fit the lanes, each other or the network, or a speaker or
                a word is named that is not there.
        """
        lanes, count = self.lanes, np.shape(main.word_index)[-1]
        self._check(main, "speaker", count)
        mask = _or_else(frame_mask, np.ones((lanes, count), bool))
        present = _or_else(interlocutor_present, np.full(lanes, interlocutor is not None))
        self._check_speaker(main, "speaker", np.ones(lanes, bool))
        if interlocutor is None:
            sizes = self.model.sizes.audio, self.model.sizes.text
            other = silence(lanes, frames=count, rows=count, sizes=sizes)
            present = np.zeros(lanes, bool)
        else:
            self._check(interlocutor, "interlocutor", count)
            self._check_speaker(interlocutor, "interlocutor", present)
            other = _word_of_frame(interlocutor, mask & present[:, None])
        frames = Frames(
            main=_word_of_frame(main, mask),
            interlocutor=other,
            interlocutor_present=present,
            frame_mask=mask,
            is_start=_or_else(is_start, np.zeros(lanes, bool)),
        )
        return self._step(self.params, state, frames)

    def _denormalised(self, params: LiveParams, state: StreamState, frames: Frames):
        pose, state = step(
            self.model, params, state, frames, call_frames=self.call_frames, kernels=self.kernels
        )
        return self.codec.denormalise(pose), state

    def _finished(self, params: LiveParams, state: StreamState) -> Float[Array, "B D P"]:
        poses, smoothing = [], state.smoothing
        if state.heard is not None:
            pose, smoothing = finish(
                self.model, params, state, call_frames=self.call_frames, kernels=self.kernels
            )
            poses.append(pose)
        if smoothing is not None:
            assert self._final_kernels is not None, "a state with a filter comes of kernels"
            poses.append(finish_smoothing(smoothing, kernels=self._final_kernels))
        return jnp.asarray(self.codec.denormalise(jnp.concatenate(poses, axis=1)))

    def _check_speaker(self, speech: Speech, who: str, matters: Bool[np.ndarray, " B"]) -> None:
        ids, known = np.asarray(speech.speaker)[matters], self.model.sizes.speakers
        if ((ids < 0) | (ids >= known)).any():
            raise UserError(
                f"the {who}'s ids are {ids.tolist()}, but this network knows {known} speakers, "
                f"counted from 0; give 0 to {known - 1}"
            )

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
    return default if given is None else np.asarray(given)


def _word_of_frame(speech: Speech, exists: Bool[np.ndarray, "B T"]) -> Speech:
    """Gives each frame its own word vector, so that shapes depend on the frames alone.

    Raises:
        UserError: When `word_index` names a word that is not there.
    """
    index = np.where(exists, np.asarray(speech.word_index), -1)
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
