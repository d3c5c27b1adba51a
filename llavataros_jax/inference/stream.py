"""Animates live speech: a few frames a call, in lanes that start and stop when they like."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from llavataros_jax.batch import Speech
from llavataros_jax.config import AudioConfig
from llavataros_jax.data.segments import silence
from llavataros_jax.errors import UserError
from llavataros_jax.inference.body import Body
from llavataros_jax.inference.dials import LiveDials, checked_dials, checked_seeds
from llavataros_jax.inference.frames import Frames, word_of_frame
from llavataros_jax.inference.packing import Layout
from llavataros_jax.inference.state import StreamState, start
from llavataros_jax.inference.step import LiveParams, finish, prepare, step
from llavataros_jax.model import GestureModel, Params
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.smoothing import WINDOW, causal_kernels, final_kernels, half_window


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
        smooth_window: int = WINDOW,
        delay_frames: int | None = None,
        fps: float = 30.0,
        audio: AudioConfig | None = None,
        dials: LiveDials | None = None,
        body_dials: bool = True,
        alone: bool = False,
    ):
        """Prepares the parameters; `warm_up` or the first call compiles, and no call after it.

        Args:
            model: The network.
            params: Its parameters.
            codec: Codec of its poses.
            lanes: Streams side by side.
            call_frames: Frames that one pass of the network takes, a segment by default. Longer
                calls are cut into such passes, and shorter ones take as long as a whole one: give
                the number of frames that a call mostly brings, 1 for calls of single frames.
            smooth_fps: Rate of the frames, to smooth the poses; None leaves them as they are.
            smooth_window: Frames at 30 fps that smoothing sees, as `film.smooth_window`.
            delay_frames: Frames by which smoothing delays poses; by default half its window, with
                which it is the filter of whole recordings. What look-ahead delays comes on top; the
                property `delay_frames` is both together.
            fps: Rate of the frames where `smooth_fps` is None, for dials that take their time.
            audio: What the audio features are, so that idling hears where nobody speaks; without
                it words alone tell, and speech of which no word is known never pauses.
            dials: Those of calls that bring none: `LiveDials.of(lanes, config.flow, config.film)`
                for those of a run; by default everything as trained.
            body_dials: Whether the dials of the body, size, expressiveness and idling, can be
                turned. Without them a call compiles in half the time.
            alone: Whether no interlocutor is ever given, which spares their part of the network.

        Raises:
            UserError: When a dial is out of its range.
        """
        self.model, self.codec, self.lanes = model, codec, lanes
        self.call_frames = call_frames or model.config.segment_frames
        self.params = prepare(model, params)
        # A network without cross blocks hears nobody else.
        self._refuses_others, self._is_alone = alone, alone or not model.config.cross_blocks
        self._layout = Layout(lanes, self.call_frames, model.sizes, self._is_alone)
        self.kernels = self._final_kernels = None
        delay = 0
        if smooth_fps is not None:
            usual = half_window(smooth_fps, smooth_window)
            delay = usual if delay_frames is None else delay_frames
            self.kernels = causal_kernels(smooth_fps, delay, smooth_window)
            self._final_kernels = final_kernels(smooth_fps, delay, smooth_window)
        self._body: Body | None = None
        if body_dials:
            self._body = Body(
                codec,
                fps=fps if smooth_fps is None else smooth_fps,
                audio=audio,
                lookahead_frames=model.config.lookahead_frames,
                delay_frames=delay,
            )
        self._given: list[np.ndarray] | None = None
        self.dials = self._dials = self._turned_to(dials or LiveDials.of(lanes))
        self._step: Callable[..., Any] = jax.jit(self._stepped, donate_argnums=1)
        self._finish: Callable[..., Any] = jax.jit(self._finished_lane)

    @property
    def delay_frames(self) -> int:
        """Frames by which a pose comes later than its frame: look-ahead and smoothing together.

        Call by call, as many poses at the beginning of a stream are none of its motion; those that
        look-ahead leaves without speech mean nothing, and those of smoothing are its first pose.
        """
        smoothing = 0 if self._final_kernels is None else self._final_kernels.shape[1]
        return self.model.config.lookahead_frames + smoothing

    def warm_up(self) -> None:
        """Compiles all that calls run, so that the first frame of a stream does not wait for it."""
        frames = _nothing(self._layout)
        _, state = self._passed(self.start(), frames, slice(0, 1), None, self._turned_to(None))
        self.flush(state, lane=0)

    def start(self, seeds: np.ndarray | list[int] | None = None) -> StreamState:
        """Returns the state of streams in which nothing was said.

        A sampled head draws each lane's motion by its seed of 32 bits, by default the lane's
        number. As offline, the same seed moves the same way to the same speech, in any lane. A
        regression has but one answer, and no use for seeds.

        Raises:
            UserError: When the seeds are not as many as lanes, or no seeds.
        """
        given = None if seeds is None else checked_seeds(seeds, self.lanes)
        return start(
            self.model,
            lanes=self.lanes,
            call_frames=self.call_frames,
            smoothing_window=None if self.kernels is None else len(self.kernels),
            seeds=given,
            body=self._body,
            is_alone=self._is_alone,
        )

    def flush(
        self, state: StreamState, *, dials: LiveDials | None = None, lane: int | None = None
    ) -> Float[np.ndarray, "B D P"] | Float[np.ndarray, "D P"]:
        """Returns the last `delay_frames` poses of each lane, as if its stream ended here.

        With `lane` they are those of this lane alone; all lanes take as long as one after another.

        They are those of a whole clip: where the network looks ahead, the last sound goes on
        without a word, and the filter is the offline one. What came before and these make one pose
        for each frame of a stream, once its first `delay_frames` poses are left out. A stream of
        fewer frames has its poses at the end. `state` stays usable, so that the other lanes may go
        on; where nothing is delayed, there are no poses.

        Raises:
            UserError: When there is no such lane, or a dial is out of its range.
        """
        if lane is not None and not 0 <= lane < self.lanes:
            raise UserError(
                f"lane {lane} was to be flushed, but this stream has {self.lanes} lanes; give 0 to "
                f"{self.lanes - 1}"
            )
        turned, asked = self._turned_to(dials), range(self.lanes) if lane is None else [lane]
        if not self.delay_frames:
            poses = np.zeros((len(asked), 0, self.model.sizes.pose), np.float32)
        else:
            found = [self._finish(self.params, state, turned, np.int32(k)) for k in asked]
            poses = np.stack([np.asarray(pose) for pose in found])
        return poses if lane is None else poses[0]

    def __call__(
        self,
        state: StreamState,
        main: Speech,
        interlocutor: Speech | None = None,
        *,
        interlocutor_present: Bool[np.ndarray, " B"] | None = None,
        frame_mask: Bool[np.ndarray, "B T"] | None = None,
        is_start: Bool[np.ndarray, " B"] | None = None,
        seeds: np.ndarray | list[int] | None = None,
        dials: LiveDials | None = None,
    ) -> tuple[Float[np.ndarray, "B T P"], StreamState]:
        """Returns un-normalised poses, one a frame of `main`, and the state, which it uses up.

        They are of `delay_frames` earlier. `seeds` are those of the lanes that start with this
        call; without, they start with the seeds that they had. `dials` are as they are to be for
        the poses of this call; without, they are those that the streamer was made with.

        Raises:
            UserError: When shapes do not fit the lanes, each other or the network, or a speaker or
                a word is named that is not there, or a seed or a dial is out of its range, or an
                interlocutor is given to a stream that was made with `alone=True`.
        """
        lanes, count = self.lanes, np.shape(main.word_index)[-1]
        self._check(main, "speaker", count)
        mask = _or_else(frame_mask, np.ones((lanes, count), bool))
        self._check_speaker(main, "speaker", np.ones(lanes, bool))
        present, other = np.zeros(lanes, bool), None
        if interlocutor is not None:
            if self._refuses_others:
                raise UserError(
                    "an interlocutor was given to a stream that was made with alone=True; leave "
                    "one of them out"
                )
            present = _or_else(interlocutor_present, np.ones(lanes, bool))
            self._check(interlocutor, "interlocutor", count)
            self._check_speaker(interlocutor, "interlocutor", present)
            other = word_of_frame(interlocutor, mask & present[:, None])
        elif not self._is_alone:
            sizes = self.model.sizes.audio, self.model.sizes.text
            other = silence(lanes, frames=count, rows=count, sizes=sizes)
        frames = Frames(
            main=word_of_frame(main, mask),
            interlocutor=None if self._is_alone else other,
            interlocutor_present=present,
            frame_mask=mask,
            is_start=_or_else(is_start, np.zeros(lanes, bool)),
        )
        drawn = None if seeds is None else checked_seeds(seeds, lanes)
        turned, poses = self._turned_to(dials), []
        for first in range(0, count, self.call_frames):
            part = slice(first, min(first + self.call_frames, count))
            pose, state = self._passed(state, frames, part, drawn, turned)
            poses.append((pose, part.stop - part.start))
        found = [np.asarray(pose)[:, :brought] for pose, brought in poses]
        return found[0] if len(found) == 1 else np.concatenate(found, axis=1), state

    def _passed(
        self,
        state: StreamState,
        frames: Frames,
        part: slice,
        seeds: UInt32[np.ndarray, " B"] | None,
        dials: LiveDials,
    ) -> tuple[Float[Array, "B T P"], StreamState]:
        """Runs one pass of the network over some frames of a call."""
        return self._step(self.params, state, self._layout.pack(frames, part, seeds), dials)

    def _turned_to(self, dials: LiveDials | None) -> LiveDials:
        """Returns dials on the device, where those of the call before are already."""
        if dials is None:
            return self.dials
        given = [np.array(leaf) for leaf in jax.tree.leaves(dials)]
        if self._given is None or not all(map(np.array_equal, given, self._given)):
            checked = checked_dials(dials, self.lanes)
            if self._body is None:
                plain = LiveDials.of(self.lanes)
                for name in ("size", "expressiveness", "idle"):
                    if np.any(getattr(checked, name) != getattr(plain, name)):
                        raise UserError(
                            f"{name} was turned, but this stream was made with body_dials=False; "
                            "leave that out"
                        )
            self._given, self._dials = given, jax.device_put(checked)
        return self._dials

    def _stepped(
        self,
        params: LiveParams,
        state: StreamState,
        packed: UInt32[Array, "B W"],
        dials: LiveDials,
    ) -> tuple[Float[Array, "B T P"], StreamState]:
        frames, is_drawn, seeds = self._layout.unpack(packed)
        if state.sampling is not None:
            seed = jnp.where(is_drawn, seeds, state.sampling.seed)
            state = state.replace(sampling=state.sampling.replace(seed=seed))
        pose, state = step(
            self.model,
            params,
            state,
            frames,
            call_frames=self.call_frames,
            kernels=self.kernels,
            dials=dials,
            body=self._body,
        )
        if self._body is None:
            pose = jnp.asarray(self.codec.denormalise(pose))
        return pose, state

    def _finished_lane(
        self, params: LiveParams, state: StreamState, dials: LiveDials, lane: Int[Array, ""]
    ) -> Float[Array, "D P"]:
        def of_lane(leaf: Array) -> Array:
            if not leaf.ndim:  # a dial of all lanes
                return leaf
            rows = len(leaf) // self.lanes
            return jax.lax.dynamic_slice_in_dim(leaf, lane * rows, rows)

        pose = finish(
            self.model,
            params,
            jax.tree.map(of_lane, state),
            call_frames=self.call_frames,
            kernels=self.kernels,
            final_kernels=self._final_kernels,
            dials=jax.tree.map(of_lane, dials),
            body=self._body,
            is_alone=self._is_alone,
        )[0]
        return jnp.asarray(self.codec.denormalise(pose) if self._body is None else pose)

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


def _nothing(layout: Layout) -> Frames:
    """Returns a frame that does not exist."""
    sizes = layout.sizes.audio, layout.sizes.text
    nobody = silence(layout.lanes, frames=1, rows=1, sizes=sizes)
    absent = np.zeros(layout.lanes, bool)
    other = None if layout.is_alone else nobody
    return Frames(nobody, other, absent, frame_mask=absent[:, None], is_start=absent)


def _or_else(given: np.ndarray | None, default: np.ndarray) -> np.ndarray:
    return default if given is None else np.asarray(given)
