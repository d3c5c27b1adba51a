"""One bad clip stops no other, and what only looks like a recording is none."""

import json
from pathlib import Path

import pytest

from data_prep.run.pipeline import prepare
from data_prep.run.transcribe_folder import recordings_of
from data_prep.sources import beat2, folder
from data_prep.sources.choice import find_recordings
from data_prep.sources.recordings import Recordings
from llavataros_jax.config import DataConfig
from llavataros_jax.errors import UserError
from tests.data_prep.recordings import small_config, write_clip
from tests.data_prep.run.test_pipeline import records_of
from tests.data_prep.sources.test_folder import touch

SEMANTICS = "01_beat_align\t0.0\t1.2\t1.2\t0.1\t\ndeictic_l\t1.5\t2\t0.5\t1.0\tthere\n"
FACES = {
    "names": ["browDownLeft", "jawOpen"],
    "frames": [{"weights": [0.0, 0.25], "time": 0.0, "rotation": []}] * 3,
}


def found_in(place: Path, **options: object) -> Recordings:
    return find_recordings(DataConfig(folder=str(place), records=str(place / "out"), **options))  # type: ignore[arg-type]


def test_a_chain_of_missing_interlocutors_fails_alone(tmp_path: Path) -> None:
    """c is named by b, b by a: c is missing, so b fails, and a still has b's voice."""
    for seed, name in enumerate(("a", "b", "lone", "self")):
        write_clip(tmp_path / "in", name, seed=seed)
    (tmp_path / "in/clips.tsv").write_text(
        "name\tinterlocutor\na\tb\nb\tc\nself\tself\nlone\t\nd\te\n"
    )
    said: list[str] = []
    result = prepare(small_config(tmp_path), say=said.append)
    records = records_of(tmp_path)
    assert set(records) == {"a", "lone"}
    assert "interlocutor_audio" in records["a"][1]
    assert set(result.failures) == {"b", "self", "d"}
    assert "line 3 names the interlocutor 'c', which is no clip with an" in result.failures["b"]
    assert "which is the clip itself" in result.failures["self"]
    assert any(line.startswith("failed b: ") for line in said)


def test_an_interlocutor_with_a_problem_of_its_own_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "w/p.wav", "w/q.wav", "m/1/p.bvh", "m/2/p.bvh", "m/1/q.bvh")
    (tmp_path / "clips.tsv").write_text("name\tinterlocutor\nq\tp\n")
    found = found_in(tmp_path, audio_glob="w/{name}.wav", motion_glob="m/*/{name}.bvh")
    assert not found.clips
    assert (
        "names the interlocutor 'p', which cannot be used: data.motion_glob"
        in (found.problems["q"])
    )


def test_motion_without_sound_takes_no_other_clip_of_that_name_along(tmp_path: Path) -> None:
    touch(tmp_path, "w/anna/1.wav", "m/anna/1.bvh", "m/ben/1.bvh")
    found = found_in(
        tmp_path, audio_glob="w/{speaker}/{name}.wav", motion_glob="m/{speaker}/{name}.bvh"
    )
    assert [clip.name for clip in found.clips] == ["1"]
    assert [name for name in found.skipped if name.endswith("m/ben/1.bvh")]


def beat2_clips(place: Path, monkeypatch: pytest.MonkeyPatch, table: dict[str, str]) -> Recordings:
    monkeypatch.setattr(beat2, "is_smplx", lambda path: True)
    lines = "".join(f"{name},{split}\n" for name, split in table.items())
    (place / "train_test_split.csv").write_text("id,type\n" + lines)
    return found_in(place, source="beat2")


def test_held_out_takes_that_cannot_be_used_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "1_a_0_1.wav", "1_a_0_1.npz", "1_a_0_2.wav", "1_a_0_2.npz", "1_a_0_3.wav")
    first, second, lame = "1_a_0_1", "1_a_0_2", "1_a_0_3"  # the last one has no motion
    found = beat2_clips(tmp_path, monkeypatch, {first: "train", second: "val", lame: "val"})
    assert (found.held_out, found.notes) == ((second,), ())
    found = beat2_clips(tmp_path, monkeypatch, {first: "train", second: "train", lame: "val"})
    assert found.held_out == ()
    assert "no take that can be used is among those that the data set holds" in found.notes[0]
    found = beat2_clips(tmp_path, monkeypatch, {first: "val", second: "val"})
    assert found.held_out == ()
    assert "all takes that can be used are among" in found.notes[0]


def test_preparation_says_what_becomes_of_the_data_sets_own_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, name in enumerate(("a", "b")):
        write_clip(tmp_path / "in", name, seed=seed)
    found = folder.find_clips(small_config(tmp_path).data)
    bad = Recordings(found.clips, {}, {}, notes=("the split cannot be kept",))
    monkeypatch.setattr("data_prep.run.pipeline.find_recordings", lambda data: bad)
    said: list[str] = []
    prepare(small_config(tmp_path), say=said.append)
    assert "note: the split cannot be kept" in said


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"id,type\n\xff\xfe,val\n", "in UTF-8"),
        (b"id;type\n", "id and type"),
        (b'id,type\n"' + b"x" * 200_000, "field larger than"),
    ],
)
def test_a_bad_table_of_beat2_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, cause: str
) -> None:
    touch(tmp_path, "1_a_0_1.wav", "1_a_0_1.npz")
    monkeypatch.setattr(beat2, "is_smplx", lambda path: True)
    (tmp_path / "train_test_split.csv").write_bytes(content)
    with pytest.raises(UserError, match=cause):
        found_in(tmp_path, source="beat2")


