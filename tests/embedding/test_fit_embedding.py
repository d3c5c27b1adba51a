"""The command that trains an embedding."""

import dataclasses

import numpy as np
import pytest

from llavataros_jax.embedding.file import read_embedding
from llavataros_jax.evaluate.fit_embedding import main
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.npy import write_npy
from tests.embedding.people import JOINTS, waving
from tests.evaluation.people import standing
from tests.training.records import write_records

QUICK = ("--window", "14", "--epochs", "1", "--batch", "8")


@pytest.fixture
def dances(tmp_path):
    folder = tmp_path / "dances"
    for seed in range(4):
        place = folder / ("anna" if seed % 2 else "ben") / f"{seed}.bvh"
        place.parent.mkdir(parents=True, exist_ok=True)
        write_bvh(place, waving(60, fps=30.0 if seed else 60.0, seed=seed))
    (folder / ".hidden.bvh").write_text("no motion")
    return folder


@pytest.mark.slow
def test_a_folder_is_trained_on(tmp_path, dances, capsys):
    out = tmp_path / "e.safetensors"
    given = ["--motion", str(dances), "--out", str(out), "--fps", "30", *QUICK]
    assert main([*given, "--seed", "3"]) == 0
    told = capsys.readouterr().out
    assert "4 clips, 3 joints at 30 frames per second" in told
    assert "epoch 1: loss" in told
    assert "held-out error" in told
    embedding = read_embedding(out)
    assert (embedding.joints, embedding.fps, embedding.stride_frames) == (JOINTS, 30.0, 7)
    assert embedding.about["seed"] == 3
    again = tmp_path / "again.safetensors"
    assert main([*given[:3], str(again), *given[4:], "--seed", "3"]) == 0
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.slow
def test_records_are_trained_on(tmp_path, capsys):
    manifest = write_records(tmp_path / "records")
    first, second, *others = manifest.clips
    copy = dataclasses.replace(second, copy_of=first.name)
    dataclasses.replace(manifest, clips=(first, copy, *others)).save(tmp_path / "records")
    out = tmp_path / "e.safetensors"
    assert main(["--records", str(tmp_path / "records"), "--out", str(out), *QUICK]) == 0
    embedding = read_embedding(out)
    assert embedding.fps == manifest.fps
    assert embedding.joints == manifest.pose_codec().skeleton.names
    assert embedding.about["clips"] == len(manifest.clips_of("train")) - 1  # without the copy
    assert f"{embedding.about['clips']} clips, 9 joints" in capsys.readouterr().out


def damaged(folder):
    (folder / "z.bvh").write_text("HIERARCHY\n")


def with_nan(folder):
    frames = standing(num_frames=40).frames.copy()
    frames[7, 3, 0] = np.nan
    np.savez(folder / "0.npz", motion=frames, fps=30.0)


def one_frame_each(folder):
    for path in folder.rglob("*.bvh"):
        path.unlink()
    write_bvh(folder / "a.bvh", waving(1))


def without_rate(folder):
    write_npy(folder / "0.npy", standing(num_frames=40))


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (
            None,
            (),
            "clip ben/0.bvh has 60 frames per second, the first one 30; .* choose one (--fps)",
        ),
        (damaged, ("--fps", "30"), "z.bvh: line"),
        (with_nan, ("--fps", "30"), "1 joint poses with NaN or infinity"),
        (one_frame_each, (), "1 clips of 1 frames at most make 0 windows of 14"),
        (without_rate, ("--fps", "30"), "does not say its rate"),
        (None, ("--fps", "0"), "--fps must be positive"),
        (None, ("--window", "9"), "windows of 9 frames are too short"),
        (None, ("--stride", "0"), "--stride must be 1 or more"),
        (None, ("--held-out", "1"), "--held-out must be a share"),
        (None, ("--epochs", "0"), "--epochs must be 1 or more"),
        (None, ("--split", "train"), "--split has no effect on --motion"),
        (None, ("--out", "a.npz"), "--out must end in .safetensors"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(tmp_path, dances, capsys, change, options, said):
    if change:
        change(dances)
    out = tmp_path / "e.safetensors"
    assert main(["--motion", str(dances), "--out", str(out), *QUICK, *options]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note")]
    assert len(error) == 1
    for part in said.split(" .* "):
        assert part in error[0]
    assert not out.exists()


@pytest.mark.parametrize("kind", ["empty", "none", "file"])
def test_a_folder_without_motion_is_refused(tmp_path, capsys, kind):
    folder = tmp_path / "motion"
    if kind == "empty":
        folder.mkdir()
    elif kind == "file":
        folder.write_text("")
    assert main(["--motion", str(folder), "--out", str(tmp_path / "e.safetensors")]) == 2
    assert ("holds no .bvh" if kind == "empty" else "is no folder") in capsys.readouterr().err


def test_records_that_do_not_exist_are_refused(tmp_path, capsys):
    out = str(tmp_path / "e.safetensors")
    assert main(["--records", str(tmp_path / "none"), "--out", out]) == 2
    assert str(tmp_path / "none") in capsys.readouterr().err
    assert main(["--records", "x", "--source-fps", "3", "--out", out]) == 2
    assert "--source-fps has no effect on --records" in capsys.readouterr().err
