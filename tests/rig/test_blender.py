"""Blender opens our files without a window, and its bones are where ours are."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.rig.glb import write_motion_glb
from llavataros_jax.rig.onto import put_onto
from tests.rig import rigs
from tests.rig.motions import asymmetric_motion, spoken_motion
from tests.rig.played import played

SCRIPT = Path(__file__).with_name("blender") / "heads.py"
BLENDER = shutil.which("blender")
RIGS = {
    "centimetres, rolled, A-pose": rigs.Rig(
        fingers=True, armature_scale=0.01, rolls=3, lowered_degrees=45
    ),
    "z up": rigs.Rig(armature_turn=(-90, 0, 0), rolls=4, hips=0.6, arms=1.4),
    "VRM 0.x": rigs.Rig(vrm=0, names=rigs.strange, turned_degrees=180),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BLENDER is None, reason="blender is not installed here"),
]


def run(script: Path, folder: Path, *arguments: str) -> None:
    """Runs a script in Blender; its glTF add-on needs NumPy, which Debian's comes without."""
    packages = folder / "packages"
    packages.mkdir(exist_ok=True)
    installed = Path(np.__file__).parent
    for part in (installed, installed.with_name("numpy.libs")):
        if part.exists() and not (packages / part.name).exists():
            (packages / part.name).symlink_to(part)
    assert BLENDER
    command = [BLENDER, "-b", "--factory-startup", "--python-exit-code", "3"]
    command += ["--python", str(script), "--", *arguments]
    environment = os.environ | {
        "PYTHONPATH": str(packages),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if "_multiarray_umath" in done.stderr + done.stdout:
        pytest.skip("Blender's Python is another one than NumPy is installed for here")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def motions() -> dict[str, Motion]:
    return {"speech": spoken_motion(120), "every way": asymmetric_motion(15)}


@pytest.fixture(scope="module")
def heads(tmp_path_factory, motions) -> dict[str, tuple[Path, dict[str, np.ndarray]]]:
    """Returns each file, and the heads of its bones as Blender has them, turned to y up."""
    folder, files = tmp_path_factory.mktemp("blender"), {}
    for said, motion in motions.items():
        files[f"bvh {said}"] = folder / f"{said}.bvh", motion
        write_bvh(folder / f"{said}.bvh", motion)
        files[f"glb {said}"] = folder / f"{said}.glb", motion
        write_motion_glb(folder / f"{said}.glb", motion)
    for kind, rig in RIGS.items():
        character = rig.write(folder / "rig.glb")
        for said, motion in motions.items():
            path = folder / f"{kind} {said}.glb"
            put_onto(motion, character, path, name=said)
            files[f"onto {kind} {said}"] = path, motion
    jobs = [[str(path), motion.num_frames, motion.fps] for path, motion in files.values()]
    (folder / "jobs.json").write_text(json.dumps(jobs))
    run(SCRIPT, folder, str(folder / "jobs.json"))
    answers = json.loads((folder / "jobs.out.json").read_text())
    found = {}
    for (name, (path, _)), answer in zip(files.items(), answers, strict=True):
        turned = {bone: np.array(v)[:, [0, 2, 1]] * [1, 1, -1] for bone, v in answer.items()}
        found[name] = path, turned
    return found


@pytest.mark.parametrize("said", ["speech", "every way"])
@pytest.mark.parametrize("form", ["bvh", "glb"])
def test_our_skeleton(heads, motions, form, said) -> None:
    motion, (_, found) = motions[said], heads[f"{form} {said}"]
    assert set(found) == set(motion.skeleton.names)
    for joint, name in enumerate(motion.skeleton.names):
        apart = np.abs(found[name] - motion.positions[:, joint]).max()
        assert apart < 1e-4, f"{name} is {apart:.2g} m elsewhere"


@pytest.mark.parametrize("said", ["speech", "every way"])
@pytest.mark.parametrize("kind", RIGS)
def test_a_character(heads, kind, said) -> None:
    path, found = heads[f"onto {kind} {said}"]
    names, worlds, _ = played(path)
    assert set(found) == {RIGS[kind].names(bone) for bone in RIGS[kind].bones}
    for name, head in found.items():
        apart = np.abs(head - worlds[:, names.index(name), :3, 3]).max()
        assert apart < 1e-4, f"{name} is {apart:.2g} m elsewhere"
