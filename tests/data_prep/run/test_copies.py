"""Copies and mirror images of training clips, from files to records."""

import dataclasses
import functools
import json
import pickle
import shutil

import numpy as np
import pytest
import soundfile

from data_prep.clips.change import draw_change
from data_prep.records import copies as module
from data_prep.run.pipeline import prepare
from data_prep.run.prune import prune
from data_prep.run.report import report
from data_prep.run.shipping import absolute
from data_prep.sound import changed_sound as sound_module
from llavataros_jax.config.file import config_from_dict, config_to_dict
from llavataros_jax.data.active_words import active_words
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.recordings import find_recording
from llavataros_jax.errors import UserError
from llavataros_jax.motion.mirror import mirror
from llavataros_jax.motion.npy import write_npy
from tests.data_prep.recordings import (
    make_motion,
    make_samples,
    make_words,
    small_config,
    write_clip,
)


def silent(_):
    """Swallows what the pipeline says."""


def config_of(folder, augmentation, **data):
    tree = config_to_dict(small_config(folder, **data))
    return config_from_dict(tree | {"augmentation": augmentation})


def records_of(folder, name="out"):
    readers = [ClipReader(folder / name, split) for split in ("train", "validation")]
    return {
        entry.name: (entry, reader[row])
        for reader in readers
        for row, entry in enumerate(reader.clips)
    }


def shards(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.tfrecord*")}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Two clips that talk with each other and one that is held out, with and without copies."""
    folder = tmp_path_factory.mktemp("copies")
    for seed, name in enumerate(("a", "b", "c")):
        write_clip(folder / "in", name, seconds=3.0 if name != "c" else 2.0, seed=seed)
    table = "name\tspeaker\ttake\tinterlocutor\na\tanna\tab\tb\nb\tben\tab\ta\nc\tanna\tc\t\n"
    (folder / "in/clips.tsv").write_text(table)
    held = {"holdout_takes": ["c"]}
    prepare(small_config(folder, records=str(folder / "plain"), **held), say=silent)
    said = []
    config = config_of(folder, {"copies": 2, "mirror": True}, **held)
    result = prepare(config, say=said.append)
    return folder, config, result, said


def test_training_clips_alone_are_copied(both):
    folder, _, result, said = both
    records = records_of(folder)
    wanted = {f"{clip}{mirrored}{copy}" for clip in "ab" for mirrored in ("", "_mirror")
              for copy in ("", "~1", "~2")}  # fmt: skip
    assert set(records) == wanted | {"c"}
    entries = {name: entry for name, (entry, _) in records.items()}
    assert {entry.split for name, entry in entries.items() if name != "c"} == {"train"}
    assert {entry.take for name, entry in entries.items() if name != "c"} == {"ab"}
    speakers = result.manifest.speakers
    assert speakers == ("anna", "anna_mirror", "ben", "ben_mirror")
    assert speakers[entries["a~2"].speaker] == "anna"
    assert speakers[entries["b_mirror~1"].speaker] == "ben_mirror"
    assert {name: entry.copy_of for name, entry in entries.items() if entry.copy_of} == {
        name: name.partition("~")[0] for name in wanted if "~" in name
    }
    assert find_recording(folder / "in", entries["a_mirror"].recording) == folder / "in/a.wav"
    assert "augmentation: 8 changed copies and 2 mirror images of 2 training clips" in said
    told = report(result)
    assert "and 8 changed copies of training clips" in told
    assert "3 clips, 4 records with an interlocutor" in told
    assert "a changed copy" not in told
    assert "speed" in entries["a~1"].notes[0]


def test_what_was_recorded_is_as_without_copies(both):
    folder, *_ = both
    plain, records = records_of(folder, "plain"), records_of(folder)
    for name in "abc":
        for feature, value in plain[name][1].items():
            if "speaker" not in feature:
                np.testing.assert_array_equal(records[name][1][feature], value, err_msg=feature)


def test_statistics_come_from_what_was_recorded_and_its_mirror_image(both, tmp_path):
    folder, config, result, _ = both
    lone = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, records=str(tmp_path / "out")),
        augmentation=dataclasses.replace(config.augmentation, copies=0),
    )
    shutil.copytree(folder / "out/.cache", tmp_path / "out/.cache")
    without = prepare(lone, say=silent)
    assert not without.made
    assert without.manifest.codec == result.manifest.codec
    assert without.manifest.statistics == result.manifest.statistics


