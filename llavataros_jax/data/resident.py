"""The clips of a split as arrays on the device, from which rows of the plan gather their batches.

Bit for bit, these are the batches of `batches.read_batch`. A gather costs what it copies, and the
host has nothing to do but to name the row.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxtyping import Bool, Float, Float16, Int, Int32

from llavataros_jax.batch import Batch, Speech
from llavataros_jax.data.clips import ClipReader

_PEOPLE = ("", "interlocutor_")


class ResidentSpeech(struct.PyTreeNode):
    """One person's speech in C clips, one after another: F frames and K words in all.

    `word_index` counts the words of its clip. A person who is not in a clip has no frames there.
    """

    audio: Float16[Array, "F A"]
    words: Float16[Array, "K E"]
    word_index: Int32[Array, " F"]
    begin_frame: Int32[Array, " C"]
    begin_word: Int32[Array, " C"]
    speaker: Int32[Array, " C"]
    is_there: Bool[Array, " C"]


class Resident(struct.PyTreeNode):
    """The clips of a split, with what else the shape and the look-ahead of a batch depend on.

    Attributes:
        main: The speech of those whose motion is learned.
        interlocutor: That of those whom they talk with.
        pose: Their poses.
        num_frames: Frames of each clip.
        segment_frames: Frames of a segment.
        max_words: Rows of `Speech.words`.
        lookahead_frames: By how much later the speech is that a pose may see.
    """

    main: ResidentSpeech
    interlocutor: ResidentSpeech
    pose: Float[Array, "F P"]
    num_frames: Int32[Array, " C"]
    segment_frames: int = struct.field(pytree_node=False)
    max_words: int = struct.field(pytree_node=False)
    lookahead_frames: int = struct.field(pytree_node=False)


def load_resident(
    reader: ClipReader,
    *,
    segment_frames: int,
    lookahead_frames: int,
    place: Callable[[np.ndarray], Array],
) -> Resident:
    """Puts all clips of a reader on the devices.

    Args:
        reader: The clips, at least one.
        segment_frames: Frames of a segment.
        lookahead_frames: By how much later the speech is that a pose may see.
        place: Puts an array on the devices, whole on each. Arrays come one at a time, so that the
            host holds but one of them.
    """
    main, interlocutor = (_load_speech(reader, prefix, place) for prefix in _PEOPLE)
    return Resident(
        main=main,
        interlocutor=interlocutor,
        pose=place(_joined([clip["pose"] for clip in _clips(reader)])),
        num_frames=place(np.array(reader.lengths_frames, np.int32)),
        segment_frames=segment_frames,
        max_words=reader.max_segment_words(segment_frames),
        lookahead_frames=lookahead_frames,
    )


def resident_bytes(reader: ClipReader) -> int:
    """Returns the bytes that the clips of a reader take on each device, without reading them.

    Of records in a bucket it is a bound, since arrays would be fetched to be counted.
    """
    if (most := reader.most_bytes()) is not None:
        return most
    names = [prefix + name for prefix in _PEOPLE for name in ("audio", "words", "word_index")]
    clips = (reader.glance(clip) for clip in range(len(reader)))
    return sum(clip[name].nbytes for clip in clips for name in (*names, "pose"))


def gather_batch(resident: Resident, row: Int[Array, "B 3"]) -> Batch:
    """Returns the batch of a row of the plan.

    It is pure, to be compiled, and no device needs anything of another's lanes.
    """

    def of_lanes(gather: Callable[..., Any]) -> Any:
        return jax.vmap(gather)(row)

    main, _ = of_lanes(functools.partial(_gather_speech, resident, resident.main))
    other, is_present = of_lanes(functools.partial(_gather_speech, resident, resident.interlocutor))
    pose, exists = of_lanes(functools.partial(_gather_pose, resident))
    return Batch(
        main=Speech(**main),
        interlocutor=Speech(**other),
        interlocutor_present=is_present,
        pose=pose,
        frame_mask=exists,
        is_start=row[:, 2] != 0,
    )


def _gather_pose(
    resident: Resident, named: Int[Array, " 3"]
) -> tuple[Float[Array, "T P"], Bool[Array, " T"]]:
    """Returns the poses of a lane, and which frames there are."""
    clip, frames, exists = _frames(resident, named)
    last = resident.num_frames[clip] - 1
    place = resident.main.begin_frame[clip] + jnp.minimum(frames, last)
    return jnp.where(exists[:, None], resident.pose[place], jnp.float32(0)), exists


def _gather_speech(
    resident: Resident, speech: ResidentSpeech, named: Int[Array, " 3"]
) -> tuple[dict[str, Array], Bool[Array, ""]]:
    """Returns the arrays of `Speech` of a lane, and whether there is this person."""
    clip, frames, exists = _frames(resident, named)
    last, later = resident.num_frames[clip] - 1, frames + resident.lookahead_frames
    is_there = speech.is_there[clip] & (named[0] >= 0)
    place = jnp.where(is_there, speech.begin_frame[clip] + jnp.minimum(later, last), 0)
    sounds = exists & is_there
    index = jnp.where(sounds & (later <= last), speech.word_index[place], -1)
    local, rows, spoken = _local_words(index, resident.max_words)
    rows = jnp.where(spoken, speech.begin_word[clip] + rows, 0)
    return {
        "audio": jnp.where(sounds[:, None], speech.audio[place], jnp.float16(0)),
        "words": jnp.where(spoken[:, None], speech.words[rows], jnp.float16(0)),
        "word_index": local,
        "speaker": jnp.where(is_there, speech.speaker[clip], 0),
    }, is_there


def _frames(
    resident: Resident, named: Int[Array, " 3"]
) -> tuple[Int[Array, ""], Int[Array, " T"], Bool[Array, " T"]]:
    """Returns the clip that a lane reads, its frames, and which of them there are."""
    clip, first, _ = named
    frames = first + jnp.arange(resident.segment_frames, dtype=jnp.int32)
    reads, clip = clip >= 0, jnp.maximum(clip, 0)
    return clip, frames, (frames < resident.num_frames[clip]) & reads


def _local_words(
    index: Int32[Array, " T"], max_words: int
) -> tuple[Int32[Array, " T"], Int32[Array, " W"], Bool[Array, " W"]]:
    """Numbers words anew, as `batches.local_words` does, by comparing all frames with each other.

    Returns:
        The new numbers, the rows that they stand for, and which of these there are.
    """
    frames, before = jnp.arange(len(index)), index[None, :]
    said_before = (index[:, None] == before) & (frames[None, :] < frames[:, None])
    begins = (index >= 0) & ~said_before.any(axis=1)
    lower = begins[None, :] & (before < index[:, None])
    number = jnp.where(index >= 0, lower.sum(axis=1, dtype=jnp.int32), -1)
    stands = begins[None, :] & (number[None, :] == jnp.arange(max_words, dtype=jnp.int32)[:, None])
    rows = jnp.where(stands, before, 0).sum(axis=1, dtype=jnp.int32)
    return number, rows, stands.any(axis=1)


def _load_speech(
    reader: ClipReader, prefix: str, place: Callable[[np.ndarray], Array]
) -> ResidentSpeech:
    def every(name: str) -> list[np.ndarray]:
        return [clip[prefix + name] for clip in _clips(reader)]

    index = every("word_index")
    is_there = [int(clip[prefix + "speaker"]) >= 0 for clip in _clips(reader)]
    return ResidentSpeech(
        audio=place(_joined(every("audio"))),
        words=place(_joined(every("words"))),
        word_index=place(_joined(index)),
        begin_frame=place(_begins(index)),
        begin_word=place(_begins(every("words"))),
        speaker=place(np.array(every("speaker"), np.int32)),
        is_there=place(np.array(is_there)),
    )


def _clips(reader: ClipReader) -> Iterator[dict[str, Any]]:
    return (reader[clip] for clip in range(len(reader)))


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Returns the rows of all parts, and a row of zeros where there are none to gather from."""
    return np.concatenate(
        parts if any(map(len, parts)) else [np.zeros_like(parts[0], shape=(1, *parts[0].shape[1:]))]
    )


def _begins(parts: list[np.ndarray]) -> np.ndarray:
    ends = np.cumsum([len(part) for part in parts])
    return np.concatenate([[0], ends[:-1]]).astype(np.int32)
