"""Arrays written piece by piece, read by NumPy; files that are none, refused."""

import zipfile

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.weights.npz import read_npz, write_npz


def test_pieces_are_one_array(tmp_path):
    whole = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    pieces = [whole[:4], whole[4:4], whole[4:]]
    write_npz(tmp_path / "a.npz", "x", iter(pieces), shape=whole.shape, mode=np.array("raw"))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["x"], whole)
        assert str(found["mode"]) == "raw"


def test_nothing_is_left_when_rows_are_missing(tmp_path):
    with pytest.raises(ValueError, match="4 rows"):
        write_npz(tmp_path / "a.npz", "x", [np.zeros((4, 3))], shape=(5, 3))
    assert not list(tmp_path.iterdir())


def test_named_arrays_are_read(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.ones((0, 2)))
    found = read_npz(tmp_path / "a.npz")
    assert found.keys() == {"x", "y"}
    np.testing.assert_array_equal(found["x"], np.arange(3))


def write_bad(path, kind):
    if kind == "folder":
        path.mkdir()
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.ones(3))
    elif kind == "objects":
        np.savez(path, x=np.array([{}, None]))
    elif kind == "pickle":
        path.write_bytes(__import__("pickle").dumps({"x": 1}))
    elif kind == "text":
        path.write_text("x: 1")
    elif kind == "other zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", b"x")
    elif kind == "empty":
        path.touch()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "scaler .* does not exist"),
        ("folder", "scaler .* does not exist"),
        ("npy", "single array without a name"),
        ("objects", "holds Python objects, which are not unpickled"),
        ("pickle", "is not an .npz file"),
        ("text", "is not an .npz file"),
        ("other zip", "is not an .npz file of arrays: archive/data.pkl is none"),
        ("empty", "is not an .npz file"),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path, kind, message):
    write_bad(tmp_path / "a.npz", kind)
    with pytest.raises(UserError, match=message) as refusal:
        read_npz(tmp_path / "a.npz", kind="scaler")
    assert "a.npz" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_file_is_refused_or_read_but_never_breaks(tmp_path, save):
    path = tmp_path / "a.npz"
    save(path, x=np.arange(20.0).reshape(4, 5), name=np.array("word"), y=np.arange(3))
    whole, random = path.read_bytes(), np.random.default_rng(0)
    refusals = []
    for trial in range(300):
        damaged = bytearray(whole)
        if trial % 3:
            for place in random.integers(0, len(whole), 4):
                damaged[place] = random.integers(256)
        else:
            del damaged[random.integers(len(whole)) :]
        path.write_bytes(damaged)
        try:
            read_npz(path)
        except UserError as refusal:
            refusals.append(str(refusal))
    assert len(refusals) > 150
    assert not any("\n" in refusal for refusal in refusals)
