"""The plan of the lanes: which segment of which clip each row of the batch reads at each step.

Transformer-XL needs lane i of batch k + 1 to continue lane i of batch k. The plan is a table and a
pure function of seed and epoch, so a batch is a pure function of the global step: to resume is to
read on at `state.step`, on any number of hosts.

Whole clips are dealt in shuffled order, each to the lane that is free first. Lanes wait at the end
of an epoch; with some 400 clips of a minute, 5-8 % of the slots of 32 lanes are idle, and as the
loss is a masked mean, they cost time only. Corpora of a few long clips can be dealt in pieces
instead, each of which starts with an empty memory.
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
    """Returns the table of one epoch, with columns clip (or -1), first frame and is_start.

    With `random_phase`, a clip is read from a random frame of its first segment on, so that other
    cuts between segments are seen in each epoch; at least one full segment is left of it. With
    `piece_segments`, clips are dealt in pieces of so many segments (the last of a clip is shorter).
    """
    pieces = _shuffle(lengths_frames, segment_frames, seed, epoch, random_phase, piece_segments)
    return _fill(pieces, lanes=lanes, segment_frames=segment_frames)


def plan_whole_clips(lengths_frames: Sequence[int], *, lanes: int, segment_frames: int) -> Table:
    """Returns a table that reads every frame of every clip once, the longest clips first."""
    order = np.argsort(-np.asarray(lengths_frames, np.int64), kind="stable")
    whole = _cut(lengths_frames, np.zeros(len(order), np.int64), segment_frames, 0)
    return _fill(whole[order], lanes=lanes, segment_frames=segment_frames)


class LanePlan:
    """The tables of all epochs, one after another.

    Epochs differ in length, so their ends are counted up once and remembered. All methods are pure
    in their arguments; what is remembered is replaced in one assignment, so threads may race.
    """

    def __init__(
        self,
        lengths_frames: Sequence[int],
        *,
        lanes: int,
        segment_frames: int,
        seed: int,
        random_phase: bool,
        piece_segments: int = 0,
    ) -> None:
        if not len(lengths_frames):
            raise ValueError("a plan needs at least one clip")
        self.lengths_frames = tuple(lengths_frames)
        self.lanes = lanes
        self.segment_frames = segment_frames
        self.seed = seed
        self.random_phase = random_phase
        self.piece_segments = piece_segments
        self._ends: tuple[int, ...] = ()
        self._tables: dict[int, Table] = {}

    def epoch_steps(self, epoch: int) -> int:
        """Returns the number of steps of an epoch."""
        pieces = _shuffle(
            self.lengths_frames,
            self.segment_frames,
            self.seed,
            epoch,
            self.random_phase,
            self.piece_segments,
        )
        return _schedule(pieces, self.lanes)[1]

    def position(self, step: int) -> tuple[int, int]:
        """Maps a global step to its epoch and the row of that epoch's table."""
        ends = self._ends
        if not ends or ends[-1] <= step:
            longer = list(ends)
            while not longer or longer[-1] <= step:
                longer.append((longer[-1] if longer else 0) + self.epoch_steps(len(longer)))
            self._ends = ends = tuple(longer)
        epoch = int(np.searchsorted(ends, step, side="right"))
        return epoch, step - (ends[epoch - 1] if epoch else 0)

    def row(self, step: int) -> Row:
        """Returns the row of the table that a global step reads."""
        epoch, row = self.position(step)
        table = self._tables.get(epoch)
        if table is None:
            table = plan_epoch(
                self.lengths_frames,
                lanes=self.lanes,
                segment_frames=self.segment_frames,
                seed=self.seed,
                epoch=epoch,
                random_phase=self.random_phase,
                piece_segments=self.piece_segments,
            )
            # Prefetching threads read around an epoch's end, so its neighbours are kept as well.
            near = {e: t for e, t in self._tables.items() if abs(e - epoch) <= 1}
            self._tables = {**near, epoch: table}
        return table[row]


def lane_share(
    row: Row, own_lanes: Sequence[int] | None = None
) -> Int[np.ndarray, "lanes_of_one 3"]:
    """Returns what the lanes of one process read, in the order of `own_lanes`; None is all lanes.

    Which lanes are whose is decided by the devices that hold them, not by a process's number.
    """
    return row if own_lanes is None else row[np.asarray(own_lanes, np.int64)]


def _shuffle(
    lengths_frames: Sequence[int],
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


def _schedule(pieces: Pieces, lanes: int) -> tuple[list[tuple[int, int]], int]:
    """Deals each piece to the lane that is free first; returns their (lane, row), and the rows."""
    free = [(0, lane) for lane in range(lanes)]
    deals = []
    for segments in pieces[:, 2].tolist():
        row, lane = free[0]
        deals.append((lane, row))
        heapq.heapreplace(free, (row + segments, lane))
    return deals, max(row for row, _ in free)


def _fill(pieces: Pieces, *, lanes: int, segment_frames: int) -> Table:
    deals, steps = _schedule(pieces, lanes)
    table = np.zeros((steps, lanes, 3), np.int32)
    table[...] = IDLE, 0, 1
    for (clip, first_frame, segments), (lane, row) in zip(pieces.tolist(), deals, strict=True):
        rows = table[row : row + segments, lane]
        rows[:, 0] = clip
        rows[:, 1] = first_frame + segment_frames * np.arange(segments)
        rows[1:, 2] = 0
    return table
