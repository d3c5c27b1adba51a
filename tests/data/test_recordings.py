import pytest

from llavataros_jax.data.recordings import find_recording
from llavataros_jax.errors import UserError


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_its_own_place_comes_first(tmp_path):
    wanted = touch(tmp_path / "anna/a.wav")
    touch(tmp_path / "a.wav")
    assert find_recording(tmp_path, "anna/a.wav") == wanted


def test_what_was_moved_is_found_by_its_name(tmp_path):
    moved = touch(tmp_path / "sorted/anna/a.wav")
    touch(tmp_path / "sorted/anna/b.wav")
    touch(tmp_path / ".trash/a.wav")
    assert find_recording(tmp_path, "a.wav") == moved
    assert find_recording(tmp_path, "../elsewhere/a.wav") == moved
    assert find_recording(tmp_path / "sorted", "day 1/anna/a.wav") == moved


def test_of_several_the_one_in_the_likest_folder_counts(tmp_path):
    anna = touch(tmp_path / "new/anna/a.wav")
    ben = touch(tmp_path / "new/ben/a.wav")
    assert find_recording(tmp_path, "old/anna/a.wav") == anna
    assert find_recording(tmp_path, "ben/a.wav") == ben
    with pytest.raises(UserError, match=r"2 files below .* are called a\.wav, such as .*by --x"):
        find_recording(tmp_path, "a.wav", option="--x")


def test_what_is_nowhere_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"a\.wav does not exist, nor .* by data\.folder"):
        find_recording(tmp_path, "anna/a.wav")
    with pytest.raises(UserError, match=r"does not exist"):
        find_recording(tmp_path / "none", "a.wav")
