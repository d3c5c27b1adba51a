"""Prepare, train, kill, resume, generate, measure: the README's commands one after another."""

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from llavataros.animate import main as animate
from llavataros_jax.motion.bvh import read_bvh
from llavataros_jax.motion.npy import read_npy
from tests.program.way import CORPUS, options, run, start

pytestmark = pytest.mark.slow


def provenance(folder: Path) -> dict:
    """Animates a held-out clip and returns its provenance."""
    arguments = ["--checkpoint", str(folder / "run"), "--audio", str(CORPUS / "ben_4.flac")]
    arguments += ["--words", str(CORPUS / "ben_4.json"), "--speaker", "ben", "--no-film"]
    assert animate([*arguments, "--out", str(folder / "out")]) == 0
    return json.loads((folder / "out" / "ben_4.json").read_text())


def test_a_killed_training_goes_on_and_gives_the_same_animation(way: Path, tmp_path: Path) -> None:
    whole = provenance(way)

    shutil.copytree(way / "records", tmp_path / "records")
    training = start("-m", "llavataros_jax.train", *options(tmp_path), "training.sample_every=0")
    assert training.stdout is not None
    for line in training.stdout:
        # Step 6 is beyond the checkpoint of step 4, so some steps must be done again.
        if line.startswith("step 6/12"):
            training.kill()
    assert training.wait() == -signal.SIGKILL
    again = run("-m", "llavataros_jax.train", *options(tmp_path))
    assert "step 12/12" in again
    assert "step 4/12" in again or "from step 4" in again

    resumed = provenance(tmp_path)
    assert resumed["parameters_blake2b"] == whole["parameters_blake2b"]
    motions = [(folder / "out" / "ben_4.npy").read_bytes() for folder in (way, tmp_path)]
    assert motions[0] == motions[1]


def test_everything_that_was_promised_is_written(
    way: Path, tmp_path: Path, command: Callable[..., str]
) -> None:
    out = tmp_path / "new" / "folder"
    audio = CORPUS / "talk_1_ada.flac"
    printed = command(
        *("animate", "--checkpoint", str(way / "run"), "--audio", str(audio)),
        *("--words", str(audio.with_suffix(".json")), "--out", str(out)),
        *("--interlocutor-audio", str(CORPUS / "talk_1_ben.flac")),
        *("--interlocutor-words", str(CORPUS / "talk_1_ben.json")),
        *("--interlocutor-speaker", "ben"),
    )
    seconds = soundfile.info(audio).duration
    motion = read_npy(out / "talk_1_ada.npy", fps=30)
    assert motion.num_frames == round(seconds * 30)
    skeleton = read_bvh(out / "talk_1_ada.bvh")
    assert skeleton.fps == pytest.approx(30, rel=1e-5)
    np.testing.assert_allclose(skeleton.positions[:, :9], motion.positions, atol=1e-5)
    provenance = json.loads((out / "talk_1_ada.json").read_text())
    assert provenance["frames"] == motion.num_frames
    assert provenance["checkpoint"].split("/")[0] in ("best", "latest")
    for suffix in (".npy", ".bvh", ".mov", ".json"):
        path = out / f"talk_1_ada{suffix}"
        assert path.stat().st_size > 0
        assert str(path) in printed


def test_the_demo_prepares_and_trains_nothing_twice(
    way: Path, tmp_path: Path, command: Callable[..., str]
) -> None:
    """It goes on to the animation, which is refused here: what comes then, `test_wheel` asks."""
    records = {path: path.stat().st_mtime_ns for path in (way / "records").glob("*tfrecord*")}
    began, out = time.time_ns(), tmp_path / "out"
    out.touch()
    printed = command("demo", "--out", str(out), *options(way), code=2)
    assert "every stage was cached" in printed
    assert {path: path.stat().st_mtime_ns for path in records} == records
    for checkpoint in (way / "run" / "checkpoints" / "latest").iterdir():
        assert checkpoint.stat().st_mtime_ns < began
    # The demo ends with the step that failed, and with its sentence.
    assert "== Animate ada_4" in printed
    assert "error: " in printed
    assert str(out) in printed.split("error: ")[1]
    assert "== Measure" not in printed
