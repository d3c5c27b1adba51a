"""Films: exact frames, sound in time, refusals in one sentence and nothing left behind."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from llavataros_jax.errors import UserError
from llavataros_jax.rendering.film import write_film
from llavataros_jax.rendering.soundtrack import loudness, open_soundtrack
from tests.rendering.people import standing
from tests.sound.clicks import CLICK_SECONDS, click_seconds, make

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
pytest.importorskip("cv2")

SIZE = {"width": 160, "height": 120}


def _click(path: Path, seconds: float, at: float, rate: int = 16000) -> Path:
    samples = np.zeros(round(seconds * rate), np.int16)
    samples[round(at * rate) :][:80] = 20000 * (-1) ** (np.arange(80) // 4)
    wavfile.write(path, rate, samples)
    return path


def _decode(path: Path, *options: str) -> bytes:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-v", "error", "-i", str(path), *options, "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _pictures(path: Path) -> np.ndarray:
    data = _decode(path, "-f", "rawvideo", "-pix_fmt", "gray", "-fps_mode", "passthrough")
    return np.frombuffer(data, np.uint8).reshape(-1, SIZE["height"], SIZE["width"])


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_sound_and_caption_come_on_time(tmp_path, suffix):
    audio = _click(tmp_path / "click.wav", 2.0, at=1.1)
    path = tmp_path / "new folder" / f"film{suffix}"
    # The click and the word fall on the same moment, frame 33.
    write_film(path, standing(60), audio=audio, words=[("CLICK", 1.1, 1.5)], **SIZE)
    sound = np.frombuffer(_decode(path, "-ac", "1", "-ar", "48000", "-f", "s16le"), "<i2")
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 5000)
    assert loud[0] / 48000 == pytest.approx(1.1, abs=0.004)
    pictures = _pictures(path)
    assert len(pictures) == 60
    bright = pictures[:, 95:107].max(axis=(1, 2))  # above the playhead
    assert np.flatnonzero(bright > 160)[0] == 33
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert frames == 60
    assert seconds == pytest.approx(2.0, abs=0.04)


@pytest.mark.parametrize(
    ("num_frames", "motion_fps", "fps", "expected"),
    [(1, 30.0, None, 1), (50, 60.0, 30.0, 25), (7, 30.0, 60.0, 14), (10, 23.976, None, 10)],
)
def test_every_frame_is_written(tmp_path, num_frames, motion_fps, fps, expected):
    path = tmp_path / "film.mp4"
    assert write_film(path, standing(num_frames, motion_fps), fps=fps, **SIZE) == expected
    assert len(_pictures(path)) == expected
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("sound_seconds", [0.2, 3.0])
def test_film_is_as_long_as_the_motion(tmp_path, sound_seconds):
    audio = _click(tmp_path / "a.wav", sound_seconds, at=0.05)
    path = tmp_path / "film.mp4"
    write_film(path, standing(30), audio=audio, second=standing(10), title="two", **SIZE)
    assert len(_pictures(path)) == 30
    sound = np.frombuffer(_decode(path, "-ac", "1", "-ar", "16000", "-f", "s16le"), "<i2")
    assert len(sound) / 16000 == pytest.approx(min(sound_seconds, 1.0), abs=0.07)


def test_an_excerpt_of_the_sound_starts_with_the_film(tmp_path):
    audio = _click(tmp_path / "a.wav", 5.0, at=3.6)
    path = tmp_path / "film.mov"
    write_film(path, standing(45), audio=audio, audio_start_seconds=3.0, **SIZE)
    sound = np.frombuffer(_decode(path, "-ac", "1", "-ar", "48000", "-f", "s16le"), "<i2")
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 5000)
    assert loud[0] / 48000 == pytest.approx(0.6, abs=0.004)
    peaks = loudness(
        open_soundtrack(audio, start_seconds=3.0, film_seconds=1.5), steps_per_second=100.0
    )
    assert abs(int(np.argmax(peaks)) - 60) <= 1


def _stream(path: Path) -> str:
    """Returns what ffmpeg says of a film's sound."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    said = subprocess.run([program, "-i", str(path)], capture_output=True, text=True, check=False)
    return next(line for line in said.stderr.splitlines() if "Audio:" in line)


