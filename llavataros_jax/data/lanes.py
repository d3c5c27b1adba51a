"""The plan of the lanes: which segment of which clip each row of the batch reads at each step.

Transformer-XL needs lane i of batch k + 1 to continue lane i of batch k. The plan is a table and a
pure function of seed and epoch, so a batch is a pure function of the global step: to resume is to
read on at `state.step`, on any number of hosts.

Whole clips are dealt in shuffled order, each to the lane that is free first. Lanes wait at the end
of an epoch; with some 400 clips of a minute, 5-8 % of the slots of 32 lanes are idle, and as the
loss is a masked mean, they cost time only.
"""

import heapq
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

IDLE = -1
Table = Int[np.ndarray, "steps lanes 3"]
Row = Int[np.ndarray, "lanes 3"]


def plan_epoch(
    lengths_frames: Sequence[int],
    *,
    lanes: int,
    segment_frames: int,
    seed: int,
    epoch: int,
    random_phase: bool = False,
) -> Table:
    """Returns the table of one epoch, with columns clip (or -1), first frame and is_start.

    With `random_phase`, a clip is read from a random frame of its first segment on, so that other
    cuts between segments are seen in each epoch; at least one full segment is left of it.
    """
    order, phases = _shuffle(lengths_frames, segment_frames, seed, epoch, random_phase)
    return _fill(order, phases, lengths_frames, lanes=lanes, segment_frames=segment_frames)


def plan_whole_clips(lengths_frames: Sequence[int], *, lanes: int, segment_frames: int) -> Table:
    """Returns a table that reads every frame of every clip once, the longest clips first."""
    order = np.argsort(-np.asarray(lengths_frames, np.int64), kind="stable")
    phases = np.zeros(len(order), np.int64)
    return _fill(order, phases, lengths_frames, lanes=lanes, segment_frames=segment_frames)


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
    ) -> None:
        if not len(lengths_frames):
            raise ValueError("a plan needs at least one clip")
        self.lengths_frames = tuple(lengths_frames)
        self.lanes = lanes
        self.segment_frames = segment_frames
        self.seed = seed
        self.random_phase = random_phase
        self._ends: tuple[int, ...] = ()
        self._tables: dict[int, Table] = {}

    def epoch_steps(self, epoch: int) -> int:
        """Returns the number of steps of an epoch."""
        arguments = (self.lengths_frames, self.segment_frames, self.seed, epoch, self.random_phase)
        order, phases = _shuffle(*arguments)
        segments = _segments(self.lengths_frames, phases, self.segment_frames)
        return _schedule(order, segments, self.lanes)[1]

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
            )
            # Prefetching threads read around an epoch's end, so its neighbours are kept as well.
            near = {e: t for e, t in self._tables.items() if abs(e - epoch) <= 1}
            self._tables = {**near, epoch: table}
        return table[row]


def lane_share(row: Row, *, process_index: int, process_count: int) -> Row:
    """Returns the lanes of one host; the hosts' shares in order are the whole row."""
    lanes = len(row) // process_count
    return row[process_index * lanes : (process_index + 1) * lanes]


def _shuffle(
    lengths_frames: Sequence[int], segment_frames: int, seed: int, epoch: int, random_phase: bool
) -> tuple[Int[np.ndarray, " clips"], Int[np.ndarray, " clips"]]:
    """Draws the order of the clips and the frame from which each of them is read."""
    generator = np.random.default_rng([seed, epoch])
    lengths = np.asarray(lengths_frames, np.int64)
    order = generator.permutation(len(lengths))
    if not random_phase:
        return order, np.zeros_like(lengths)
    choices = np.clip(lengths - segment_frames + 1, 1, segment_frames)
    return order, generator.integers(0, choices)


def _segments(
    lengths_frames: Sequence[int], phases: Int[np.ndarray, " clips"], segment_frames: int
) -> Int[np.ndarray, " clips"]:
    """Counts the segments of each clip."""
    return -((phases - np.asarray(lengths_frames, np.int64)) // segment_frames)


def _schedule(
    order: Int[np.ndarray, " clips"], segments: Int[np.ndarray, " clips"], lanes: int
) -> tuple[list[tuple[int, int, int]], int]:
    """Deals each clip to the lane that is free first; returns (clip, lane, row)s and the rows."""
    free = [(0, lane) for lane in range(lanes)]
    deals = []
    for clip in order.tolist():
        row, lane = free[0]
        deals.append((clip, lane, row))
        heapq.heapreplace(free, (row + int(segments[clip]), lane))
    return deals, max(row for row, _ in free)


def _fill(
    order: Int[np.ndarray, " clips"],
    phases: Int[np.ndarray, " clips"],
    lengths_frames: Sequence[int],
    *,
    lanes: int,
    segment_frames: int,
) -> Table:
    segments = _segments(lengths_frames, phases, segment_frames)
    deals, steps = _schedule(order, segments, lanes)
    table = np.zeros((steps, lanes, 3), np.int32)
    table[...] = IDLE, 0, 1
    for clip, lane, row in deals:
        rows = table[row : row + segments[clip], lane]
        rows[:, 0] = clip
        rows[:, 1] = phases[clip] + segment_frames * np.arange(len(rows))
        rows[1:, 2] = 0
    return table
