import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.clips import prepared_clip
from data_prep.clips.speech import prepare_speech
from data_prep.run.pipeline import prepare
from llavataros_jax.config.file import config_from_dict
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.motion.resampling import resample
from tests.data_prep.recordings import (
    make_motion,
    make_samples,
    make_words,
    small_config,
    write_clip,
)

AVATAROS = Path(__file__).parents[3] / ".." / "shared" / "data" / "avataros"


def silent(_):
    """Swallows what the pipeline says."""


def records_of(folder):
    readers = [ClipReader(folder / "out", split) for split in ("train", "validation")]
    return {
        entry.name: (entry, reader[row])
        for reader in readers
        for row, entry in enumerate(reader.clips)
    }


def test_records_hold_what_the_files_hold(tmp_path):
    write_clip(tmp_path / "in", "a", seconds=2.5, seed=1)
    write_clip(tmp_path / "in", "b", seconds=2.0, seed=2)
    config = small_config(tmp_path)
    result = prepare(config, say=silent)
    records = records_of(tmp_path)
    assert {name: entry.num_frames for name, (entry, _) in records.items()} == {"a": 75, "b": 60}
    assert sorted(entry.split for entry, _ in records.values()) == ["train", "validation"]
    entry, arrays = records["a"]
    told = make_words(2.5)
    assert arrays["word_text"] == [word["word"] for word in told]
    times = [[word["start"], word["end"]] for word in told]
    np.testing.assert_allclose(arrays["word_times"], times, atol=1e-6)
    for frame, row in enumerate(arrays["word_index"]):
        active = [k for k, (start, end) in enumerate(times) if start <= frame / 30 < end]
        assert active == ([row] if row >= 0 else [])
    decoded = result.manifest.pose_codec().decode(arrays["pose"], 30, entry.speaker)
    wanted = resample(make_motion(1, 2.5), 30)
    np.testing.assert_allclose(decoded.positions, wanted.positions, atol=1e-5)
    assert result.clips[0].num_unknown == sum(word["word"] == "<unk>" for word in told)
    assert "1 of 7 words are out of vocabulary" in entry.notes


def test_speech_alone_is_the_same_as_in_records(tmp_path):
    write_clip(tmp_path / "in", "a", seconds=2.5)
    config = small_config(tmp_path)
    prepare(config, say=silent)
    _, arrays = records_of(tmp_path)["a"]
    speech = prepare_speech(
        tmp_path / "in/a.wav", config=config, words=tmp_path / "in/a.json", num_frames=None
    )
    assert speech.num_frames == 75
    np.testing.assert_array_equal(speech.audio, arrays["audio"])
    np.testing.assert_array_equal(speech.word_vectors, arrays["words"])
    np.testing.assert_array_equal(speech.word_index, arrays["word_index"])
    fewer = prepare_speech(
        tmp_path / "in/a.wav", config=config, words=tmp_path / "in/a.json", num_frames=50
    )
    # A matrix product over fewer rows may round its last bit otherwise.
    np.testing.assert_allclose(fewer.audio, speech.audio[:50], atol=1e-4)


