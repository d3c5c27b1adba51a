"""GLB files, read by pygltflib and checked by Khronos' validator."""

from pathlib import Path

import numpy as np
import pygltflib
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import read_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton
from llavataros_jax.rig.glb import write_motion_glb
from tests.rig.people import posed, uneven_motion
from tests.rig.validator import problems

_KINDS = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_SIZES = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def array(file: pygltflib.GLTF2, number: int) -> np.ndarray:
    """Reads an accessor, by pygltflib's view of the file."""
    accessor = file.accessors[number]
    view = file.bufferViews[accessor.bufferView]
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    size = _SIZES[accessor.type]
    values = np.frombuffer(
        file.binary_blob(), _KINDS[accessor.componentType], accessor.count * size, start
    )
    return values.reshape(accessor.count, size) if size > 1 else values


def tracks(file: pygltflib.GLTF2) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Returns times and values of each channel by node and path."""
    animation = file.animations[0]
    found = {}
    for channel in animation.channels:
        sampler = animation.samplers[channel.sampler]
        assert sampler.interpolation == "LINEAR"
        name = file.nodes[channel.target.node].name
        found[name, channel.target.path] = (
            array(file, sampler.input),
            array(file, sampler.output),
        )
    return found


def places(file: pygltflib.GLTF2, frame: int | None) -> dict[str, np.ndarray]:
    """Returns world places of all nodes at rest or in a frame, walking the nodes."""
    moves = {} if frame is None else {key: v[frame] for key, (_, v) in tracks(file).items()}
    found: dict[str, np.ndarray] = {}

    def visit(number: int, above: np.ndarray) -> None:
        node = file.nodes[number]
        local = np.eye(4)
        turn = moves.get((node.name, "rotation"), node.rotation or [0, 0, 0, 1])
        local[:3, :3] = Rotation.from_quat(turn).as_matrix()
        local[:3, 3] = moves.get((node.name, "translation"), node.translation or [0, 0, 0])
        world = above @ local
        found[node.name] = world
        for child in node.children or []:
            visit(child, world)

    for root in file.scenes[file.scene].nodes:
        visit(root, np.eye(4))
    return found


def sliding() -> Motion:
    """Uneven motion in which the joints that slide in AvatarOS do so."""
    motion = uneven_motion()
    frames = motion.frames.copy()
    frames[:, 3:6, :3] += 0.01 * np.sin(np.arange(12))[:, None, None]
    return Motion(frames, 30.0, AVATAROS_9)


def test_nodes_and_tracks_are_the_motion(tmp_path: Path) -> None:
    motion = sliding()
    write_motion_glb(tmp_path / "a.glb", motion, name="talk")
    file = pygltflib.GLTF2().load(tmp_path / "a.glb")
    for frame in (0, 5, 11):
        world = places(file, frame)
        for joint, name in enumerate(AVATAROS_9.names):
            np.testing.assert_allclose(
                world[name][:3, 3], motion.positions[frame, joint], atol=2e-6
            )
            wanted = Rotation.from_quat(motion.quaternions[frame, joint]).as_matrix()
            np.testing.assert_allclose(world[name][:3, :3], wanted, atol=1e-5)
    found = tracks(file)
    moved = {name for name, path in found if path == "translation"}
    assert moved == {"Hips", "RightArm"}  # the root, and what slides
    times, turns = found["LeftForeArm", "rotation"]
    assert np.array_equal(times, (np.arange(12) / 30).astype(np.float32))
    assert ((turns[1:] * turns[:-1]).sum(1) > 0).all()  # no reader need take the longer way
    sampler = file.animations[0].samplers[0]
    accessor = file.accessors[sampler.input]
    assert accessor.min == [0.0]
    assert accessor.max == [float(np.float32(11 / 30))]
    assert file.asset.generator.startswith("LLAvatarOS-JAX")
    assert file.animations[0].name == "talk"


@pytest.mark.parametrize("rest", ["own", "A-pose"])
def test_rest_pose_bind_pose_and_mesh_agree(tmp_path: Path, rest: str) -> None:
    lowered = {"leftUpperArm": Rotation.from_euler("z", -40, degrees=True)}
    skeleton = AVATAROS_9 if rest == "own" else posed(lowered)
    write_motion_glb(tmp_path / "a.glb", uneven_motion(skeleton))
    file = pygltflib.GLTF2().load(tmp_path / "a.glb")
    world = places(file, None)
    skin = file.skins[0]
    inverse = array(file, skin.inverseBindMatrices).reshape(-1, 4, 4).swapaxes(1, 2)
    for node, matrix in zip(skin.joints, inverse, strict=True):
        np.testing.assert_allclose(world[file.nodes[node].name] @ matrix, np.eye(4), atol=1e-6)
    hand = world[next(name for name in ("LeftHand", "leftHand") if name in world)][:3, 3]
    vertices = np.concatenate(
        [array(file, p.attributes.POSITION) for p in file.meshes[0].primitives]
    )
    assert np.linalg.norm(vertices - hand, axis=1).min() < 0.03
    weights = [array(file, p.attributes.WEIGHTS_0) for p in file.meshes[0].primitives]
    assert (np.concatenate(weights).astype(int).sum(1) == 255).all()


def test_avataros_stands_in_its_t_pose(tmp_path: Path) -> None:
    write_motion_glb(tmp_path / "a.glb", uneven_motion())
    world = places(pygltflib.GLTF2().load(tmp_path / "a.glb"), None)
    np.testing.assert_allclose(world["Hips"][:3, 3], [0, 0.886, 0], atol=1e-6)
    np.testing.assert_allclose(world["RightHand"][:3, 3], [-0.65386, 1.40417, 0.0267], atol=1e-5)


def test_khronos_finds_nothing(tmp_path: Path) -> None:
    write_motion_glb(tmp_path / "a.glb", sliding())
    write_motion_glb(tmp_path / "b.glb", uneven_motion(posed({})).cut(0, 1))
    write_motion_glb(tmp_path / "bare.glb", uneven_motion(), with_body=False)
    assert problems(*tmp_path.iterdir()) == []


def test_a_real_skeleton_of_75_joints(tmp_path: Path, real) -> None:
    motion = read_bvh(real("bvh/067_Speech_2_x_1_0.bvh")).cut(100, 104)
    write_motion_glb(tmp_path / "a.glb", motion, with_body=False)
    world = places(pygltflib.GLTF2().load(tmp_path / "a.glb"), 2)
    for joint, name in enumerate(motion.skeleton.names):
        np.testing.assert_allclose(world[name][:3, 3], motion.positions[2, joint], atol=2e-6)


def test_a_skeleton_of_nobody_has_no_body(tmp_path: Path) -> None:
    odd = Skeleton(("Base", "Tip"), (-1, 0), np.array([[0.0, 0, 0], [0, 1, 0]]))
    motion = uneven_motion(odd)
    with pytest.raises(UserError, match="no joint that is known to be hips, spine"):
        write_motion_glb(tmp_path / "a.glb", motion)
    assert not list(tmp_path.iterdir())
    write_motion_glb(tmp_path / "a.glb", motion, with_body=False)
    assert pygltflib.GLTF2().load(tmp_path / "a.glb").meshes == []
