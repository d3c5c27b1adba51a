"""Files of embeddings: the same again, the same bytes, and whatever may be wrong with them."""

import json

import numpy as np
import pytest

from llavataros_jax.embedding.file import digest, read_embedding, write_embedding
from llavataros_jax.embedding.network import flat
from llavataros_jax.errors import UserError
from llavataros_jax.weights.safetensors_file import read_tensors, read_texts, write_tensors
from tests.embedding.people import seeded_embedding

TEXT = "llavataros_embedding"


@pytest.fixture
def path(tmp_path):
    write_embedding(tmp_path / "a.safetensors", seeded_embedding())
    return tmp_path / "a.safetensors"


def test_what_was_written_is_read(path, tmp_path):
    written, found = seeded_embedding(), read_embedding(path)
    for name in ("layout", "joints", "fps", "stride_frames", "units_per_metre", "about"):
        assert getattr(found, name) == getattr(written, name)
    np.testing.assert_array_equal(found.std, written.std)
    arrays = flat(written.params)
    for name, array in flat(found.params).items():
        np.testing.assert_array_equal(array, arrays[name])
    assert digest(found) == digest(written)
    write_embedding(tmp_path / "b.safetensors", found)
    assert (tmp_path / "b.safetensors").read_bytes() == path.read_bytes()


def test_the_digest_is_of_what_features_depend_on():
    one = seeded_embedding()
    others = [
        one.replace(std=one.std * 1.1),
        one.replace(fps=25.0),
        one.replace(joints=one.joints[::-1]),
        one.replace(drops_last_window=True),
        one.replace(stride_frames=3),
    ]
    assert len({digest(each) for each in (one, *others)}) == 6
    assert digest(one.replace(about={"seed": 9})) == digest(one)


def rewritten(path, *, change_text=None, change_arrays=None):
    arrays, text = read_tensors(path), json.loads(read_texts(path)[TEXT])
    if change_arrays:
        change_arrays(arrays)
    if change_text:
        change_text(text)
    write_tensors(path, arrays, about={TEXT: json.dumps(text)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.update(frames=60), "has no array|must be float32 of"),
        (lambda t: t.update(frames="14"), "frames is '14'"),
        (lambda t: t.update(frames=True), "frames is True"),
        (lambda t: t.update(frames=3), "windows of 3 frames are too short"),
        (lambda t: t.pop("joints"), "does not describe itself .*joints"),
        (lambda t: t.update(joints=["a", "b", 3]), "a joint's name is no text"),
        (lambda t: t.update(joints=["a", "a", "b"]), "names of 3 different joints"),
        (lambda t: t.update(fps=-1), "fps of an embedding must be positive"),
        (lambda t: t.update(fps=25), "is damaged: its numbers have the digest"),
        (lambda t: t.update(stride_frames=0), "stride_frames of an embedding must be positive"),
        (lambda t: t.update(format_version=9), "has format 9, but this program reads 1"),
    ],
)
def test_a_wrong_description_is_refused(path, change, said):
    rewritten(path, change_text=change)
    with pytest.raises(UserError, match=said):
        read_embedding(path)


KERNEL = "network.encoder.dense.2.kernel"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.pop("std"), "has no array std"),
        (lambda a: a.update(std=a["std"] * 0), "9 of 9 standard deviations .* of joint hips"),
        (lambda a: a.update(mean=a["mean"] * np.nan), "9 that are not finite"),
        (lambda a: a.update(mean=a["mean"][:6]), r"of shape \(6,\), its std .* one length"),
        (lambda a: a.pop(KERNEL), r"has no array encoder\.dense\.2\.kernel"),
        (lambda a: a.update({KERNEL: a[KERNEL].T}), r"of shape \(32, 128\), but must be float32"),
        (lambda a: a.update({KERNEL: a[KERNEL] * np.nan}), "not finite"),
        (lambda a: a.update({KERNEL: a[KERNEL] + 1}), "is damaged"),
        (lambda a: a.update({KERNEL: a[KERNEL].astype(np.float16)}), "is float16"),
        (lambda a: a.update(extra=np.zeros(1, np.float32)), "array extra that no layer needs"),
    ],
)
def test_wrong_arrays_are_refused(path, change, said):
    rewritten(path, change_arrays=change)
    with pytest.raises(UserError, match=said):
        read_embedding(path)


def test_a_damaged_file_never_breaks(path, tmp_path):
    whole, random = path.read_bytes(), np.random.default_rng(0)
    for trial in range(60):
        damaged = bytearray(whole)
        if trial % 2:
            del damaged[random.integers(len(whole)) :]
        else:
            place = random.integers(0, 3000 if trial % 4 else len(whole))
            damaged[place] ^= 1 << random.integers(8)
        (tmp_path / "b.safetensors").write_bytes(damaged)
        try:
            found = read_embedding(tmp_path / "b.safetensors")
        except UserError:
            continue
        assert digest(found) == digest(seeded_embedding())  # only `about` was hit


def test_other_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="do not exist"):
        read_embedding(tmp_path / "a.safetensors")
    write_tensors(tmp_path / "a.safetensors", {"x": np.zeros(2)}, about={})
    with pytest.raises(UserError, match=r"but no embedding; make one with .* fit-embedding"):
        read_embedding(tmp_path / "a.safetensors")
    with pytest.raises(UserError, match="rename it"):
        write_embedding(tmp_path / "a.npz", seeded_embedding())
