"""A block of stretches, as the program takes it: the speech of all lanes, cut into segments."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, UInt32

from llavataros_jax.batch import Speech
from llavataros_jax.data.segments import ClipSpeech, fill_speech, silence
from llavataros_jax.inference.lanes import Turn
from llavataros_jax.inference.recording import Recording
from llavataros_jax.model import GestureModel

STRETCH_SEGMENTS, BLOCK_STRETCHES = 4, 4
BLOCK_SEGMENTS = STRETCH_SEGMENTS * BLOCK_STRETCHES
# What every lane does in one stretch.
Step = Sequence[Turn | None]


class Block(NamedTuple):
    """What a block is made of: stretches (axis C), each of some segments of all lanes (axis R)."""

    main: Speech
    interlocutor: Speech | None
    interlocutor_present: Bool[np.ndarray, "C B"]
    is_start: Bool[np.ndarray, "C B"]
    seeds: UInt32[np.ndarray, "C B"]


def filled(
    model: GestureModel,
    steps: Sequence[Step],
    recordings: Sequence[Recording],
    seeds: UInt32[np.ndarray, " K"] | None,
    *,
    lanes: int,
    is_alone: bool,
) -> Block:
    """Cuts the speech of a block's stretches into segments.

    Args:
        model: The network.
        steps: What is animated; those that a block lacks are silent.
        recordings: Those that `steps` name.
        seeds: The seed of each, if they are drawn.
        lanes: Recordings at a time.
        is_alone: Whether nobody else is listened to.
    """
    sizes, length, rows = model.sizes, model.config.segment_frames, lanes * STRETCH_SEGMENTS
    # A frame has one word at most, so a segment never touches more words than frames.
    people = [
        silence(BLOCK_STRETCHES * rows, frames=length, rows=length, sizes=(sizes.audio, sizes.text))
        for _ in range(1 if is_alone else 2)
    ]
    present, is_start = (np.zeros((BLOCK_STRETCHES, lanes), bool) for _ in range(2))
    drawn = np.zeros(present.shape, np.uint32)
    for step, lane, turn in taken(steps):
        recording = recordings[turn.clip]
        present[step, lane], is_start[step, lane] = recording[1] is not None, turn.first == 0
        drawn[step, lane] = 0 if seeds is None else seeds[turn.clip]
        row = step * rows + lane * STRETCH_SEGMENTS
        for segments, speech in zip(people, recording, strict=False):
            if speech is not None:
                _cut(model, segments, row, speech, turn.first)
    main, *other = (
        jax.tree.map(lambda x: x.reshape(BLOCK_STRETCHES, rows, *x.shape[1:]), segments)
        for segments in people
    )
    return Block(main, other[0] if other else None, present, is_start, drawn)


def _cut(model: GestureModel, segments: Speech, row: int, speech: ClipSpeech, first: int) -> None:
    """Writes the segments of a stretch that begins at the frame `first`."""
    length, ahead = model.config.segment_frames, model.config.lookahead_frames
    for segment in range(STRETCH_SEGMENTS):
        start = first + segment * length
        if start < len(speech.word_index):
            frames = slice(start, start + length)
            fill_speech(segments, row + segment, speech, frames, lookahead_frames=ahead)


def taken(steps: Sequence[Step]) -> Iterator[tuple[int, int, Turn]]:
    """Yields step, lane and turn of those that have one."""
    for step, lanes in enumerate(steps):
        for lane, turn in enumerate(lanes):
            if turn is not None:
                yield step, lane, turn
