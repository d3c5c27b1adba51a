"""Look-ahead in live streams: a pose waits until the speech that it may see has arrived.

With a look-ahead of L frames, pose t is predicted from the speech of frame t + L
(`data.segments.heard`). Live, the first L frames of a stream therefore move nothing, frame t + L
brings pose t, and at the end the last row of audio goes on for the L poses that are still due.
"""

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from llavataros_jax.batch import Speech
from llavataros_jax.model import Sizes


class LastHeard(struct.PyTreeNode):
    """What each lane heard last, from which the poses after its end are made.

    Attributes:
        waited_frames: Frames of its stream that have moved nothing, L at most: the poses still due.
        audio: Last row of the main speaker's audio.
        interlocutor_audio: The same of the other person.
        speaker: Who speaks.
        interlocutor_speaker: Who the other person is.
        interlocutor_present: Whether the other person is there.
    """

    waited_frames: Int[Array, " B"]
    audio: Float[Array, "B A"]
    interlocutor_audio: Float[Array, "B A"]
    speaker: Int[Array, " B"]
    interlocutor_speaker: Int[Array, " B"]
    interlocutor_present: Bool[Array, " B"]


def start_hearing(lanes: int, audio_size: int) -> LastHeard:
    """Returns the state of lanes that have heard nothing."""
    # Each has a buffer of its own, because a step that is given the state uses all of them up.
    waited, speaker, other_speaker = (jnp.zeros(lanes, jnp.int32) for _ in range(3))
    audio, other_audio = (jnp.zeros((lanes, audio_size)) for _ in range(2))
    return LastHeard(
        waited_frames=waited,
        audio=audio,
        interlocutor_audio=other_audio,
        speaker=speaker,
        interlocutor_speaker=other_speaker,
        interlocutor_present=jnp.zeros(lanes, bool),
    )


def hear(
    state: LastHeard,
    main: Speech,
    interlocutor: Speech | None,
    interlocutor_present: Bool[Array, " B"],
    *,
    frame_mask: Bool[Array, "B T"],
    is_start: Bool[Array, " B"],
    lookahead_frames: int,
) -> tuple[Bool[Array, "B T"], LastHeard]:
    """Returns which frames bring a pose, and what the lanes have heard thereafter.

    A lane that brings no frame keeps what it had.
    """
    waited = jnp.where(is_start, 0, state.waited_frames)
    number = waited[:, None] + jnp.cumsum(frame_mask, axis=1, dtype=jnp.int32)
    brings = frame_mask & (number > lookahead_frames)
    came = frame_mask.any(1)
    last = frame_mask.shape[1] - 1 - jnp.argmax(frame_mask[:, ::-1], axis=1)

    def newest(rows: Array | np.ndarray, before: Array) -> Array:
        row = jnp.take_along_axis(jnp.asarray(rows), last[:, None, None], axis=1)[:, 0]
        return jnp.where(came[:, None], row.astype(before.dtype), before)

    def now(value: Array | np.ndarray, before: Array) -> Array:
        return jnp.where(came, jnp.asarray(value), before)

    return brings, LastHeard(
        waited_frames=jnp.minimum(number[:, -1], lookahead_frames),
        audio=newest(main.audio, state.audio),
        interlocutor_audio=state.interlocutor_audio
        if interlocutor is None
        else newest(interlocutor.audio, state.interlocutor_audio),
        speaker=now(main.speaker, state.speaker),
        interlocutor_speaker=state.interlocutor_speaker
        if interlocutor is None
        else now(interlocutor.speaker, state.interlocutor_speaker),
        interlocutor_present=now(interlocutor_present, state.interlocutor_present),
    )


def speech_after(
    state: LastHeard, sizes: Sizes, *, lookahead_frames: int
) -> tuple[Speech, Speech, Bool[Array, "B L"]]:
    """Returns the two people's speech after the end of each lane, and the frames that exist.

    Where a lane has heard fewer than L frames, its poses, as few, are those at the end.
    """
    lanes = len(state.waited_frames)

    def goes_on(audio: Array, speaker: Array) -> Speech:
        return Speech(
            audio=jnp.repeat(audio[:, None], lookahead_frames, axis=1),
            words=jnp.zeros((lanes, lookahead_frames, sizes.text)),
            word_index=jnp.full((lanes, lookahead_frames), -1, jnp.int32),
            speaker=speaker,
        )

    first = lookahead_frames - state.waited_frames
    due = jnp.arange(lookahead_frames, dtype=jnp.int32)[None] >= first[:, None]
    return (
        goes_on(state.audio, state.speaker),
        goes_on(state.interlocutor_audio, state.interlocutor_speaker),
        due,
    )
