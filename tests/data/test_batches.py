"""Batches are bit for bit those of the plainest code, also in memory that is used again."""

import pickle

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from llavataros.benchmark.input import plain_batch
from llavataros_jax.data.batches import local_words, read_batch
from llavataros_jax.data.buffers import Buffers
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.lanes import IDLE
from tests.data.synthetic import write_records

T, LANES = 10, 7


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    write_records(folder, {"train": [37, 20, 6, 61, 44]})
    return ClipReader(folder, "train")


def random_rows(reader, count, seed=0):
    """Returns rows in which lanes wait, end and begin at any frame."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        clips = random.integers(-1, len(reader), LANES)
        firsts = [0 if c == IDLE else random.integers(reader.lengths_frames[c]) for c in clips]
        rows.append(np.stack([clips, firsts, random.integers(0, 2, LANES)], 1).astype(np.int32))
    return rows


def same(one, other):
    def check(a, b):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(a, b)

    jax.tree.map(check, one, other)


@pytest.mark.parametrize("ahead", [0, 3, 12])
def test_batches_are_those_of_the_plainest_code(reader, ahead):
    options = {
        "segment_frames": T,
        "max_words": reader.max_segment_words(T),
        "lookahead_frames": ahead,
    }
    buffers = Buffers()
    for row in random_rows(reader, 40):
        batch = read_batch(reader, row, **options, buffers=buffers)
        same(batch, plain_batch(reader, row, **options))


@settings(deadline=None, max_examples=60)
@given(arrays(np.int32, (4, 8), elements=st.integers(-1, 12)))
def test_words_are_numbered_as_numpy_does_it(index):
    local, rows = local_words(index)
    assert local.dtype == np.int32
    for lane in range(len(index)):
        spoken = index[lane] >= 0
        unique, number = np.unique(index[lane][spoken], return_inverse=True)
        np.testing.assert_array_equal(np.arange(13)[rows[lane]], unique)
        np.testing.assert_array_equal(local[lane][spoken], number)
        assert (local[lane][~spoken] == -1).all()


def test_memory_comes_back_when_nobody_holds_it_any_more():
    buffers = Buffers()
    first = buffers.empty((3, 4), np.float32)
    address, view = first.ctypes.data, first[1:, 2]
    assert address % 64 == 0
    del first
    second = buffers.empty((2, 6), np.float32)
    assert second.ctypes.data != address, "a view still shows the memory"
    view[:] = 5
    del view
    third = buffers.empty((6, 2), np.float32)
    assert third.ctypes.data == address
    assert third.shape == (6, 2)
    assert buffers.empty((3,), np.float32).ctypes.data not in (address, second.ctypes.data)
    assert not pickle.loads(pickle.dumps(buffers))._free


def test_what_a_device_shows_is_never_written_again(reader):
    """JAX may take an array without a copy, and must then be the one who holds it."""
    options = {"segment_frames": T, "max_words": reader.max_segment_words(T)}
    options |= {"lookahead_frames": 0}
    buffers, rows = Buffers(), random_rows(reader, 12)
    mesh = jax.make_mesh((1,), ("lanes",), devices=jax.devices()[:1])
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("lanes"))
    for place in (jax.device_put, lambda batch: jax.device_put(batch, sharding)):
        placed = [place(read_batch(reader, row, **options, buffers=buffers)) for row in rows]
        for batch, row in zip(placed, rows, strict=True):
            same(batch, plain_batch(reader, row, **options))
