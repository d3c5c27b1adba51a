"""Which clips of a split are read."""

import dataclasses

import numpy as np

from llavataros_jax.data.clips import ClipReader
from tests.data.synthetic import write_records


def test_copies_are_read_or_left_out(tmp_path):
    manifest, contents = write_records(tmp_path, {"train": [12, 15, 9], "validation": [11]})
    first, copy, *others = manifest.clips
    copied = (first, dataclasses.replace(copy, copy_of=first.name), *others)
    dataclasses.replace(manifest, clips=copied).save(tmp_path)
    everything = ClipReader(tmp_path, "train")
    recorded = ClipReader(tmp_path, "train", recorded_only=True)
    assert [clip.name for clip in everything.clips] == ["train_0", "train_1", "train_2"]
    assert [clip.name for clip in recorded.clips] == ["train_0", "train_2"]
    assert recorded.lengths_frames == [12, 9]
    np.testing.assert_array_equal(recorded[1]["pose"], contents["train_2"]["pose"])
    assert len(ClipReader(tmp_path, "validation", recorded_only=True)) == 1