def test_speech_shorter_than_a_frame_has_none(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    speech = prepare_speech(tmp_path / "a.wav", config=small_config(tmp_path))
    assert speech.num_frames == len(speech.audio) == len(speech.word_index) == 0
    assert speech.words == ()
    assert any(note.startswith("silent") for note in speech.notes)


def test_speech_without_words_is_written_down_or_heard_as_sound(tmp_path):
    write_clip(tmp_path, "a")
    config = small_config(tmp_path)

    def heard(**options):
        words = dataclasses.replace(config.words, **options)
        return prepare_speech(tmp_path / "a.wav", config=dataclasses.replace(config, words=words))

    speech = heard(transcriber="none")
    assert speech.words == ()
    assert (speech.word_index == -1).all()
    assert "no words: animated from sound alone" in speech.notes
    assert any(
        "; words.whisper=base writes them down" in note for note in heard(language="de").notes
    )
    with pytest.raises(UserError, match=r"words\.whisper, a size such as base\.en"):
        heard(transcriber="whisper")


def test_only_stages_that_changed_are_redone(tmp_path):
    for seed, name in enumerate(("a", "b")):
        write_clip(tmp_path / "in", name, seconds=2.0 + seed, seed=seed)
    first = prepare(small_config(tmp_path), say=silent)
    assert first.made == dict.fromkeys(("motion", "words", "audio", "text"), 2)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    again = prepare(small_config(tmp_path), say=silent)
    assert not again.made
    assert not again.is_new
    assert again.manifest == first.manifest
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    tree = {"text": {"kind": "hashed", "size": 8}, "audio": {"mels": 6}}
    data = {"folder": str(tmp_path / "in"), "records": str(tmp_path / "out"), "workers": 1}
    resized = prepare(config_from_dict({"data": data, **tree}), say=silent)
    assert resized.made == {"text": 2}
    assert resized.is_new
    assert resized.manifest.content_hash != first.manifest.content_hash
    write_npy(tmp_path / "in/b.npy", make_motion(5, 3.0))
    assert prepare(config_from_dict({"data": data, **tree}), say=silent).made == {"motion": 1}


def test_an_interrupted_run_goes_on_where_it_was(tmp_path, monkeypatch):
    for seed, name in enumerate(("a", "b", "c")):
        write_clip(tmp_path / "in", name, seconds=2.0 + seed, seed=seed)
    calls = []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return prepare_speech(*arguments, **options)

    # In the first pass, which only collects what is kept, every clip ends at its motion.
    monkeypatch.setattr(prepared_clip, "prepare_speech", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(small_config(tmp_path), say=silent)
    assert not (tmp_path / "out/manifest.json").exists()
    monkeypatch.undo()
    resumed = prepare(small_config(tmp_path), say=silent)
    assert resumed.made == {"words": 1, "audio": 1, "text": 1}
    whole = small_config(tmp_path, records=str(tmp_path / "whole"))
    assert prepare(whole, say=silent).manifest == resumed.manifest


def test_a_damaged_result_is_made_again(tmp_path):
    write_clip(tmp_path / "in", "a")
    prepare(small_config(tmp_path), say=silent)
    (kept,) = (tmp_path / "out/.cache/audio").iterdir()
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    assert prepare(small_config(tmp_path), say=silent).made == {"audio": 1}


def break_motion(folder):
    np.save(folder / "b.npy", np.zeros((120, 8, 7)))


def break_nan(folder):
    frames = make_motion(0, 2.0).frames.copy()
    frames[5] = np.nan
    np.save(folder / "b.npy", frames)


def break_length(folder):
    np.savez(folder / "b.npz", motion=make_motion(0, 3.0).frames, fps=60.0)
    (folder / "b.npy").unlink()


def break_words(folder):
    (folder / "b.json").write_text("{}")


def break_audio(folder):
    path = folder / "b.wav"
    path.write_bytes(path.read_bytes()[:5000])


def break_to_a_flash(folder):
    soundfile.write(folder / "b.wav", np.zeros(100), 16000)


def break_skeleton(folder):
    motion = make_motion(0, 2.0, fps=30)
    write_bvh(folder / "b.bvh", motion)
    (folder / "b.bvh").write_text((folder / "b.bvh").read_text().replace("Spine3", "Chest"))
    (folder / "b.npy").unlink()


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (break_motion, r"b\.npy.*\(120, 8, 7\)"),
        (break_nan, r"b\.npy.*NaN.*frame 5"),
        (break_length, r"b\.npz lasts 3\.000 s .*b\.wav lasts 2\.000 s"),
        (break_words, r"b\.json is no form of timed words that is known"),
        (break_audio, r"b\.wav is truncated"),
        (break_to_a_flash, r"b\.wav of 0\.0063 s is shorter than a frame"),
        (break_skeleton, r"b\.bvh has 9 joints .* prepare them apart"),
    ],
)
def test_a_clip_that_fails_does_not_stop_the_others(tmp_path, damage, cause):
    for name in ("a", "b", "c"):
        write_clip(tmp_path / "in", name, seconds=2.0)
    damage(tmp_path / "in")
    said = []
    result = prepare(small_config(tmp_path), say=said.append)
    assert {clip.clip.name for clip in result.clips} == {"a", "c"}
    (failure,) = result.manifest.failures
    assert failure["clip"] == "b"
    assert said == [f"failed b: {failure['reason']}"]
    with pytest.raises(UserError, match=cause):
        raise UserError(failure["reason"])
    with pytest.raises(UserError, match=cause):
        prepare(small_config(tmp_path, records=str(tmp_path / "strict"), strict=True), say=silent)


