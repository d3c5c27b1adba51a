"""Bad and odd recordings at the front door: one sentence, exit code 2, nothing half-written."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from llavataros.animate import main
from llavataros_jax.config.file import config_from_dict
from llavataros_jax.motion.npy import read_npy
from tests.program.way import CORPUS

pytestmark = pytest.mark.slow  # the run is trained first

RATE = 16000
HUM = 0.1 * np.sin(2 * np.pi * 150 * np.arange(RATE) / RATE)


def wave(path: Path, samples: np.ndarray = HUM, rate: int = RATE, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def words(path: Path, *times: tuple[str, float, float]) -> Path:
    rows = "".join(f"{start}\t{stop}\t{text}\n" for text, start, stop in times)
    return written(path, rows)


def make_nan(folder: Path) -> Path:
    return wave(folder / "nan.wav", np.where(np.arange(RATE) == 99, np.nan, HUM), RATE, "FLOAT")


def make_truncated(folder: Path) -> Path:
    whole = wave(folder / "whole.wav").read_bytes()
    return written(folder / "truncated.wav", whole[:9000])


BAD = {
    "missing audio": (lambda f: ["--audio", f / "none.wav"], "none.wav"),
    "empty audio": (lambda f: ["--audio", written(f / "empty.wav", b"")], "empty.wav"),
    "not audio": (lambda f: ["--audio", written(f / "poem.wav", "roses\n" * 99)], "poem.wav"),
    "truncated audio": (lambda f: ["--audio", make_truncated(f)], "truncated.wav"),
    "NaN": (lambda f: ["--audio", make_nan(f)], "nan.wav"),
    "shorter than half a frame": (
        lambda f: [
            "--audio", wave(f / "click.wav", HUM[:200]),
            "--words", words(f / "w.tsv", ("a", 0.0, 0.01)),
        ],
        "click.wav lasts 0.0125 s",
    ),
    "weights that are not there": (
        lambda f: ["--audio", wave(f / "hum.wav"), f"words.whisper={f / 'none.pt'}"],
        "none.pt does not exist",
    ),
    "missing words": (
        lambda f: ["--audio", wave(f / "hum.wav"), "--words", f / "none.TextGrid"],
        "none.TextGrid",
    ),
    "malformed TextGrid": (
        lambda f: [
            "--audio", wave(f / "hum.wav"), "--words", written(f / "bad.TextGrid", "File type = x"),
        ],
        "bad.TextGrid",
    ),
    "words that end after the audio": (
        lambda f: [
            "--audio", wave(f / "hum.wav"), "--words", words(f / "late.tsv", ("hi", 0.5, 9.0)),
        ],
        "late.tsv",
    ),
    "empty transcript": (
        lambda f: [
            "--audio", wave(f / "hum.wav"), "--transcript", written(f / "blank.txt", " \n"),
        ],
        "blank.txt",
    ),
    "another script": (
        lambda f: [
            "--audio", wave(f / "hum.wav"), "--transcript", written(f / "zh.txt", "你好 世界"),
        ],
        "begins with '你好'",
    ),
    "unknown speaker": (
        lambda f: ["--audio", wave(f / "hum.wav"), "--speaker", "zoe"],
        "it knows ada, ben",
    ),
    "unequal conversation": (
        lambda f: [
            "--audio", wave(f / "hum.wav"), "--words", words(f / "a.tsv", ("hi", 0.5, 0.9)),
            "--interlocutor-audio", wave(f / "long.wav", np.tile(HUM, 3)),
            "--interlocutor-words", words(f / "b.tsv", ("ho", 0.5, 0.9)),
        ],
        "long.wav",
    ),
    "an output folder that is a file": (
        lambda f: [
            "--audio", wave(f / "hum.wav"), "--words", words(f / "a.tsv", ("hi", 0.5, 0.9)),
            "--out", written(f / "file", "x"),
        ],
        "file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_sentence(
    way: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    make, expected = BAD[case]
    arguments = [str(argument) for argument in make(tmp_path)]
    out = tmp_path / "out"
    code = main(["--checkpoint", str(way / "run"), "--no-film", "--out", str(out), *arguments])
    said = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert len(said) == 1, said
    assert said[0].startswith("error: ")
    assert expected in said[0]
    assert not out.exists() or not any(out.iterdir())


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("nowhere", "nowhere"), ("records", "records")],
)
def test_a_folder_that_is_no_run_is_named(
    way: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str, expected: str
) -> None:
    audio = str(wave(tmp_path / "hum.wav"))
    arguments = ["--checkpoint", str(way / folder), "--audio", audio, "--out", str(tmp_path / "o")]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "samples", "rate", "subtype"),
    [
        ("stereo 44100", np.stack([np.tile(HUM, 3), 0 * np.tile(HUM, 3)], 1), 44100, "PCM_16"),
        ("8 bit", HUM, RATE, "PCM_U8"),
        ("24 bit", HUM, 48000, "PCM_24"),
        ("float", HUM, 8000, "FLOAT"),
        ("silence", 0 * HUM, RATE, "PCM_16"),
        ("one frame", HUM[:500], RATE, "PCM_16"),
    ],
)
def test_any_recording_gives_its_frames(
    way: Path, tmp_path: Path, name: str, samples: np.ndarray, rate: int, subtype: str
) -> None:
    audio = wave(tmp_path / "odd.wav", samples, rate, subtype)
    seconds = len(samples) / rate
    spoken = words(tmp_path / "w.tsv", ("hi", 0.0, min(0.3, seconds)))
    code = main(
        ["--checkpoint", str(way / "run"), "--audio", str(audio), "--words", str(spoken),
         "--no-film", "--out", str(tmp_path / "out")]
    )  # fmt: skip
    assert code == 0
    motion = read_npy(tmp_path / "out" / "odd.npy", fps=30)
    assert motion.num_frames == round(seconds * 30)
    assert np.isfinite(motion.frames).all()


def test_a_transcript_is_aligned_and_another_rate_is_resampled(way: Path, tmp_path: Path) -> None:
    timed = json.loads((CORPUS / "ada_1.json").read_text())
    spoken = " ".join(word["word"] for word in timed["words"])
    transcript = written(tmp_path / "ada.txt", spoken)
    arguments = ["--checkpoint", str(way / "run"), "--audio", str(CORPUS / "ada_1.flac")]
    arguments += ["--transcript", str(transcript), "--fps", "60", "--no-film"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    seconds = soundfile.info(CORPUS / "ada_1.flac").duration
    assert read_npy(tmp_path / "ada_1.npy", fps=60).num_frames == round(seconds * 60)


def test_a_recordings_own_files_are_never_replaced(way: Path, tmp_path: Path, capsys) -> None:
    """As with --out in the folder of the recordings, whose .npy is motion capture."""
    audio = wave(tmp_path / "hum.wav")
    spoken = words(tmp_path / "w.tsv", ("hi", 0.0, 0.3))
    arguments = ["--checkpoint", str(way / "run"), "--audio", str(audio), "--words", str(spoken)]
    arguments += ["--no-film", "--out", str(tmp_path)]
    theirs = written(tmp_path / "hum.npy", b"motion capture")
    assert main(arguments) == 2
    assert "hum.npy exists and was not written by" in capsys.readouterr().err
    assert theirs.read_bytes() == b"motion capture"
    assert not (tmp_path / "hum.bvh").exists()
    theirs.unlink()
    assert main(arguments) == 0
    assert main(arguments) == 0, "what it wrote itself it may replace"


def test_provenance_holds_the_resolved_config_and_hashes(way: Path, tmp_path: Path) -> None:
    audio = wave(tmp_path / "hum.wav")
    spoken = words(tmp_path / "w.tsv", ("hi", 0.0, 0.3))
    arguments = ["--checkpoint", str(way / "run"), "--audio", str(audio), "--words", str(spoken)]
    assert main([*arguments, "--no-film", "--out", str(tmp_path / "o"), "film.width=320"]) == 0
    record = json.loads((tmp_path / "o" / "hum.json").read_text())
    assert config_from_dict(record["config"]).film.width == 320
    assert record["files"].keys() == {"hum.npy", "hum.bvh"}
    assert all(len(digest) == 32 for digest in record["files"].values())
    assert any("film.width has no effect" in note for note in record["notes"])


def test_several_recordings_go_on_after_a_bad_one(way: Path, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "takes"
    folder.mkdir()
    for name in ("a", "c"):
        words(folder / f"{name}.tsv", ("hi", 0.0, 0.3))
        wave(folder / f"{name}.wav")
    written(folder / "b.wav", "roses\n" * 99)
    out = tmp_path / "out"
    assert (
        main([str(folder), "--checkpoint", str(way / "run"), "--no-film", "--out", str(out)]) == 2
    )
    said = capsys.readouterr()
    assert said.err.count("error: ") == 2
    assert "b.wav" in said.err
    assert "1 of 3 recordings could not be animated" in said.err
    assert "words are from a.tsv" in said.out
    assert sorted(path.name for path in out.glob("*.npy")) == ["a.npy", "c.npy"]


def test_what_belongs_to_one_recording_is_not_shared(way: Path, tmp_path: Path, capsys) -> None:
    files = [str(wave(tmp_path / name)) for name in ("a.wav", "b.wav")]
    spoken = words(tmp_path / "w.tsv", ("hi", 0.0, 0.3))
    assert main([*files, "--checkpoint", str(way / "run"), "--words", str(spoken)]) == 2
    assert "--words belongs to one recording, but 2 are given" in capsys.readouterr().err


def test_two_people_on_two_channels_are_speaker_and_interlocutor(way: Path, tmp_path: Path) -> None:
    talk = CORPUS / "talk_1_ada.flac", CORPUS / "talk_1_ben.flac"
    sides = [soundfile.read(path)[0][: 4 * RATE] for path in talk]
    wave(tmp_path / "both.wav", np.stack(sides, 1), subtype="FLOAT")
    for name, samples in zip(("left", "right"), sides, strict=True):
        wave(tmp_path / f"{name}.wav", samples, subtype="FLOAT")
    a = words(tmp_path / "a.words.tsv", ("hi", 0.2, 0.6))
    b = words(tmp_path / "b.words.tsv", ("ho", 1.0, 1.4))
    shared = ["--checkpoint", str(way / "run"), "--words", str(a), "--interlocutor-words", str(b)]
    shared += ["--no-film", "--out", str(tmp_path / "out")]
    assert main([str(tmp_path / "both.wav"), "--channels", "split", *shared]) == 0
    two = ["--interlocutor-audio", str(tmp_path / "right.wav")]
    assert main([str(tmp_path / "left.wav"), *two, *shared]) == 0
    assert main([str(tmp_path / "both.wav"), "--channels", "swap", *shared, "--fps", "30"]) == 0
    split, left = (read_npy(tmp_path / "out" / f"{name}.npy", fps=30) for name in ("both", "left"))
    assert not np.array_equal(split.frames, left.frames), "swapped, the other one speaks"
    assert main([str(tmp_path / "both.wav"), "--channels", "split", *shared]) == 0
    split = read_npy(tmp_path / "out" / "both.npy", fps=30)
    np.testing.assert_allclose(split.frames, left.frames, atol=1e-5)


def test_a_recording_alone_is_animated_from_sound(way: Path, tmp_path: Path, capsys) -> None:
    arguments = [str(wave(tmp_path / "hum.wav")), "words.transcriber=none", "--no-film"]
    run = ["--checkpoint", str(way / "run"), "--out", str(tmp_path / "out")]
    assert main([*arguments, *run]) == 0
    assert "note: no words: animated from sound alone" in capsys.readouterr().out
    assert read_npy(tmp_path / "out" / "hum.npy", fps=30).num_frames == 30


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--expressiveness", "3.5", "--expressiveness 3.5 is not a number from 0 to 3"),
        ("--expressiveness", "-1", "--expressiveness -1 is not a number from 0 to 3"),
        ("--idle", "1.01", "--idle 1.01 is not a number from 0 to 1"),
        ("--idle", "nan", "--idle nan is not a number from 0 to 1"),
    ],
)
def test_dials_out_of_range_are_refused_before_any_work(capsys, option, value, expected) -> None:
    assert main(["nowhere.wav", f"{option}={value}", "--checkpoint", "no run"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1, said
    assert expected in said[0]


def test_dials_turn_the_motion_and_are_in_the_provenance(way: Path, tmp_path: Path) -> None:
    audio = wave(tmp_path / "hum.wav", np.concatenate([HUM, 0 * HUM, 0 * HUM]))
    spoken = words(tmp_path / "w.tsv", ("hi", 0.0, 0.3))
    arguments = [str(audio), "--checkpoint", str(way / "run"), "--words", str(spoken), "--no-film"]
    still = ["--expressiveness", "1.5", "--idle", "1"]
    assert main([*arguments, "--out", str(tmp_path / "plain")]) == 0
    assert main([*arguments, "--out", str(tmp_path / "still"), *still]) == 0
    record = json.loads((tmp_path / "still" / "hum.json").read_text())
    film = config_from_dict(record["config"]).film
    assert (film.expressiveness, film.idle) == (1.5, 1.0)
    assert not any("no effect" in note for note in record["notes"])
    plain, turned = (read_npy(tmp_path / n / "hum.npy", fps=30) for n in ("plain", "still"))
    away = np.abs(turned.positions - plain.positions).max(axis=(1, 2))
    assert away[:9].max() > 1e-4
