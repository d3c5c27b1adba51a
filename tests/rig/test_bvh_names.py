"""BVH files whose joints other people's tools map by themselves."""

from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.motion.bvh import read_bvh, write_bvh
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY
from llavataros_jax.rig.bvh_names import with_names
from llavataros_jax.rig.humanoid import REQUIRED, find_humanoid
from llavataros_jax.rig.normalised import humanoid_motion
from tests.rig.people import posed, uneven_motion

# What Mixamo's own skeleton is called, without fingers and ends.
_ARM = ("Shoulder", "Arm", "ForeArm", "Hand")
_LEG = ("UpLeg", "Leg", "Foot", "ToeBase")
MIXAMO = ["Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"]
MIXAMO += [side + part for side in ("Left", "Right") for part in (*_ARM, *_LEG)]


@pytest.mark.parametrize("kind", ["AvatarOS", "SMPL-X", "whole body"])
@pytest.mark.parametrize(("names", "prefix"), [("mixamo", "mixamorig:"), ("rokoko", "")])
def test_tools_find_every_bone(tmp_path: Path, kind: str, names: str, prefix: str) -> None:
    skeletons = {"SMPL-X": SMPLX_UPPER_BODY, "whole body": posed({})}
    motion = uneven_motion(skeletons[kind]) if kind in skeletons else uneven_motion()
    told = humanoid_motion(motion)
    write_bvh(tmp_path / "a.bvh", with_names(told, names))
    back = read_bvh(tmp_path / "a.bvh")
    assert {prefix + name for name in MIXAMO} <= set(back.skeleton.names)
    found = find_humanoid(back.skeleton.names, back.skeleton.parents, required=REQUIRED)
    named = {bone: back.skeleton.names[joint] for bone, joint in found.items()}
    assert named["upperChest"] == f"{prefix}Spine2"
    places = told.to_motion().positions
    for slot, bone in enumerate(told.bones):
        np.testing.assert_allclose(back.positions[:, found[bone]], places[:, slot], atol=2e-6)


def test_the_rest_pose_is_a_t_pose_on_the_ground(tmp_path: Path) -> None:
    """Zero rotations are the T-pose, which is what retargeting tools take them for."""
    write_bvh(tmp_path / "a.bvh", with_names(humanoid_motion(uneven_motion()), "rokoko"))
    skeleton = read_bvh(tmp_path / "a.bvh").skeleton
    place = dict(zip(skeleton.names, np.array(skeleton.offsets), strict=True))
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            place[skeleton.names[joint]] = place[skeleton.names[parent]] + skeleton.offsets[joint]
    assert 0 < place["LeftToeBase"][1] < 0.05
    assert place["LeftFoot"][2] < place["LeftToeBase"][2]
    assert place["LeftHand"][0] > 0.6
    assert abs(place["LeftHand"][1] - place["LeftArm"][1]) < 0.01
    order = ["Hips", "Spine", "Spine1", "Spine2", "LeftShoulder"]
    heights = [place[name][1] for name in order]
    assert heights == sorted(heights)
    tips = {skeleton.names[joint] for joint in skeleton.end_sites}
    assert {"Head", "LeftHand", "RightToeBase"} <= tips
