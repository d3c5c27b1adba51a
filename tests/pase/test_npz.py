"""Arrays written piece by piece, read by NumPy."""

import numpy as np
import pytest

from llavataros_jax.pase.npz import write_npz


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
