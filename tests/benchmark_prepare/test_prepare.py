"""The usual script of preparation gives our numbers, and both are timed and written."""

import json

import numpy as np
import pytest

from llavataros.benchmark import prepare, prepare_corpus, prepare_parts, prepare_report
from llavataros.benchmark.__main__ import main
from llavataros.benchmark.prepare_corpus import open_corpus
from llavataros.benchmark.prepare_usual import read_poses, write_as_usual
from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.errors import UserError
from llavataros_jax.motion.npy import write_npy
from tests.data_prep.recordings import make_motion, small_config, write_clip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory):
    """Returns two recordings of two seconds, one of them at another rate, and their folder."""
    folder = tmp_path_factory.mktemp("corpus")
    for seed, fps in enumerate((60, 50)):
        write_clip(folder / "in", f"clip{seed}", seconds=2.0, seed=seed)
        (folder / "in" / f"clip{seed}.npy").unlink()
        write_npy(folder / "in" / f"clip{seed}.npz", make_motion(seed, 2.0, fps=fps))
    return folder, open_corpus(small_config(folder))


def test_the_usual_script_gives_our_numbers(corpus) -> None:
    said = prepare_parts.parity(corpus[1])
    assert set(said) == {
        *("sound", "log-mel", "loudness", "pitch where voiced, octaves", "onsets", "poses")
    }
    differences = {name: float(words.split()[2]) for name, words in said.items()}
    assert max(differences.values()) < 1e-4, differences


def test_resampled_poses_are_ours_too(corpus) -> None:
    _, found = corpus
    ours = prepare_parts._codec(found).encode(prepare_parts._motion(found, 1))
    theirs = read_poses(found.motion(1), found.fps)
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_the_script_writes_a_row_for_each_frame(corpus, tmp_path) -> None:
    _, found = corpus
    write_as_usual(found, tmp_path / "usual")
    with np.load(tmp_path / "usual" / "clip0.npz") as arrays:
        shapes = {name: array.shape for name, array in arrays.items()}
        text = arrays["text"]
    # Six mel bands, loudness, pitch and onsets, three steps each; root and nine joints.
    assert shapes == {"audio": (60, 27), "text": (60, 12), "pose": (60, 57)}
    # The first word is said from 0.1 s to 0.32 s: frames 3 to 9.
    assert text[3:10].any(axis=1).all()
    assert not text[[2, 10]].any()


@pytest.mark.slow
def test_all_is_timed_and_written(corpus, tmp_path, monkeypatch, capsys) -> None:
    folder, _ = corpus
    (folder / "small.yaml").write_text(config_to_yaml(small_config(folder)))
    monkeypatch.setattr(prepare_corpus.os, "cpu_count", lambda: 1)
    # It takes a second to compile, and has a benchmark and tests of its own.
    pase = prepare_parts.Part("PASE+", {"ours": lambda: None}, 1.0)
    monkeypatch.setattr(prepare_parts, "_pase", lambda *_: pase)
    found = prepare.run(1, config=str(folder / "small.yaml"), out=tmp_path)
    assert json.loads((tmp_path / "prepare.json").read_text()) == found
    rows = {(row["part"], row["way"]): row for row in found["rows"]}
    whole = rows["all", "ours, one process"]
    assert whole["frames_per_second"] == pytest.approx(120 / whole["median_seconds"])
    assert whole["seconds_per_minute"] == pytest.approx(60 / whole["times_real"])
    usual = rows["all", "usual script, one process"]
    assert whole["times_usual"] == usual["median_seconds"] / whole["median_seconds"]
    assert "times_usual" not in usual
    assert "times_usual" not in rows["hashes of the files", "ours"]
    assert 0 < found["bytes"]["ours"] < found["bytes"]["usual"]
    assert prepare_report.table(found) in capsys.readouterr().out


def test_what_the_script_cannot_prepare_is_refused(tmp_path, capsys) -> None:
    write_clip(tmp_path / "in", "clip")
    (tmp_path / "in" / "clip.json").unlink()
    with pytest.raises(UserError, match="no recordings with motion and timed words"):
        open_corpus(small_config(tmp_path))
    assert main(["records", "--config", "demo"]) == 2
    assert "--config is of prepare" in capsys.readouterr().err
