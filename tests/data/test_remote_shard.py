"""Records in a bucket: the bytes of local ones, and of them what is read alone."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.resident import resident_bytes
from llavataros_jax.errors import UserError
from tests.buckets import BUCKET, CountedFiles, bucket, upload  # noqa: F401
from tests.data.synthetic import write_records

LENGTHS = {"train": [12, 15, 9, 20], "validation": [11]}
SHARD = "toy-train.tfrecord-00000-of-00002"


@pytest.fixture
def pair(tmp_path, bucket):  # noqa: F811
    """Returns a reader of a folder, and what opens its copy in the bucket."""
    write_records(tmp_path / "records", LENGTHS)
    upload(bucket, tmp_path / "records", BUCKET)
    return ClipReader(tmp_path / "records", "train"), lambda: ClipReader(BUCKET, "train")


def fetched() -> list[tuple[str, int, int]]:
    return [read for read in CountedFiles.reads if ".tfrecord-" in read[0]]


def copy_of(tmp_path, shard=SHARD):
    (path,) = (tmp_path / "cache/records").glob(f"*/{shard}")
    return path


def require_equal(reader, local):
    for clip in range(len(local)):
        for name, array in local[clip].items():
            np.testing.assert_array_equal(reader[clip][name], array)


def test_a_record_is_fetched_when_it_is_read_and_once(pair):
    local, remote = pair
    reader, entry = remote(), local.clips[1]
    np.testing.assert_array_equal(reader[1]["pose"], local[1]["pose"])
    end = (local.records / SHARD).stat().st_size  # it is the second of two
    assert fetched() == [(SHARD, entry.offset, end - entry.offset)]
    require_equal(reader, local)
    assert len(fetched()) == 4
    again = pickle.loads(pickle.dumps(remote()))
    require_equal(again, local)
    assert len(fetched()) == 4  # all from the copy


def test_what_the_devices_would_take_is_told_without_a_byte(pair):
    local, remote = pair
    exact, bound = resident_bytes(local), resident_bytes(remote())
    assert exact <= bound <= sum(path.stat().st_size for path in local.records.glob("*train*"))
    assert not fetched()


def test_a_copy_that_a_kill_cut_short_is_made_anew(pair, tmp_path, monkeypatch):
    local, remote = pair
    reader, write = remote(), os.pwrite

    def half(file, data, offset):
        write(file, data[: len(data) // 2], offset)
        raise KeyboardInterrupt  # leaves the file as SIGKILL does

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(KeyboardInterrupt):
        reader[0]
    monkeypatch.setattr(os, "pwrite", write)
    begun = copy_of(tmp_path).read_bytes()
    assert any(begun)
    assert begun != (local.records / SHARD).read_bytes()
    require_equal(reader, local)
    assert copy_of(tmp_path).read_bytes() == (local.records / SHARD).read_bytes()


def test_a_damaged_or_removed_copy_is_made_anew(pair, tmp_path):
    local, remote = pair
    require_equal(remote(), local)
    path, offset = copy_of(tmp_path), local.clips[1].offset
    data = bytearray(path.read_bytes())
    data[offset + 40] ^= 1
    path.write_bytes(data)
    reader = remote()
    require_equal(reader, local)
    assert fetched()[4:] == [(SHARD, offset, len(data) - offset)]
    path.unlink()
    reader = remote()
    reader[0]
    path.unlink()  # its first record stays mapped
    require_equal(reader, local)


def test_many_threads_fill_one_copy(pair):
    local, remote = pair
    readers = [remote(), remote()]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: readers[k % 2][k % 4], range(32)))
    for reader in readers:
        require_equal(reader, local)


def test_what_is_wrong_in_the_bucket_is_told_by_its_url(pair, bucket):  # noqa: F811
    _, remote = pair
    reader = remote()
    name = f"{BUCKET}/{SHARD}"
    data = bytearray(bucket.cat_file(name))
    data[60] ^= 1
    bucket.pipe_file(name, bytes(data))
    with pytest.raises(UserError, match=rf"records {name} are damaged at byte 0: checksum"):
        reader[0]
    bucket.pipe_file(name, bytes(data[:70]))
    with pytest.raises(UserError, match=rf"records {name} are damaged at byte"):
        reader[0]
    bucket.rm(name)
    with pytest.raises(UserError, match=rf"records {name} do not exist although"):
        reader[0]
    with pytest.raises(UserError, match=rf"records {name} do not exist although"):
        remote()
    with pytest.raises(UserError, match=rf"{BUCKET}/no/manifest.json does not exist, so"):
        ClipReader(f"{BUCKET}/no", "train")


def test_a_full_disk_is_told(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "pwrite", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(UserError, match=r"cannot be written to .*cache.* \(No space\); free"):
        pair[1]()[0]
