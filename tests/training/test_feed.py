"""Batches are put on the devices a call ahead, in order, and not too many."""

import jax
import numpy as np
import pytest

from llavataros_jax.config import ParallelConfig
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.errors import UserError
from llavataros_jax.training.feed import MOST_UNDER_WAY, HostFeed
from llavataros_jax.training.parallel import build_launcher
from tests.training.records import write_records

JIT = build_launcher(ParallelConfig(devices=4), 8)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    write_records(folder)
    reader = ClipReader(folder, "train")
    return LaneSource(reader, lanes=8, segment_frames=20, seed=1, random_phase=True)


class Numbers:
    """What a call gives, as far as somebody may wait for it."""

    def __init__(self, call, waited):
        self.call, self.waited = call, waited

    def block_until_ready(self):
        self.waited.append(self.call)


def test_each_call_gets_its_own_segments_and_the_next_ones_are_there(source, monkeypatch):
    placed, waited = [], []

    def place(batch, *, segments=1):
        placed.append(segments)
        return batch

    monkeypatch.setattr(JIT, "place", place)
    counts, step = [1, 2, 2, 1, 3, 1, 1], 5
    with HostFeed(source, JIT, start=step, stop=step + sum(counts)) as feed:
        for call, count in enumerate(counts):
            found = feed(count)
            assert placed == counts[: max(call + 1, len(placed))]
            wanted = [source[step + k] for k in range(count)]
            wanted = wanted[0] if count == 1 else jax.tree.map(lambda *x: np.stack(x), *wanted)
            jax.tree.map(np.testing.assert_array_equal, found, wanted)
            step += count
            if call + 1 < len(counts):
                feed.ahead(counts[call + 1], after=Numbers(call, waited))
                assert placed == counts[: call + 2]
    assert waited == list(range(len(counts) - 1 - MOST_UNDER_WAY))


def test_what_cannot_be_read_is_told_when_it_is_asked_for(source, monkeypatch):
    """So that what the call before it gave is written down and saved."""
    with HostFeed(source, JIT, start=0, stop=2) as feed:
        feed(1)

        def place(batch, *, segments=1):
            raise UserError("clip 7 is damaged")

        monkeypatch.setattr(JIT, "place", place)
        feed.ahead(1, after=np.zeros(()))
        with pytest.raises(UserError, match="clip 7 is damaged"):
            feed(1)
