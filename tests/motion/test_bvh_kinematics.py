"""Where joints of real BVH files are, against bvhtoolbox and a product of its matrices."""

import re
from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.motion.bvh import read_bvh, write_bvh
from llavataros_jax.motion.npy import read_npy
from tests.backend import ROOT

toolbox = pytest.importorskip("bvhtoolbox", exc_type=ImportError)
DATA = ROOT / ".." / "shared" / "data"
FRAMES = 40


def places_by_toolbox(path: Path, names: tuple[str, ...]) -> np.ndarray:
    """Returns world positions of joints in the file's unit, (T, J, 3)."""
    tree = toolbox.BvhTree(path.read_text())
    tree.frames = tree.frames[:: max(1, tree.nframes // FRAMES)]
    world: dict[str, np.ndarray] = {}
    for name in (joint.name for joint in tree.get_joints()):
        channels = tree.joint_channels(name)
        turns = "".join(channel[0].lower() for channel in channels if "rotation" in channel)
        local = np.zeros((len(tree.frames), 4, 4))
        local[:, 3, 3] = 1
        local[:, :3, :3] = toolbox.get_rotation_matrices(tree, name, axes=f"r{turns}")
        local[:, :3, 3] = tree.joint_offset(name)
        if "Xposition" in channels:  # in place of the offset
            local[:, :3, 3] = toolbox.get_translations(tree, name)
        parent = tree.joint_parent(name)
        is_root = parent is None or parent.name not in world
        world[name] = local if is_root else world[parent.name] @ local
    return np.stack([world[name][:, :3, 3] for name in names], axis=1)


def check(path: Path) -> None:
    motion = read_bvh(path)
    expected = places_by_toolbox(path, motion.skeleton.names)
    ours = motion.positions[:: max(1, motion.num_frames // FRAMES)]
    np.testing.assert_allclose(100 * ours, expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["067_Speech_2_x_1_0", "gac_sample1"])
def test_real_files(name: str) -> None:
    path = DATA / "bvh" / f"{name}.bvh"
    if not path.is_file():
        pytest.skip(f"real motion {path.name} is not here")
    check(path)


def test_the_ancestors_skeleton_in_any_pose(tmp_path: Path) -> None:
    header = DATA / "uea" / "genea_header.bvh"
    if not header.is_file():
        pytest.skip("the ancestor's skeleton is not here")
    text = header.read_text()
    channels = sum(int(count) for count in re.findall(r"CHANNELS (\d+)", text))
    rows = np.random.default_rng(0).uniform(-180, 180, (5, channels))
    lines = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in rows)
    path = tmp_path / "posed.bvh"
    path.write_text(f"{text.rstrip()}\nFrames: 5\nFrame Time: 0.0333333\n{lines}\n")
    check(path)


def test_a_file_of_ours_is_read_alike(tmp_path: Path) -> None:
    motion = read_npy(ROOT / "corpus" / "ada_4.npz")
    write_bvh(tmp_path / "a.bvh", motion)
    check(tmp_path / "a.bvh")
