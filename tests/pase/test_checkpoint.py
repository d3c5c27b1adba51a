"""The importer: names, prefixes, refusals, and the published file's id."""

import shutil
import subprocess
import warnings
from pathlib import Path

import jax
import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.pase.checkpoint import git_blob_id, load_params, to_params
from llavataros_jax.pase.layout import COUNTER
from tests.pase.seeded import seeded_params, seeded_tensors
from tests.pase.torch_writer import WRITERS, write_zip


def assert_seeded(params) -> None:
    jax.tree.map(np.testing.assert_array_equal, params, seeded_params())


@pytest.mark.parametrize("kind", WRITERS)
def test_a_torch_checkpoint_is_imported_and_warned_about(tmp_path, kind):
    WRITERS[kind](tmp_path / "FE_e199.ckpt", seeded_tensors())
    with pytest.warns(UserWarning, match=r"not the published FE_e199\.ckpt: its git blob id is"):
        params = load_params(tmp_path / "FE_e199.ckpt")
    assert_seeded(params)


def test_the_published_file_is_not_warned_about(tmp_path, monkeypatch):
    path = tmp_path / "FE_e199.ckpt"
    WRITERS["zip"](path, seeded_tensors())
    monkeypatch.setattr("llavataros_jax.pase.checkpoint.PUBLISHED_BLOB_ID", git_blob_id(path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_seeded(load_params(path))


def test_an_npz_of_the_same_names_is_imported(tmp_path):
    np.savez(tmp_path / "a.npz", **seeded_tensors())
    assert_seeded(load_params(tmp_path / "a.npz"))


def test_wrappers_prefixes_and_counters_do_not_matter():
    tensors = seeded_tensors()
    bare = {name: array for name, array in tensors.items() if COUNTER not in name}
    assert len(bare) == 69
    frontend = {f"frontend.{name}": array for name, array in tensors.items()}
    for content in (
        bare,
        {"step": 3, "state_dict": tensors, "optimizer": {}},
        {f"module.{name}": array for name, array in tensors.items()},
        {**frontend, "regression_minions.0.weight": np.zeros(3)},
        {f"_orig_mod.{name}": array for name, array in tensors.items()},
        {"state_dict": {f"model.frontend.{name}": array for name, array in tensors.items()}},
    ):
        assert_seeded(to_params(content, source="a"))


def test_a_training_programs_other_objects_do_not_matter(tmp_path):
    path = tmp_path / "a.ckpt"
    content = {"state_dict": seeded_tensors(), "hyper_parameters": Path("/data/speech")}
    write_zip(path, content)
    with pytest.warns(UserWarning, match="not the published"):
        assert_seeded(load_params(path))


def test_every_differing_key_is_named():
    tensors = dict(seeded_tensors())
    del tensors["W.bias"]
    tensors["blocks.3.conv.weight"] = np.zeros((128, 128, 9), np.float32)
    tensors["decoder.weight"] = np.zeros(3, np.float32)
    with pytest.raises(UserError) as refusal:
        to_params(tensors, source="other.ckpt")
    message = str(refusal.value)
    assert "other.ckpt" in message
    assert "3 of its keys differ" in message
    assert "W.bias is missing" in message
    assert "decoder.weight is unknown" in message
    assert "blocks.3.conv.weight is (128, 128, 9) instead of (128, 128, 11)" in message


@pytest.mark.parametrize("content", [[1, 2], None, {}, {"W.weight": "text"}])
def test_what_is_no_mapping_of_tensors_is_refused(content):
    with pytest.raises(UserError, match=r"a\.ckpt is not a PASE\+ front end: it holds "):
        to_params(content, source="a.ckpt")


def test_numbers_must_be_finite():
    tensors = {**seeded_tensors(), "W.bias": np.full(256, np.nan, np.float32)}
    with pytest.raises(UserError, match=r"not finite in W\.bias"):
        to_params(tensors, source="a.ckpt")


def test_a_missing_or_damaged_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_params(tmp_path / "FE_e199.ckpt")
    for name in ("a.npz", "a.ckpt"):
        (tmp_path / name).write_bytes(b"PK damaged")
        with pytest.raises(UserError, match=rf"{name} is not"):
            load_params(tmp_path / name)


def test_the_id_is_gits(tmp_path):
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    (tmp_path / "a").write_bytes(b"speech\n\0\xff")
    command = [git, "hash-object", "--no-filters", str(tmp_path / "a")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert git_blob_id(tmp_path / "a") == result.stdout.strip()
