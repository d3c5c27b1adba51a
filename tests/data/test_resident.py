"""Batches that the device gathers are bit for bit those that the host reads."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.data.batches import read_batch
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.loader import LaneSource
from llavataros_jax.data.resident import gather_batch, load_resident, resident_bytes
from tests.data.synthetic import write_records
from tests.data.test_batches import T, random_rows, same

LENGTHS = {"train": [37, 20, 6, 61, 44], "validation": [25]}  # nobody talks with validation_0
gather = jax.jit(gather_batch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    write_records(folder, LENGTHS)
    return folder


@pytest.mark.parametrize(("split", "ahead"), [("train", 0), ("train", 12), ("validation", 4)])
def test_gathered_batches_are_those_that_are_read(folder, split, ahead):
    reader = ClipReader(folder, split)
    resident = load_resident(reader, segment_frames=T, lookahead_frames=ahead, place=jax.device_put)
    options = {"segment_frames": T, "max_words": reader.max_segment_words(T)}
    rows = random_rows(reader, 40, seed=1)
    read = [read_batch(reader, row, **options, lookahead_frames=ahead) for row in rows]
    assert any(batch.interlocutor_present.any() for batch in read) == (split == "train")
    for row, batch in zip(rows, read, strict=True):
        same(gather(resident, jnp.asarray(row)), batch)
    several = jax.jit(jax.vmap(gather_batch, in_axes=(None, 0)))
    together = several(resident, jnp.asarray(np.stack(rows[:5])))
    same(together, jax.tree.map(lambda *leaves: np.stack(leaves), *read[:5]))


def test_words_within_words_are_numbered_alike(folder):
    """A word that goes on after one that lies inside it is the same word."""
    reader = ClipReader(folder, "train")
    arrays = dict(reader[3])
    index = np.array([-1, 5, 5, 2, 5, 5, 7, 2, -1, 7, *[8] * 51], np.int32)
    assert len(arrays["words"]) > index.max()
    arrays["word_index"] = index
    reader._arrays[3] = arrays
    resident = load_resident(reader, segment_frames=T, lookahead_frames=0, place=jax.device_put)
    row = np.array([[3, 0, 1], [3, 4, 0]], np.int32)
    options = {"segment_frames": T, "max_words": resident.max_words, "lookahead_frames": 0}
    batch = read_batch(reader, row, **options)
    assert batch.main.word_index[0].tolist() == [-1, 1, 1, 0, 1, 1, 2, 0, -1, 2]
    same(gather(resident, jnp.asarray(row)), batch)


def test_its_bytes_are_known_before_it_is_read(folder):
    reader = ClipReader(folder, "train")
    said = resident_bytes(reader)
    assert not reader._arrays
    resident = load_resident(reader, segment_frames=T, lookahead_frames=0, place=jax.device_put)
    people = (resident.main, resident.interlocutor)
    arrays = [resident.pose, *(x for p in people for x in (p.audio, p.words, p.word_index))]
    assert said == sum(array.nbytes for array in arrays)


def test_no_device_asks_another_for_its_lanes(folder):
    reader = ClipReader(folder, "train")
    source = LaneSource(
        reader, lanes=4, segment_frames=T, seed=1, random_phase=True, lookahead_frames=3
    )
    mesh = jax.make_mesh(
        (4,), ("lanes",), axis_types=(jax.sharding.AxisType.Auto,), devices=jax.devices()[:4]
    )
    whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("lanes"))
    resident = load_resident(
        reader,
        segment_frames=T,
        lookahead_frames=3,
        place=lambda array: jax.device_put(array, whole),
    )
    rows = jax.device_put(source.plan.row(2), spread)
    program = jax.jit(gather_batch, out_shardings=spread).lower(resident, rows).compile()
    text = program.as_text()
    assert text is not None
    assert not [
        word for word in ("all-gather", "all-reduce", "all-to-all", "permute") if word in text
    ]
    batch = program(resident, rows)
    assert batch.pose.sharding == spread
    same(batch, source[2])
