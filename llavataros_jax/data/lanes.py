"""Tables of which segment of which clip each row of the batch reads at each step.

Transformer-XL needs lane i of batch k + 1 to continue lane i of batch k. Whole clips are dealt in
shuffled order, each to the lane that is free first. Corpora of a few long clips can be dealt in
pieces instead, each of which starts with an empty memory. `plan.LanePlan` puts the tables of all
epochs one after another.
"""

import heapq
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

IDLE = -1
Table = Int[np.ndarray, "steps lanes 3"]
Row = Int[np.ndarray, "lanes 3"]
# Clip, first frame and number of segments of what one lane reads in one go.
Pieces = Int[np.ndarray, "pieces 3"]
# Lane and first row of each piece.
Deals = list[tuple[int, int]]


def plan_epoch(
    lengths_frames: Sequence[int],
    *,
    lanes: int,
    segment_frames: int,
    seed: int,
    epoch: int,
    random_phase: bool = False,
    piece_segments: int = 0,
) -> Table:
    """Returns the table of one epoch alone, with columns clip (or -1), first frame and is_start.

    With `random_phase`, a clip is read from a random frame of its first segment on, so that other
    cuts between segments are seen in each epoch; at least one full segment is left of it. With
    `piece_segments`, clips are dealt in pieces of so many segments (the last of a clip is shorter).
    """
    pieces = shuffled_pieces(
        lengths_frames,
        segment_frames=segment_frames,
        seed=seed,
        epoch=epoch,
        random_phase=random_phase,
        piece_segments=piece_segments,
    )
    return _table(pieces, lanes=lanes, segment_frames=segment_frames)


def plan_whole_clips(lengths_frames: Sequence[int], *, lanes: int, segment_frames: int) -> Table:
    """Returns a table that reads every frame of every clip once, the longest clips first."""
    order = np.argsort(-np.asarray(lengths_frames, np.int64), kind="stable")
    whole = _cut(lengths_frames, np.zeros(len(order), np.int64), segment_frames, 0)
    return _table(whole[order], lanes=lanes, segment_frames=segment_frames)


def lane_share(
    row: Row, own_lanes: Sequence[int] | None = None
) -> Int[np.ndarray, "lanes_of_one 3"]:
    """Returns what the lanes of one process read, in the order of `own_lanes`; None is all lanes.

    Which lanes are whose is decided by the devices that hold them, not by a process's number.
    """
    return row if own_lanes is None else row[np.asarray(own_lanes, np.int64)]


def shuffled_pieces(
    lengths_frames: Sequence[int],
    *,
    segment_frames: int,
    seed: int,
    epoch: int,
    random_phase: bool,
    piece_segments: int,
) -> Pieces:
    """Draws the frame from which each clip is read, and the order of the pieces."""
    generator = np.random.default_rng([seed, epoch])
    lengths = np.asarray(lengths_frames, np.int64)
    phases = np.zeros_like(lengths)
    if random_phase:
        choices = np.clip(lengths - segment_frames + 1, 1, segment_frames)
        phases = generator.integers(0, choices)
    pieces = _cut(lengths_frames, phases, segment_frames, piece_segments)
    return pieces[generator.permutation(len(pieces))]


def _cut(
    lengths_frames: Sequence[int],
    phases: Int[np.ndarray, " clips"],
    segment_frames: int,
    piece_segments: int,
) -> Pieces:
    """Cuts each clip into pieces; with `piece_segments` 0, a clip is one piece."""
    lengths = np.asarray(lengths_frames, np.int64)
    segments = -((phases - lengths) // segment_frames)
    size = piece_segments or max(1, int(segments.max(initial=1)))
    return np.array(
        [
            (clip, phases[clip] + first * segment_frames, min(size, count - first))
            for clip, count in enumerate(segments.tolist())
            for first in range(0, count, size)
        ],
        np.int64,
    ).reshape(-1, 3)


def deal(pieces: Pieces, free: Sequence[int]) -> tuple[Deals, list[int]]:
    """Deals each piece to the lane that is free first, of several the one that comes first.

    Args:
        pieces: What is dealt, in this order.
        free: Row at which each lane is free.

    Returns:
        Lane and first row of each piece, and the row at which each lane is free thereafter.
    """
    queue = [(row, lane) for lane, row in enumerate(free)]
    heapq.heapify(queue)
    deals = []
    for segments in pieces[:, 2].tolist():
        row, lane = queue[0]
        deals.append((lane, row))
        heapq.heapreplace(queue, (row + segments, lane))
    after = list(free)
    for row, lane in queue:
        after[lane] = row
    return deals, after


def idle_table(steps: int, lanes: int) -> Table:
    """Returns a table in which every lane waits."""
    table = np.zeros((steps, lanes, 3), np.int32)
    table[...] = IDLE, 0, 1
    return table


def fill(table: Table, pieces: Pieces, deals: Deals, *, segment_frames: int) -> None:
    """Writes the pieces to the lanes and rows that they were dealt; leaves out what lies behind."""
    for (clip, first_frame, segments), (lane, row) in zip(pieces.tolist(), deals, strict=True):
        rows = table[row : row + segments, lane]
        rows[:, 0] = clip
        rows[:, 1] = first_frame + segment_frames * np.arange(len(rows))
        rows[1:, 2] = 0


def _table(pieces: Pieces, *, lanes: int, segment_frames: int) -> Table:
    deals, free = deal(pieces, [0] * lanes)
    table = idle_table(max(free), lanes)
    fill(table, pieces, deals, segment_frames=segment_frames)
    return table
