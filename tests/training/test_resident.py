"""When clips lie on the devices, and that training then reads the same."""

import jax
import numpy as np
import pytest

from llavataros_jax.config import ParallelConfig
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.data.resident import resident_bytes
from llavataros_jax.errors import UserError
from llavataros_jax.training import resident
from llavataros_jax.training.feed import HostFeed
from llavataros_jax.training.parallel import build_launcher
from llavataros_jax.training.resident import MOST_SHARE, ResidentFeed, is_resident, open_feed
from tests.training.records import write_records

JIT, PMAP = (build_launcher(ParallelConfig(mode=mode, devices=4), 8) for mode in ("jit", "pmap"))


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    write_records(folder)
    return ClipReader(folder, "train")


@pytest.mark.parametrize("steps", [1, 3])
def test_the_devices_gather_what_the_host_would_read(reader, steps, unchecked):
    source = LaneSource(
        reader, lanes=8, segment_frames=20, seed=1, random_phase=True, lookahead_frames=12
    )
    with ResidentFeed(source, JIT, start=2) as feed:
        for first in (2, 2 + steps):
            read = [source[first + k] for k in range(steps)]
            wanted = jax.tree.map(lambda *leaves: np.stack(leaves), *read) if steps > 1 else read[0]
            placed, found = JIT.place(wanted, segments=steps), feed(steps)
            jax.tree.map(np.testing.assert_array_equal, found, placed)
            same = jax.tree.map(
                lambda a, b: a.sharding.is_equivalent_to(b.sharding, a.ndim), found, placed
            )
            assert all(jax.tree.leaves(same))


def test_clips_lie_on_accelerators_if_there_is_room(reader, monkeypatch):
    assert is_resident("on", reader, JIT)
    assert not is_resident("off", reader, JIT)
    assert not is_resident("auto", reader, JIT), "a CPU's memory is that of the host"
    needed = resident_bytes(reader)
    for memory, fits in ((needed, False), (needed / MOST_SHARE + 9, True), (needed * 2, False)):
        monkeypatch.setattr(resident, "_memory_bytes", lambda _, memory=memory: memory)
        assert is_resident("auto", reader, JIT) == fits
        assert not is_resident("auto", reader, PMAP)
        assert is_resident("on", reader, JIT)


def test_the_feed_is_chosen(reader):
    source = LaneSource(reader, lanes=8, segment_frames=20, seed=1, random_phase=True)
    kinds = {
        (choice, stop): type(open_feed(choice, source, JIT, start=3, stop=stop))
        for choice in ("on", "auto")
        for stop in (3, 4)
    }
    assert kinds.pop(("on", 4)) is ResidentFeed
    assert set(kinds.values()) == {HostFeed}


def test_what_cannot_be_is_refused(reader, monkeypatch):
    with pytest.raises(UserError, match=r"data\.resident=on works with parallel\.mode=jit"):
        is_resident("on", reader, PMAP)
    monkeypatch.setattr(resident, "_memory_bytes", lambda _: 1000)
    with pytest.raises(UserError, match=r"data\.resident=on puts 0\.0 GB .* which has 0\.0"):
        is_resident("on", reader, JIT)