def test_motion_sound_words_and_interlocutor_are_stretched_together(both):
    folder, config, result, _ = both
    records = records_of(folder)
    codec = result.manifest.pose_codec()
    words = make_words(3.0)
    starts, ends = (np.array([word[edge] for word in words]) for edge in ("start", "end"))
    speeds = set()
    for name in ("a~1", "a_mirror~2", "b~2"):
        whole, number = name.split("~")
        is_mirrored = whole.endswith("_mirror")
        change = draw_change(config.augmentation, whole, int(number), is_mirrored=is_mirrored)
        speeds.add(change.speed)
        entry, arrays = records[name]
        frames = round(90 / change.speed)
        assert entry.num_frames == frames == len(arrays["pose"]) == len(arrays["audio"])
        assert entry.seconds == pytest.approx(3 / change.speed, abs=1 / 60)
        found = np.asarray(arrays["word_times"])
        np.testing.assert_allclose(found * change.speed, np.stack([starts, ends], 1), atol=1e-5)
        edges = [(times / change.speed).tolist() for times in (starts, ends)]
        wanted = active_words(edges[0], edges[1], frames, 30)
        np.testing.assert_array_equal(arrays["word_index"], wanted)
        np.testing.assert_array_equal(arrays["interlocutor_word_index"], wanted)
        np.testing.assert_array_equal(arrays["words"], records[whole][1]["words"])
        root = np.asarray(records[whole][1]["pose"])[:, :3]
        slow = np.arange(frames - 3) * change.speed
        at = np.stack([np.interp(slow, np.arange(90), axis) for axis in root.T], 1)
        # The root sways by 5 cm; its size changes by a tenth.
        np.testing.assert_allclose(arrays["pose"][: frames - 3, :3], at, atol=0.012)
        for person in ("audio", "interlocutor_audio"):  # both are loud at the same times
            energy, before = (
                np.asarray(record[1][person])[:, 6 * 3 + 1].astype(float)
                for record in (records[name], records[whole])
            )
            at = np.interp(np.arange(frames) * change.speed, np.arange(90), before)
            pairs = [np.corrcoef(energy[4 + lag : frames - 4 + lag], at[4:-4])[0, 1]
                     for lag in range(-4, 5)]  # fmt: skip
            assert int(np.argmax(pairs)) - 4 == 0
    assert len(speeds) == 3
    assert codec.decode(records["a~1"][1]["pose"], 30, 0).num_frames > 0


def test_a_mirror_image_is_what_a_recorded_one_would_be(tmp_path):
    for name, seed in (("a", 0), ("c", 1)):
        write_clip(tmp_path / "in", name, seed=seed)
    prepare(config_of(tmp_path, {"mirror": True}, holdout_takes=["c"]), say=silent)
    ours = records_of(tmp_path)["a_mirror"]
    write_clip(tmp_path / "in", "a_mirror")
    write_npy(tmp_path / "in/a_mirror.npy", mirror(make_motion(0, 2.0)))
    said = []
    prepare(config_of(tmp_path, {"mirror": True}, holdout_takes=["c"]), say=said.append)
    theirs = records_of(tmp_path)["a_mirror"]
    assert any("none for 2 training clips" in line and "a, a_mirror" in line for line in said)
    assert ours[0].speaker == theirs[0].speaker
    assert ours[0].take == theirs[0].take == "a"
    for feature, value in theirs[1].items():
        if feature == "pose":
            np.testing.assert_allclose(ours[1][feature], value, atol=1e-5)
        else:
            np.testing.assert_array_equal(ours[1][feature], value)


def backwards(work, items, **_):
    """Does the last first, and sends everything as to other machines."""
    for number in reversed(range(len(items))):
        sent = pickle.loads(pickle.dumps(functools.partial(work, absolute(items[number]))))
        yield number, pickle.loads(pickle.dumps(sent()))


