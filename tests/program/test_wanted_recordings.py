"""Which recordings a command line means."""

from pathlib import Path

import pytest

from llavataros.animate import read_command_line
from llavataros.wanted_recordings import wanted_recordings
from llavataros_jax.errors import UserError


def made(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_files_and_folders_with_the_words_beside_them(tmp_path):
    made(tmp_path, "one.wav", "in/two.wav", "in/two.txt", "in/deep/three.flac", "in/notes.pdf")
    made(tmp_path, "in/deep/three.tsv", "in/deep/three.txt", "in/out/old.wav", "in/.hidden/a.wav")
    found = wanted_recordings([tmp_path / "one.wav", tmp_path / "in"], out=tmp_path / "in/out")
    assert [r.name for r in found] == [Path("one"), Path("deep/three"), Path("two")]
    one, three, two = found
    assert (one.words, one.transcript, one.notes) == (None, None, ())
    assert three.words == tmp_path / "in/deep/three.tsv"
    assert three.transcript is None, "timed words go before a transcript"
    assert two.transcript == tmp_path / "in/two.txt"
    assert two.notes == ("words are from two.txt, which lies beside the recording",)


def test_two_recordings_of_one_name_are_refused(tmp_path):
    made(tmp_path, "a/x.wav", "b/x.wav")
    with pytest.raises(UserError, match=r"a/x\.wav and .*b/x\.wav would both be written as x"):
        wanted_recordings([tmp_path / "a/x.wav", tmp_path / "b/x.wav"], out=tmp_path)
    assert len(wanted_recordings([tmp_path / "a/x.wav"] * 2, out=tmp_path)) == 1


def test_a_folder_without_recordings_is_refused(tmp_path):
    made(tmp_path, "poem.txt")
    with pytest.raises(UserError, match="holds no recording"):
        wanted_recordings([tmp_path], out=tmp_path / "out")


def test_what_looks_like_an_option_and_exists_is_a_recording(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made(tmp_path, "take.a=b.wav")
    given = read_command_line(["take.a=b.wav", "words.whisper=base", "c.wav"])
    assert given.recordings == ["take.a=b.wav", "c.wav"]
    assert given.overrides == ["words.whisper=base"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["film.width=320"], "no recording is named"),
        (["a.wav", "--channels", "split", "--interlocutor-audio", "b.wav"], "--channels split"),
        (["a.wav", "--interlocutor-words", "b.tsv"], "--interlocutor-words needs"),
    ],
)
def test_contradictions_are_refused(arguments, expected):
    with pytest.raises(UserError, match=expected):
        read_command_line(arguments)
