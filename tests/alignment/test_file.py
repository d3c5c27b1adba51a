"""Models in files: what is read is what was written, and nothing else is."""

import dataclasses

import numpy as np
import pytest

from llavataros_jax.alignment.accuracy import Accuracy, CurvePoint
from llavataros_jax.alignment.file import open_alignment, write_alignment
from llavataros_jax.alignment.model import AlignmentModel
from llavataros_jax.alignment.network import initial
from llavataros_jax.alignment.settings import Settings
from llavataros_jax.errors import UserError
from llavataros_jax.weights.safetensors_file import read_tensors, read_texts, write_tensors

SETTINGS = Settings(members=2, width=4, layers=1, channels=2, seed=7)


@pytest.fixture
def model():
    judged = Accuracy(0.61, (0.55, 0.66), 1234, 9)
    curve = (CurvePoint(0.0, Accuracy()), CurvePoint(60.0, judged))
    return AlignmentModel(
        SETTINGS, (initial(SETTINGS), initial(SETTINGS, 1)), judged, "abc", 12, curve
    )


def test_a_model_comes_back_whole(model, tmp_path):
    path = tmp_path / "model.safetensors"
    write_alignment(path, model)
    again = open_alignment(path)
    assert (again.settings, again.accuracy, again.curve) == (SETTINGS, model.accuracy, model.curve)
    assert (again.hash, again.data, again.clips) == (model.hash, "abc", 12)
    assert again.accuracy.excludes_chance
    write_alignment(tmp_path / "other.safetensors", again)
    assert (tmp_path / "other.safetensors").read_bytes() == path.read_bytes()


def test_files_that_were_changed_are_refused(model, tmp_path):
    path = tmp_path / "model.safetensors"
    write_alignment(path, model)
    arrays, texts = read_tensors(path), read_texts(path)
    name = next(iter(arrays))
    for changed, said in (
        ({**arrays, name: arrays[name] + 1}, "is damaged: its numbers have the hash"),
        ({**arrays, name: arrays[name] * np.nan}, "where finite"),
        ({**arrays, "more": arrays[name]}, "array more is unknown"),
        ({k: v for k, v in arrays.items() if k != name}, f"array {name} is missing"),
    ):
        write_tensors(path, changed, about=texts)
        with pytest.raises(UserError, match=said):
            open_alignment(path)
    for text, said in (
        ("{", "does not describe itself"),
        ('{"format_version": 99}', "has format 99"),
        ('{"format_version": 1}', "does not describe itself"),
    ):
        write_tensors(path, arrays, about={"llavataros_alignment": text})
        with pytest.raises(UserError, match=said):
            open_alignment(path)
    write_tensors(path, arrays, about={})
    with pytest.raises(UserError, match="no alignment model; make one with"):
        open_alignment(path)


def test_other_names_are_refused(model, tmp_path):
    with pytest.raises(UserError, match=r"\.safetensors"):
        write_alignment(tmp_path / "model.npz", model)
    with pytest.raises(UserError, match="do not exist"):
        open_alignment(tmp_path / "none.safetensors")


def test_the_hash_is_of_settings_and_weights(model):
    assert AlignmentModel(SETTINGS, model.members).hash == model.hash
    others = Settings(members=2, width=4, layers=1, channels=2)
    assert AlignmentModel(others, model.members).hash != model.hash


def test_accuracy_counts_only_when_its_interval_excludes_chance():
    assert not Accuracy().excludes_chance
    assert not Accuracy(0.9, None, 10, 1).excludes_chance
    assert not Accuracy(0.6, (0.5, 0.7), 10, 3).excludes_chance
    assert Accuracy(0.6, (0.501, 0.7), 10, 3).excludes_chance


def test_more_members_than_arrays_are_refused_before_memory_is_asked_for(tmp_path, model):
    many = dataclasses.replace(SETTINGS, members=10**9)
    path = tmp_path / "a.safetensors"
    write_alignment(path, AlignmentModel(many, model.members))
    with pytest.raises(UserError, match="1000000000 members cannot have"):
        open_alignment(path)
