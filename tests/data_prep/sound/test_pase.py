"""PASE+ features in preparation, with weights drawn by rule."""

import dataclasses

import numpy as np
import pytest
import soundfile

from data_prep.clips.stages import audio_stage
from data_prep.run.pipeline import prepare
from data_prep.sound.features import audio_features, check_audio, feature_names
from llavataros_jax.config import AudioConfig
from llavataros_jax.errors import UserError
from tests.data_prep.recordings import make_samples, small_config, write_clip
from tests.pase.seeded import golden, seeded_tensors


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("pase") / "seeded.npz"
    np.savez(path, **seeded_tensors())
    return path


def test_context_features_agree_with_the_golden(tmp_path, checkpoint):
    path = tmp_path / "clip.wav"
    soundfile.write(path, golden()["clip"], 16000, subtype="FLOAT")
    config = AudioConfig(kind="pase", pase=str(checkpoint))
    features = audio_features(path, 60, config, 30)
    assert features.shape == (60, 768)
    assert features.dtype == np.float16
    assert len(feature_names(config)) == 768
    for frame in range(60):
        first = 10 * frame // 3
        expected = golden()["out_fp64"][:, first : first + 3].reshape(768)  # 3c + t
        assert np.abs(features[frame] - expected).max() < 2e-3


def test_isolated_frames_hear_nothing_of_their_neighbours(tmp_path, checkpoint):
    config = AudioConfig(kind="pase", pase=str(checkpoint), pase_mode="isolated")
    samples = make_samples(1, 1.0)
    changed = samples.copy()
    changed[8000:] = 0
    features = []
    for name, values in (("a", samples), ("b", changed)):
        soundfile.write(tmp_path / f"{name}.wav", values, 16000)
        features.append(audio_features(tmp_path / f"{name}.wav", 30, config, 30))
    # Frame 14 is samples 7466 to 7999; frame 15 begins at 8000.
    np.testing.assert_array_equal(features[0][:15], features[1][:15])
    assert np.abs(features[0][15].astype(float) - features[1][15]).max() > 0.1


@pytest.mark.slow
def test_records_hold_them_and_a_new_checkpoint_makes_them_anew(tmp_path, checkpoint):
    write_clip(tmp_path / "in", "a", seconds=1.0)
    write_clip(tmp_path / "in", "b", seconds=1.0, seed=1)
    copy = tmp_path / "copy.npz"
    copy.write_bytes(checkpoint.read_bytes())

    def made(**options):
        audio = AudioConfig(kind="pase", **options)
        return prepare(dataclasses.replace(small_config(tmp_path), audio=audio), say=str)

    first = made(pase=str(checkpoint))
    assert first.manifest.feature_size("audio") == 768
    statistics = first.manifest.statistics
    assert len(statistics["audio_mean"]) == len(statistics["audio_std"]) == 768
    assert np.isfinite(statistics["audio_std"]).all()
    assert made(pase=str(copy)).made == {}, "the same weights in another place are the same"
    state = dict(seeded_tensors())
    state["W.bias"] = state["W.bias"] + 1
    np.savez(copy, **state)
    assert made(pase=str(copy)).made == {"audio": 2}
    assert made(pase=str(checkpoint), pase_mode="isolated").made == {"audio": 2}


def test_checkpoints_that_cannot_be_used_are_one_sentence(tmp_path, checkpoint):
    missing = AudioConfig(kind="pase", pase=str(tmp_path / "none.ckpt"))
    with pytest.raises(UserError, match=r"none\.ckpt does not exist.*audio\.kind=mel"):
        check_audio(missing)
    with pytest.raises(UserError, match="does not exist"):
        audio_stage("recording", 10, 30, missing)
    other = tmp_path / "other.npz"
    state = dict(seeded_tensors())
    del state["W.bias"]
    np.savez(other, **state)
    with pytest.raises(UserError, match=r"W\.bias"):
        check_audio(AudioConfig(kind="pase", pase=str(other)))
    # Before any clip is touched.
    write_clip(tmp_path / "in", "a")
    with pytest.raises(UserError, match="does not exist"):
        prepare(dataclasses.replace(small_config(tmp_path), audio=missing), say=str)
    assert not (tmp_path / "out").exists()


def test_impossible_options_are_refused():
    for options in ({"kind": "pase"}, {"pase": "x.ckpt"}):
        with pytest.raises(UserError, match="belong together"):
            AudioConfig(**options)
    with pytest.raises(UserError, match="sample_rate=16000"):
        AudioConfig(kind="pase", pase="x.ckpt", sample_rate=22050)
