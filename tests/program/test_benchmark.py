"""The benchmarks run anywhere, take turns, and say what they lack."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.listen.transcription import Transcription
from data_prep.words.word import Word
from llavataros.benchmark import pase, transcripts
from llavataros.benchmark.__main__ import KINDS, LONG, main
from llavataros.benchmark.stream import published_and_small
from llavataros.benchmark.turns import compare

ROOT = Path(__file__).parents[2]


def test_ways_take_turns_and_the_first_is_the_measure(capsys, monkeypatch):
    called, clock = [], iter(np.arange(100.0).cumsum())
    monkeypatch.setattr("llavataros.benchmark.turns.time.perf_counter", lambda: next(clock))
    ways = {"ours": lambda: called.append("ours"), "usual": lambda: called.append("usual")}
    medians = compare("work", ways, turns=3)
    assert called == ["ours", "usual"] * 5
    assert medians == {"ours": 9.0, "usual": 11.0}
    printed = capsys.readouterr().out
    assert "1.00 x" in printed
    assert "1.22 x" in printed


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("records", ["mapped bytes (ours)", "protobuf float lists"]),
        ("dropout", ["threefry2x32", "rbg"]),
        ("figure", ["OpenCV (ours)", "Pillow", "Matplotlib"]),
    ],
)
def test_a_benchmark_runs_outside_the_checkout(tmp_path, monkeypatch, capsys, name, ways):
    monkeypatch.chdir(tmp_path)
    assert main([name, "--turns", "1"]) == 0
    printed = capsys.readouterr().out
    assert all(way in printed for way in ways)


def test_the_live_benchmark_times_the_published_size_and_a_small_one():
    published, small = (config for config, _ in published_and_small())
    assert (published.d_model, published.self_blocks) == (1024, 4)
    assert small.d_model < published.d_model


def test_every_kind_is_explained(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out
    assert all(f"\n{name} " in printed for name in (*KINDS, *LONG))


def test_help_on_one_of_them_is_its_own(capsys):
    with pytest.raises(SystemExit):
        main(["input", "--help"])
    printed = capsys.readouterr().out
    assert "input: A batch of training: read lane by lane" in printed
    assert "\nrecords " not in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recrods"], "no benchmark recrods"),
        (["records", "--turns", "0"], "--turns is 0"),
        (["--recordings", "/nowhere"], "/nowhere is not a folder"),
        (["--recordings", "/", "records"], "leave out the names"),
        (["--whisper", "base"], "--whisper needs --recordings"),
    ],
)
def test_wrong_words_are_told_in_a_sentence(capsys, arguments, message):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_a_missing_library_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert main(["figure", "--turns", "1"]) == 2
    assert "needs cv2; install with: " in capsys.readouterr().err


def test_without_pytorch_ours_is_timed_alone(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    timed = []
    monkeypatch.setattr(pase, "compare", lambda work, ways, turns: timed.extend(ways) or {})
    pase.run(1)
    assert timed == ["in chunks (ours)", "whole (ours)", "a window for each frame (ours)"]
    assert "needs torch; install with: " in capsys.readouterr().out


def test_the_old_name_still_works(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmark.py", "dropout", "--turns", "1"])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / "scripts" / "benchmark.py"), run_name="__main__")
    assert left.value.code == 0
    assert "threefry2x32" in capsys.readouterr().out


def test_transcribers_are_compared_on_recordings_whose_words_are_known(
    tmp_path, monkeypatch, capsys
):
    for name, words in (("a", "Hello there, you."), ("b", "ONE two")):
        soundfile.write(tmp_path / f"{name}.wav", np.ones(8000) / 2, 8000)
        (tmp_path / f"{name}.lab").write_text(words)
    soundfile.write(tmp_path / "unknown.wav", np.ones(8000) / 2, 8000)

    def heard(path, config):
        text = {"a": "hello where you", "b": "one two"}[path.stem]
        return Transcription(tuple(Word(word, 0, 1) for word in text.split()))

    monkeypatch.setattr(transcripts, "transcription_of", heard)
    assert main(["--recordings", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("2 recordings in ")
    assert printed[-1].split()[:2] == ["PocketSphinx", "20.0%"]
    assert "33.3% of 3 words" in printed[2]
    for path in tmp_path.glob("*.lab"):
        path.unlink()
    assert main(["--recordings", str(tmp_path)]) == 2
    assert "holds no recording beside which" in capsys.readouterr().err


def test_options_of_one_benchmark_are_refused_by_others(capsys) -> None:
    assert main(["serve", "stream", "--sessions", "2"]) == 2
    assert "--sessions is of serve" in capsys.readouterr().err
