"""A header's length is a hint: what can be read is the truth, and what was cut is told apart."""

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_info, read_mono
from tests.sound.clicks import PROGRAM, SECONDS, click, make

RATE = 16000
CASES = Path(__file__).parents[2] / ".." / "shared" / "data" / "cases"


def wav(path, subtype="PCM_16", **options):
    soundfile.write(path, click(RATE), RATE, subtype=subtype, **options)
    return bytearray(path.read_bytes())


@pytest.mark.parametrize(
    "announced",
    [0, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, 2_000_000_000, 10**9],
)
@pytest.mark.parametrize("form", ["WAV", "RF64"])
def test_sizes_that_writers_leave_who_do_not_know_them(tmp_path, form, announced):
    path = tmp_path / "a.wav"
    content = wav(path, format=form)
    expected = read_mono(path, RATE)
    if form == "WAV":
        content[40:44] = struct.pack("<I", announced)
        content[4:8] = struct.pack("<I", min(announced + 36, 0xFFFFFFFF))
    else:
        content[28:36] = struct.pack("<Q", announced)
        content[36:44] = struct.pack("<Q", announced // 2)
    path.write_bytes(content)
    np.testing.assert_array_equal(read_mono(path, RATE), expected)
    assert any("its header announces" in note for note in read_info(path).notes)


def test_a_recorder_that_crashed_leaves_a_page_before_its_samples(tmp_path):
    path = tmp_path / "a.wav"
    content = wav(path)
    filler = b"FLLR" + struct.pack("<I", 4044) + bytes(4044)
    content[40:44] = bytes(4)
    path.write_bytes(content[:36] + filler + content[36:])
    assert read_info(path).seconds == SECONDS
    assert "a recorder leaves it that was switched off" in read_info(path).notes[0]


def test_a_size_that_was_written_long_before_the_end(tmp_path):
    path = tmp_path / "a.wav"
    content = wav(path)
    content[40:44] = struct.pack("<I", RATE // 2)
    path.write_bytes(content)
    assert read_info(path).seconds == SECONDS


def test_chunks_behind_the_samples_are_no_samples(tmp_path):
    path = tmp_path / "a.wav"
    content = wav(path)
    path.write_bytes(content + b"LIST" + struct.pack("<I", 6000) + bytes(6000))
    assert read_info(path).seconds == SECONDS
    content[40:44] = bytes(4)
    path.write_bytes(content[:44] + b"LIST" + struct.pack("<I", 6000) + bytes(6000))
    with pytest.raises(UserError, match="holds no samples"):
        read_info(path)


@pytest.mark.parametrize("form", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_what_was_cut_is_refused(tmp_path, form, share):
    path = tmp_path / "a.sound"
    soundfile.write(path, click(RATE), RATE, format=form)
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    with pytest.raises(UserError, match=r"a\.sound .*(truncated|cut off)"):
        read_mono(path, RATE)


@pytest.mark.parametrize(
    ("form", "options", "message"),
    [
        ("a.mp4", ("-movflags", "faststart"), r"announces \d+ bytes but holds \d+"),
        ("a.mp4", (), "has no index"),
        ("a.mkv", (), r"announces \d+ bytes but holds \d+"),
        ("a.mp3", (), r"announces \d+ bytes of sound but holds \d+"),
    ],
)
def test_what_was_cut_of_a_film_or_mp3_is_refused(tmp_path, form, options, message):
    path = make(tmp_path / form, *options, rate=44100)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(UserError, match=message):
        read_info(path)


@pytest.mark.parametrize(
    ("form", "options", "message"),
    [
        ("a.aac", (), "ends within a frame"),
        ("a.wv", (), "its header announces 2.00 s"),
        (
            "a.mp4",
            ("-movflags", "frag_keyframe+empty_moov", "-frag_duration", "200000"),
            "incomplete",
        ),
    ],
)
def test_the_whole_pieces_of_a_stream_are_read_and_the_rest_noted(tmp_path, form, options, message):
    path = make(tmp_path / form, *options, rate=44100)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    info = read_info(path)
    assert 0.5 * SECONDS < info.seconds < 0.9 * SECONDS
    assert any(message in note for note in info.notes)


@pytest.mark.parametrize("form", ["a.flac", "a.mkv", "a.au", "a.w64", "a.caf", "a.aiff", "a.mp3"])
def test_what_came_out_of_a_pipe_is_read(tmp_path, form):
    path = tmp_path / form
    whole = make(tmp_path / "whole.wav", rate=RATE)
    container = {"mkv": "matroska"}.get(form[2:], form[2:])
    command = [str(PROGRAM), "-v", "error", "-i", str(whole)]
    done = subprocess.run([*command, "-f", f"{container}", "-"], check=True, stdout=subprocess.PIPE)
    path.write_bytes(done.stdout)
    assert read_info(path).seconds == pytest.approx(SECONDS, abs=0.08)


def test_a_bare_mp3_with_an_estimated_length_is_read(tmp_path):
    path = tmp_path / "a.mp3"
    make(path, "-q:a", "9", "-write_xing", "0", "-af", "apad=pad_dur=4", rate=44100)
    assert abs(soundfile.info(path).frames / 44100 - 6) > 1, "its length is not misjudged"
    assert read_info(path).seconds == pytest.approx(6, abs=0.08)


@pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not here")
@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("20_wav_placeholder_sizes/elevenlabs.wav", 6),
        ("20_wav_placeholder_sizes/openai.wav", 6),
        ("20_wav_placeholder_sizes/pocket_tts.wav", 6),
        ("20_wav_placeholder_sizes/sox_pipe.wav", 6),
        ("21_wav_recorder_crashed/crashed.wav", 6),
        ("21_wav_recorder_crashed/watson.wav", 6),
        ("24_mp3_without_length/quiet_first.mp3", 12),
        ("24_mp3_without_length/speech_first.mp3", 12),
        ("24_mp3_without_length/with_cover.mp3", 6),
        ("27_wav_many_channels/field_recorder_10.wav", 3),
        ("a09.m4a", 2),
        ("a13_mp3_in_wav.wav", 2),
        ("a15.mp4", 2),
    ],
)
def test_files_that_went_wrong(name, seconds):
    assert read_info(CASES / name).seconds == pytest.approx(seconds, abs=0.02)
    assert len(read_mono(CASES / name, RATE)) == pytest.approx(seconds * RATE, abs=320)


@pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not here")
def test_the_one_that_was_truly_cut():
    with pytest.raises(UserError, match="announces 288000 bytes of samples but holds 144000"):
        read_info(CASES / "20_wav_placeholder_sizes" / "truly_cut.wav")
