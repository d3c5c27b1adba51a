"""From predicted poses to those of a live body: its dials of size, expressiveness and idling.

They come after smoothing, in this order, as for whole recordings. Whether somebody speaks is known
when a frame is heard, and its pose comes later by what look-ahead and smoothing delay. Idling makes
use of look-ahead, as offline; for the delay of smoothing, voice activity waits too.
"""

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float

from llavataros_jax.batch import Speech
from llavataros_jax.config import AudioConfig
from llavataros_jax.inference.dials import LiveDials
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.dial import turned
from llavataros_jax.motion.enlargement import (
    EnlargeState,
    enlarge,
    reset_enlarging,
    start_enlarging,
)
from llavataros_jax.motion.expressiveness import Expressiveness
from llavataros_jax.motion.idle import IdleState, quieten, reset_idle, start_idle
from llavataros_jax.motion.smoothing import joined
from llavataros_jax.sound.voice import (
    VoiceState,
    energy_of,
    reset_voice,
    start_voice,
    voice_activity,
)


class BodyState(struct.PyTreeNode):
    """What one call leaves to the next, of each lane.

    Attributes:
        size: The slow course of movements, and the dial of their size.
        expressiveness: The dial as far as it has turned.
        voice: What voice activity remembers.
        heard: Voice activity of the last frames, as many as smoothing delays poses.
        idle: State of the filter that holds a body still.
    """

    size: EnlargeState
    expressiveness: Float[Array, " B"]
    voice: VoiceState
    heard: Float[Array, "B D"]
    idle: IdleState


class Body:
    """Turns normalised poses, call by call, into those that its dials ask for."""

    def __init__(
        self,
        codec: PoseCodec,
        *,
        fps: float,
        audio: AudioConfig | None = None,
        lookahead_frames: int = 0,
        delay_frames: int = 0,
    ) -> None:
        """Finds the resting pose.

        Args:
            codec: Codec of the poses.
            fps: Frames per second.
            audio: What the audio features are; where it is None they tell no loudness.
            lookahead_frames: Frames by which the network delays poses.
            delay_frames: Frames by which smoothing delays them.
        """
        self.codec, self.fps, self.audio = codec, fps, audio
        self.lookahead_frames, self.delay_frames = lookahead_frames, delay_frames
        self.expressiveness = Expressiveness(codec)

    def start(self, lanes: int) -> BodyState:
        """Returns the state of lanes in which nothing was said."""
        heard = jnp.zeros((lanes, self.delay_frames))
        poses = self.codec.pose_size
        return BodyState(
            size=start_enlarging(lanes, poses),
            expressiveness=jnp.ones(lanes),
            voice=start_voice(lanes),
            heard=heard,
            idle=start_idle(lanes, poses),
        )

    def reset(self, state: BodyState, is_start: Bool[Array, " B"]) -> BodyState:
        """Starts anew the lanes in which a stream starts, and those that NaN got into."""
        anew = is_start
        for leaf in jax.tree.leaves(state):
            anew = anew | ~jnp.isfinite(leaf).reshape(len(leaf), -1).all(axis=1)
        return state.replace(
            size=reset_enlarging(state.size, anew),
            voice=reset_voice(state.voice, anew),
            heard=jnp.where(anew[:, None], 0.0, state.heard),
            idle=reset_idle(state.idle, anew),
        )

    def __call__(
        self,
        state: BodyState,
        pose: Float[Array, "B T P"],
        main: Speech,
        dials: LiveDials,
        *,
        arrived: Bool[Array, "B T"],
        brings: Bool[Array, "B T"],
        is_motion: Bool[Array, "B T"],
    ) -> tuple[Float[Array, "B T P"], BodyState]:
        """Returns un-normalised poses under the dials, and the state of the next call.

        Args:
            state: Of the call before, or of `start`.
            pose: Normalised poses, smoothed if they are to be.
            main: What was heard of the person who moves, all of it finite where a frame exists.
            dials: As they are to be from these frames on.
            arrived: Frames that exist.
            brings: Frames with which the network made a pose.
            is_motion: Frames whose pose is one of the stream's motion, after all delay.
        """
        energy = None if self.audio is None else energy_of(main.audio, self.audio)
        activity, voice = voice_activity(
            state.voice, main.word_index, energy, fps=self.fps, frame_mask=arrived
        )
        activity, heard = _delayed(state.heard, activity, arrived)
        state = state.replace(voice=voice, heard=heard)
        return self._turned(state, pose, activity, dials, brings=brings, is_motion=is_motion)

    def finish(
        self,
        state: BodyState,
        pose: Float[Array, "B T P"],
        dials: LiveDials,
        *,
        due: Bool[Array, "B T"],
    ) -> Float[Array, "B T P"]:
        """Returns the poses that are still due after the end of speech, under the dials."""
        silence = jnp.zeros((len(pose), self.lookahead_frames))
        activity = jnp.concatenate([state.heard, silence], axis=1)
        return self._turned(state, pose, activity, dials, brings=due, is_motion=due)[0]

    def _turned(
        self,
        state: BodyState,
        pose: Float[Array, "B T P"],
        activity: Float[Array, "B T"],
        dials: LiveDials,
        *,
        brings: Bool[Array, "B T"],
        is_motion: Bool[Array, "B T"],
    ) -> tuple[Float[Array, "B T P"], BodyState]:
        pose = jnp.asarray(self.codec.denormalise(pose))
        pose, size = enlarge(
            state.size, pose, jnp.asarray(dials.size), fps=self.fps, frame_mask=is_motion
        )
        wanted = jnp.asarray(dials.expressiveness)
        # What a body does first, it does as it is told; later it turns to it.
        now = jnp.where(state.idle.is_new, wanted, state.expressiveness)
        scale, now = turned(now, wanted, brings, fps=self.fps)
        pose = jax.lax.cond(
            (scale == 1).all(), lambda pose, _: pose, self.expressiveness, pose, scale
        )
        quiet, idle = quieten(
            state.idle,
            pose,
            activity,
            jnp.asarray(dials.idle),
            fps=self.fps,
            ahead_frames=self.lookahead_frames,
            frame_mask=is_motion,
        )
        pose = jnp.where(is_motion[..., None], quiet, pose)
        return pose, state.replace(size=size, expressiveness=now, idle=idle)


def _delayed(
    history: Float[Array, "B D"], values: Float[Array, "B T"], exists: Bool[Array, "B T"]
) -> tuple[Float[Array, "B T"], Float[Array, "B D"]]:
    """Returns for each frame that exists the value of D existing frames before, and the last D."""
    known, number = joined(history, values, exists)
    before = jnp.take_along_axis(known, jnp.maximum(number - 1, 0), axis=1)
    last = number[:, -1:] + jnp.arange(history.shape[1], dtype=jnp.int32)[None]
    return before, jnp.take_along_axis(known, last, axis=1)
