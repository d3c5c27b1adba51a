"""`llavataros animate --onto CHARACTER --also FORM`: more files, each of the same motion."""

import json
from pathlib import Path

import numpy as np
import pytest

from data_prep.machine.fingerprint import file_hash
from llavataros.animate import main
from llavataros.motion_forms import FORMS
from llavataros_jax.motion.npy import read_npy
from tests.program.test_animate import wave, words
from tests.rig import rigs
from tests.rig.played import played

pytestmark = pytest.mark.slow  # the run is trained first


@pytest.fixture
def animate(way: Path, tmp_path: Path):
    """Returns what animates a hum with options, and the folder of what comes out."""
    spoken = words(tmp_path / "w.tsv", ("hi", 0.0, 0.3))
    given = [str(wave(tmp_path / "hum.wav")), "--words", str(spoken), "--no-film"]
    given += ["--checkpoint", str(way / "run"), "--out", str(tmp_path / "out")]
    return (lambda *options: main([*given, *map(str, options)])), tmp_path / "out"


def test_a_character_moves_and_every_form_is_written(animate, tmp_path) -> None:
    run, out = animate
    rig = rigs.Rig(vrm=1, names=rigs.strange)
    character = rig.write(tmp_path / "avatar.vrm")
    others = [name for name, form in FORMS.items() if form.suffix != ".glb"]
    assert run("--onto", character, "--also", ",".join(others)) == 0
    suffixes = {".npy", ".bvh", ".json", ".glb", *(FORMS[name].suffix for name in others)}
    assert {path.name for path in out.iterdir()} == {f"hum{suffix}" for suffix in suffixes}
    motion = read_npy(out / "hum.npy", fps=30)
    _, worlds, _ = played(out / "hum.glb")
    elbow, wrist = (rig.bones.index(bone) + 1 for bone in ("rightLowerArm", "rightHand"))
    theirs = worlds[:, wrist, :3, 3] - worlds[:, elbow, :3, 3]
    ours = motion.positions[:, 5] - motion.positions[:, 4]
    lengths = [np.linalg.norm(v, axis=1, keepdims=True) for v in (ours, theirs)]
    np.testing.assert_allclose(theirs / lengths[1], ours / lengths[0], atol=1e-4)
    record = json.loads((out / "hum.json").read_text())
    assert set(record["files"]) == {f"hum{s}" for s in suffixes - {".json"}}
    assert record["onto_blake2b"] == file_hash(character)
    assert run("--onto", character) == 0  # its own files may be written again


def test_a_person_as_glb(animate) -> None:
    run, out = animate
    assert run("--also", "glb") == 0
    assert (out / "hum.glb").read_bytes()[:4] == b"glTF"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--also", "fbx"), "--also fbx is no form"),
        (("--onto", "none.vrm"), "none.vrm does not exist"),
        (("--character", "Anna"), "--character is about the character of --onto"),
        (("--replace-animations",), "--replace-animations is about"),
        (("--onto", "avatar.glb", "--also", "glb"), "both write NAME.glb"),
        (("--onto", "strange.glb"), "strange.glb has no joint that is known to be hips"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    animate, tmp_path, monkeypatch, capsys, options, told
) -> None:
    monkeypatch.chdir(tmp_path)
    rigs.Rig().write(tmp_path / "avatar.glb")
    rigs.Rig(names=rigs.strange).write(tmp_path / "strange.glb")
    run, out = animate
    assert run(*options) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.err.count("\n") == 1
    assert not out.exists()
