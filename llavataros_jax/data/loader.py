"""Batches as a pure function of the global step, and the threads that read ahead."""

from collections.abc import Iterator, Sequence
from typing import Any

from llavataros_jax.batch import Batch
from llavataros_jax.config.training import Dealing
from llavataros_jax.data.batches import read_batch
from llavataros_jax.data.buffers import Buffers
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.lanes import lane_share, plan_whole_clips
from llavataros_jax.data.plan import LanePlan
from llavataros_jax.errors import UserError


class LaneSource:
    """The batches of training: `source[step]` is the batch of a global step, on this host.

    Attributes:
        max_words: Rows of `Speech.words`, enough for every segment of every split.
        plan: The table behind it.
    """

    def __init__(
        self,
        reader: ClipReader,
        *,
        lanes: int,
        segment_frames: int,
        seed: int,
        random_phase: bool,
        piece_segments: int = 0,
        dealing: Dealing = "epochs",
        lookahead_frames: int = 0,
        own_lanes: Sequence[int] | None = None,
    ) -> None:
        """Plans lanes over the clips of `reader`.

        `own_lanes` are the lanes of this process, in the order in which a batch holds them; all by
        default.

        Raises:
            UserError: When there are no clips.
        """
        if not len(reader):
            raise UserError(
                f"records {reader.records} hold no clips of the split {reader.split}; check "
                "data.holdout_fraction and the failures in its manifest.json"
            )
        self.reader = reader
        self.segment_frames = segment_frames
        self.lookahead_frames = lookahead_frames
        self.own_lanes = own_lanes
        self._buffers = Buffers()
        self.max_words = reader.max_segment_words(segment_frames)
        self.plan = LanePlan(
            reader.lengths_frames,
            lanes=lanes,
            segment_frames=segment_frames,
            seed=seed,
            random_phase=random_phase,
            piece_segments=piece_segments,
            dealing=dealing,
        )

    def __getitem__(self, step: int) -> Batch:
        return read_batch(
            self.reader,
            lane_share(self.plan.row(step), self.own_lanes),
            segment_frames=self.segment_frames,
            max_words=self.max_words,
            lookahead_frames=self.lookahead_frames,
            buffers=self._buffers,
        )


def batches(
    source: LaneSource, start_step: int, stop_step: int, *, threads: int = 2, prefetch: int = 4
) -> Iterator[Batch]:
    """Yields the batches of the steps from `start_step` to before `stop_step`, read ahead."""
    import grain  # slow to import, and reading a few clips does not need it

    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=prefetch)
    steps: Any = _Steps(source, range(start_step, stop_step))
    iterator = iter(grain.MapDataset.source(steps).to_iter_dataset(options))
    try:
        yield from iterator
    finally:
        # Grain complains at exit about an iterator that is still alive.
        del iterator


def whole_clips(
    reader: ClipReader,
    *,
    lanes: int,
    segment_frames: int,
    lookahead_frames: int = 0,
    own_lanes: Sequence[int] | None = None,
) -> Iterator[Batch]:
    """Yields all segments of all clips in order, every frame once, for validation.

    `own_lanes` is as in `LaneSource`.
    """
    max_words, buffers = reader.max_segment_words(segment_frames), Buffers()
    table = plan_whole_clips(reader.lengths_frames, lanes=lanes, segment_frames=segment_frames)
    for row in table:
        yield read_batch(
            reader,
            lane_share(row, own_lanes),
            segment_frames=segment_frames,
            max_words=max_words,
            lookahead_frames=lookahead_frames,
            buffers=buffers,
        )


class _Steps:
    """A finite stretch of a source, in the form that Grain reads."""

    def __init__(self, source: LaneSource, steps: range) -> None:
        self.source = source
        self.steps = steps

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: int) -> Batch:
        return self.source[self.steps[index]]
