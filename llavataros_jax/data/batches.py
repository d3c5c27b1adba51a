"""The batch that a row of the plan names: one segment of every lane, copied once."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Int32

from llavataros_jax.batch import Batch, Speech
from llavataros_jax.data.buffers import Buffers
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.lanes import IDLE, Row

_MAIN, _INTERLOCUTOR = "", "interlocutor_"


def read_batch(
    reader: ClipReader,
    row: Row,
    *,
    segment_frames: int,
    max_words: int,
    lookahead_frames: int,
    buffers: Buffers | None = None,
) -> Batch:
    """Reads the segments that a row of the table names, with the speech that their poses may see.

    That is the speech of `lookahead_frames` later; after a clip's end its last row of audio goes
    on, and there is no word. Padding frames and idle lanes are zeros with `word_index` -1 and
    `frame_mask` False; so is an absent interlocutor, whose speaker is 0.
    """
    lanes, empty = len(row), (buffers or Buffers()).empty
    size = reader.manifest.feature_size
    audio = empty((2, lanes, segment_frames, size("audio")), np.float16)
    words = empty((2, lanes, max_words, size("words")), np.float16)
    pose = empty((lanes, segment_frames, size("pose")), np.float32)
    index = np.full((2, lanes, segment_frames), -1, np.int32)
    speaker = np.zeros((2, lanes), np.int32)
    frames = np.zeros(lanes, np.int32)
    present = np.zeros(lanes, bool)
    vectors: list[Any] = [None] * (2 * lanes)
    for lane, (clip, first, _) in enumerate(row.tolist()):
        arrays = None if clip == IDLE else reader[clip]
        count = 0
        if arrays is not None:
            count = len(poses := arrays["pose"][first : first + segment_frames])
            pose[lane, :count] = poses
            frames[lane] = count
            present[lane] = arrays["interlocutor_speaker"] >= 0
        pose[lane, count:] = 0
        for person, prefix in enumerate((_MAIN, _INTERLOCUTOR)):
            sound = audio[person, lane]
            if arrays is None or (prefix and not present[lane]):
                sound[:] = 0
                continue
            heard = arrays[prefix + "audio"]
            later = slice(first + lookahead_frames, first + lookahead_frames + count)
            there = len(part := heard[later])
            sound[:there] = part
            sound[there:count] = heard[-1:]
            sound[count:] = 0
            index[person, lane, :there] = arrays[prefix + "word_index"][later]
            speaker[person, lane] = arrays[prefix + "speaker"]
            vectors[person * lanes + lane] = arrays[prefix + "words"]
    local, rows = local_words(index.reshape(2 * lanes, -1))
    for lane, (chosen, found) in enumerate(zip(rows, vectors, strict=True)):
        out = words.reshape(2 * lanes, max_words, -1)[lane]
        count = 0
        if found is not None:
            count = len(part := found[chosen])
            out[:count] = part
        out[count:] = 0
    local = local.reshape(index.shape)
    main, interlocutor = (
        Speech(audio[person], words[person], local[person], speaker[person]) for person in range(2)
    )
    return Batch(
        main=main,
        interlocutor=interlocutor,
        interlocutor_present=present,
        pose=pose,
        frame_mask=np.arange(segment_frames) < frames[:, None],
        is_start=row[:, 2].astype(bool),
    )


def local_words(
    index: Int[np.ndarray, "B T"],
) -> tuple[Int32[np.ndarray, "B T"], list[slice | Int[np.ndarray, " W"]]]:
    """Numbers the words of each lane anew, without gaps, in the order of their rows.

    Args:
        index: Row of a clip's words on each frame, -1 in silence.

    Returns:
        The new numbers, and for each lane the rows that they stand for: a slice where they follow
        one another, as they do but for words that lie inside others.
    """
    spoken = index >= 0
    first = index.min(axis=1, where=spoken, initial=np.iinfo(np.int32).max)
    width = np.maximum(index.max(axis=1, initial=-1) - first + 1, 0)
    first = np.where(width, first, 0)
    # Presence of every row from the first to the last, with a column more for silence.
    columns = int(width.max(initial=0)) + 1
    place = np.where(spoken, index - first[:, None], columns - 1)
    place = place + columns * np.arange(len(index))[:, None]
    present: Bool[np.ndarray, "B C"] = np.zeros((len(index), columns), bool)
    present.reshape(-1)[place] = True
    present[:, -1] = False
    number = np.cumsum(present, axis=1, dtype=np.int32)
    local = np.where(spoken, number.reshape(-1)[place] - 1, np.int32(-1))
    rows: list[slice | Int[np.ndarray, " W"]] = []
    for lane, (begin, span, count) in enumerate(
        zip(first.tolist(), width.tolist(), number[:, -1].tolist(), strict=True)
    ):
        gaps = span != count
        rows.append(begin + np.flatnonzero(present[lane]) if gaps else slice(begin, begin + span))
    return local, rows
