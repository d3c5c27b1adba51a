"""The plan of the lanes over all epochs, by which a batch is a pure function of the global step.

To resume is to read on at `state.step`, on any number of hosts. Two ways lead from one epoch to the
next. As a `stream`, lanes that are free read the next epoch's clips at once, so that no slot is
ever idle. By `epochs`, they wait until all clips are read: of 400 clips of a minute in 32 lanes,
5-8 % of the slots are idle, which cost time only, as the loss is a masked mean.
"""

import bisect
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from llavataros_jax.config import TrainingConfig
from llavataros_jax.config.training import Dealing
from llavataros_jax.data.lanes import (
    Deals,
    Pieces,
    Row,
    Table,
    deal,
    fill,
    idle_table,
    shuffled_pieces,
)

# Clip, next first frame, segments left and whether the piece begins, for each lane.
Going = Int[np.ndarray, "lanes 4"]
_HASHED_STEPS = 256


@dataclass(frozen=True, eq=False)
class _Window:
    """The steps from where an epoch's first clip is dealt to where the next one's is.

    Attributes:
        start: Global step at which it begins.
        going: What the lanes still read of earlier epochs then.
    """

    start: int
    going: Going


class LanePlan:
    """What every lane reads at every global step.

    Where epochs begin is counted up once and remembered. All methods are pure in their arguments;
    what is remembered is replaced in one assignment, so threads may race.
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
        dealing: Dealing = "epochs",
    ) -> None:
        if not len(lengths_frames):
            raise ValueError("a plan needs at least one clip")
        self.lengths_frames = tuple(lengths_frames)
        self.lanes = lanes
        self.segment_frames = segment_frames
        self.seed = seed
        self.random_phase = random_phase
        self.piece_segments = piece_segments
        self.dealing = dealing
        self._windows = (_Window(0, np.zeros((lanes, 4), np.int64)),)
        self._tables: dict[int, Table] = {}

    @classmethod
    def of(
        cls, training: TrainingConfig, lengths_frames: Sequence[int], *, segment_frames: int
    ) -> "LanePlan":
        """Returns the plan that the options name over clips of so many frames."""
        return cls(
            lengths_frames,
            lanes=training.lanes,
            segment_frames=segment_frames,
            seed=training.seed,
            random_phase=training.random_phase,
            piece_segments=training.piece_segments,
            dealing=training.dealing,
        )

    def epoch_steps(self, epoch: int) -> int:
        """Returns how many steps the clips of an epoch take; in a stream, if they were alone."""
        pieces = self._pieces(epoch)
        if self.dealing == "stream":
            return -(-int(pieces[:, 2].sum()) // self.lanes)
        return max(deal(pieces, [0] * self.lanes)[1])

    def position(self, step: int) -> tuple[int, int]:
        """Maps a global step to the last epoch that has begun and the steps since it began."""
        windows = self._windows
        if windows[-1].start <= step:
            longer = list(windows)
            while longer[-1].start <= step:
                longer.append(self._after(longer[-1], epoch=len(longer) - 1))
            self._windows = windows = tuple(longer)
        epoch = bisect.bisect_right(windows, step, key=lambda window: window.start) - 1
        return epoch, step - windows[epoch].start

    def row(self, step: int) -> Row:
        """Returns the row of the table that a global step reads."""
        epoch, row = self.position(step)
        table = self._tables.get(epoch)
        if table is None:
            table = self._table(epoch)
            # Prefetching threads read around an epoch's end, so its neighbours are kept as well.
            near = {e: t for e, t in self._tables.items() if abs(e - epoch) <= 1}
            self._tables = {**near, epoch: table}
        return table[row]

    def fingerprint(self) -> str:
        """Returns a hash of the first rows and of the clips' lengths, by which plans are told."""
        digest = hashlib.blake2b(np.asarray(self.lengths_frames, "<i8").tobytes(), digest_size=8)
        for step in range(_HASHED_STEPS):
            digest.update(self.row(step).astype("<i4").tobytes())
        return digest.hexdigest()

    def _pieces(self, epoch: int) -> Pieces:
        return shuffled_pieces(
            self.lengths_frames,
            segment_frames=self.segment_frames,
            seed=self.seed,
            epoch=epoch,
            random_phase=self.random_phase,
            piece_segments=self.piece_segments,
        )

    def _dealt(self, epoch: int, going: Going) -> tuple[Pieces, Deals, list[int]]:
        """Returns what lanes go on with and the epoch's pieces, how they are dealt, and `free`."""
        pieces = self._pieces(epoch)
        deals, free = deal(pieces, going[:, 2].tolist())
        started = [(lane, 0) for lane in range(self.lanes)]
        return np.concatenate([going[:, :3], pieces]), started + deals, free

    def _after(self, window: _Window, *, epoch: int) -> _Window:
        """Returns the window that follows the one of `epoch`."""
        pieces, deals, free = self._dealt(epoch, window.going)
        going = np.zeros_like(window.going)
        if self.dealing == "epochs":
            return _Window(window.start + max(free), going)
        steps = min(free)
        last = {lane: index for index, (lane, _) in enumerate(deals)}
        for lane, index in last.items():
            clip, first_frame, segments = pieces[index].tolist()
            done = steps - deals[index][1]
            begins = done == 0 and (index >= self.lanes or window.going[lane, 3])
            if done < segments:
                first_frame += done * self.segment_frames
                going[lane] = clip, first_frame, segments - done, begins
        return _Window(window.start + steps, going)

    def _table(self, epoch: int) -> Table:
        window, after = self._windows[epoch : epoch + 2]
        pieces, deals, _ = self._dealt(epoch, window.going)
        table = idle_table(after.start - window.start, self.lanes)
        fill(table, pieces, deals, segment_frames=self.segment_frames)
        goes_on = window.going[:, 2] > 0
        table[:1, goes_on, 2] = window.going[goes_on, 3]
        return table
