"""Several motions for one recording, each with its seed, from a head that nobody trained."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from data_prep.sources.files import group_files
from llavataros.animate import main
from llavataros_jax.config.file import config_from_dict, with_overrides
from llavataros_jax.inference.animate import Animator
from llavataros_jax.motion.npy import read_npy
from llavataros_jax.network import build_model, with_pose_basis
from llavataros_jax.trained import TrainedRun, open_trained
from tests.program.test_animate import wave, words

pytestmark = pytest.mark.slow  # the trunk is trained first


@pytest.fixture(scope="module")
def flow_run(way: Path) -> TrainedRun:
    run = open_trained(way / "run")
    head = ["model.head=flow", "flow.width=16", "flow.blocks=1"]
    config = with_overrides(run.config, [*head, f"data.records={way / 'records'}"])
    manifest = with_pose_basis(config, run.manifest)
    model = build_model(config, manifest)
    # A head that was never trained has no velocity at all.
    params = jax.tree.map(
        lambda x: x + 0.05 * jax.random.normal(jax.random.key(x.size), x.shape),
        model.init(jax.random.key(0)),
    )
    return TrainedRun(config, manifest, Animator(model, params, manifest.pose_codec()), "best/1")


@pytest.fixture
def door(flow_run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Returns what animates a hum, and the folder of what comes out."""
    monkeypatch.setattr("llavataros.named_run.open_trained", lambda _: flow_run)
    spoken = words(tmp_path / "w.tsv", ("hi", 0.0, 0.3))
    given = [str(wave(tmp_path / "hum.wav")), "--words", str(spoken), "--no-film"]
    out = tmp_path / "out"

    def run(*options: str) -> int:
        return main([*given, "--checkpoint", "flow", "--out", str(out), *options])

    return run, out


def test_each_sample_has_files_and_a_record_that_makes_it_again(door, capsys) -> None:
    run, out = door
    assert run("--samples", "3", "--seed", "5") == 0
    assert "3 samples (seeds 5 to 7) of 30 frames" in capsys.readouterr().out
    names = {
        f"hum_{number}{suffix}" for number in (1, 2, 3) for suffix in (".npy", ".bvh", ".json")
    }
    assert {path.name for path in out.iterdir()} == names
    motions = [np.load(out / f"hum_{number}.npy") for number in (1, 2, 3)]
    assert np.abs(motions[0] - motions[1]).max() > 1e-3
    assert np.abs(motions[1] - motions[2]).max() > 1e-3
    for number in (1, 2, 3):
        record = json.loads((out / f"hum_{number}.json").read_text())
        assert record["sample_seed"] == number + 4
        assert record["files"].keys() == {f"hum_{number}.npy", f"hum_{number}.bvh"}
    assert group_files(out, excluded=out / "none") == {}, "nor are they recordings to learn from"
    assert run("--seed", "6") == 0
    np.testing.assert_array_equal(np.load(out / "hum.npy"), motions[1])
    assert run("--samples", "2") == 0, "what it wrote itself it may replace"
    record = json.loads((out / "hum_2.json").read_text())
    assert (record["sample_seed"], record["arguments"]["samples"]) == (1, 2)
    assert np.abs(np.load(out / "hum_2.npy") - motions[1]).max() > 1e-3


def test_dials_of_samples_act_and_are_on_record(door) -> None:
    run, out = door
    dials = ["--temperature", "0", "--guidance", "3", "--steps", "1"]
    assert run("--samples", "2", *dials) == 0
    mean, again = (np.load(out / f"hum_{number}.npy") for number in (1, 2))
    np.testing.assert_array_equal(mean, again)
    record = json.loads((out / "hum_2.json").read_text())
    flow = config_from_dict(record["config"]).flow
    assert (flow.temperature, flow.guidance, flow.steps) == (0, 3, 1)
    assert record["arguments"]["temperature"] == 0
    assert any("--samples has no effect" in note for note in record["notes"])
    away = []
    for temperature in ("0.5", "1"):
        assert run("--temperature", temperature, *dials[2:]) == 0
        away.append(np.abs(np.load(out / "hum.npy") - mean).mean())
    assert 1e-4 < away[0] < away[1]
    assert run("--temperature", "1", "--guidance", "3", "--steps", "5") == 0
    assert np.abs(np.load(out / "hum.npy") - mean).mean() not in away


def test_one_file_of_somebody_else_stops_all_samples(door, capsys) -> None:
    run, out = door
    out.mkdir()
    (out / "hum_3.npy").write_bytes(b"motion capture")
    assert run("--samples", "3") == 2
    assert "hum_3.npy exists and was not written by" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["hum_3.npy"]
    assert run("--samples", "2") == 0
    assert read_npy(out / "hum_2.npy", fps=30).num_frames == 30
