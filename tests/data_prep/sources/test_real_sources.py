"""Real BVH and SMPL-X files through the whole of preparation."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.run.pipeline import prepare
from llavataros_jax.motion.bvh import read_bvh
from llavataros_jax.motion.smplx import read_smplx
from tests.data_prep.recordings import make_samples, small_config
from tests.data_prep.run.test_pipeline import records_of, silent

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"


def write_sound(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, make_samples(0, seconds), 16000)


@pytest.mark.skipif(not (DATA / "bvh").is_dir(), reason="the BVH recordings are not here")
@pytest.mark.parametrize(
    ("name", "joints", "frames"), [("067_Speech_2_x_1_0", 75, 2065), ("gac_sample1", 83, 759)]
)
@pytest.mark.slow
def test_bvh_of_any_skeleton(tmp_path, name, joints, frames):
    folder = tmp_path / "in"
    write_sound(folder / f"{name}.wav", frames / 30)
    for path in (DATA / "bvh").glob(f"{name}.*"):
        os.symlink(path.resolve(), folder / path.name)
    if not (folder / f"{name}.TextGrid").exists():
        (folder / f"{name}.tsv").write_text("0.5\t1.0\thello\n")
    result = prepare(small_config(tmp_path, holdout_fraction=0.0), say=silent)
    entry, arrays = records_of(tmp_path)[name]
    codec = result.manifest.pose_codec()
    assert (entry.num_frames, codec.skeleton.num_joints) == (frames, joints)
    motion = read_bvh(folder / f"{name}.bvh")
    decoded = codec.decode(arrays["pose"], 30, entry.speaker)
    np.testing.assert_allclose(decoded.positions, motion.positions, atol=1e-4)
    words = len(arrays["word_text"])
    assert words > 100 if joints == 75 else words == 1


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "bvh").is_dir(), reason="the BVH recordings are not here")
def test_a_bvh_of_another_rate_is_brought_to_thirty(tmp_path):
    name, folder = "067_Speech_2_x_1_0", tmp_path / "in"
    write_sound(folder / "fast.wav", 2065 / 60)
    text = (DATA / "bvh" / f"{name}.bvh").read_text()
    text = re.sub(r"Frame Time: \S+", "Frame Time: 0.016667", text)
    (folder / "fast.bvh").write_text(text)
    (folder / "fast.tsv").write_text("0.5\t1.0\thello\n")
    prepare(small_config(tmp_path, holdout_fraction=0.0), say=silent)
    entry, _ = records_of(tmp_path)["fast"]
    assert read_bvh(folder / "fast.bvh").fps == 60
    assert entry.num_frames == round(2065 / 2)


@pytest.mark.skipif(not (DATA / "beat2").is_dir(), reason="the BEAT2 recording is not here")
@pytest.mark.parametrize("layout", ["folders", "together"])
@pytest.mark.slow
def test_beat2_in_both_layouts(tmp_path, layout):
    name, folder = "2_scott_0_1_1", tmp_path / "in"
    places = ("smplxflame_30", "wave16k", "textgrid") if layout == "folders" else (".",) * 3
    for place, suffix in zip(places, ("npz", "wav"), strict=False):
        (folder / place).mkdir(parents=True, exist_ok=True)
        os.symlink(
            (DATA / "beat2" / f"{name}.{suffix}").resolve(), folder / place / f"{name}.{suffix}"
        )
        # A second clip, so that the data set's own division can be seen.
        shutil.copy(DATA / "beat2" / f"{name}.{suffix}", folder / place / f"2_scott_0_2_2.{suffix}")
    (folder / places[2]).mkdir(exist_ok=True)
    for clip in (name, "2_scott_0_2_2"):
        (folder / places[2] / f"{clip}.json").write_text('[{"word": "hi", "start": 1, "end": 2}]')
    (folder / "train_test_split.csv").write_text(
        "id,type\n2_scott_0_1_1,val\n2_scott_0_2_2,train\n"
    )
    result = prepare(small_config(tmp_path, source="beat2"), say=silent)
    entry, arrays = records_of(tmp_path)[name]
    assert result.manifest.speakers == ("scott",)
    assert (entry.split, entry.num_frames, entry.num_words) == ("validation", 1906, 1)
    codec = result.manifest.pose_codec()
    decoded = codec.decode(arrays["pose"], 30, entry.speaker)
    motion = read_smplx(DATA / "beat2" / f"{name}.npz")
    np.testing.assert_allclose(decoded.positions, motion.positions, atol=1e-5)
    (folder / "train_test_split.csv").write_text(
        "id,type\n2_scott_0_1_1,test\n2_scott_0_2_2,train\n"
    )
    result = prepare(small_config(tmp_path, source="beat2"), say=silent)
    assert list(result.skipped) == [name]