def test_when_all_fail_nothing_is_written(tmp_path):
    for name in ("a", "b"):
        write_clip(tmp_path / "in", name)
        np.save(tmp_path / f"in/{name}.npy", np.zeros((3, 3)))
    with pytest.raises(UserError, match=r"none of the clips .* nothing was written"):
        prepare(small_config(tmp_path), say=silent)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_pairs_is_refused(tmp_path):
    write_clip(tmp_path / "in", "a")
    (tmp_path / "in/a.wav").unlink()
    with pytest.raises(UserError, match=r"data\.folder=.* has no audio .*a\.npy has no audio"):
        prepare(small_config(tmp_path), say=silent)


def test_conversations_carry_the_other_speaker(tmp_path):
    write_clip(tmp_path / "in", "p", seconds=2.0, seed=1)
    write_clip(tmp_path / "in", "q", seconds=2.02, seed=2)
    write_clip(tmp_path / "in", "lone", seconds=2.0, seed=3)
    (tmp_path / "in/q.npy").unlink()  # an interlocutor needs no motion
    (tmp_path / "in/clips.tsv").write_text(
        "name\tspeaker\ttake\tinterlocutor\np\tanna\ttalk\tq\nq\tben\ttalk\tp\nlone\tben\t\t\n"
    )
    config = small_config(tmp_path)
    result = prepare(config, say=silent)
    assert result.manifest.speakers == ("anna", "ben")
    records = records_of(tmp_path)
    assert set(records) == {"p", "lone"}
    entry, arrays = records["p"]
    other = prepare_speech(tmp_path / "in/q.wav", config=config, words=tmp_path / "in/q.json")
    assert (entry.num_frames, other.num_frames, entry.interlocutor_speaker) == (60, 61, 1)
    np.testing.assert_array_equal(arrays["interlocutor_audio"], other.audio[:60])
    np.testing.assert_array_equal(arrays["interlocutor_words"], other.word_vectors)
    np.testing.assert_array_equal(arrays["interlocutor_word_index"], other.word_index[:60])
    assert len(records["lone"][1]["interlocutor_audio"]) == 0
    soundfile.write(tmp_path / "in/q.wav", make_samples(0, 2.5), 16000)
    assert "p" in prepare(config, say=silent).failures


