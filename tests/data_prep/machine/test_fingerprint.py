"""Large files are hashed whole, and once."""

import os

import pytest

from data_prep.machine import fingerprint
from data_prep.machine.fingerprint import file_hash, model_hash, models_hash
from llavataros_jax.errors import UserError


@pytest.fixture
def hashed(tmp_path, monkeypatch):
    """Begins with no memory and returns what is hashed from now on."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    calls = []

    def count(path):
        calls.append(path.name)
        return file_hash(path)

    monkeypatch.setattr(fingerprint, "file_hash", count)
    fingerprint._model_hash.cache_clear()
    yield calls
    fingerprint._model_hash.cache_clear()


def write(path, content, *, age_seconds):
    path.write_bytes(content)
    then = path.stat().st_mtime_ns - round(age_seconds * 1e9)
    os.utime(path, ns=(then, then))
    return path


def test_a_model_is_read_once_also_by_later_programs(tmp_path, hashed):
    path = write(tmp_path / "weights.pt", b"many bytes", age_seconds=60)
    first = model_hash(path)
    fingerprint._model_hash.cache_clear()  # as in another process
    assert model_hash(path) == first == file_hash(path)
    assert hashed == ["weights.pt"]
    write(path, b"MANY BYTES", age_seconds=30)
    assert model_hash(path) != first
    assert hashed == ["weights.pt", "weights.pt"]


def test_what_was_just_written_is_not_remembered(tmp_path, hashed):
    """It may change again within the clock's tick, at the same size."""
    path = write(tmp_path / "weights.pt", b"many bytes", age_seconds=0)
    for _ in range(2):
        model_hash(path)
        fingerprint._model_hash.cache_clear()
    assert len(hashed) == 2


def test_a_damaged_memory_or_none_is_no_harm(tmp_path, hashed, monkeypatch):
    path = write(tmp_path / "weights.pt", b"many bytes", age_seconds=60)
    first = model_hash(path)
    (remembered,) = (tmp_path / "caches/llavataros/hashes").iterdir()
    remembered.write_bytes(b"\xff")
    fingerprint._model_hash.cache_clear()
    assert model_hash(path) == first
    monkeypatch.setenv("XDG_CACHE_HOME", str(path))  # a file: nothing can be written below it
    fingerprint._model_hash.cache_clear()
    assert model_hash(path) == first
    assert len(hashed) == 3


def test_a_missing_model_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"none\.pt cannot be read \(No such file"):
        model_hash(tmp_path / "none.pt")


def test_parts_of_a_model_count_by_name_and_byte(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        for name in ("1.bin", "2.bin"):
            (tmp_path / folder / name).write_text(name)
    first = models_hash((tmp_path / "here").iterdir())
    assert models_hash(sorted((tmp_path / "there").iterdir(), reverse=True)) == first
    (tmp_path / "there/2.bin").rename(tmp_path / "there/3.bin")
    assert models_hash((tmp_path / "there").iterdir()) != first
