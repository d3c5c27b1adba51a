"""PyTorch's files, damaged ones and hostile ones, read without PyTorch."""

import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.weights.torch_file import read_torch
from tests.pase.torch_writer import MAGIC, VERSION, WRITERS

CONTENT = OrderedDict(
    weight=np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    half=np.arange(5, dtype=np.float16),
    counter=np.array(7, np.int64),
    step=12,
    nested={"empty": np.zeros((0, 3), np.float32)},
)


class Hostile:
    """Asks for a program to be run when it is unpickled."""

    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def assert_same(found, expected) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        if isinstance(value, dict):
            assert_same(found[name], value)
        else:
            np.testing.assert_array_equal(found[name], value)
            assert np.asarray(found[name]).dtype == np.asarray(value).dtype


@pytest.mark.parametrize("kind", WRITERS)
def test_both_kinds_are_read(tmp_path, kind):
    WRITERS[kind](tmp_path / "a.ckpt", CONTENT)
    assert_same(read_torch(tmp_path / "a.ckpt"), CONTENT)


@pytest.mark.parametrize("is_zip", [True, False])
def test_files_of_pytorch_itself_are_read(tmp_path, is_zip):
    torch = pytest.importorskip("torch")
    base = torch.arange(24.0).reshape(4, 6)
    content = {
        "transposed": base.T,
        "part": base[1:3, ::2],
        "parameter": torch.nn.Parameter(base[2]),
        "brain": base.to(torch.bfloat16),
        "counter": torch.tensor(3),
        "model": torch.nn.Linear(3, 2).state_dict(),
    }
    path = tmp_path / "a.ckpt"
    torch.save(content, path, _use_new_zipfile_serialization=is_zip)
    found = read_torch(path)
    for name, tensor in {**content, **content.pop("model")}.items():
        if name == "model":
            continue
        array = found[name] if name in found else found["model"][name]
        np.testing.assert_array_equal(
            np.asarray(array, np.float32), tensor.detach().float().numpy(), err_msg=name
        )


@pytest.mark.parametrize("kind", WRITERS)
def test_nothing_in_a_file_is_run(tmp_path, kind):
    path, proof = tmp_path / "a.ckpt", tmp_path / "proof"
    hostile = pickle.dumps({"weight": Hostile(f"touch {proof}")}, protocol=2)
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", hostile)
    else:
        head = [pickle.dumps(value, protocol=2) for value in (MAGIC, VERSION, {})]
        path.write_bytes(b"".join([*head, hostile]))
    with pytest.raises(UserError, match=r"asks for (posix|nt)\.system, which no tensor needs"):
        read_torch(path)
    assert not proof.exists()


@pytest.mark.parametrize("kind", WRITERS)
def test_a_damaged_file_is_refused_or_read_but_never_breaks(tmp_path, kind):
    path = tmp_path / "a.ckpt"
    WRITERS[kind](path, CONTENT)
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
            read_torch(path)
        except UserError as refusal:
            refusals.append(str(refusal))
    assert len(refusals) > 150
    assert all("a.ckpt is not a PyTorch file" in refusal for refusal in refusals)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"<html>not found</html>"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(UserError, match="not a PyTorch file"):
        read_torch(tmp_path / "a.ckpt")
