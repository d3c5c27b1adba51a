"""An animation replaces nothing that it did not write, and can always be repeated."""

import json
from pathlib import Path

import pytest

from llavataros.written_files import WrittenFiles, read_record
from llavataros_jax.errors import UserError


@pytest.fixture
def files(tmp_path: Path) -> WrittenFiles:
    return WrittenFiles(tmp_path, "talk.v2", (".npy", ".bvh"))


def write(files: WrittenFiles) -> None:
    files.check()
    files.begin()
    for path in files.paths:
        path.write_text(path.name)
    files.finish({"frames": 3})


def test_names_keep_their_dots_and_a_second_time_replaces_the_first(files: WrittenFiles) -> None:
    write(files)
    assert {path.name for path in files.folder.iterdir()} == {
        "talk.v2.npy", "talk.v2.bvh", "talk.v2.json",
    }  # fmt: skip
    write(files)
    record = read_record(files.record)
    assert record is not None
    assert record["frames"] == 3
    assert next(iter(json.loads(files.record.read_text()))) == "written_by"


@pytest.mark.parametrize("suffix", [".npy", ".bvh", ".json"])
def test_what_lies_there_already_is_left_alone(files: WrittenFiles, suffix: str) -> None:
    theirs = files.path(suffix)
    theirs.write_text("[]")
    with pytest.raises(UserError, match="was not written by llavataros animate") as refusal:
        files.check()
    assert str(theirs) in str(refusal.value)
    assert theirs.read_text() == "[]"


def test_what_was_edited_since_is_left_alone(files: WrittenFiles) -> None:
    write(files)
    files.path(".bvh").write_text("by hand")
    with pytest.raises(UserError, match=r"talk\.v2\.bvh was changed after"):
        files.check()


def test_a_killed_run_may_be_repeated(files: WrittenFiles) -> None:
    files.check()
    files.begin()
    files.path(".npy").write_text("half of them")
    files.check()
    write(files)


def test_a_kind_that_was_not_written_then_is_not_ours_now(files: WrittenFiles) -> None:
    write(files)
    film = WrittenFiles(files.folder, files.stem, (*files.suffixes, ".mov"))
    film.path(".mov").write_text("a film of the user's")
    with pytest.raises(UserError, match=r"talk\.v2\.mov exists"):
        film.check()


def test_results_of_the_version_before_are_ours(files: WrittenFiles) -> None:
    before = {"parameters_blake2b": "", "arguments": {}, "checkpoint": "best/1"}
    files.record.write_text(json.dumps(before))
    files.path(".bvh").write_text("old")
    files.check()
    glb = WrittenFiles(files.folder, files.stem, (".glb",))
    glb.path(".glb").write_text("a kind that the version before did not know")
    with pytest.raises(UserError, match="was not written by"):
        glb.check()


def test_another_recordings_animation_is_left_alone(files: WrittenFiles) -> None:
    files.begin()
    for path in files.paths:
        path.write_text(path.name)
    files.finish({"audio": "in/talk.v2.wav"})
    files.check(Path("elsewhere/talk.v2.flac"))
    with pytest.raises(UserError, match=r"animation of in/talk\.v2\.wav, which that of talk\.wav"):
        files.check(Path("talk.wav"))


def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="is a file"):
        WrittenFiles(tmp_path / "file" / "deeper", "a", (".npy",)).check()