@pytest.mark.slow
def test_interrupted_and_in_another_order_it_is_the_same_to_the_byte(both, tmp_path, monkeypatch):
    folder, config, result, _ = both
    again = prepare(config, say=silent)
    assert (again.made, again.is_new) == ({}, False)
    assert again.manifest == result.manifest
    other = dataclasses.replace(
        config, data=dataclasses.replace(config.data, records=str(tmp_path / "out"))
    )
    shutil.copytree(folder / "plain/.cache", tmp_path / "out/.cache")
    heard, calls = module.changed_sound, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return heard(*arguments, **options)

    monkeypatch.setattr(module, "changed_sound", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(other, say=silent)
    assert not (tmp_path / "out/manifest.json").exists()
    monkeypatch.undo()
    resumed = prepare(other, say=silent, run=backwards)
    assert 0 < resumed.made["audio"] < 16
    assert resumed.manifest == result.manifest
    assert shards(tmp_path / "out") == shards(folder / "out")


@pytest.mark.slow
def test_of_what_is_held_out_at_the_end_a_copy_knows_nothing(tmp_path):
    write_clip(tmp_path / "in", "a", seconds=3.0)
    tail = {"holdout": "tail", "holdout_fraction": 0.25}
    config = config_of(tmp_path, {"copies": 1, "mirror": True}, **tail)
    prepare(config, say=silent)
    before = records_of(tmp_path)
    assert set(before) == {"a", "a+tail", "a_mirror", "a~1", "a_mirror~1"}
    speed = draw_change(config.augmentation, "a", 1, is_mirrored=False).speed
    assert before["a"][0].num_frames == 68
    assert before["a~1"][0].num_frames == round(68 / speed)
    cut = round(68 / 30 * 16000)
    samples, other_samples = make_samples(0, 3.0), 0.3 * make_samples(9, 3.0)
    samples = np.concatenate([samples[:cut], other_samples[cut:]])
    soundfile.write(tmp_path / "in/a.wav", samples, 16000)
    motion, other = make_motion(0, 3.0), make_motion(5, 3.0)
    frames = np.concatenate([motion.frames[:136], other.frames[136:]])
    write_npy(tmp_path / "in/a.npy", dataclasses.replace(motion, frames=frames))
    prepare(config, say=silent)
    after = records_of(tmp_path)
    for feature in ("pose", "audio"):
        assert np.abs(after["a+tail"][1][feature] - before["a+tail"][1][feature]).max() > 0.1
    for name in ("a~1", "a_mirror~1"):
        for feature in ("pose", "audio", "words", "word_index"):
            np.testing.assert_array_equal(after[name][1][feature], before[name][1][feature])


def test_results_of_copies_are_pruned_as_those_of_clips_are(both, tmp_path):
    folder, config, *_ = both
    shutil.copytree(folder / "out", tmp_path / "out")
    data = dataclasses.replace(config.data, records=str(tmp_path / "out"))
    here = dataclasses.replace(config, data=data)
    assert prune(here).removed == {}
    fewer = dataclasses.replace(here, augmentation=dataclasses.replace(here.augmentation, copies=1))
    assert prune(fewer).removed == {"audio": 8, "motion": 4, "words": 8}
    assert not prepare(fewer, say=silent).made


def test_a_copy_that_cannot_be_made_is_left_out_and_told(tmp_path, monkeypatch):
    write_clip(tmp_path / "in", "a")
    write_clip(tmp_path / "in", "c", seed=1)
    config = config_of(tmp_path, {"copies": 2}, holdout_takes=["c"])
    changed = module.changed_motion

    def failing(motion, change):
        if change == draw_change(config.augmentation, "a", 2, is_mirrored=False):
            raise UserError("no motion")
        return changed(motion, change)

    monkeypatch.setattr(module, "changed_motion", failing)
    result = prepare(config, say=silent)
    assert result.failures == {"a~2": "no motion"}
    assert set(records_of(tmp_path)) == {"a", "a~1", "c"}
    strict = dataclasses.replace(config, data=dataclasses.replace(config.data, strict=True))
    with pytest.raises(UserError, match="clip a~2: no motion"):
        prepare(strict, say=silent)


def test_a_name_that_a_copy_needs_is_refused(tmp_path):
    for seed, name in enumerate(("a", "a~1", "c")):
        write_clip(tmp_path / "in", name, seed=seed)
    config = config_of(tmp_path, {"copies": 1}, holdout_takes=["c"])
    with pytest.raises(UserError, match="clip a~1 has the name"):
        prepare(config, say=silent)


def test_what_has_no_effect_is_told_and_missing_tools_come_first(tmp_path, monkeypatch):
    write_clip(tmp_path / "in", "a")
    said = []
    prepare(config_of(tmp_path, {"time_warp": 0.2, "seed": 3}, holdout_fraction=0.0),
            say=said.append)  # fmt: skip
    assert (
        "augmentation.time_warp, augmentation.seed have no effect, because augmentation.copies=0"
        in said
    )
    monkeypatch.setattr(sound_module, "ffmpeg_program", lambda: "/bin/true")
    with pytest.raises(UserError, match="Rubber Band"):
        prepare(config_of(tmp_path, {"copies": 1}), say=silent)


def test_a_manifest_without_copies_is_written_as_it_always_was(both):
    folder, *_ = both
    clips = json.loads((folder / "plain/manifest.json").read_text())["clips"]
    assert not any("copy_of" in clip for clip in clips)
    clips = json.loads((folder / "out/manifest.json").read_text())["clips"]
    assert sum("copy_of" in clip for clip in clips) == 8
