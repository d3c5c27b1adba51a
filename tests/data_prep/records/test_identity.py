"""A data set is what its records hold: nothing else may keep a trained run from going on."""

import dataclasses
import json

import pytest
import soundfile

from data_prep.records.plan import find_misfits
from data_prep.run.pipeline import prepare
from llavataros_jax.config import Config, TextConfig, WordsConfig
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.identity import difference
from llavataros_jax.data.manifest import load_manifest
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.training.run import open_run
from tests.data_prep.recordings import make_motion, make_samples, small_config, write_clip
from tests.data_prep.recordings import make_words as words_of


def silent(_):
    """Swallows what the pipeline says."""


@pytest.fixture
def prepared(tmp_path):
    for seed, name in enumerate(("a", "b")):
        write_clip(tmp_path / "in", name, seconds=2.0 + seed, seed=seed)
    config = small_config(tmp_path)
    return config, prepare(config, say=silent).manifest


def stray_files(folder, config):
    soundfile.write(folder / "in/stray.wav", make_samples(0, 1.0), 16000)
    write_npy(folder / "in/lonely.npy", make_motion(0, 1.0))
    return config


def a_bad_clip(folder, config):
    write_clip(folder / "in", "bad")
    (folder / "in/bad.json").write_text("{}")
    return config


def moved_folder(folder, config):
    (folder / "in").rename(folder / "moved")
    return dataclasses.replace(
        config, data=dataclasses.replace(config.data, folder=str(folder / "moved"))
    )


def sorted_folder(folder, config):
    (folder / "in/late").mkdir()
    for path in (folder / "in").glob("b.*"):
        path.rename(folder / "in/late" / path.name)
    table = "name\tspeaker\na\tspeaker\nb\tspeaker\n"
    (folder / "in/clips.tsv").write_text(table)
    return config


def other_tools(folder, config):
    words = WordsConfig(mfa="/elsewhere/bin/mfa", mfa_jobs=7, whisper="/x.pt", device="cpu")
    return dataclasses.replace(config, words=words, text=dataclasses.replace(config.text, batch=3))


def other_form_of_words(folder, config):
    rows = [f"{w['start']}\t{w['end']}\t{w['word']}" for w in words_of(2.0)]
    (folder / "in/a.json").unlink()
    (folder / "in/a.tsv").write_text("\n".join(rows))
    return config


def other_cache(folder, config):
    for path in (folder / "out/.cache").rglob("*.npz"):
        path.unlink()
    return config


@pytest.mark.parametrize(
    "change",
    [
        stray_files,
        a_bad_clip,
        moved_folder,
        sorted_folder,
        other_tools,
        other_form_of_words,
        other_cache,
    ],
)
def test_a_run_goes_on_after(tmp_path, prepared, change):
    config, manifest = prepared
    training = dataclasses.replace(config.training, run=str(tmp_path / "run"))
    open_run(dataclasses.replace(config, training=training), manifest)
    shards = {path.name for path in (tmp_path / "out").glob("*.tfrecord-*")}
    config = change(tmp_path, config)
    result = prepare(config, say=silent)
    assert not result.is_new
    assert {path.name for path in (tmp_path / "out").glob("*.tfrecord-*")} == shards
    assert difference(manifest, result.manifest) is None
    assert load_manifest(tmp_path / "out") == result.manifest
    for clip in result.manifest.clips:
        assert (tmp_path / config.data.folder / clip.recording).is_file()
    told = {failure["clip"] for failure in result.manifest.failures}
    assert told == {
        "stray_files": {"stray", "lonely"},
        "a_bad_clip": {"bad"},
    }.get(change.__name__, set())
    if change is not other_tools:  # its config is compared elsewhere
        open_run(dataclasses.replace(config, training=training), result.manifest)


def other_motion(folder, config):
    write_npy(folder / "in/a.npy", make_motion(9, 2.0))
    return config


def other_word(folder, config):
    tree = json.loads((folder / "in/b.json").read_text())
    tree[1]["word"] = "other"
    (folder / "in/b.json").write_text(json.dumps(tree))
    return config


def other_time(folder, config):
    tree = json.loads((folder / "in/b.json").read_text())
    tree[1]["end"] += 0.01
    (folder / "in/b.json").write_text(json.dumps(tree))
    return config


def other_sound(folder, config):
    soundfile.write(folder / "in/b.wav", make_samples(5, 3.0), 16000)
    return config


def other_rule(folder, config):
    return dataclasses.replace(config, words=WordsConfig(frame_rule="pointer"))


def other_scaler(folder, config):
    return dataclasses.replace(config, motion=dataclasses.replace(config.motion, scaler="minmax"))


def other_vectors(folder, config):
    return dataclasses.replace(config, text=TextConfig(kind="hashed", size=12, ngram_max=4))


def other_speaker(folder, config):
    (folder / "in/clips.tsv").write_text("name\tspeaker\na\tanna\n")
    return config


@pytest.mark.parametrize(
    "change",
    [
        other_motion,
        other_word,
        other_time,
        other_sound,
        other_rule,
        other_scaler,
        other_vectors,
        other_speaker,
    ],
)
def test_records_are_others_after(tmp_path, prepared, change):
    config, manifest = prepared
    result = prepare(change(tmp_path, config), say=silent)
    assert result.is_new
    assert difference(manifest, result.manifest)
    assert len(ClipReader(tmp_path / "out", "train")) == 1


def test_records_of_an_older_program_are_the_same_after_a_new_preparation(tmp_path, prepared):
    """Their clips' hashes held the keys of all stages, and their name all failures and paths."""
    config, manifest = prepared
    old = dataclasses.replace(
        manifest,
        name="speech_motion_0123456789ab",
        clips=tuple(
            dataclasses.replace(clip, content_hash=f"{row:032x}")
            for row, clip in enumerate(manifest.clips)
        ),
    )
    old.save(tmp_path / "out")
    result = prepare(config, say=silent)
    assert result.is_new
    assert not result.made
    assert difference(old, result.manifest) is None


def test_an_interlocutor_that_was_left_out_is_a_misfit(tmp_path, prepared):
    config, _ = prepared
    result = prepare(config, say=silent)
    (clip, *_) = result.clips
    lonely = dataclasses.replace(clip, clip=dataclasses.replace(clip.clip, interlocutor="gone"))
    misfits = find_misfits({"a": lonely}, {"a": lonely}, Config())
    assert "its interlocutor gone cannot be used" in misfits["a"]
