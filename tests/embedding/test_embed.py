"""The command that embeds motion files."""

import dataclasses
import re

import numpy as np
import pytest

from llavataros_jax.embedding.features import features
from llavataros_jax.embedding.file import digest, write_embedding
from llavataros_jax.evaluate.embed import main
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.motion.trajectories import of_motion
from tests.embedding.people import seeded_embedding, waving
from tests.embedding.real_files import CHECKPOINT, SAMPLE, needs_files, reference
from tests.embedding.test_checkpoint import folder
from tests.evaluation.people import standing


@needs_files
def test_the_sample_gives_the_published_arrays(tmp_path, capsys):
    given = ["--protocol", "genea", "--checkpoint", str(CHECKPOINT), "--bvh", str(SAMPLE)]
    assert main([*given, "--out", str(tmp_path / "a.npz")]) == 0
    expected = reference("ref_sample1_ckpt30.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert found["positions"].shape == (759, 56, 3)
        assert found["features"].shape == (49, 32)
        np.testing.assert_allclose(
            found["positions"].reshape(759, 168), expected["positions56"], rtol=0, atol=1e-4
        )
        np.testing.assert_allclose(found["features"], expected["feat"], rtol=0, atol=1e-4)
        assert found["joints"][0] == "body_world"
    assert "759 frames, 49 windows" in capsys.readouterr().out
    assert main([*given, "--offsets", "single", "--out", str(tmp_path / "b.npz")]) == 0
    with np.load(tmp_path / "b.npz") as single:
        assert np.abs(single["positions"][:, 2:] - found_positions(tmp_path)).max() > 50


def found_positions(tmp_path):
    with np.load(tmp_path / "a.npz") as found:
        return found["positions"][:, 2:]


def ours(tmp_path, **values):
    embedding = seeded_embedding(joints=AVATAROS_9.names, **values)
    write_embedding(tmp_path / "e.safetensors", embedding)
    return embedding


def torso(num_frames=60, fps=30.0):
    random = np.random.default_rng(4)
    steps = {joint: random.normal(0, 0.01, (num_frames, 3)).cumsum(axis=0) for joint in range(9)}
    return standing(steps, num_frames=num_frames, fps=fps)


def run(tmp_path, *options, checkpoint="e.safetensors"):
    checkpoint, out = str(tmp_path / checkpoint), str(tmp_path / "out.npz")
    return main(["--checkpoint", checkpoint, "--out", out, *map(str, options)])


def test_files_of_every_form_are_embedded_together(tmp_path, capsys):
    embedding, motion = ours(tmp_path), torso()
    write_bvh(tmp_path / "a.bvh", motion)
    write_npy(tmp_path / "b.npz", motion, dtype=np.float64)
    write_npy(tmp_path / "c.npz", motion.cut(0, 1))
    files = [tmp_path / name for name in ("a.bvh", "b.npz", "c.npz")]
    assert run(tmp_path, "--motion", *files) == 0
    expected = features(embedding, of_motion(motion))
    with np.load(tmp_path / "out.npz", allow_pickle=False) as found:
        assert found["positions"].shape == (121, 9, 3)
        assert found["frames"].tolist() == [60, 60, 1]
        assert found["windows"].tolist() == [7, 7, 0]
        assert found["features"].shape == (14, 32)
        np.testing.assert_allclose(found["features"][:7], expected, atol=1e-3)
        np.testing.assert_allclose(found["features"][7:], expected, atol=1e-5)
        assert str(found["digest"]) == digest(embedding)
        assert found["files"].tolist() == list(map(str, files))
    assert (
        "c.npz: 1 frames, 0 windows; a window has 14, so there is none" in capsys.readouterr().out
    )


def test_motion_of_another_rate_is_resampled_when_asked(tmp_path, capsys):
    ours(tmp_path)
    write_npy(tmp_path / "a.npz", torso(fps=60.0))
    assert run(tmp_path, "--motion", tmp_path / "a.npz") == 2
    assert "60 frames per second, but the embedding was trained at 30; add --resample" in (
        capsys.readouterr().err
    )
    assert run(tmp_path, "--motion", tmp_path / "a.npz", "--resample") == 0
    with np.load(tmp_path / "out.npz") as found:
        assert len(found["positions"]) == 30


def test_a_rate_may_be_stated(tmp_path, capsys):
    ours(tmp_path)
    write_npy(tmp_path / "a.npy", torso())
    assert run(tmp_path, "--motion", tmp_path / "a.npy") == 2
    assert "state it (--source-fps)" in capsys.readouterr().err
    assert run(tmp_path, "--motion", tmp_path / "a.npy", "--source-fps", 30) == 0


def bvh(path):
    write_bvh(path, waving())
    return path


def with_nan(path):
    write_bvh(path, waving(2))
    path.write_text(path.read_text().rstrip().rpartition(" ")[0] + " nan\n")
    return path


def broken(path):
    path.write_text("HIERARCHY\nROOT a\n{\n")
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            lambda t: ["--motion", bvh(t / "a.bvh")],
            "needs 9 joints, but .* are missing among the 3",
        ),
        (lambda t: ["--motion", broken(t / "a.bvh")], "a.bvh: line 3: the file ends before"),
        (lambda t: ["--motion", with_nan(t / "a.bvh")], r"frame 1 \(counted from 0\) holds NaN"),
        (lambda t: ["--motion", t / "none.bvh"], "none.bvh does not exist"),
        (
            lambda t: ["--bvh", bvh(t / "a.bvh"), "--protocol", "genea"],
            "wants a checkpoint of GENEA",
        ),
        (lambda t: ["--bvh", t / "a.bvh", "--mean", "m.npy"], "--mean has no effect on"),
        (lambda t: ["--bvh", t / "a.bvh", "--dense", "leaky"], "--dense has no effect on"),
        (lambda t: ["--bvh", t / "a.bvh", "--source-fps", "-3"], "--source-fps must be positive"),
        (lambda t: ["--bvh", t / "a.bvh", "--out", "a.txt"], "--out must end in .npz"),
    ],
)
def test_what_cannot_be_embedded_is_refused_in_a_sentence(tmp_path, capsys, options, said):
    ours(tmp_path)
    assert run(tmp_path, *options(tmp_path)) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert re.search(said, error), error
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["a.npy"], "come from BVH files, but"),
        (["a.bvh"], "needs 2 joints, but hips2 are missing among the 3"),
        (["a.bvh", "--source-fps", "30"], "--source-fps has no effect on BVH files of GENEA"),
        (["a.bvh", "--mean", "m.npy"], "--mean m.npy does not exist"),
    ],
)
def test_genea_is_refused_what_it_cannot_read(tmp_path, capsys, monkeypatch, options, said):
    folder(tmp_path)
    (tmp_path / "a_target_joints.txt").write_text("hips2\nhand\n")
    bvh(tmp_path / "a.bvh")
    monkeypatch.chdir(tmp_path)
    assert run(tmp_path, "--bvh", *options, checkpoint="model.bin") == 2
    assert said in capsys.readouterr().err


def test_joints_without_position_channels_are_not_doubled(tmp_path, monkeypatch):
    folder(tmp_path)
    motion = waving()
    write_bvh(tmp_path / "a.bvh", motion)
    # Nothing but the root has position channels, and PyMO adds none to its OFFSET.
    assert run(tmp_path, "--bvh", tmp_path / "a.bvh", checkpoint="model.bin") == 0
    with np.load(tmp_path / "out.npz") as found:
        np.testing.assert_allclose(found["positions"], 100 * motion.positions[:, [0, 2]], atol=1e-3)
    frames = motion.frames.copy()
    frames[:, 1:, 0] += 1e-4 * np.arange(60)[:, None]
    write_bvh(tmp_path / "a.bvh", dataclasses.replace(motion, frames=frames))
    assert run(tmp_path, "--bvh", tmp_path / "a.bvh", checkpoint="model.bin") == 0
    with np.load(tmp_path / "out.npz") as found:
        assert np.abs(found["positions"] - 100 * motion.positions[:, [0, 2]]).max() > 10
