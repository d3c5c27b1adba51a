"""The page of a study and its films: what is compared, what is kept, and what is refused."""

import html
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from llavataros.study.__main__ import build_parser, main
from llavataros.study.answers import COLUMNS
from llavataros.study.clips import Clip, find_clips, measure
from llavataros.study.design import matching, preference, with_attention
from llavataros.study.page import TEMPLATE, write_page
from tests.program.study.systems import CLIPS, RATE, SYSTEMS, write_systems

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
pytest.importorskip("cv2")
SMALL = ["--width", "96", "--height", "96", "--fps", "10", "--seconds", "1"]


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    return write_systems(tmp_path / "given")


def _study(page: Path) -> dict:
    found = re.search(r'id="study">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return json.loads(found[1])


def _make(out: Path, *arguments: str) -> dict:
    assert main(["make", *arguments, *SMALL, "--out", str(out)]) == 0
    return _study(out / "index.html")


def _refused(capsys, *arguments: str) -> str:
    assert main(["make", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


def _clip(name: str, *, seconds: float = 2.0, audio_seconds: float = 2.0) -> Clip:
    return Clip(name, Path(f"{name}.wav"), {}, seconds, audio_seconds)


def test_preference_compares_all_pairs_on_all_clips():
    compared = preference(["a", "b", "c"], [_clip("x"), _clip("y")])
    met = Counter(tuple(film.system for film in each.films) for each in compared)
    assert met == {("a", "b"): 2, ("a", "c"): 2, ("b", "c"): 2}
    assert all(film.speech == film.clip for each in compared for film in each.films)


def test_matching_takes_the_speech_of_another_clip_that_is_long_enough():
    clips = [_clip("x"), _clip("y", audio_seconds=9.0), _clip("z", audio_seconds=1.5, seconds=1.5)]
    compared = matching(["a", "b"], clips, clips, seed=1)
    assert len(compared) == 6
    spoken = {}
    for each in compared:
        own, other = each.films
        assert own.speech == own.clip == other.clip != other.speech
        assert own.system == other.system
        spoken.setdefault(own.clip, set()).add(other.speech)
    assert spoken["x"] == {"y"}  # z is too short
    assert spoken["y"] == {"x"}
    assert len(spoken["z"]) == 1  # the same for both systems


def test_attention_checks_ask_for_both_sides():
    compared = with_attention(preference(["a", "b"], [_clip(str(n)) for n in range(5)]),
                              checks=4, seed=2)  # fmt: skip
    assert Counter(each.attention for each in compared) == {"": 5, "left": 2, "right": 2}


def test_a_name_cannot_end_the_script(tmp_path):
    title = "</script><b>&"
    write_page(tmp_path / "index.html", {"title": title, "comparisons": []})
    assert _study(tmp_path / "index.html")["title"] == title
    assert "</script><b>" not in (tmp_path / "index.html").read_text()
    assert f"<title>{html.escape(title)}</title>" in (tmp_path / "index.html").read_text()


def test_the_page_writes_the_columns_that_are_read_and_loads_nothing():
    text = TEMPLATE.read_text(encoding="utf-8")
    found = re.search(r"const COLUMNS = (\[.*?\]);", text, re.DOTALL)
    assert found
    assert tuple(json.loads(found[1])) == COLUMNS
    assert not re.search(r"https?:|//cdn|@import|url\(", text)


def test_help_tells_how(capsys):
    for arguments in ([], ["make"], ["analyse"]):
        with pytest.raises(SystemExit):
            build_parser().parse_args([*arguments, "--help"])
        assert "llavataros study" in capsys.readouterr().out


@pytest.mark.slow
def test_films_are_what_browsers_play_and_tell_nothing(tmp_path, given, capsys):
    study = _make(tmp_path / "out", *given, "--checks", "1")
    files = {film["file"] for each in study["comparisons"] for film in each["films"]}
    assert len(study["comparisons"]) == 10
    assert {path.name for path in (tmp_path / "out" / "films").iterdir()} == files
    assert len(files) == len(CLIPS) * len(SYSTEMS)
    assert not any(name in file for file in files for name in (*CLIPS, *SYSTEMS))
    program = imageio_ffmpeg.get_ffmpeg_exe()
    for path in (tmp_path / "out" / "films").iterdir():
        done = subprocess.run(
            [program, "-i", str(path)], capture_output=True, text=True, check=False
        )
        assert re.search(r"Video: h264 .*yuv420p", done.stderr)
        assert re.search(r"Audio: aac .*48000 Hz", done.stderr)
        # The index stands before the data, so that playing starts before all is loaded.
        data = path.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")
        frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
        assert frames == 10
        assert seconds == pytest.approx(1.0, abs=0.05)
    told = capsys.readouterr().out
    assert "each participant answers 10" in told
    assert "the consent text is a placeholder" in told


@pytest.mark.slow
def test_the_same_command_again_draws_nothing(tmp_path, given, capsys):
    first = _make(tmp_path / "out", *given)
    films = sorted((tmp_path / "out" / "films").iterdir())
    times = [film.stat().st_mtime_ns for film in films]
    films[0].unlink()
    capsys.readouterr()
    assert _make(tmp_path / "out", *given) == first
    assert "(1 made, 8 kept)" in capsys.readouterr().out
    assert [film.stat().st_mtime_ns for film in films[1:]] == times[1:]
    # A study with fewer systems leaves no film of the others behind, and is another study.
    fewer = _make(tmp_path / "out", "--motion", *given[1:3], *given[4:])
    assert fewer["study"] != first["study"]
    assert len(list((tmp_path / "out" / "films").iterdir())) == 6


@pytest.mark.slow
def test_ready_films_get_the_recordings_sound_and_one_size(tmp_path, given):
    assert main(["make", *given, *SMALL, "--out", str(tmp_path / "a"), "--checks", "0"]) == 0
    record = json.loads((tmp_path / "a" / "study.json").read_text())
    for file, film in record["films"].items():
        folder = tmp_path / "filmed" / film["system"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{film['clip']}.mp4").write_bytes((tmp_path / "a" / "films" / file).read_bytes())
    filmed = ["--motion", *(f"{name}={tmp_path / 'filmed' / name}" for name in SYSTEMS)]
    size = ["--width", "128", "--height", "96", "--fps", "10", "--names", "ada_1", "ben_1"]
    arguments = [*filmed, *given[-2:], *size, "--kind", "matching", "--checks", "0"]
    assert main(["make", *arguments, "--out", str(tmp_path / "b")]) == 0
    record = json.loads((tmp_path / "b" / "study.json").read_text())
    assert len(record["films"]) == 12
    program = imageio_ffmpeg.get_ffmpeg_exe()
    for file, film in record["films"].items():
        path = tmp_path / "b" / "films" / file
        sound = subprocess.run(
            [program, "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(RATE),
             "-f", "f32le", "-"], check=True, capture_output=True,
        ).stdout  # fmt: skip
        heard = np.frombuffer(sound, "<f4")[:RATE]
        _, spoken = wavfile.read(tmp_path / "given" / "audio" / f"{film['speech']}.wav")
        spoken = spoken[:RATE]
        assert np.corrcoef(heard[: len(spoken)], spoken[: len(heard)])[0, 1] > 0.9
        picture = subprocess.run(
            [program, "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "gray", "-"],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        assert len(picture) == 10 * 128 * 96


def test_a_clip_that_a_system_lacks_is_refused(tmp_path, given, capsys):
    (tmp_path / "given" / "still" / "ada_2.npz").unlink()
    said = _refused(capsys, *given, "--out", str(tmp_path / "out"))
    assert "system still has no motion of the clip ada_2 in" in said
    assert "--names" in said


def test_motion_without_a_recording_is_refused(tmp_path, given, capsys):
    (tmp_path / "given" / "audio" / "ada_2.wav").unlink()
    said = _refused(capsys, *given, "--out", str(tmp_path / "out"))
    assert "real/ada_2.npz has no recording ada_2 in" in said


def test_less_than_a_second_is_refused(tmp_path, capsys):
    given = write_systems(tmp_path / "given", seconds=0.8)
    said = _refused(capsys, *given, "--out", str(tmp_path / "out"))
    assert "lasts 0.80 s, and less than 1 s cannot be judged; leave ada_1 out" in said
    given = write_systems(tmp_path / "given")
    said = _refused(capsys, *given, "--out", str(tmp_path / "out"), "--start", "1.5")
    assert "0.70 s of them after --start 1.5" in said


def test_films_end_with_the_shortest_motion_and_that_is_noted(tmp_path):
    write_systems(tmp_path / "given")
    write_systems(tmp_path / "short", seconds=1.5)
    systems = {"real": tmp_path / "given" / "real", "cut": tmp_path / "short" / "real"}
    (clip, *_) = find_clips(tmp_path / "given" / "audio", systems)
    measured, notes = measure(clip, start_seconds=0.25, longest_seconds=10)
    assert measured.seconds == pytest.approx(1.25)
    assert measured.audio_seconds == pytest.approx(1.95)
    (note,) = notes
    assert f"ada_1 is shown for 1.25 s, because {tmp_path / 'short'}" in note
    assert not measure(clip, start_seconds=0, longest_seconds=1.2)[1]


def test_motion_that_is_not_finite_is_refused(tmp_path, given, capsys):
    path = tmp_path / "given" / "still" / "ada_1.npz"
    with np.load(path) as file:
        frames, fps = file["motion"].copy(), file["fps"]
    frames[3, 2, 1] = np.nan
    np.savez(path, motion=frames, fps=fps)
    said = _refused(capsys, *given, "--out", str(tmp_path / "out"))
    assert f"{path}: motion has 1 joint poses with NaN or infinity, first at frame 3" in said


def test_files_that_are_none_are_refused(tmp_path, given, capsys):
    path = tmp_path / "given" / "still" / "ada_1.npz"
    path.unlink()
    path.with_suffix(".mp4").write_bytes(b"no film")
    said = _refused(capsys, *given, "--out", str(tmp_path / "out"))
    assert "ada_1.mp4 is no film that can be read" in said
    path.with_suffix(".mp4").unlink()
    path.write_bytes(b"no motion")
    assert str(path) in _refused(capsys, *given, "--out", str(tmp_path / "out"))
    (tmp_path / "given" / "audio" / "ada_1.wav").write_bytes(b"")
    assert "ada_1.wav" in _refused(capsys, *given, "--out", str(tmp_path / "out"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--clips", "9"], "--clips is 9, but there are only 3 clips"),
        (["--clips", "0"], "--clips is 0, but must be 1 or more"),
        (["--names", "nobody"], "system real has no motion of the clip nobody"),
        (["--seconds", "0.5"], "--seconds is 0.5, but must be 1 or more"),
        (["--seconds", "nan"], "--seconds is nan"),
        (["--fps", "0"], "--fps is 0"),
        (["--width", "97"], "--width is 97, but must be an even number"),
        (["--trials", "10"], "--trials is 10, but there are 1 to 9 to be judged"),
        (["--checks", "10"], "--checks 10 is more than the 9 comparisons"),
        (["--motion", "real=none"], "--motion names real twice"),
        (["--motion", "more=none"], "none is no folder"),
        (["--motion", "more"], "--motion more is not NAME=DIR"),
        (["--audio", "none"], "--audio none is no folder"),
        (["--consent", "none.txt"], "--consent none.txt cannot be read"),
        (["--kind", "matching", "--names", "ada_1"], "no other clip's recording lasts the 2.20 s"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, given, capsys, options, message):
    said = _refused(capsys, *given, "--out", str(tmp_path / "out"), *options)
    assert message in said
    assert not (tmp_path / "out" / "index.html").exists()


def test_one_system_has_nothing_to_be_preferred_to(tmp_path, given, capsys):
    arguments = ["--motion", given[1], *given[-2:], "--out", str(tmp_path / "out")]
    assert "names only real; name two or more" in _refused(capsys, *arguments)


def test_anothers_page_is_not_overwritten(tmp_path, given, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.html").write_text("mine")
    said = _refused(capsys, *given, "--out", str(tmp_path / "out"))
    assert "was not written by this program" in said
    assert (tmp_path / "out" / "index.html").read_text() == "mine"
