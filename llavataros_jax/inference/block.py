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

# Segments of each lane in a block, and those of a stretch: enough rows to keep a device busy, and
# not more, as a recording that ends within a stretch pays for all of it.
BLOCK_SEGMENTS = 16
_STRETCH_SEGMENTS = {"cpu": 2}
_STRETCH_SEGMENTS_OF_ACCELERATORS = 8
# What every lane does in one stretch.
Step = Sequence[Turn | None]


class Block(NamedTuple):
    """What a block is made of: stretches (axis C), each of some segments of all lanes (axis R)."""

    main: Speech
    interlocutor: Speech | None
    interlocutor_present: Bool[np.ndarray, "C B"]
    is_start: Bool[np.ndarray, "C B"]
    seeds: UInt32[np.ndarray, "C B"]


def stretch_segments() -> int:
    """Returns how many segments are computed at once here; they divide those of a block."""
    return _STRETCH_SEGMENTS.get(jax.default_backend(), _STRETCH_SEGMENTS_OF_ACCELERATORS)


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
    each = stretch_segments()
    stretches, rows = BLOCK_SEGMENTS // each, lanes * each
    sizes, length = model.sizes, model.config.segment_frames
    # A frame has one word at most, so a segment never touches more words than frames.
    people = [
        silence(stretches * rows, frames=length, rows=length, sizes=(sizes.audio, sizes.text))
        for _ in range(1 if is_alone else 2)
    ]
    present, is_start = (np.zeros((stretches, lanes), bool) for _ in range(2))
    drawn = np.zeros(present.shape, np.uint32)
    for step, lane, turn in taken(steps):
        recording = recordings[turn.clip]
        present[step, lane], is_start[step, lane] = recording[1] is not None, turn.first == 0
        drawn[step, lane] = 0 if seeds is None else seeds[turn.clip]
        row = step * rows + lane * each
        for segments, speech in zip(people, recording, strict=False):
            if speech is not None:
                _cut(model, segments, row, speech, turn.first)
    main, *other = (
        jax.tree.map(lambda x: x.reshape(stretches, rows, *x.shape[1:]), segments)
        for segments in people
    )
    return Block(main, other[0] if other else None, present, is_start, drawn)


def _cut(model: GestureModel, segments: Speech, row: int, speech: ClipSpeech, first: int) -> None:
    """Writes the segments of a stretch that begins at the frame `first`."""
    length, ahead = model.config.segment_frames, model.config.lookahead_frames
    for segment in range(stretch_segments()):
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
