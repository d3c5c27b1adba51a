"""Which joint is which part of a body, by the names that skeletons of the field give."""

import numpy as np
import pytest

from llavataros_jax.motion.joints import joint_roles
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton


def _skeleton(names: str, parents: tuple[int, ...]) -> Skeleton:
    joints = len(parents)
    rest = np.tile([0.0, 0.0, 0.0, 1.0], (joints, 1))
    return Skeleton(tuple(names.split()), parents, np.ones((joints, 3)) * 0.1, rest, {})


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (
            "Hips Spine RightShoulder RightArm RightForeArm RightHand RightHandThumb1",
            "trunk trunk clavicle upperarm forearm hand finger",
        ),
        (
            "b_root b_spine0 b_r_shoulder b_r_arm b_r_forearm b_r_wrist_twist b_r_wrist",
            "trunk trunk clavicle upperarm forearm hidden hand",
        ),
        (
            "pelvis spine1 left_collar left_shoulder left_elbow left_wrist left_index1",
            "trunk trunk clavicle upperarm forearm hand finger",
        ),
        (
            "pelvis spine_01 clavicle_l upperarm_l lowerarm_l hand_l index_01_l",
            "trunk trunk clavicle upperarm forearm hand finger",
        ),
        (
            "Hips LeftUpLeg LeftLeg LeftFoot LeftToeBase LeftToeBaseEnd LeftLegEnd",
            "trunk thigh shin foot toe toe hidden",
        ),
        (
            "pelvis left_hip left_knee left_ankle left_foot left_toe left_toe_tip",
            "trunk thigh shin foot foot toe toe",
        ),
        (
            "Hips LHipJoint LeftUpLeg RHipJoint RightUpLeg LowerBack LThumb RThumb",
            "trunk trunk thigh trunk thigh trunk finger finger",
        ),
        (
            "hip lThigh rThigh abdomen lShldr rShldr lHand rHand",
            "trunk thigh thigh trunk upperarm upperarm hand hand",
        ),
        (
            "b_root b_neck0 b_head b_jaw b_tongue0 b_head_null b_l_eye",
            "trunk neck head hidden hidden hidden hidden",
        ),
        (
            "腰 上半身 左肩 左腕 左腕捩 左ひじ 左手首 左人指１ 左手首先",
            "trunk trunk clavicle upperarm hidden forearm hand finger hidden",
        ),
        (
            "腰 右足 右ひざ 右足首 右つま先 左足ＩＫ",
            "trunk thigh shin foot toe hidden",
        ),
        (
            "腰 首 頭 左目 右目",
            "trunk neck head hidden hidden",
        ),
    ],
)
def test_names_of_common_skeletons_give_roles(names, roles):
    parents = tuple(range(-1, len(roles.split()) - 1))
    assert joint_roles(_skeleton(names, parents)).role == tuple(roles.split())


def test_hidden_joints_are_bridged():
    skeleton = _skeleton("b_root b_r_arm b_r_forearm b_r_wrist_twist b_r_wrist", (-1, 0, 1, 2, 3))
    assert joint_roles(skeleton).parent[4] == 2


def test_nine_joints_have_two_arms():
    roles = joint_roles(AVATAROS_9)
    arms = {
        side: [roles.find(r, side) for r in ("upperarm", "forearm", "hand")]
        for side in ("left", "right")
    }
    assert arms == {"left": [6, 7, 8], "right": [3, 4, 5]}
    assert joint_roles(AVATAROS_9).find("head") == -1


def test_sides_of_mikumikudance_are_twins():
    skeleton = _skeleton("腰 左腕 左手 右腕 右手", (-1, 0, 1, 0, 3))
    assert skeleton.left_right_pairs == ((1, 3), (2, 4))
    assert joint_roles(skeleton).find("upperarm", "right") == 3
