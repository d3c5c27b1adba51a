"""The command line, with sound of every sort."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from llavataros_jax.pase.__main__ import main
from llavataros_jax.pase.features import pase_features
from llavataros_jax.pase.stream import encode_whole
from llavataros_jax.sound.reader import blocks
from tests.pase.seeded import noise, seeded_params, seeded_tensors
from tests.pase.torch_writer import write_zip


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    np.savez(path, **seeded_tensors())
    return path


def run(checkpoint: Path, audio: Path, out: Path, *options: str) -> int:
    given = ["--checkpoint", str(checkpoint), "--audio", str(audio), "--out", str(out)]
    return main([*given, *options])


def stored(sound: np.ndarray, path: Path, rate: int = 16000) -> Path:
    soundfile.write(path, sound, rate, subtype="FLOAT")
    return path


@pytest.mark.parametrize(("mode", "padding", "steps"), [("raw", 0, 50), ("padded", 100, 51)])
def test_steps_are_the_networks(weights, tmp_path, capsys, mode, padding, steps):
    sound = noise(8060)
    audio = stored(sound, tmp_path / "a.wav")
    assert run(weights, audio, tmp_path / "a.npz", "--mode", mode) == 0
    with np.load(tmp_path / "a.npz") as found:
        assert found["features"].shape == (steps, 256)
        assert found["features"].dtype == np.float32
        assert (str(found["mode"]), float(found["rate"])) == (mode, 100.0)
        expected = encode_whole(np.pad(sound, (0, padding))[None], seeded_params())[0]
        np.testing.assert_allclose(found["features"], expected, rtol=0, atol=1e-5)
    assert f"{steps} x 256, {mode}, 100 per second" in capsys.readouterr().out


def test_raw_steps_of_too_short_a_sound_are_refused(weights, tmp_path, capsys):
    audio = stored(noise(470), tmp_path / "a.wav")
    assert run(weights, audio, tmp_path / "a.npz", "--mode", "raw") == 2
    assert "at least 471 samples" in capsys.readouterr().err
    assert not (tmp_path / "a.npz").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "frames"), [("context", 15), ("isolated", 14)])
def test_frames_are_those_of_the_library(weights, tmp_path, mode, frames):
    audio = stored(noise(8000), tmp_path / "a.wav")
    assert run(weights, audio, tmp_path / "a.npz", "--mode", mode) == 0
    expected = pase_features(noise(8000), seeded_params(), num_frames=frames, mode=mode)
    with np.load(tmp_path / "a.npz") as found:
        np.testing.assert_array_equal(found["features"], expected)


@pytest.mark.parametrize("num_samples", [3200, 700, 100])
def test_very_short_sound_works(weights, tmp_path, num_samples):
    audio = stored(noise(num_samples), tmp_path / "a.wav")
    for mode, rows in (("padded", -(-num_samples // 160)), ("context", 3 * num_samples // 1600)):
        assert run(weights, audio, tmp_path / "a.npz", "--mode", mode) == 0
        with np.load(tmp_path / "a.npz") as found:
            assert len(found["features"]) == max(rows, 3 if mode == "padded" else 1)
            assert np.isfinite(found["features"]).all()


def test_stereo_of_another_rate_is_mixed_and_resampled(weights, tmp_path, capsys):
    times = np.arange(44100) / 44100
    left, right = (0.4 * np.sin(2 * np.pi * hertz * times) for hertz in (220, 330))
    audio = stored(np.stack([left, right], axis=1), tmp_path / "a.wav", 44100)
    assert run(weights, audio, tmp_path / "a.npz") == 0
    assert "stereo mixed down to mono; resampled from 44100 Hz" in capsys.readouterr().out
    heard = np.concatenate(list(blocks(audio, 16000)))
    times = np.arange(16000) / 16000
    expected = sum(0.2 * np.sin(2 * np.pi * hertz * times) for hertz in (220, 330))
    assert len(heard) == 16000
    np.testing.assert_allclose(heard[500:-500], expected[500:-500], rtol=0, atol=1e-4)


def test_a_torch_checkpoint_is_warned_about_on_the_error_stream(tmp_path, capsys):
    write_zip(tmp_path / "w.ckpt", seeded_tensors())
    audio = stored(noise(1600), tmp_path / "a.wav")
    assert run(tmp_path / "w.ckpt", audio, tmp_path / "a.npz") == 0
    assert "warning: " in (printed := capsys.readouterr().err)
    assert "is not the published FE_e199.ckpt" in printed


def write_bad(path: Path, kind: str) -> None:
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("not audio")
    elif kind == "truncated":
        whole = stored(noise(1600), path).read_bytes()
        path.write_bytes(whole[:-1000])
    elif kind == "no samples":
        stored(np.zeros(0, np.float32), path)
    elif kind == "not a number":
        stored(np.full(100, np.nan, np.float32), path)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "does not exist"),
        ("empty", "is empty (0 bytes)"),
        ("text", "is not audio that can be read"),
        ("truncated", "is truncated"),
        ("no samples", "holds no samples"),
        ("not a number", "not a finite number"),
    ],
)
def test_bad_sound_is_refused_in_a_sentence(weights, tmp_path, capsys, kind, message):
    write_bad(tmp_path / "a.wav", kind)
    assert run(weights, tmp_path / "a.wav", tmp_path / "a.npz") == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert "a.wav" in printed
    assert message in printed
    assert not list(tmp_path.glob("*.npz"))


def test_bad_options_are_refused_in_a_sentence(weights, tmp_path, capsys):
    audio = stored(noise(1600), tmp_path / "a.wav")
    assert run(tmp_path / "none.ckpt", audio, tmp_path / "a.npz") == 2
    assert "none.ckpt does not exist" in capsys.readouterr().err
    assert run(weights, audio, tmp_path / "a.npz", "--fps", "0") == 2
    assert "--fps must lie between 0 and 1000" in capsys.readouterr().err


@pytest.mark.slow
def test_it_runs_alone_and_loads_no_torch(weights, tmp_path):
    audio = stored(noise(1600), tmp_path / "a.wav")
    program = (
        "import sys; from llavataros_jax.pase.__main__ import main; code = main(sys.argv[1:]); "
        "sys.exit(code or ', '.join({'torch', 'data_prep'} & set(sys.modules)) or 0)"
    )
    given = ["--checkpoint", weights, "--audio", audio, "--out", tmp_path / "a.npz"]
    command = [sys.executable, "-c", program, *map(str, given)]
    root = Path(__file__).parents[2]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