def test_tails_are_cut_from_the_same_recording(tmp_path):
    write_clip(tmp_path / "in", "a_x", seconds=3.0, seed=1)
    write_clip(tmp_path / "in", "a_mirror_x", seconds=2.5, seed=1)
    prepare(small_config(tmp_path, holdout="takes"), say=silent)
    whole = records_of(tmp_path)["a_x"][1]
    prepare(small_config(tmp_path, holdout="tail", holdout_fraction=0.2), say=silent)
    records = records_of(tmp_path)
    assert {name: entry.num_frames for name, (entry, _) in records.items()} == {
        "a_x": 60,
        "a_x+tail": 30,
        "a_mirror_x": 60,
        "a_mirror_x+tail": 15,
    }
    head, tail = records["a_x"][1], records["a_x+tail"][1]
    for name in ("pose", "audio"):
        np.testing.assert_array_equal(np.concatenate([head[name], tail[name]]), whole[name])
    vectors = [part["words"][part["word_index"]] for part in (head, tail)]
    spoken = [part["word_index"] >= 0 for part in (head, tail)]
    np.testing.assert_array_equal(np.concatenate(spoken), whole["word_index"] >= 0)
    wanted = whole["words"][whole["word_index"]][whole["word_index"] >= 0]
    found = np.concatenate([rows[mask] for rows, mask in zip(vectors, spoken, strict=True)])
    np.testing.assert_array_equal(found, wanted)
    assert tail["word_times"].min() >= 0
    assert tail["word_times"].max() <= 1


def test_lengths_that_nearly_agree_are_cut_to_the_shorter(tmp_path):
    write_clip(tmp_path / "in", "a", seconds=3.0)
    write_npy(tmp_path / "in/a.npy", make_motion(0, 3.0).cut(0, 178))
    prepare(small_config(tmp_path), say=silent)
    entry, arrays = records_of(tmp_path)["a"]
    assert entry.num_frames == len(arrays["pose"]) == 89


@pytest.mark.slow
def test_processes_give_the_same_records(tmp_path):
    for seed, name in enumerate(("a", "b", "c")):
        write_clip(tmp_path / "in", name, seed=seed)
    (tmp_path / "in/c.json").write_text(json.dumps(make_words(9.0)))
    alone = prepare(small_config(tmp_path), say=silent)
    config = small_config(tmp_path, records=str(tmp_path / "pool"), workers=2)
    together = prepare(config, say=silent)
    assert together.manifest.clips == alone.manifest.clips
    assert set(together.failures) == set(alone.failures) == {"c"}
    for split in ("train", "validation"):
        ours, theirs = ClipReader(tmp_path / "out", split), ClipReader(tmp_path / "pool", split)
        assert len(ours) == len(theirs) == 1
        np.testing.assert_array_equal(ours[0]["pose"], theirs[0]["pose"])
        np.testing.assert_allclose(ours[0]["audio"], theirs[0]["audio"], atol=1e-4)


@pytest.mark.skipif(not AVATAROS.is_dir(), reason="the AvatarOS recordings are not here")
@pytest.mark.slow
def test_real_recordings(tmp_path):
    data = {
        "folder": str(AVATAROS),
        "words_folder": str(AVATAROS / "alignments"),
        "records": str(tmp_path / "out"),
        "holdout": "tail",
        "holdout_fraction": 0.2,
        "workers": 1,
    }
    config = config_from_dict(
        {"data": data, "audio": {"mels": 8}, "text": {"kind": "hashed", "size": 16}}
    )
    result = prepare(config, say=silent)
    assert {clip.clip.name: clip.num_words for clip in result.clips} == {
        "001_Neutral_0_mirror_x_1_0": 198,
        "001_Neutral_0_x_1_0": 215,
    }
    assert len(result.skipped) == 2
    records = records_of(tmp_path)
    lengths = {name: entry.num_frames for name, (entry, _) in records.items()}
    assert lengths["001_Neutral_0_x_1_0"] == lengths["001_Neutral_0_mirror_x_1_0"] == 2830
    entry, arrays = records["001_Neutral_0_x_1_0+tail"]
    codec = result.manifest.pose_codec()
    assert codec.pose_size == 66
    motion = codec.decode(arrays["pose"], 30, entry.speaker)
    stored = np.load(AVATAROS / "001_Neutral_0_x_1_0.npy")[2 * 2830 :: 2, :, :3]
    np.testing.assert_allclose(motion.positions, stored[: motion.num_frames], atol=1e-5)
