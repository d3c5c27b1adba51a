"""Animations read from GLB files: our own come back, strangers' are told at an even rate."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pygltflib
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation, Slerp

from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.rig.glb import write_motion_glb
from llavataros_jax.rig.glb_builder import GlbBuilder
from llavataros_jax.rig.glb_reader import read_glb
from llavataros_jax.rig.gltf_file import GltfFile, read_gltf, write_glb
from llavataros_jax.rig.normalised import humanoid_motion
from llavataros_jax.rig.vrma import read_vrma, write_vrma
from tests.rig.people import posed, uneven_motion
from tests.rig.test_glb import sliding


@pytest.mark.parametrize("fps", [30.0, 60.0, 29.97, 24.0])
def test_what_was_written_comes_back_with_its_twist(tmp_path: Path, fps: float) -> None:
    motion = Motion(sliding().frames, fps, sliding().skeleton)
    write_motion_glb(tmp_path / "a.glb", motion)
    back, notes = read_glb(tmp_path / "a.glb")
    assert notes == ()
    assert back.fps == pytest.approx(fps, abs=1e-4)
    assert back.skeleton.names == motion.skeleton.names
    np.testing.assert_allclose(back.positions, motion.positions, atol=2e-6)
    turned = Rotation.from_quat(back.quaternions.reshape(-1, 4))
    wanted = Rotation.from_quat(motion.quaternions.reshape(-1, 4))
    assert (turned * wanted.inv()).magnitude().max() < 2e-6
    np.testing.assert_allclose(back.skeleton.offsets, motion.skeleton.offsets, atol=1e-7)


def test_without_a_body_and_with_another_rest_pose(tmp_path: Path) -> None:
    lowered = {"leftUpperArm": Rotation.from_euler("z", -40, degrees=True)}
    motion = uneven_motion(posed(lowered))
    write_motion_glb(tmp_path / "a.glb", motion, with_body=False)
    back, _ = read_glb(tmp_path / "a.glb")
    np.testing.assert_allclose(back.frames, motion.frames, atol=2e-6)


def strange(path: Path, *, armature: dict | None = None, **samplers: dict) -> Path:
    """Writes Hips with a Spine on it, below an Armature, with samplers of our own making."""
    builder = GlbBuilder()
    builder.append("nodes", {"name": "Armature", "children": [1], **(armature or {})})
    builder.append("nodes", {"name": "Hips", "translation": [0, 1, 0], "children": [2]})
    builder.append("nodes", {"name": "Spine", "translation": [0, 0.2, 0]})
    builder.append("scenes", {"nodes": [0]})
    animation: dict = {"channels": [], "samplers": []}
    for node, name in ((1, "hips"), (2, "spine")):
        given = samplers[name]
        sampler = {"input": builder.add(np.array(given["times"]), bounds=True)}
        values = given["values"]
        kind = given.get("kind", "float32")
        sampler["output"] = builder.add(np.array(values), kind, normalised=kind != "float32")
        sampler["interpolation"] = given.get("mode", "LINEAR")
        target = {"node": node, "path": given.get("path", "rotation")}
        animation["channels"].append({"sampler": len(animation["samplers"]), "target": target})
        animation["samplers"].append(sampler)
    builder.append("animations", animation)
    builder.write(path)
    return path


TURNS = Rotation.from_euler("XYZ", [[0, 0, 0], [40, 10, 0], [90, -20, 30]], degrees=True)


def test_keys_of_uneven_times_by_slerp(tmp_path: Path) -> None:
    """Against SciPy; keys need not lie on frames, nor be as many for each node."""
    times = [0.0, 0.31, 1.0]
    still = {"times": [0.0], "values": [[0, 0, 0, 1]]}
    path = strange(
        tmp_path / "a.glb", hips={"times": times, "values": TURNS.as_quat()}, spine=still
    )
    motion, notes = read_glb(path)
    assert motion.fps == 30
    assert motion.num_frames == 31
    assert "no even rate" in notes[0]
    wanted = Slerp(np.float32(times), TURNS)(np.clip(np.arange(31) / 30, 0, 1))
    assert (Rotation.from_quat(motion.quaternions[:, 0]) * wanted.inv()).magnitude().max() < 1e-6


def test_steps_and_splines(tmp_path: Path) -> None:
    places = np.array([[0.0, 1, 0], [0.2, 1.1, 0], [0.1, 0.9, 0.4]])
    slopes = np.array([[0.0, 0, 0], [0.5, 0, 1], [0, 1, 0]])
    values = np.stack((slopes, places, slopes), axis=1).reshape(9, 3)
    times = [0.0, 0.5, 1.0]
    path = strange(
        tmp_path / "a.glb",
        hips={"times": times, "values": values, "mode": "CUBICSPLINE", "path": "translation"},
        spine={"times": times, "values": TURNS.as_quat(), "mode": "STEP"},
    )
    motion, _ = read_glb(path, fps=20)
    assert motion.num_frames == 21
    at = np.arange(21) / 20
    wanted = CubicHermiteSpline(times, places, slopes)(at)
    np.testing.assert_allclose(motion.positions[:, 0], wanted, atol=1e-6)
    held = TURNS[(at >= 0.5).astype(int) + (at >= 1.0)]
    assert (Rotation.from_quat(motion.quaternions[:, 1]) * held.inv()).magnitude().max() < 1e-6


def test_an_armature_of_centimetres_that_lies(tmp_path: Path) -> None:
    """As FBX converters leave it: scaled by a hundredth and turned by a quarter."""
    armature = {"scale": [0.01] * 3, "rotation": [-(0.5**0.5), 0, 0, 0.5**0.5]}
    still = {"times": [0.0, 0.5], "values": [[0, 0, 0, 1]] * 2}
    moves = {"times": [0.0, 0.5], "values": [[0, 0, 100], [10, 0, 100]], "path": "translation"}
    path = strange(tmp_path / "a.glb", armature=armature, hips=moves, spine=still)
    motion, _ = read_glb(path, fps=2)
    np.testing.assert_allclose(motion.positions[:, 0], [[0, 1, 0], [0.1, 1, 0]], atol=1e-6)
    assert motion.skeleton.num_joints == 2


def test_whole_numbers_that_mean_shares(tmp_path: Path) -> None:
    still = {"times": [0.0, 1.0], "values": [[0, 0, 0, 1]] * 2}
    short = {"times": [0.0, 1.0], "values": np.rint(TURNS[:2].as_quat() * 255), "kind": "uint8"}
    path = strange(tmp_path / "a.glb", hips=short, spine=still)
    motion, _ = read_glb(path, fps=1)
    wanted = TURNS[:2]
    assert (Rotation.from_quat(motion.quaternions[:, 0]) * wanted.inv()).magnitude().max() < 0.01


def spoil(path: Path, change: Callable[[dict], None]) -> None:
    """Changes the JSON of a file."""
    file = read_gltf(path)
    tree = json.loads(json.dumps(file.tree))
    change(tree)
    write_glb(path, GltfFile(path, tree, file.buffers))


def two_tops(tree: dict) -> None:
    del tree["nodes"][0]["children"]
    tree["scenes"][0]["nodes"] = list(range(len(tree["nodes"])))


BROKEN = {
    "has no animation": lambda tree: tree.pop("animations"),
    "moves no node": lambda tree: tree["animations"][0].update(channels=[]),
    "broken channel": lambda tree: tree["animations"][0]["channels"][0].update(sampler=99),
    "the times of the translation of node 0 cannot be read": lambda tree: tree["animations"][0][
        "samplers"
    ][0].update(input=999),
    "goes beyond the file's end": lambda tree: tree["accessors"][-1].update(count=1 << 20),
    "told by 'CURVED'": lambda tree: tree["animations"][0]["samplers"][1].update(
        interpolation="CURVED"
    ),
    "is sparse": lambda tree: tree["accessors"][-1].update(sparse={}),
    "hang on nothing that they share": two_tops,
    "scaled unevenly": lambda tree: tree["nodes"][2].update(scale=[1, 2, 1]),
    "values for 12 times": lambda tree: tree["accessors"][-1].update(count=5),
}


@pytest.mark.parametrize("told", BROKEN)
def test_broken_files_are_refused_by_a_sentence(tmp_path: Path, told: str) -> None:
    path = tmp_path / "a.glb"
    write_motion_glb(path, uneven_motion(), with_body=False)
    spoil(path, BROKEN[told])
    with pytest.raises(UserError, match=told) as hit:
        read_glb(path)
    assert str(hit.value).startswith(str(path))
    assert str(hit.value).count("\n") == 0


def test_times_that_go_back_are_refused(tmp_path: Path) -> None:
    still = {"times": [0.0, 1.0], "values": [[0, 0, 0, 1]] * 2}
    back = {"times": [0.5, 0.2], "values": [[0, 0, 0, 1]] * 2}
    with pytest.raises(UserError, match="times of the rotation of node 1 do not rise from 0"):
        read_glb(strange(tmp_path / "a.glb", hips=back, spine=still))


def test_nan_is_refused(tmp_path: Path) -> None:
    still = {"times": [0.0, 1.0], "values": [[0, 0, 0, 1]] * 2}
    bad = {"times": [0.0, 1.0], "values": [[0, 0, np.nan, 1]] * 2}
    with pytest.raises(UserError, match="the rotation of node 1 holds NaN"):
        read_glb(strange(tmp_path / "a.glb", hips=bad, spine=still))


def test_our_files_are_what_pygltflib_writes_again(tmp_path: Path) -> None:
    """Another writer's bytes of the same file are read alike."""
    write_motion_glb(tmp_path / "a.glb", uneven_motion(), with_body=False)
    file = pygltflib.GLTF2().load(tmp_path / "a.glb")
    assert file is not None
    file.save_binary(tmp_path / "b.glb")
    first, second = (read_glb(tmp_path / f"{name}.glb")[0] for name in "ab")
    assert np.array_equal(first.frames, second.frames)


