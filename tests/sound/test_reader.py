"""Sound files of every kind, against SciPy's readers and resampler, and the broken ones."""

import numpy as np
import pytest
import scipy.io.wavfile
import scipy.signal
import soundfile

from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import blocks, is_silent, read_info, read_mono

RATE = 16000


def tone(seconds=1.0, rate=RATE, hertz=440.0):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        ("wav", "PCM_U8", 1e-2),
        ("wav", "PCM_16", 1e-4),
        ("wav", "PCM_24", 1e-6),
        ("wav", "PCM_32", 1e-6),
        ("wav", "FLOAT", 1e-6),
        ("wav", "DOUBLE", 1e-6),
        ("flac", "PCM_16", 1e-4),
        ("ogg", "VORBIS", 5e-2),
    ],
)
def test_stored_forms(tmp_path, suffix, subtype, tolerance):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(), RATE, subtype=subtype)
    samples = read_mono(path, RATE)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, tone(), atol=tolerance)
    assert read_info(path).notes == ()
    assert read_info(path).seconds == 1.0


def test_sixteen_bit_samples_equal_scipys(tmp_path):
    path = tmp_path / "noise.wav"
    stored = np.random.default_rng(0).integers(-32768, 32767, 5000).astype(np.int16)
    scipy.io.wavfile.write(path, RATE, stored)
    np.testing.assert_array_equal(read_mono(path, RATE), stored.astype(np.float32) / 32768)


def test_stereo_is_mixed_down_and_said(tmp_path):
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([tone(), np.zeros(RATE)], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_mono(path, RATE), tone() / 2, atol=1e-6)
    assert read_info(path).notes == ("stereo mixed down to mono",)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_resampling_against_the_tone_itself(tmp_path, rate):
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(rate=rate), rate, subtype="FLOAT")
    samples = read_mono(path, RATE)
    assert abs(len(samples) - RATE) <= 1
    middle = slice(1000, 15000)
    np.testing.assert_allclose(samples[middle], tone()[middle], atol=1e-3)
    assert f"resampled from {rate} Hz to {RATE} Hz" in read_info(path).notes


@pytest.mark.parametrize("rate", [RATE, 44100])
def test_blocks_together_are_the_whole_file(tmp_path, rate):
    path = tmp_path / "noise.wav"
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * rate)
    soundfile.write(path, noise, rate, subtype="FLOAT")
    parts = list(blocks(path, RATE, block_seconds=0.37))
    assert len(parts) > 5
    assert max(map(len, parts)) < 0.6 * RATE
    whole = np.concatenate(list(blocks(path, RATE, block_seconds=100)))
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
    if rate == RATE:
        np.testing.assert_allclose(whole, noise, atol=1e-6)


def test_silence_is_legal_and_noted(tmp_path):
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(RATE), RATE)
    assert is_silent(path)
    assert "silent" in read_info(path).notes[0]
    soundfile.write(path, tone(), RATE)
    assert not is_silent(path)


def test_a_wav_from_a_pipe_announces_no_length_and_is_read(tmp_path):
    path = tmp_path / "piped.wav"
    soundfile.write(path, tone(), RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(read_mono(path, RATE)) == RATE


def bad_file(path, kind):
    samples = tone()
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("this is no sound\n" * 100)
    elif kind == "no samples":
        soundfile.write(path, np.zeros(0), RATE)
    elif kind == "nan":
        samples[8000] = np.nan
        soundfile.write(path, samples, RATE, subtype="FLOAT")
    elif kind == "infinite":
        samples[:] = np.inf
        soundfile.write(path, samples, RATE, subtype="FLOAT")
    elif kind != "missing":
        soundfile.write(path, samples, RATE, format=path.suffix[1:].upper())
        content = path.read_bytes()
        path.write_bytes(content[: 20 if kind == "header" else len(content) // 2])


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("a.wav", "missing", "does not exist"),
        ("a.wav", "empty", r"is empty \(0 bytes\)"),
        ("a.wav", "text", "not audio"),
        ("a.mp3", "text", "not audio"),
        ("a.wav", "no samples", "holds no samples"),
        ("a.wav", "half", "announces 32000 bytes of samples but holds 15978"),
        ("a.wav", "header", "truncated"),
        ("a.flac", "half", r"truncated|not audio"),
        ("a.wav", "nan", "not a finite number at 0.500 s"),
        ("a.wav", "infinite", "not a finite number at 0.000 s"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path, name, kind, message):
    path = tmp_path / name
    bad_file(path, kind)
    with pytest.raises(UserError, match=message) as refusal:
        read_mono(path, RATE)
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)
    with pytest.raises(UserError):
        read_info(path)
