import pytest

from data_prep.run.transcribe_folder import recordings_of
from data_prep.sources.folder import find_clips
from llavataros_jax.config import DataConfig
from llavataros_jax.errors import UserError


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def clips_of(folder, **options):
    found = find_clips(DataConfig(folder=str(folder), records=str(folder / "out"), **options))
    return {clip.name: clip for clip in found.clips}, found


def test_pairs_by_stem_and_picks_words(tmp_path):
    touch(tmp_path, "a.wav", "a.npy", "a.TextGrid", "a.txt")
    touch(tmp_path, "b.b.FLAC", "b.b.bvh", "b.b.lab", "c.ogg", "c.npz")
    clips, found = clips_of(tmp_path)
    assert list(clips) == ["a", "b.b", "c"]
    assert clips["a"].motion == tmp_path / "a.npy"
    assert clips["a"].words == tmp_path / "a.TextGrid"
    assert clips["b.b"].words is None
    assert clips["b.b"].transcript == tmp_path / "b.b.lab"
    assert clips["c"].words is clips["c"].transcript is None
    assert not found.skipped
    assert not found.problems


def test_speakers_are_folders_and_mirrors_are_others(tmp_path):
    touch(tmp_path, "x.wav", "x.npy", "anna/1.wav", "anna/1.npy")
    touch(tmp_path, "anna/7_Sad_mirror_x.wav", "anna/7_Sad_mirror_x.npy")
    touch(tmp_path, "anna/7_Sad_x.wav", "anna/7_Sad_x.npy", "a_mirrored.wav", "a_mirrored.npy")
    clips, _ = clips_of(tmp_path)
    assert clips["x"].speaker == "speaker"
    assert clips["1"].speaker == "anna"
    mirror = clips["7_Sad_mirror_x"]
    assert (mirror.speaker, mirror.take) == ("anna_mirror", clips["7_Sad_x"].take)
    assert (clips["a_mirrored"].speaker, clips["a_mirrored"].take) == ("speaker", "a_mirrored")


def test_equal_stems_are_told_apart_by_folder(tmp_path):
    touch(tmp_path, "anna/1.wav", "anna/1.npy", "ben/1.wav", "ben/1.npy")
    clips, _ = clips_of(tmp_path)
    assert {name: clip.speaker for name, clip in clips.items()} == {
        "anna/1": "anna",
        "ben/1": "ben",
    }
    assert clips["anna/1"].take != clips["ben/1"].take


def test_words_folder_goes_first(tmp_path):
    touch(
        tmp_path / "in", "a.wav", "a.npy", "a.json", "s/b.wav", "s/b.npy", "c.wav", "c.npy", "c.tsv"
    )
    touch(tmp_path / "words", "deep/a.ctm", "s/b.txt")
    clips, _ = clips_of(tmp_path / "in", words_folder=str(tmp_path / "words"))
    assert clips["a"].words == tmp_path / "words/deep/a.ctm"
    assert clips["b"].transcript == tmp_path / "words/s/b.txt"
    assert clips["c"].words == tmp_path / "in/c.tsv"
    with pytest.raises(UserError, match=r"data\.words_folder=.*nowhere"):
        clips_of(tmp_path / "in", words_folder=str(tmp_path / "nowhere"))


def test_what_is_no_pair_is_skipped_with_a_reason(tmp_path):
    touch(tmp_path, "a.wav", "a.npy", "b.npy", "c.wav", "readme.txt", "._a.wav", "._a.npy")
    touch(tmp_path, "out/.cache/motion/1.npz", "out/2.npy", ".hidden/h.wav", ".hidden/h.npy")
    (tmp_path / "loop").symlink_to(tmp_path)
    clips, found = clips_of(tmp_path)
    assert list(clips) == ["a"]
    assert set(found.skipped) == {"b", "c"}
    assert "no audio" in found.skipped["b"]
    assert "no motion" in found.skipped["c"]


def test_several_of_a_kind_are_said(tmp_path):
    touch(tmp_path, "a.flac", "a.wav", "a.bvh", "a.npy")
    clips, _ = clips_of(tmp_path)
    assert clips["a"].audio.suffix == ".wav"
    assert clips["a"].notes == ("a.wav is used, a.flac is not", "a.npy is used, a.bvh is not")


def test_table_says_who_talks_with_whom(tmp_path):
    touch(tmp_path, "p.wav", "p.npy", "q.wav", "lone.wav", "lone.npy", "odd.wav", "odd.npy")
    (tmp_path / "clips.tsv").write_text(
        "name\tspeaker\ttake\tinterlocutor\n"
        "p\tanna\ttalk\tq\nq\tben\ttalk\t\n\nlone\t\t\t\nodd\t\t\tnobody\ngone\tx\t\t\n"
    )
    clips, found = clips_of(tmp_path)
    assert list(clips) == ["lone", "p", "q"]  # q for its speech only: it has no motion
    assert (clips["p"].speaker, clips["p"].take, clips["p"].interlocutor) == ("anna", "talk", "q")
    assert clips["q"].motion is None
    assert (clips["lone"].speaker, clips["lone"].take) == ("speaker", "lone")
    assert "line 6 names the interlocutor 'nobody'" in found.problems["odd"]
    assert "line 7 names 'gone'" in found.problems["gone"]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", r"\(none\)"),
        ("nme\tspeaker\na\tb\n", "nme"),
        ("name\tinterlocuter\na\tb\n", "interlocuter"),
        ("name\ttake\na\tb\tc\n", "line 2 has 3 cells"),
        ("name\ttake\n\tb\n", "line 2 has no name"),
        ("name\na\na\n", "line 3 names clip 'a' again"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, cause):
    touch(tmp_path, "a.wav", "a.npy")
    (tmp_path / "clips.tsv").write_text(text)
    with pytest.raises(UserError, match=cause):
        clips_of(tmp_path)


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"data\.folder=.*nowhere"):
        clips_of(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "suffix", [".m4a", ".mp4", ".MOV", ".webm", ".opus", ".aac", ".wma", ".aiff"]
)
def test_what_animate_reads_is_a_recording(tmp_path, suffix):
    touch(tmp_path, f"a{suffix}", "a.npy")
    clips, _ = clips_of(tmp_path)
    assert clips["a"].audio == tmp_path / f"a{suffix}"
    assert recordings_of(tmp_path) == [tmp_path / f"a{suffix}"]


def test_a_film_beside_a_recording_is_not_the_recording(tmp_path):
    touch(tmp_path, "a.mp4", "a.wav", "a.npy", "b.webm", "b.flac", "b.npy")
    clips, _ = clips_of(tmp_path)
    assert clips["a"].audio == tmp_path / "a.wav"
    assert clips["b"].audio == tmp_path / "b.flac"
    assert clips["a"].notes == ("a.wav is used, a.mp4 is not",)
    assert recordings_of(tmp_path) == [tmp_path / "a.wav", tmp_path / "b.flac"]