@pytest.mark.parametrize(
    ("channels", "rate", "expected"),
    [
        (1, 8000, "48000 Hz, mono"),
        (2, 96000, "48000 Hz, stereo"),
        (6, 44100, "48000 Hz, mono"),
        (9, 16000, "48000 Hz, mono"),  # a number that has no layout of loudspeakers
        (10, 192000, "48000 Hz, mono"),
        (32, 22050, "48000 Hz, mono"),
    ],
)
def test_sound_of_any_rate_and_any_number_of_channels(tmp_path, channels, rate, expected):
    times = np.arange(rate // 2) / rate
    tone = 20000 * np.sin(2 * np.pi * 440 * times)
    # In the channel that loudspeakers would have for low notes only, or else in all; channels
    # without sound are left out of the mix.
    gains = np.arange(channels) == 3 if channels > 3 else np.ones(channels)
    wavfile.write(tmp_path / "a.wav", rate, (tone[:, None] * gains).astype(np.int16))
    path = tmp_path / "film.mp4"
    write_film(path, standing(15), audio=tmp_path / "a.wav", **SIZE)
    assert expected in _stream(path)
    sound = np.frombuffer(_decode(path, "-ac", "1", "-ar", "48000", "-f", "s16le"), "<i2")
    peak = np.percentile(np.abs(sound[4000:20000].astype(float)), 99)
    assert peak == pytest.approx(20000, rel=0.1)


def test_sound_that_begins_late_in_a_film_keeps_its_place(tmp_path):
    audio = make(tmp_path / "a.mp4", "-c:v", "mpeg4", "-c:a", "aac", rate=44100, late=0.5)
    write_film(tmp_path / "film.mp4", standing(60), audio=audio, **SIZE)
    sound = np.frombuffer(_decode(tmp_path / "film.mp4", "-ar", "48000", "-f", "s16le"), "<i2")
    # The decoder leaves out the delay of its encoder; what is late, the encoder's edit list says.
    assert click_seconds(sound, 48000) == pytest.approx(CLICK_SECONDS + 0.5, abs=0.004)
    peaks = loudness(open_soundtrack(audio, film_seconds=2.0), steps_per_second=100.0)
    assert abs(int(np.argmax(peaks)) - 120) <= 1


def test_sides_that_cancel_are_heard(tmp_path):
    rate = 16000
    tone = (20000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)
    wavfile.write(tmp_path / "a.wav", rate, np.stack([tone, -tone], axis=1))
    soundtrack = open_soundtrack(tmp_path / "a.wav", film_seconds=1.0)
    assert soundtrack.channels == 1
    assert loudness(soundtrack, steps_per_second=10.0).min() > 0.9


RECORDER = Path(__file__).parents[3] / "shared/data/cases/27_wav_many_channels"


@pytest.mark.skipif(not RECORDER.is_dir(), reason=f"{RECORDER} is not here")
def test_a_field_recorders_ten_channels(tmp_path):
    audio = RECORDER / "field_recorder_10.wav"
    write_film(tmp_path / "film.mov", standing(15), audio=audio, **SIZE)
    assert "48000 Hz, mono" in _stream(tmp_path / "film.mov")


def test_bad_sound_is_refused_before_anything_is_drawn(tmp_path, monkeypatch):
    def draw(*_, **__):
        raise AssertionError("something was drawn")

    monkeypatch.setattr("llavataros_jax.rendering.film.draw_film", draw)
    monkeypatch.setattr("llavataros_jax.rendering.film.Scene", draw)
    _click(tmp_path / "short.wav", 0.5, at=0.1)
    (tmp_path / "text.wav").write_text("this is not sound")
    for name, start in (("none.wav", 0), ("text.wav", 0), ("short.wav", 3)):
        with pytest.raises(UserError, match=name) as refusal:
            write_film(
                tmp_path / "a.mp4",
                standing(3),
                audio=tmp_path / name,
                audio_start_seconds=start,
                **SIZE,
            )
        assert "\n" not in str(refusal.value)
    with pytest.raises(UserError, match=r"a\.gif"):
        write_film(tmp_path / "a.gif", standing(3), audio=tmp_path / "short.wav", **SIZE)


def test_smallest_film_holds_everything(tmp_path):
    audio = _click(tmp_path / "a.wav", 0.2, at=0.05)
    path = tmp_path / "film.m4v"
    words = [("tiny", 0.0, 0.1), ("", 0.1, 0.2), ("film", 0.15, 0.9)]
    frames = write_film(
        path, standing(4), audio=audio, words=words, title="title " * 9, width=96, height=96
    )
    assert imageio_ffmpeg.count_frames_and_secs(str(path))[0] == frames == 4


def test_loudness_follows_the_sound(tmp_path):
    audio = _click(tmp_path / "a.wav", 2.0, at=1.5)
    peaks = loudness(open_soundtrack(audio, film_seconds=2.5), steps_per_second=100.0)
    assert len(peaks) == 250
    assert abs(int(np.argmax(peaks)) - 150) <= 1
    assert peaks.max() == 1
    assert peaks[:148].max() < 0.01


def test_bad_sound_is_refused(tmp_path):
    path = tmp_path / "film.mp4"
    with pytest.raises(UserError, match=r"gone\.wav.*no such audio"):
        write_film(path, standing(3), audio=tmp_path / "gone.wav", **SIZE)
    (tmp_path / "text.wav").write_text("this is not sound")
    with pytest.raises(UserError, match=r"text\.wav is not audio"):
        write_film(path, standing(3), audio=tmp_path / "text.wav", **SIZE)
    assert not path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 161}, "width=161"),
        ({"height": 20}, "height=20"),
        ({"fps": 0.0}, "fps=0"),
        ({"fps": float("nan")}, "fps=nan"),
    ],
)
def test_impossible_sizes_are_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        write_film(tmp_path / "film.mp4", standing(3), **{**SIZE, **options})
    assert not list(tmp_path.iterdir())


def test_unknown_ending_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"film\.gif.*\.mov"):
        write_film(tmp_path / "film.gif", standing(3), **SIZE)


def _program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("script", ["echo no such codec >&2; exit 1", "cat >/dev/null; exit 3"])
def test_failing_ffmpeg_gives_its_last_line_and_keeps_the_old_film(tmp_path, monkeypatch, script):
    path = tmp_path / "out" / "film.mp4"
    path.parent.mkdir()
    path.write_text("old")
    program = _program(tmp_path / "ffmpeg", script)
    monkeypatch.setattr("llavataros_jax.rendering.encoder.ffmpeg_program", lambda: program)
    with pytest.raises(UserError, match=r"no such codec|exit code 3"):
        write_film(path, standing(90), **SIZE)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_interrupted_film_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("llavataros_jax.rendering.caption.Panel.draw", stop)
    with pytest.raises(KeyboardInterrupt):
        write_film(tmp_path / "film.mp4", standing(30), **SIZE)
    assert not list(tmp_path.iterdir())


def test_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"drawing films needs cv2; install with: .*opencv"):
        write_film(tmp_path / "film.mp4", standing(3), **SIZE)


def test_folder_that_is_a_file_is_an_os_error(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OSError, match="taken"):
        write_film(tmp_path / "taken" / "film.mp4", standing(3), **SIZE)
