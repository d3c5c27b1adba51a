import pickle

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.motion.npy import read_npy, write_npy


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_round_trip(dance, tmp_path, suffix) -> None:
    path = tmp_path / f"dance{suffix}"
    write_npy(path, dance)
    again = read_npy(path, fps=60 if suffix == ".npy" else None)
    assert np.abs(again.frames - dance.frames).max() < 1e-7
    assert again.fps == 60
    write_npy(path, dance, dtype=np.float64)
    np.testing.assert_array_equal(read_npy(path, fps=60).frames, dance.frames)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_written_file_is_plain_numpy(dance, tmp_path) -> None:
    write_npy(tmp_path / "dance.npy", dance)
    frames = np.load(tmp_path / "dance.npy")
    assert frames.shape == (90, 9, 7)
    assert frames.dtype == np.float32
    np.testing.assert_allclose(frames, dance.frames, atol=1e-7)


def test_rate_is_found_from_the_speech_or_stated(dance, tmp_path) -> None:
    path = tmp_path / "dance.npy"
    write_npy(path, dance)
    assert read_npy(path, audio_seconds=1.51).fps == 60
    assert read_npy(path, fps=30, audio_seconds=1.51).fps == 30
    with pytest.raises(UserError, match=r"dance\.npy.*source_fps"):
        read_npy(path)
    with pytest.raises(UserError, match=r"dance\.npy.*90 frames.*7\.000 seconds"):
        read_npy(path, audio_seconds=7.0)


def test_real_recordings(recording) -> None:
    motion = read_npy(recording("avataros/001_Neutral_0_x_1_0.npy"), audio_seconds=121.4333)
    assert (motion.fps, motion.num_frames) == (60, 7286)


def _save(path, array) -> None:
    np.save(path, array, allow_pickle=True)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path, frames: None, "does not exist"),
        (lambda path, frames: path.write_bytes(b""), "empty"),
        (lambda path, frames: path.write_text("1 2 3"), "no NumPy file"),
        (lambda path, frames: path.write_bytes(pickle.dumps([frames])), "pickled"),
        (lambda path, frames: _save(path, np.array([{"a": 1}, None])), "pickled"),
        (lambda path, frames: _save(path, frames[:, :5]), r"\(90, 5, 7\).*\(frames, 9, 7\)"),
        (lambda path, frames: _save(path, frames.reshape(90, 63)), r"\(90, 63\)"),
        (lambda path, frames: _save(path, frames[:0]), r"\(0, 9, 7\)"),
        (lambda path, frames: _save(path, frames * np.nan), "NaN"),
        (lambda path, frames: _save(path, frames * 0), "length 0 at frame 0, joint Hips"),
        (lambda path, frames: _save(path, frames.astype(complex)), "real numbers"),
        (lambda path, frames: _save(path, frames.astype(str)), "real numbers"),
    ],
)
def test_bad_files_are_refused_by_name(dance, tmp_path, write, message) -> None:
    path = tmp_path / "bad.npy"
    write(path, dance.frames)
    with pytest.raises(UserError, match=rf"bad\.npy.*{message}"):
        read_npy(path, fps=60)


def test_truncated_files_are_refused(dance, tmp_path) -> None:
    for suffix in (".npy", ".npz"):
        path = tmp_path / f"cut{suffix}"
        write_npy(path, dance)
        content = path.read_bytes()
        for size in (5, 60, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:size])
            with pytest.raises(UserError, match="cut"):
                read_npy(path, fps=60)


def test_damaged_files_are_refused_or_read_but_never_crash(dance, tmp_path) -> None:
    random = np.random.default_rng(0)
    refused = 0
    for suffix in (".npy", ".npz"):
        path = tmp_path / f"damaged{suffix}"
        write_npy(path, dance.cut(0, 5))
        content = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            damaged = content.copy()
            damaged[random.integers(min(len(content), 300), size=3)] = random.integers(256, size=3)
            path.write_bytes(damaged.tobytes())
            try:
                read_npy(path, fps=60)
            except UserError:
                refused += 1
    assert refused > 60


def test_pickled_code_never_runs(tmp_path) -> None:
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    path = tmp_path / "trap.npy"
    np.save(path, np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="pickled"):
        read_npy(path, fps=60)
    np.savez(tmp_path / "trap.npz", motion=np.array([Trap()], dtype=object))
    with pytest.raises(UserError, match="pickled"):
        read_npy(tmp_path / "trap.npz", fps=60)
    assert not (tmp_path / "sprung").exists()


def test_archive_without_motion_is_refused(tmp_path) -> None:
    np.savez(tmp_path / "other.npz", speech=np.zeros(3))
    with pytest.raises(UserError, match=r"other\.npz.*'motion'.*speech"):
        read_npy(tmp_path / "other.npz", fps=60)
