"""What is a clip's own fault, and what ends everything."""

import errno
import io
import zipfile

import numpy as np
import pytest

from data_prep.clips import speech
from data_prep.clips.attempt import attempt
from data_prep.run.pipeline import prepare
from data_prep.vectors.language_model import _out_of_memory
from llavataros_jax.errors import ExhaustedError, UserError
from tests.data_prep.recordings import small_config, write_clip


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch's."""


def raising(problem, cause=None):
    def work():
        raise problem from cause

    return work


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (raising(UserError("a.wav is empty; record again")), "a.wav is empty"),
        (raising(FileNotFoundError(errno.ENOENT, "No such file", "a.wav")), "a.wav cannot be read"),
        (raising(ZeroDivisionError("x")), r"unexpected ZeroDivisionError in test_attempt.py:\d+"),
    ],
)
def test_a_clips_own_fault_is_a_sentence(work, said):
    result, problem = attempt(work)
    assert result is None
    with pytest.raises(UserError, match=said):
        raise UserError(str(problem))


@pytest.mark.parametrize(
    "work",
    [
        raising(MemoryError()),
        raising(OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")),
        raising(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes")),
        raising(UserError("x.pt cannot be loaded"), OutOfMemoryError("CUDA out of memory")),
        raising(UserError("a.wav cannot be read"), OSError(errno.EMFILE, "Too many open files")),
        raising(OSError(errno.EMFILE, "Too many open files", "a.wav")),
        raising(OSError(errno.ENOMEM, "Cannot allocate memory", "a.wav")),
        raising(_out_of_memory("owner/name")),
    ],
)
def test_an_exhausted_machine_ends_the_run_in_a_sentence(work):
    with pytest.raises(ExhaustedError) as refusal:
        attempt(work)
    assert "\n" not in str(refusal.value)
    assert "data.workers" in str(refusal.value)


def test_a_full_disk_is_left_to_the_door(tmp_path):
    with pytest.raises(OSError, match="No space"):
        attempt(raising(OSError(errno.ENOSPC, "No space left on device", "x")))
    inside = str(tmp_path / "words/x.npz")
    with pytest.raises(OSError, match="Read-only"):
        attempt(raising(OSError(errno.EROFS, "Read-only", inside)), cache_folder=tmp_path)


def test_no_set_is_written_without_a_clip_for_which_memory_was_short(tmp_path, monkeypatch):
    for seed, name in enumerate(("a", "b")):
        write_clip(tmp_path / "in", name, seed=seed)

    real = speech.audio_features

    def short(path, *arguments):
        if path.stem == "b":
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes")
        return real(path, *arguments)

    monkeypatch.setattr(speech, "audio_features", short)
    with pytest.raises(ExhaustedError, match="RESOURCE_EXHAUSTED"):
        prepare(small_config(tmp_path), say=lambda _: None)
    assert not (tmp_path / "out/manifest.json").exists()
    monkeypatch.undo()
    assert prepare(small_config(tmp_path), say=lambda _: None).made == {"audio": 1}


def test_a_motion_file_that_announces_the_impossible_is_a_bad_clip(tmp_path):
    for name in ("a", "b"):
        write_clip(tmp_path / "in", name)
    (tmp_path / "in/b.npy").unlink()
    header = {"descr": "<f4", "fortran_order": False, "shape": (1 << 50, 9, 7)}
    announced = io.BytesIO()
    np.lib.format.write_array_header_1_0(announced, header)
    with zipfile.ZipFile(tmp_path / "in/b.npz", "w") as archive:
        archive.writestr("motion.npy", announced.getvalue())
    result = prepare(small_config(tmp_path), say=lambda _: None)
    assert set(result.failures) == {"b"}
