"""The door of evaluation: anybody's motion, a trained run, and what cannot be measured."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from llavataros_jax import packages
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.evaluate import from_records
from llavataros_jax.evaluate.__main__ import main
from llavataros_jax.evaluate.from_records import RecordClips, animated_by
from llavataros_jax.evaluate.table import build_parser, open_source
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import write_npy
from tests.backend import ROOT
from tests.evaluation.people import LEFT_HAND, RIGHT_HAND, standing, strokes
from tests.training.records import write_records

FPS, SECONDS = 30, 6
FAST = ("--resamples", "20", "--no-report")


def moving(seed: int, *, metres: float = 0.2, seconds: float = SECONDS) -> Motion:
    """Moves both hands at random times."""
    random, frames = np.random.default_rng(seed), round(seconds * FPS)
    hands = {
        hand: strokes(np.sort(random.uniform(0, seconds, 6)), num_frames=frames, metres=metres)
        for hand in (LEFT_HAND, RIGHT_HAND)
    }
    return standing(hands, num_frames=frames)


def clicks(seed: int, seconds: float = SECONDS) -> np.ndarray:
    samples = np.zeros(round(seconds * 16000), np.float32)
    for at in np.random.default_rng(seed).uniform(0.2, seconds - 0.3, 8):
        begin = round(at * 16000)
        samples[begin : begin + 1600] = 0.5 * np.sin(np.arange(1600) / 5)
    return samples


class Folders:
    """Three clips of two people, as a user would lay them out."""

    def __init__(self, root: Path):
        self.root = root
        self.motion, self.real, self.audio = (root / name for name in ("motion", "real", "audio"))
        for number, name in enumerate(("ada/a", "ada/b", "ben/c")):
            for folder, motion in (
                (self.real, moving(number)),
                (self.motion, moving(number, metres=0.1)),
            ):
                write_npy(folder / f"{name}.npz", motion)
            path = self.audio / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, clicks(number), 16000)

    def evaluate(self, *more: str, code: int = 0) -> Path:
        out = self.root / "out"
        given = ["--motion", str(self.motion), "--real", str(self.real)]
        if "--audio" not in more and "--silent" not in more:
            given += ["--audio", str(self.audio)]
        more = tuple(word for word in more if word != "--silent")
        assert main([*given, "--out", str(out), *FAST, *more]) == code
        return out


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def table(out: Path) -> dict:
    return json.loads((out / "metrics.json").read_text())


def value(out: Path, measure: str, column: str = "predicted") -> float:
    return table(out)["table"][measure]["columns"][column]["value"]


def test_a_table_names_what_its_numbers_mean(folders: Folders, capsys) -> None:
    found = table(folders.evaluate())
    assert found["protocol"]["name"] == "torso"
    assert found["protocol"]["version"] >= 1
    assert found["protocol"]["fps"] == FPS
    assert len(found["protocol"]["joints"]) == 9
    assert (found["clips"], found["split"], found["seconds"]) == (3, "all", 3 * SECONDS)
    assert "evaluate --motion" in found["settings"]["command"]
    assert set(found["by_clip"]) == {"ada/a", "ada/b", "ben/c"}
    said = capsys.readouterr().out
    assert "protocol torso v" in said
    assert "3 clips" in said


def test_half_the_movement_is_half_the_amplitude_and_the_gain_brings_it_back(
    folders: Folders,
) -> None:
    out = folders.evaluate()
    assert value(out, "amplitude_ratio") == pytest.approx(0.5, rel=0.02)
    assert value(out, "amplitude_ratio", "gain") == pytest.approx(1, rel=0.02)
    assert value(out, "amplitude_ratio", "attenuated") == pytest.approx(0.8, rel=0.02)


def test_the_recorded_motion_itself_has_no_distance_from_it(folders: Folders) -> None:
    """Identical clouds, whose covariances are singular because most joints stand still."""
    folders.motion = folders.real
    out = folders.evaluate()
    assert value(out, "position_error_metres") == 0
    for distance in ("fd_g_metres2", "fd_k_metres2_per_second2"):
        assert value(out, distance) == pytest.approx(0, abs=1e-9)


def test_without_sound_nothing_that_hears_is_measured(folders: Folders) -> None:
    measures = table(folders.evaluate("--silent"))["table"]
    assert "position_error_metres" in measures
    assert not any("beat_alignment" in name for name in measures)


def test_silence_has_no_beats_and_everything_else_is_measured(folders: Folders) -> None:
    for path in folders.audio.rglob("*.wav"):
        soundfile.write(path, np.zeros(SECONDS * 16000), 16000)
    measures = table(folders.evaluate())["table"]
    assert "position_error_metres" in measures
    assert not any("beat_alignment" in name for name in measures)


def test_another_rate_is_brought_to_the_recorded_one(folders: Folders) -> None:
    for path in folders.motion.rglob("*.npz"):
        number = ("ada/a", "ada/b", "ben/c").index(f"{path.parent.name}/{path.stem}")
        motion = moving(number)
        faster = np.repeat(motion.frames, 2, axis=0)
        write_npy(path, Motion(faster, 2 * FPS, motion.skeleton))
    out = folders.evaluate()
    assert table(out)["protocol"]["fps"] == FPS
    assert value(out, "position_error_metres") == pytest.approx(0, abs=1e-6)


def test_systems_that_were_measured_alike_stand_in_one_table(folders: Folders, capsys) -> None:
    one = folders.evaluate().rename(folders.root / "one")
    folders.motion = folders.real
    other = folders.evaluate()
    capsys.readouterr()
    assert main(["compare", str(one), str(other / "metrics.json")]) == 0
    said = capsys.readouterr().out
    (row,) = (line for line in said.splitlines() if line.startswith("| APE"))
    (ours, theirs) = (value(out, "position_error_metres") for out in (one, other))
    cells = [cell.split()[0] if cell.split() else "" for cell in row.split("|")[3:-1]]
    assert cells == [f"{ours:.3g}", f"{theirs:.3g}", "", ""]
    assert theirs == 0 < ours


def test_other_protocols_and_other_files_are_no_comparison(
    folders: Folders, tmp_path: Path, capsys
) -> None:
    one = folders.evaluate().rename(folders.root / "one")
    other = folders.evaluate("--silent")
    tree = table(other)
    tree["protocol"]["version"] += 1
    (other / "metrics.json").write_text(json.dumps(tree))
    capsys.readouterr()
    assert main(["compare", str(one), str(other)]) == 2
    assert "cannot stand in one table" in refused(capsys)
    (tmp_path / "x.json").write_text("[]")
    assert main(["compare", str(tmp_path / "x.json")]) == 2
    assert "is no table of this program" in refused(capsys)
    assert main(["compare", str(tmp_path / "none.json")]) == 2
    assert "No such file" in refused(capsys)


def refused(capsys) -> str:
    said = capsys.readouterr().err
    assert said.startswith("error: "), said
    assert said.count("\n") == 1, said
    return said


def test_a_file_without_its_partner_is_named(folders: Folders, capsys) -> None:
    (folders.motion / "ada" / "b.npz").unlink()
    folders.evaluate(code=2)
    said = refused(capsys)
    assert str(folders.real / "ada" / "b.npz") in said
    assert "has no motion of the same name" in said


def test_sound_without_its_partner_is_named(folders: Folders, capsys) -> None:
    (folders.audio / "ben" / "c.wav").unlink()
    folders.evaluate(code=2)
    assert "c.npz has no sound of the same name" in refused(capsys)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_frame_or_two_are_measured_or_refused(folders: Folders, frames: int, capsys) -> None:
    for folder in (folders.real, folders.motion):
        for path in folder.rglob("*.npz"):
            write_npy(path, moving(0).cut(0, frames))
    folders.evaluate("--silent")
    assert np.isfinite(value(folders.root / "out", "position_error_metres"))


def test_another_length_is_refused_with_both(folders: Folders, capsys) -> None:
    write_npy(folders.motion / "ada" / "a.npz", moving(0, seconds=4))
    folders.evaluate("--silent", code=2)
    said = refused(capsys)
    assert "clip ada/a" in said
    assert "120 frames" in said
    assert "180" in said


def test_another_skeleton_is_refused(folders: Folders, capsys) -> None:
    motion = moving(0)
    names = tuple(f"left_{name}" if name == "Hips" else name for name in motion.skeleton.names)
    skeleton = dataclasses.replace(motion.skeleton, names=names)
    (folders.motion / "ada" / "a.npz").unlink()
    write_bvh(folders.motion / "ada" / "a.bvh", dataclasses.replace(motion, skeleton=skeleton))
    folders.evaluate(code=2)
    assert "clip ada/a" in refused(capsys)


def test_not_a_number_is_refused_with_its_place(folders: Folders, capsys) -> None:
    frames = np.array(moving(0).frames)
    frames[7, 3, 1] = np.nan
    np.savez(folders.motion / "ada" / "a.npz", motion=frames, fps=FPS)
    folders.evaluate(code=2)
    said = refused(capsys)
    assert "a.npz" in said
    assert "frame 7" in said


def test_an_empty_folder_is_refused(folders: Folders, tmp_path: Path, capsys) -> None:
    folders.real = tmp_path / "empty"
    folders.real.mkdir()
    folders.evaluate(code=2)
    assert "holds no motion" in refused(capsys)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "either --run or --motion"),
        (("--run", "r", "--motion", "m"), "is no run directory"),
        (("--motion", "m"), "either --real, a folder of it, or --records"),
        (("--motion", "m", "--real", "r", "--without-words"), "does nothing to --motion"),
        (("--motion", "m", "--real", "nowhere"), "nowhere is no folder"),
        (("--run", "r", "--samples", "0"), "--samples 0 is not a whole number from 1 to 100"),
        (("--run", "r", "--samples", "101"), "--samples 101 is not a whole number"),
        (("--motion", "m", "--real", "r", "--samples", "2"), "name a folder for each sample"),
    ],
)
def test_options_that_do_not_go_together_are_told(given, said: str, tmp_path: Path, capsys) -> None:
    assert main([*given, "--out", str(tmp_path / "out"), *FAST]) == 2
    assert said in refused(capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("module", ["librosa", "soundfile"])
def test_a_missing_library_is_told_with_what_installs_it(
    module: str, monkeypatch, tmp_path: Path, capsys
) -> None:
    find = packages.importlib.util.find_spec
    monkeypatch.setattr(
        packages.importlib.util, "find_spec", lambda name: None if name == module else find(name)
    )
    out = tmp_path / "out"
    assert main(["--run", str(tmp_path), "--out", str(out)]) == 2
    assert f"needs {module}; install with: " in refused(capsys)
    assert not out.exists()


def test_a_folder_that_is_no_run_is_named(tmp_path: Path, capsys) -> None:
    assert main(["--run", str(tmp_path / "no"), "--out", str(tmp_path / "out")]) == 2
    assert "is no run directory" in refused(capsys)


@pytest.mark.usefixtures("unchecked")
def test_samples_have_the_seeds_from_0_on(monkeypatch) -> None:
    clip = {
        "audio": np.zeros((4, 3), np.float16), "words": np.zeros((1, 2), np.float16),
        "word_index": np.zeros(4, np.int32), "speaker": 0, "interlocutor_speaker": -1,
    }  # fmt: skip
    asked: list[int] = []

    def animate_many(recordings: Any, *, seeds: list[int]) -> list[tuple[int, int]]:
        asked.append(len(recordings))
        lengths = [len(main.word_index) for main, _ in recordings]
        return list(zip(seeds, lengths, strict=True))

    run: Any = SimpleNamespace(animate_many=animate_many)
    assert animated_by(run, samples=3)("a", clip) == ((0, 4), (1, 4), (2, 4))
    assert animated_by(run)("a", clip) == ((0, 4),)
    # Where there is room for several, those that come next are animated along.
    clips = [clip | {"word_index": np.zeros(4 + n, np.int32)} for n in range(5)]

    class Reader(list):
        clips = tuple(SimpleNamespace(name=name) for name in "abcde")

    monkeypatch.setattr(from_records, "side_by_side", lambda: 7)
    reader: Any = Reader(clips)
    predict, expected = animated_by(run, samples=2, reader=reader), ((0, 8), (1, 8))
    asked.clear()
    for name, arrays in zip("abcd", clips, strict=False):
        length = len(arrays["word_index"])
        assert predict(name, arrays) == ((0, length), (1, length))
    assert predict("e", clips[4]) == expected
    assert predict("e", clips[4]) == expected
    assert asked == [6, 4, 2]


@pytest.mark.slow
def test_a_regression_has_no_samples(way: Path, tmp_path: Path, capsys) -> None:
    given = ["--run", str(way / "run"), "--out", str(tmp_path / "out"), *FAST]
    for options, name in (
        (["--samples", "2"], f"run {way / 'run'} answers with one motion (model.head=regression), "
         "so --samples has nothing to act on"),
        (["flow.temperature=0.5"], "so flow.temperature has nothing to act on"),
    ):  # fmt: skip
        assert main([*given, *options]) == 2
        assert name in refused(capsys)
    assert not (tmp_path / "out").exists()


def test_changed_copies_are_not_measured(tmp_path: Path) -> None:
    manifest = write_records(tmp_path)
    first, copy, *others = manifest.clips
    copied = (first, dataclasses.replace(copy, copy_of=first.name), *others)
    dataclasses.replace(manifest, clips=copied).save(tmp_path)
    given = ["--motion", "m", "--records", str(tmp_path), "--recordings", "r", "--split", "train"]
    source = open_source(build_parser().parse_args(given), None)
    assert isinstance(source, RecordClips)
    assert copy.name not in [clip.name for clip in source.reader.clips]
    assert len(source) == len(manifest.clips_of("train")) - 1


@pytest.mark.slow
def test_without_words_the_same_sound_gives_another_motion(way: Path, tmp_path: Path) -> None:
    given = ["--run", str(way / "run"), "--records", str(way / "records"), *FAST]
    errors = []
    for name, more in {"with": [], "without": ["--without-words"]}.items():
        assert main([*given, "--out", str(tmp_path / name), *more]) == 0
        found = table(tmp_path / name)
        assert ("without words" in found["system"]) == (name == "without")
        errors.append(value(tmp_path / name, "position_error_metres"))
    assert errors[0] != errors[1]


@pytest.mark.slow
def test_anybodys_motion_of_a_runs_clips_stands_beside_their_records(
    way: Path, tmp_path: Path, capsys
) -> None:
    reader = ClipReader(way / "records", "validation")
    codec = reader.manifest.pose_codec()
    for number, entry in enumerate(reader.clips):
        real = codec.decode(reader[number]["pose"], reader.manifest.fps, entry.speaker)
        write_npy(tmp_path / "theirs" / f"{entry.name}.npy", real, dtype=np.float64)
    given = ["--motion", str(tmp_path / "theirs"), "--records", str(way / "records")]
    given += ["--recordings", str(ROOT / "corpus"), "--out", str(tmp_path / "out"), *FAST]
    assert main(given) == 0
    found = table(tmp_path / "out")
    assert (found["clips"], found["split"], found["protocol"]["fps"]) == (2, "validation", 30)
    assert value(tmp_path / "out", "position_error_metres") == pytest.approx(0, abs=1e-9)
    (tmp_path / "theirs" / f"{reader.clips[0].name}.npy").unlink()
    assert main(given) == 2
    assert f"has no motion of clip {reader.clips[0].name}" in refused(capsys)
