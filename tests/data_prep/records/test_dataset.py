import dataclasses
import errno
from pathlib import Path

import numpy as np
import pytest

from data_prep.records import dataset
from data_prep.records.statistics import RunningMoments
from data_prep.run.pipeline import prepare
from llavataros_jax.atomic import atomic_path
from llavataros_jax.config.file import load_config
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.records import Shard
from tests.data_prep.recordings import small_config, write_clip

CONFIGS = Path(__file__).parents[3] / "configs"


def silent(_):
    """Swallows what the pipeline says."""


def write_clips(folder, names, *, seconds=2.0):
    for seed, name in enumerate(names):
        write_clip(folder / "in", name, seconds=seconds, seed=seed)


def test_statistics_are_those_of_the_training_frames(tmp_path):
    write_clips(tmp_path, ("a", "b", "c", "d"))
    manifest = prepare(small_config(tmp_path, holdout_takes=["b"]), say=silent).manifest
    reader = ClipReader(tmp_path / "out", "train")
    assert [clip.name for clip in reader.clips] == ["a", "c", "d"]
    assert [clip.name for clip in manifest.clips_of("validation")] == ["b"]
    codec = manifest.pose_codec()
    measured = {
        "pose": (codec.mean, codec.std),
        "audio": (manifest.statistics["audio_mean"], manifest.statistics["audio_std"]),
        "words": (manifest.statistics["words_mean"], manifest.statistics["words_std"]),
    }
    for name, (mean, std) in measured.items():
        rows = np.concatenate([reader[clip][name] for clip in range(3)]).astype(np.float64)
        np.testing.assert_allclose(mean, rows.mean(axis=0), atol=1e-6, err_msg=name)
        wanted = rows.std(axis=0)
        varies = wanted > 2e-3
        np.testing.assert_allclose(np.array(std)[varies], wanted[varies], rtol=1e-5, err_msg=name)
    frames = small_config(tmp_path).model.segment_frames
    indices = [reader[clip]["word_index"] for clip in range(3)]
    indices.append(ClipReader(tmp_path / "out", "validation")[0]["word_index"])
    windows = [index[k : k + frames] for index in indices for k in range(len(index))]
    most = max(len(set(window.tolist()) - {-1}) for window in windows)
    assert manifest.max_segment_words == {str(frames): most}
    # The buzz never changes its pitch; what is constant is not blown up.
    assert min(manifest.statistics["audio_std"]) >= 1e-3


def test_moments_keep_their_digits_far_from_zero():
    rows = 1e6 + np.random.default_rng(0).normal(size=(3000, 2))
    rows[:, 1] = 7
    moments = RunningMoments(2)
    for part in np.split(rows, [1, 2, 2, 900]):
        moments.add(part)
    np.testing.assert_allclose(moments.mean(), rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.deviation(), [rows[:, 0].std(), 1], rtol=1e-6)
    assert RunningMoments(1).deviation() == [1.0]


def test_a_new_shard_begins_when_the_last_is_full(unchecked, tmp_path, monkeypatch):
    write_clips(tmp_path, ("a", "b", "c", "d"))
    config = small_config(tmp_path, holdout_fraction=0, shard_megabytes=1)
    whole = prepare(config, say=silent).manifest
    assert len(whole.shard_lengths("train")) == 1
    size = (tmp_path / "out" / whole.clips[0].shard).stat().st_size
    data = dataclasses.replace(config.data, shard_megabytes=0.4 * size / 1e6)
    config = dataclasses.replace(config, data=data)
    parted = prepare(config, say=silent).manifest
    assert list(parted.shard_lengths("train").values()) == [2, 2]
    reader = ClipReader(tmp_path / "out", "train")
    assert [reader[clip]["clip"] for clip in range(4)] == ["a", "b", "c", "d"]
    shards = sorted((tmp_path / "out").glob("*.tfrecord-*"))
    assert [shard.name for shard in shards] == list(parted.shard_lengths("train"))


def test_an_older_data_set_stays_valid_until_the_new_one_is_whole(tmp_path, monkeypatch):
    write_clips(tmp_path, ("a", "b"))
    first = prepare(small_config(tmp_path), say=silent).manifest
    reader = ClipReader(tmp_path / "out", "train")
    write_clips(tmp_path, ("a", "b", "c"), seconds=2.5)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(dataset, "write_tfds_metadata", full)
    with pytest.raises(OSError, match="No space left"):
        prepare(small_config(tmp_path), say=silent)
    assert ClipReader(tmp_path / "out", "train").manifest == first
    pose = reader[0]["pose"].copy()
    monkeypatch.undo()
    second = prepare(small_config(tmp_path), say=silent).manifest
    assert second.name != first.name
    assert len(ClipReader(tmp_path / "out", "train")[0]["pose"]) == 75
    np.testing.assert_array_equal(reader[0]["pose"], pose)  # a reader keeps what it has opened
    current = {clip.shard for clip in second.clips}
    assert {path.name for path in (tmp_path / "out").glob("*.tfrecord-*")} == current


def test_what_a_killed_run_left_of_a_shard_goes(tmp_path):
    write_clips(tmp_path, ("a", "b"))
    first = prepare(small_config(tmp_path), say=silent).manifest
    with atomic_path(tmp_path / "out" / first.clips[-1].shard) as half:
        half.write_bytes(b"whole")
    half.write_bytes(b"half")
    write_clips(tmp_path, ("a", "b"), seconds=2.5)
    prepare(small_config(tmp_path), say=silent)
    assert not half.exists()


def test_a_lost_shard_is_written_again(tmp_path):
    write_clips(tmp_path, ("a", "b"))
    first = prepare(small_config(tmp_path), say=silent)
    shard = tmp_path / "out" / first.manifest.clips[0].shard
    content = shard.read_bytes()
    shard.unlink()
    second = prepare(small_config(tmp_path), say=silent)
    assert second.is_new
    assert not second.made
    assert shard.read_bytes() == content


def test_tfds_opens_what_is_written(tmp_path):
    pytest.importorskip("tensorflow")
    tfds = pytest.importorskip("tensorflow_datasets")
    write_clips(tmp_path, ("a", "b", "c"))
    prepare(small_config(tmp_path), say=silent)
    builder = tfds.builder_from_directory(str(tmp_path / "out"))
    for split in ("train", "validation"):
        reader = ClipReader(tmp_path / "out", split)
        examples = {
            example["clip"].decode(): example
            for example in tfds.as_numpy(builder.as_dataset(split=split))
        }
        assert len(examples) == len(reader)
        for row, entry in enumerate(reader.clips):
            for name in ("pose", "audio", "words", "word_index", "word_times", "speaker"):
                np.testing.assert_array_equal(examples[entry.name][name], reader[row][name])


def test_shards_can_be_read_one_after_another(tmp_path):
    write_clips(tmp_path, ("a", "b", "c"))
    manifest = prepare(small_config(tmp_path, holdout_fraction=0), say=silent).manifest
    shard = Shard(tmp_path / "out" / manifest.clips[0].shard)
    assert list(shard.offsets()) == [clip.offset for clip in manifest.clips]


@pytest.mark.parametrize("name", ["demo", "avataros"])
def test_configs_load(name):
    assert load_config(CONFIGS / f"{name}.yaml").data.records == f"records/{name}"
