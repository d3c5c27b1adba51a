"""The corpus of hours: the same whoever makes it, and a stopped run goes on."""

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.corpus import __main__ as door
from data_prep.corpus.hours import writer
from data_prep.corpus.hours.lexicon import all_held_out
from data_prep.corpus.hours.take import FPS, plan_takes
from data_prep.corpus.hours.voices import VOICES

HOURS = 0.05


def write(folder: Path, *more: str, hours: float = HOURS, seed: int = 4) -> int:
    return door.main(
        ["--hours", str(hours), "--seed", str(seed), "--out", str(folder), "--workers", "2", *more]
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    pytest.importorskip("espeakng_loader")
    folder = tmp_path_factory.mktemp("hours")
    assert write(folder) == 0
    return folder


def clips(folder: Path) -> list[dict[str, str]]:
    with open(folder / "clips.tsv", encoding="utf-8") as table:
        return list(csv.DictReader(table, delimiter="\t"))


@pytest.mark.slow
def test_one_worker_writes_the_same_bytes(corpus, tmp_path):
    assert write(tmp_path, "--workers", "1") == 0
    assert contents(tmp_path) == contents(corpus)


@pytest.mark.slow
def test_a_stopped_run_goes_on_and_makes_nothing_twice(corpus, tmp_path, capsys):
    takes = plan_takes(4, HOURS)
    lost = takes[1].clips[0][0]
    whole = contents(corpus)
    for name, data in whole.items():
        if name not in (f"{lost}.npz", f"{lost}.json", "clips.tsv"):
            (tmp_path / name).write_bytes(data)
    kept = tmp_path / f"{takes[0].clips[0][0]}.flac"
    before = kept.stat().st_mtime_ns
    assert write(tmp_path) == 0
    assert "1 takes to make" in capsys.readouterr().out
    assert contents(tmp_path) == whole
    assert kept.stat().st_mtime_ns == before


@pytest.mark.slow
def test_clips_are_whole(corpus):
    rows = clips(corpus)
    seconds = 0.0
    for row in rows:
        samples, rate = soundfile.read(corpus / f"{row['name']}.flac")
        assert rate == 16000
        with np.load(corpus / f"{row['name']}.npz") as arrays:
            motion = arrays["motion"]
        assert motion.shape == (len(samples) * FPS // rate, 9, 7)
        assert np.isfinite(motion).all()
        assert 0.001 < np.abs(samples).max() < 0.99
        words = json.loads((corpus / f"{row['name']}.json").read_text(encoding="utf-8"))["words"]
        times = [t for word in words for t in (word["start"], word["end"])]
        assert times == sorted(times)
        assert 0 < times[0] < times[-1] < len(samples) / rate
        assert any("meaning" in word for word in words)
        assert row["interlocutor"] in {"", *(other["name"] for other in rows)}
        seconds += len(samples) / rate
    assert seconds >= HOURS * 3600
    stems = {path.stem for path in corpus.iterdir() if path.suffix in (".flac", ".npz")}
    assert stems == {row["name"] for row in rows}


@pytest.mark.slow
def test_a_clip_is_silent_for_a_part_of_its_time(corpus):
    shares = []
    for row in clips(corpus):
        if row["interlocutor"]:
            continue
        words = json.loads((corpus / f"{row['name']}.json").read_text(encoding="utf-8"))["words"]
        gaps = [b["start"] - a["end"] for a, b in itertools.pairwise(words)]
        shares.append(sum(gap for gap in gaps if gap > 1) / words[-1]["end"])
        assert sum(word["end"] - word["start"] for word in words) > 0.4 * words[-1]["end"]
    assert 0.01 < np.mean(shares) < 0.25


@pytest.mark.slow
def test_held_out_words_can_be_left_out(corpus, tmp_path):
    assert write(tmp_path, "--without-held-out") == 0

    def said(folder: Path) -> set[str]:
        return {
            word["word"]
            for row in clips(folder)
            for word in json.loads((folder / f"{row['name']}.json").read_text())["words"]
        }

    assert not said(tmp_path) & all_held_out()
    assert said(corpus) & all_held_out()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"seed": 5}, "seed=4"),
        ({"hours": 0.02}, "0.05 hours"),
        ({"without": True}, "without_held_out"),
    ],
)
def test_a_folder_of_another_corpus_is_refused(corpus, arguments, told, capsys):
    before = contents(corpus)
    more = ["--without-held-out"] if arguments.pop("without", False) else []
    assert write(corpus, *more, **arguments) == 2
    assert told in capsys.readouterr().err
    assert contents(corpus) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--hours", "0"], "--hours 0"),
        (["--hours", "nan"], "--hours nan"),
        (["--hours", "1e9"], "--hours 1e+09"),
        (["--hours", "1", "--seed", "-3"], "--seed -3"),
        (["--hours", "1", "--workers", "0"], "--workers 0"),
        (["--hours", "1", "--takes", "ada_1"], "--takes"),
        (["--seed", "3"], "--seed"),
        (["--without-held-out"], "--without-held-out"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(tmp_path, capsys, arguments, told):
    assert door.main(["--out", str(tmp_path / "new"), *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_a_full_disk_is_told_before_anything_is_made(tmp_path, capsys, monkeypatch):
    free = writer.shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr(writer.shutil, "disk_usage", lambda path: free)
    assert write(tmp_path / "new", hours=2.0) == 2
    assert "1 MB free" in capsys.readouterr().err


def test_another_data_set_is_left_alone(tmp_path, capsys):
    (tmp_path / "clips.tsv").write_text("name\tspeaker\ttake\tinterlocutor\n")
    assert write(tmp_path) == 2
    assert "another data set" in capsys.readouterr().err


def test_takes_of_more_hours_begin_with_those_of_fewer():
    few, many = plan_takes(1, 0.5), plan_takes(1, 3.0)
    assert many[: len(few)] == few
    assert plan_takes(2, 0.5) != few


def test_takes_are_fair_and_a_third_are_of_dialogues():
    takes = plan_takes(1, 20.0)
    clips = [clip for take in takes for clip in take.clips]
    counts = {name: sum(clip[1] == name for clip in clips) for name in VOICES}
    assert max(counts.values()) - min(counts.values()) <= 2
    assert 0.22 < np.mean([bool(clip[3]) for clip in clips]) < 0.38
    assert all(40 <= take.seconds <= 90.1 for take in takes)
    assert all(take.num_frames % 3 == 0 for take in takes)
    total = sum(take.seconds * len(take.speakers) for take in takes) / 3600
    assert 20 <= total < 20.06
    for name, _, _, other in clips:
        assert not other or (other, name) in {(clip[0], clip[3]) for clip in clips}
