"""A click is found in its place through every container, whatever the file is called."""

import numpy as np
import pytest
import soundfile

from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import blocks, read_info, read_mono
from tests.sound.clicks import CLICK_SECONDS, SECONDS, click, click_seconds, make

RATE = 16000
_CLOSE_SECONDS = 0.005
FORMS = {
    "aac.m4a": ("-c:a", "aac"),
    "alac.m4a": ("-c:a", "alac"),
    "aac.mov": ("-c:a", "aac"),
    "pcm.mov": ("-c:a", "pcm_s24le"),
    "mp3.mp4": ("-c:a", "libmp3lame"),
    "opus.mp4": ("-c:a", "libopus"),
    "fragments.mp4": ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"),
    "tagged.mp3": (),
    "bare.mp3": ("-write_xing", "0"),
    "variable.mp3": ("-q:a", "6", "-write_xing", "0"),
    "mp3.wav": ("-c:a", "libmp3lame"),
    "adpcm.wav": ("-c:a", "adpcm_ms"),
    "mulaw.wav": ("-c:a", "pcm_mulaw"),
    "a.aac": (),
    "a.opus": (),
    "a.ogg": ("-c:a", "libvorbis"),
    "flac.oga": ("-c:a", "flac"),
    "opus.webm": ("-c:a", "libopus"),
    "vorbis.webm": ("-c:a", "libvorbis"),
    "aac.mkv": ("-c:a", "aac"),
    "mp3.mkv": ("-c:a", "libmp3lame"),
    "a.wma": (),
    "old.wma": ("-c:a", "wmav1"),
    "a.ac3": (),
    "a.mp2": (),
    "aac.ts": ("-c:a", "aac"),
    "mp2.mpg": ("-c:a", "mp2"),
    "aac.flv": ("-c:a", "aac"),
    "mp3.avi": ("-c:a", "libmp3lame"),
    "a.wv": (),
    "a.tta": (),
    "a.aiff": (),
    "a.caf": (),
    "a.au": (),
    "a.w64": (),
    "a.rf64": ("-f", "wav", "-rf64", "always"),
    "a.flac": (),
    "a.voc": (),
}
FILMS = {
    "aac.mp4": ("-c:v", "mpeg4", "-c:a", "aac"),
    "pcm.mov": ("-c:v", "mpeg4", "-c:a", "pcm_s16le"),
    "aac.mkv": ("-c:v", "mpeg4", "-c:a", "aac"),
    "opus.webm": ("-c:v", "libvpx", "-c:a", "libopus"),
    "aac.ts": ("-c:v", "mpeg4", "-c:a", "aac"),
    "mp2.mpg": ("-c:v", "mpeg1video", "-c:a", "mp2"),
    "aac.flv": ("-c:v", "flv1", "-c:a", "aac"),
    "wma.wmv": ("-c:v", "mpeg4", "-c:a", "wmav2"),
}


def check(path, late=0.0):
    samples = read_mono(path, RATE)
    assert click_seconds(samples, RATE) - late == pytest.approx(CLICK_SECONDS, abs=_CLOSE_SECONDS)
    assert read_info(path).seconds == pytest.approx(len(samples) / RATE, abs=1e-4)
    return samples


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "channels"), [(16000, 2), (22050, 1), (44100, 1), (48000, 2)])
@pytest.mark.parametrize("form", FORMS)
def test_a_click_keeps_its_place(tmp_path, form, rate, channels):
    samples = check(make(tmp_path / form, *FORMS[form], rate=rate, channels=channels))
    assert len(samples) / RATE == pytest.approx(SECONDS, abs=0.1)
    if not form.startswith(("a.ac3", "a.mp2", "mp2")):  # theirs are half as loud in stereo
        assert np.abs(samples).max() == pytest.approx(np.abs(click(RATE)).max(), rel=0.35)


def test_a_click_keeps_its_place_in_what_a_phone_writes(tmp_path):
    check(make(tmp_path / "a.m4a", "-c:a", "aac", rate=44100))


@pytest.mark.parametrize("form", ["a.amr", "a.3gp"])
def test_a_click_keeps_its_place_in_what_an_old_phone_writes(tmp_path, form):
    check(make(tmp_path / form, "-ar", "8000", "-c:a", "libopencore_amrnb", rate=8000))


@pytest.mark.slow
@pytest.mark.parametrize("late", [0.0, 0.5, 1.25])
@pytest.mark.parametrize("form", FILMS)
def test_sound_beside_pictures_may_begin_late(tmp_path, form, late):
    path = make(tmp_path / form, *FILMS[form], rate=48000, late=late)
    check(path, late=late)
    assert any("begins" in note for note in read_info(path).notes) == (late > 0)


def test_an_edit_list_of_sound_alone_is_honoured(tmp_path):
    path = tmp_path / "a.m4a"
    make(path, "-c:a", "aac", "-af", "asetpts=PTS+0.5/TB", "-copyts", rate=48000)
    check(path, late=0.5)


@pytest.mark.slow
@pytest.mark.parametrize(("subtype", "rate"), [("VORBIS", 22050), ("OPUS", 24000)])
def test_oggs_of_another_writer(tmp_path, subtype, rate):
    path = tmp_path / "a.ogg"
    soundfile.write(path, click(rate), rate, format="OGG", subtype=subtype)
    check(path)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("a.m4a", "a.wav"),
        ("a.mp3", "a.flac"),
        ("a.webm", "a.raw"),
        ("a.wav", "a.mp4"),
        ("a.aac", "a"),
    ],
)
def test_content_decides_and_not_the_name(tmp_path, form, name):
    right = make(tmp_path / form, rate=48000)
    expected = read_mono(right, RATE)
    right.rename(tmp_path / name)
    np.testing.assert_array_equal(check(tmp_path / name), expected)


@pytest.mark.parametrize("name", ["-v.m4a", "a:b%d.m4a", "ü 'quoted'.m4a", "http:x.m4a"])
def test_names_that_ffmpeg_would_misread(tmp_path, monkeypatch, name):
    make(tmp_path / "a.m4a", rate=48000).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    check(name)


def test_compressed_sound_is_decoded_once(tmp_path, monkeypatch):
    path = make(tmp_path / "a.m4a", rate=48000)
    whole = read_mono(path, RATE)
    monkeypatch.setattr("llavataros_jax.sound.ffmpeg.ffmpeg_program", None)
    read_info(path)
    parts = list(blocks(path, RATE, block_seconds=0.1))
    assert len(parts) > 10
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)


def test_a_file_that_changes_is_read_again(tmp_path):
    path = make(tmp_path / "a.m4a", rate=48000)
    assert read_info(path).sample_rate == 48000
    make(path, rate=16000)
    assert read_info(path).sample_rate == RATE
    check(path)


def test_films_without_sound_and_pictures_are_refused(tmp_path):
    path = make(tmp_path / "a.mp4", "-c:v", "mpeg4", "-an", rate=RATE, late=0.0)
    with pytest.raises(UserError, match=r"a\.mp4 is a film without a sound track"):
        read_info(path)


def test_the_first_of_several_tracks_is_taken_and_said(tmp_path):
    path = tmp_path / "a.mkv"
    make(path, "-map", "0:a", "-map", "0:a", "-c:a", "flac", rate=RATE)
    check(path)
    assert read_info(path).notes == ("the first of its 2 sound tracks is taken",)


def test_without_ffmpeg_the_command_that_installs_it_is_named(tmp_path, monkeypatch):
    path = make(tmp_path / "a.m4a", rate=RATE)
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"reading audio needs imageio_ffmpeg; install with: "):
        read_info(path)
