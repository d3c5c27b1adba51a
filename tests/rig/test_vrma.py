"""VRM animations: as the specification has them, and back without a loss."""

from pathlib import Path

import numpy as np
import pygltflib
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import read_bvh
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY
from llavataros_jax.rig.glb import write_motion_glb
from llavataros_jax.rig.glb_reader import read_glb
from llavataros_jax.rig.humanoid import PARENTS, REQUIRED
from llavataros_jax.rig.normalised import HumanoidMotion, humanoid_motion
from llavataros_jax.rig.vrma import EXTENSION, read_vrma, write_vrma
from llavataros_jax.rig.whole_body import whole_body
from tests.rig.people import posed, uneven_motion
from tests.rig.test_glb import tracks
from tests.rig.validator import problems


def load(path: Path) -> pygltflib.GLTF2:
    file = pygltflib.GLTF2().load_binary(path)
    assert file is not None
    return file


def test_what_the_specification_wants(tmp_path: Path) -> None:
    write_vrma(tmp_path / "a.vrma", humanoid_motion(uneven_motion()))
    file = load(tmp_path / "a.vrma")
    assert file.extensionsUsed == [EXTENSION]
    told = file.extensions[EXTENSION]
    assert told["specVersion"] == "1.0"
    bones = {bone: entry["node"] for bone, entry in told["humanoid"]["humanBones"].items()}
    assert set(REQUIRED) <= set(bones)
    world: dict[int, np.ndarray] = {}

    def visit(number: int, above: np.ndarray) -> None:
        node = file.nodes[number]
        assert node.scale is None
        assert node.rotation is None  # they rest unturned
        world[number] = above + node.translation
        for child in node.children or []:
            visit(child, world[number])

    for root in file.scenes[0].nodes:
        visit(root, np.zeros(3))
    place = {bone: world[node] for bone, node in bones.items()}
    for bone in bones:  # each hangs on the nearest bone above it
        parent = PARENTS[bone]
        while parent is not None and parent not in bones:
            parent = PARENTS[parent]
        holder = [b for b, n in bones.items() if bones[bone] in (file.nodes[n].children or [])]
        assert holder == ([] if parent is None else [parent])
    for side, sign in (("left", 1), ("right", -1)):
        arm = [place[f"{side}{part}"] for part in ("UpperArm", "LowerArm", "Hand")]
        assert (np.diff([sign * p[0] for p in arm]) > 0.2).all()
        assert np.ptp([p[1] for p in arm]) < 0.02
        leg = [place[f"{side}{part}"] for part in ("UpperLeg", "LowerLeg", "Foot")]
        assert 0.8 < leg[0][1] < place["hips"][1]
        assert 0.4 < leg[1][1] < 0.55
        assert 0.03 < leg[2][1] < 0.1
        assert leg[0][0] * sign > 0.05
    assert place["head"][1] > place["leftUpperArm"][1] + 0.05
    moved = {key for key in tracks(file)}
    names = {node: bone for bone, node in bones.items()}
    assert {path for _, path in moved} == {"rotation", "translation"}
    assert [name for name, path in moved if path == "translation"] == ["hips"]
    assert {file.nodes[node].name for node in names} == set(bones)


@pytest.mark.parametrize("kind", ["AvatarOS", "SMPL-X", "whole body in an A-pose"])
def test_a_round_trip_keeps_twist(tmp_path: Path, kind: str) -> None:
    lowered = {"leftUpperArm": Rotation.from_euler("z", -45, degrees=True)}
    skeletons = {"AvatarOS": AVATAROS_9, "SMPL-X": SMPLX_UPPER_BODY}
    motion = humanoid_motion(uneven_motion(skeletons.get(kind, posed(lowered)), fps=24.0))
    write_vrma(tmp_path / "a.vrma", motion)
    back = read_vrma(tmp_path / "a.vrma")
    assert back.fps == 24.0
    np.testing.assert_allclose(back.hips, motion.hips, atol=1e-6)
    for slot, bone in enumerate(motion.bones):
        ours, theirs = motion.rotations[:, slot], back.rotations[:, back.bones.index(bone)]
        difference = Rotation.from_quat(ours) * Rotation.from_quat(theirs).inv()
        assert difference.magnitude().max() < 2e-6, bone
        np.testing.assert_allclose(back.rest[back.bones.index(bone)], motion.rest[slot], atol=1e-6)