@pytest.mark.parametrize("source", ["folder", "pairs", "words_glob", "words_folder"])
def test_annotations_and_faces_are_no_speech(tmp_path: Path, source: str) -> None:
    touch(tmp_path, "in/x.wav", "in/x.npy")
    place = tmp_path / ("words" if source == "words_folder" else "in")
    place.mkdir(exist_ok=True)
    (place / "x.txt").write_text(SEMANTICS)
    (place / "x.json").write_text(json.dumps(FACES))
    options: dict[str, object] = {
        "folder": {},
        "pairs": {"audio_glob": "{name}.wav", "motion_glob": "{name}.npy"},
        "words_glob": {
            "audio_glob": "{name}.wav",
            "motion_glob": "{name}.npy",
            "words_glob": "*.txt",
        },
        "words_folder": {"words_folder": str(place)},
    }[source]
    if source == "words_glob":
        options |= {"audio_glob": "*.wav", "motion_glob": "*.npy"}
    (clip,) = found_in(tmp_path / "in", **options).clips
    assert clip.words is clip.transcript is None
    assert "x.txt is not read: it holds a table of annotations" in clip.notes
    if source != "words_glob":
        assert "x.json is not read: it holds movements of a face" in clip.notes


def test_beats_files_beside_real_words_leave_the_words(tmp_path: Path) -> None:
    write_clip(tmp_path / "in", "x")
    (tmp_path / "in/x.json").rename(tmp_path / "in/y.json")
    (tmp_path / "in/x.json").write_text(json.dumps(FACES))
    (tmp_path / "in/x.txt").write_text(SEMANTICS)
    (tmp_path / "in/x.tsv").write_text("0.2\t0.6\thello\n")
    result = prepare(small_config(tmp_path, holdout_fraction=0.0), say=lambda line: None)
    entry, arrays = records_of(tmp_path)["x"]
    assert arrays["word_text"] == ["hello"]
    assert not result.failures
    assert not any("transcript" in note for note in entry.notes)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "Well, I said to her\tthat it was 2.5 and 3.5.\n"),
        ("a.txt", "0.1\t0.5\thello\n0.6\t0.9\tbig\n"),
        ("a.txt", ""),
        ("a.json", '{"words": [{"word": "frames", "start": 0.1, "end": 0.5}]}'),
        ("a.json", '{"text": "the \\"frames\\": weights", "segments": []}'),
        ("a.lab", "hello there\n"),
    ],
)
def test_words_and_transcripts_are_not_mistaken(tmp_path: Path, name: str, text: str) -> None:
    touch(tmp_path, "a.wav", "a.npy")
    (tmp_path / name).write_text(text)
    (clip,) = found_in(tmp_path).clips
    assert (clip.words or clip.transcript) == tmp_path / name
    assert not clip.notes


def write_record(path: Path, files: object, **more: object) -> None:
    record = {"written_by": "llavataros animate", "files": files, **more}
    path.write_text(json.dumps(record, indent=2))


@pytest.mark.parametrize("form", ["list", "hashes"])
def test_what_animate_wrote_is_no_recording(tmp_path: Path, form: str) -> None:
    """Sound that was animated into its own folder keeps its mocap and gets no made-up one."""
    touch(tmp_path, "talk.wav", "talk.npy", "mine.wav", "mine.npy", "mine.bvh", "mine.txt")
    touch(tmp_path, "deep/talk.wav", "deep/talk.npy")
    names = ["talk.npy", "talk.bvh", "talk.mov"]
    touch(tmp_path, *names)
    write_record(tmp_path / "talk.json", names if form == "list" else dict.fromkeys(names, "0ab1"))
    write_record(tmp_path / "mine.json", ["mine.bvh", "../deep/talk.npy", 3])
    found = found_in(tmp_path)
    clips = {clip.name: clip for clip in found.clips}
    assert set(clips) == {"deep/talk", "mine"}
    assert clips["mine"].words is None
    assert clips["mine"].motion == tmp_path / "mine.npy"
    assert clips["mine"].notes == (), "the made-up .bvh is not even a choice"
    assert "has no motion" in found.skipped["talk"]
    for name in ("talk.npy", "talk.json", "mine.bvh", "mine.json"):
        assert found.skipped[name].startswith("written by llavataros animate"), name
    assert [path.name for path in recordings_of(tmp_path)] == ["talk.wav", "mine.wav", "talk.wav"]
    (tmp_path / "talk.wav").unlink()
    assert {clip.audio.suffix for clip in found_in(tmp_path).clips} == {".wav"}, "not the film"
    touch(tmp_path, "talk.wav")
    pairs = found_in(tmp_path, audio_glob="{name}.wav", motion_glob="{name}.npy")
    assert {clip.name: clip.words for clip in pairs.clips} == {"mine": None}
    assert pairs.skipped["talk.npy"].startswith("written by llavataros animate")


def test_what_the_version_before_wrote_is_none_either(tmp_path: Path) -> None:
    touch(tmp_path, "talk.wav", "talk.npy", "talk.bvh")
    record = {"arguments": {"checkpoint": "runs/demo"}, "checkpoint": "", "parameters_blake2b": ""}
    (tmp_path / "talk.json").write_text(json.dumps(record, indent=2))
    found = found_in(tmp_path)
    assert not found.clips
    assert set(found.skipped) == {"talk", "talk.npy", "talk.bvh", "talk.json"}


@pytest.mark.parametrize("rest", ["", '"files": 3}', '"files": ["talk.npy"', "[" * 9999])
def test_a_damaged_record_is_no_words_and_no_traceback(tmp_path: Path, rest: str) -> None:
    touch(tmp_path, "talk.wav", "talk.npy")
    (tmp_path / "talk.json").write_text('{"written_by": "llavataros animate", ' + rest)
    found_in(tmp_path)