def places_in(tree: object, path: tuple = ()) -> Iterator[tuple]:
    """Yields the path to every value of a JSON."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)  # type: ignore[arg-type]
    for key, value in list(pairs):
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places_in(value, (*path, key))


STRANGE = (None, [], {}, -1, 0, 10**9, 1e300, "x", [[]], [{}], True, 2.5, {"node": -3}, [1e30] * 3)


@pytest.mark.parametrize("kind", ["glb", "vrma"])
def test_spoilt_files_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    """Whatever stands in a value's place: no traceback, no endless work, no memory at an end."""
    path, random = tmp_path / f"a.{kind}", np.random.default_rng(5)
    if kind == "glb":
        write_motion_glb(path, uneven_motion(frames=3), with_body=False)
    else:
        write_vrma(path, humanoid_motion(uneven_motion(frames=3)))
    file = read_gltf(path)
    read = read_glb if kind == "glb" else read_vrma
    paths = list(places_in(file.tree))
    refusals = []
    for _ in range(60):
        tree = copy.deepcopy(file.tree)
        for _ in range(int(random.integers(1, 3))):
            spot = paths[int(random.integers(len(paths)))]
            holder = tree
            try:
                for key in spot[:-1]:
                    holder = holder[key]
                holder[spot[-1]] = STRANGE[int(random.integers(len(STRANGE)))]
            except (KeyError, IndexError, TypeError):
                continue
        try:
            read(GltfFile(path, tree, file.buffers))
        except UserError as refusal:
            refusals.append(str(refusal))
    assert len(refusals) > 30
    assert [told for told in refusals if "\n" in told or len(told) > 600] == []
