"""Sound files of every kind, against SciPy's readers and resampler, and the broken ones."""

import sys

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
    other = tone(hertz=1000.0)
    soundfile.write(path, np.stack([tone(), other], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_mono(path, RATE), (tone() + other) / 2, atol=1e-6)
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
        ("a.raw", "text", "not audio"),
        ("a.flac", "text", "not audio"),
        ("a.wav", "header", "truncated"),
        ("a.flac", "half", r"cut off or damaged between 0\.00 s and 1\.00 s of its 1\.00 s"),
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


def speech_like(seconds=3.0):
    times = np.arange(round(seconds * RATE)) / RATE
    envelope = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * times)
    noise = np.random.default_rng(0).standard_normal(len(times))
    return envelope * (0.3 * np.sin(2 * np.pi * 220 * times) + 0.02 * noise)


def damaged(whole: bytes, kind: str, random) -> bytes:
    content, at = bytearray(whole), random.integers(len(whole))
    length = int(random.integers(1, len(whole) // 3))
    if kind == "cut":
        del content[at:]
    elif kind == "garbage":
        content[at : at + length] = random.bytes(len(content[at : at + length]))
    elif kind == "gap":
        del content[at : at + length]
    else:
        for place in random.integers(0, min(400, len(content)), 4):
            content[place] = random.integers(256)
    return bytes(content)


@pytest.mark.parametrize("kind", ["cut", "garbage", "gap", "header"])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_damaged_file_is_read_or_refused_in_one_sentence(tmp_path, capfd, suffix, kind):
    path, random = tmp_path / f"a.{suffix}", np.random.default_rng(0)
    soundfile.write(path, speech_like(), RATE)
    whole, said = path.read_bytes(), []
    for _ in range(12):
        path.write_bytes(damaged(whole, kind, random))
        for way in (read_info, is_silent, lambda path: read_mono(path, RATE)):
            try:
                way(path)
            except UserError as refusal:
                said.append(str(refusal))
    assert all(f"a.{suffix}" in sentence and "\n" not in sentence for sentence in said)
    if suffix == "flac" or (suffix, kind) == ("wav", "cut"):
        assert said
    capfd.readouterr()  # the decoder of MP3 writes to the terminal by itself


def test_damage_behind_silence_is_found_by_whoever_reads_so_far(tmp_path):
    path = tmp_path / "a.flac"
    samples = np.zeros(4 * RATE)
    samples[2 * RATE :] = 1e-3 * np.random.default_rng(0).standard_normal(2 * RATE)
    soundfile.write(path, 0.05 * samples, RATE, subtype="PCM_24")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    for way in (read_info, is_silent, lambda path: read_mono(path, RATE)):
        with pytest.raises(
            UserError, match=r"cut off or damaged between \d\.00 s and \d\.00 s of its 4\.00 s"
        ):
            way(path)


@pytest.mark.parametrize("rate", [1, 7, 100, 2_000_000_000])
def test_rates_that_no_recorder_has(tmp_path, rate):
    path = tmp_path / "a.wav"
    scipy.io.wavfile.write(path, rate, np.ones(5, np.int16))
    with pytest.raises(UserError, match=rf"a\.wav has {rate} samples a second"):
        read_mono(path, RATE)


def test_a_thousand_channels_take_no_more_memory(tmp_path, monkeypatch):
    path, asked = tmp_path / "a.wav", []
    rate, channels = 192000, 1000
    soundfile.write(path, np.full((rate // 100, channels), 0.1), rate)
    read = soundfile.SoundFile.read

    def watched(self, frames, **options):
        asked.append(frames * self.channels)
        return read(self, frames, **options)

    monkeypatch.setattr(soundfile.SoundFile, "read", watched)
    np.testing.assert_allclose(read_mono(path, rate), 0.1, atol=1e-4)
    assert max(asked) <= 1 << 24


def test_a_file_that_goes_away_is_refused_in_a_sentence(tmp_path, monkeypatch):
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(), RATE)
    info = soundfile.info

    def info_and_remove(*given, **options):
        found = info(*given, **options)
        path.unlink()
        return found

    monkeypatch.setattr(soundfile, "info", info_and_remove)
    with pytest.raises(UserError, match=r"a\.flac"):
        is_silent(path)


@pytest.mark.parametrize("missing", ["soundfile", "soxr"])
def test_a_missing_library_is_named(tmp_path, monkeypatch, missing):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), RATE)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UserError, match=f"reading audio needs {missing}; install with: "):
        read_mono(path, 8000)