def test_a_forearm_that_only_twists_twists(tmp_path: Path) -> None:
    """Positions say nothing of it, so formats of positions lose it."""
    motion = uneven_motion()
    frames = np.array(motion.frames)
    wrist = Rotation.from_quat(frames[:, 8, 3:])
    twist = Rotation.from_rotvec(np.linspace(0, 2.5, 12)[:, None] * [0.0, 1.0, 0.0])
    frames[:, 8, 3:] = (wrist * twist).as_quat()
    twisted = Motion(frames, 30.0, AVATAROS_9)
    assert np.array_equal(twisted.positions, motion.positions)
    for name, write, read in (
        ("a.vrma", write_vrma, read_vrma),
        ("a.glb", write_motion_glb, lambda path: humanoid_motion(read_glb(path)[0])),
    ):
        told = humanoid_motion(twisted) if name.endswith("vrma") else twisted
        write(tmp_path / name, told)
        back = read(tmp_path / name)
        hand = back.rotations[:, back.bones.index("leftHand")]
        plain = humanoid_motion(motion)
        before = plain.rotations[:, plain.bones.index("leftHand")]
        turned = Rotation.from_quat(before).inv() * Rotation.from_quat(hand)
        np.testing.assert_allclose(turned.magnitude(), np.linspace(0, 2.5, 12), atol=1e-5)


def test_khronos_finds_nothing(tmp_path: Path) -> None:
    write_vrma(tmp_path / "a.vrma", humanoid_motion(uneven_motion()))
    write_vrma(tmp_path / "b.vrma", humanoid_motion(uneven_motion(posed({}))))
    assert problems(tmp_path / "a.vrma", tmp_path / "b.vrma") == []


def test_real_motion_of_a_whole_body(tmp_path: Path, real) -> None:
    motion = humanoid_motion(read_bvh(real("bvh/gac_sample1.bvh")).cut(0, 40))
    write_vrma(tmp_path / "a.vrma", motion)
    back = read_vrma(tmp_path / "a.vrma")
    assert "leftEye" in motion.bones
    assert set(motion.bones) - set(back.bones) == {"leftEye", "rightEye"}
    ours, theirs = motion.to_motion(), back.to_motion()
    tip = ours.positions[:, motion.bones.index("rightLittleDistal")]
    np.testing.assert_allclose(
        theirs.positions[:, back.bones.index("rightLittleDistal")], tip, atol=1e-5
    )


def test_what_is_added_does_not_move_what_was_there() -> None:
    motion = humanoid_motion(uneven_motion())
    wanted = (*REQUIRED, "chest", "upperChest", "neck", "leftShoulder", "rightShoulder")
    whole = whole_body(motion, wanted)
    assert set(whole.bones) == {*motion.bones, *wanted}
    before, after = motion.to_motion(), whole.to_motion()
    for slot, bone in enumerate(motion.bones):
        place = after.positions[:, whole.bones.index(bone)]
        np.testing.assert_allclose(place, before.positions[:, slot], atol=1e-12)
    assert isinstance(whole, HumanoidMotion)


def spoilt(path: Path, **extension) -> Path:
    write_vrma(path, humanoid_motion(uneven_motion()))
    file = load(path)
    file.extensions[EXTENSION] = extension
    file.save_binary(path)
    return path


def test_broken_files_are_refused_by_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.vrma"
    with pytest.raises(UserError, match="does not exist"):
        read_vrma(path)
    with pytest.raises(UserError, match="is no VRM animation; export it"):
        read_vrma(spoilt(path, specVersion="1.0"))
    with pytest.raises(UserError, match="lacks the bones spine, leftUpperArm"):
        read_vrma(spoilt(path, humanoid={"humanBones": {"hips": {"node": 0}}}))
    with pytest.raises(UserError, match="bone hips is node 99, but there are"):
        read_vrma(spoilt(path, humanoid={"humanBones": {"hips": {"node": 99}}}))
    write_motion_glb(tmp_path / "a.glb", uneven_motion(), with_body=False)
    with pytest.raises(UserError, match="has no VRMC_vrm_animation"):
        read_vrma(tmp_path / "a.glb")
