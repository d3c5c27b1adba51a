"""Bones by the names that skeletons of the field give their joints."""

import json
import re
from pathlib import Path

import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY
from llavataros_jax.rig import humanoid
from llavataros_jax.rig.humanoid import BONES, PARENTS, REQUIRED, TORSO, find_humanoid
from tests.rig.people import whole_body

# Chains from the hips to the arms, from there to the head, to a hand, and from the hips to a toe.
# `*` marks what must be found: hips and trunk, neck and head, UpperArm to Hand, UpperLeg to Foot;
# `{}` is where the side stands, whose spellings come last.
BODIES = {
    "mixamo": (
        "*mixamorig:Hips > *mixamorig:Spine > *mixamorig:Spine1 > *mixamorig:Spine2",
        "*mixamorig:Neck > *mixamorig:Head > mixamorig:HeadTop_End",
        "mixamorig:{}Shoulder > *mixamorig:{}Arm > *mixamorig:{}ForeArm > *mixamorig:{}Hand",
        "*mixamorig:{}UpLeg > *mixamorig:{}Leg > *mixamorig:{}Foot > mixamorig:{}ToeBase",
        ("Left", "Right"),
    ),
    "mixamo through three.js": (
        "*mixamorigHips > *mixamorigSpine > *mixamorigSpine1 > *mixamorigSpine2",
        "*mixamorigNeck > *mixamorigHead",
        "mixamorig{}Shoulder > *mixamorig{}Arm > *mixamorig{}ForeArm > *mixamorig{}Hand",
        "*mixamorig{}UpLeg > *mixamorig{}Leg > *mixamorig{}Foot > mixamorig{}ToeBase",
        ("Left", "Right"),
    ),
    "mixamo's second": (
        "*mixamorig1:Hips > *mixamorig1:Spine > *mixamorig1:Spine1 > *mixamorig1:Spine2",
        "*mixamorig1:Neck > *mixamorig1:Head",
        "mixamorig1:{}Shoulder > *mixamorig1:{}Arm > *mixamorig1:{}ForeArm > *mixamorig1:{}Hand",
        "*mixamorig1:{}UpLeg > *mixamorig1:{}Leg > *mixamorig1:{}Foot",
        ("Left", "Right"),
    ),
    "ready player me": (
        "Armature > *Hips > *Spine > *Spine1 > *Spine2",
        "*Neck > *Head > HeadTop_End",
        "{}Shoulder > *{}Arm > *{}ForeArm > *{}Hand > {}HandIndex1",
        "*{}UpLeg > *{}Leg > *{}Foot > {}ToeBase > {}Toe_End",
        ("Left", "Right"),
    ),
    "vrm": (
        "*hips > *spine > *chest > *upperChest",
        "*neck > *head",
        "{}Shoulder > *{}UpperArm > *{}LowerArm > *{}Hand",
        "*{}UpperLeg > *{}LowerLeg > *{}Foot > {}Toes",
        ("left", "right"),
    ),
    "unity, spaced, without upper chest": (
        "*Hips > *Spine > *Chest > Harness",
        "*Neck > *Head",
        "{} Shoulder > *{} Upper Arm > *{} Lower Arm > *{} Hand",
        "*{} Upper Leg > *{} Lower Leg > *{} Foot > {} Toes",
        ("Left", "Right"),
    ),
    "unreal 4": (
        "root > *pelvis > *spine_01 > *spine_02 > *spine_03",
        "*neck_01 > *head",
        "clavicle_{} > *upperarm_{} > *lowerarm_{} > *hand_{} > index_01_{}",
        "*thigh_{} > *calf_{} > *foot_{} > ball_{}",
        ("l", "r"),
    ),
    "unreal 5": (
        "root > *pelvis > *spine_01 > spine_02 > *spine_03 > spine_04 > *spine_05",
        "*neck_01 > neck_02 > *head",
        "clavicle_{} > *upperarm_{} > *lowerarm_{} > *hand_{} > ik_hand_{}",
        "*thigh_{} > *calf_{} > *foot_{} > ball_{}",
        ("l", "r"),
    ),
    "smpl": (
        "*pelvis > *spine1 > *spine2 > *spine3",
        "*neck > *head",
        "{}_collar > *{}_shoulder > *{}_elbow > *{}_wrist > {}_index1",
        "*{}_hip > *{}_knee > *{}_ankle > {}_foot",
        ("left", "right"),
    ),
    "zeroeggs": (
        "*Hips > *Spine > *Spine1 > Spine2 > *Spine3",
        "*Neck > Neck1 > *Head > HeadEnd",
        "{}Shoulder > *{}Arm > *{}ForeArm > *{}Hand > {}ForeArmEnd",
        "*{}UpLeg > *{}Leg > *{}Foot > {}ToeBase",
        ("Left", "Right"),
    ),
    "genea": (
        "body_world > *b_root > *b_spine0 > *b_spine1 > b_spine2 > *b_spine3",
        "*b_neck0 > *b_head > b_head_null",
        "b_{}_shoulder > p_{}_scap > *b_{}_arm > b_{}_arm_twist > *b_{}_forearm"
        " > b_{}_wrist_twist > *b_{}_wrist",
        "*b_{}_upleg > *b_{}_leg > b_{}_foot_twist > *b_{}_foot",
        ("l", "r"),
    ),
    "cmu": (
        "*Hips > *LowerBack > *Spine > *Spine1",
        "*Neck > Neck1 > *Head",
        "{}Shoulder > *{}Arm > *{}ForeArm > *{}Hand > {}FingerBase > {}HandIndex1",
        "{}HipJoint > *{}UpLeg > *{}Leg > *{}Foot > {}ToeBase",
        ("Left", "Right"),
    ),
    "cmu's asf": (
        "*root > *lowerback > *upperback > *thorax",
        "*lowerneck > upperneck > *head",
        "{}clavicle > *{}humerus > *{}radius > *{}wrist > {}hand",
        "{}hipjoint > *{}femur > *{}tibia > *{}foot > {}toes",
        ("l", "r"),
    ),
    "rokoko": (
        "*Hips > *Spine1 > *Spine2 > Spine3 > *Spine4",
        "*Neck > *Head",
        "{}Shoulder > *{}Arm > *{}ForeArm > *{}Hand > {}Finger2Proximal",
        "*{}Thigh > *{}Shin > *{}Foot > {}Toe",
        ("Left", "Right"),
    ),
    "xsens": (
        "*Pelvis > *L5 > *L3 > T12 > *T8",
        "*Neck > *Head",
        "{}Shoulder > *{}UpperArm > *{}Forearm > *{}Hand",
        "*{}UpperLeg > *{}LowerLeg > *{}Foot > {}Toe",
        ("Left", "Right"),
    ),
    "rigify's deform bones": (
        "*DEF-spine > *DEF-spine.001 > *DEF-spine.002 > *DEF-spine.003",
        "*DEF-spine.004 > DEF-spine.005 > *DEF-spine.006",
        "DEF-shoulder.{} > *DEF-upper_arm.{} > DEF-upper_arm.{}.001 > *DEF-forearm.{}"
        " > DEF-forearm.{}.001 > *DEF-hand.{}",
        "*DEF-thigh.{} > DEF-thigh.{}.001 > *DEF-shin.{} > *DEF-foot.{} > DEF-toe.{}",
        ("L", "R"),
    ),
    "biovision": (
        "*Hips > *Chest > *Chest2 > Chest3 > *Chest4",
        "*Neck > *Head",
        "{}Collar > *{}Shoulder > *{}Elbow > *{}Wrist",
        "*{}Hip > *{}Knee > *{}Ankle > {}Toe",
        ("Left", "Right"),
    ),
    "3ds max": (
        "Bip01 > *Bip01 Pelvis > *Bip01 Spine > *Bip01 Spine1",
        "*Bip01 Neck > *Bip01 Head",
        "Bip01 {} Clavicle > *Bip01 {} UpperArm > *Bip01 {} Forearm > *Bip01 {} Hand",
        "*Bip01 {} Thigh > *Bip01 {} Calf > *Bip01 {} Foot > Bip01 {} Toe0",
        ("L", "R"),
    ),
    "character creator": (
        "*CC_Base_Hip > *CC_Base_Waist > *CC_Base_Spine01 > *CC_Base_Spine02",
        "*CC_Base_NeckTwist01 > CC_Base_NeckTwist02 > *CC_Base_Head",
        "CC_Base_{}_Clavicle > *CC_Base_{}_Upperarm > *CC_Base_{}_Forearm > *CC_Base_{}_Hand",
        "*CC_Base_{}_Thigh > *CC_Base_{}_Calf > *CC_Base_{}_Foot > CC_Base_{}_ToeBase",
        ("L", "R"),
    ),
    "vroid": (
        "Root > *J_Bip_C_Hips > *J_Bip_C_Spine > *J_Bip_C_Chest > *J_Bip_C_UpperChest",
        "*J_Bip_C_Neck > *J_Bip_C_Head",
        "J_Bip_{}_Shoulder > *J_Bip_{}_UpperArm > *J_Bip_{}_LowerArm > *J_Bip_{}_Hand",
        "*J_Bip_{}_UpperLeg > *J_Bip_{}_LowerLeg > *J_Bip_{}_Foot > J_Bip_{}_ToeBase",
        ("L", "R"),
    ),
    "daz": (
        "*hip > *abdomen > *chest",
        "*neck > *head",
        "{}Collar > *{}Shldr > *{}ForeArm > *{}Hand",
        "*{}Thigh > *{}Shin > *{}Foot > {}Toe",
        ("l", "r"),
    ),
    "mikumikudance": (
        "全ての親 > *センター > *上半身 > *上半身２",
        "*首 > *頭",
        "{}肩 > *{}腕 > {}腕捩 > *{}ひじ > {}手捩 > *{}手首",
        "下半身{} > *{}足 > *{}ひざ > *{}足首 > {}つま先",
        ("左", "右"),
    ),
    "no table's": (
        "*Pelvis_jnt > *back_lower > *back_upper",
        "*neck_jnt > *head_jnt",
        "{}_collarbone > *{}_upper_arm > *{}_lower_arm > *{}_wrist_jnt",
        "*{}_upper_leg > *{}_lower_leg > *{}_foot_jnt",
        ("L", "R"),
    ),
    "sides at the end": (
        "*Hips > *Spine > *Chest",
        "*Neck > *Head",
        "Shoulder_{} > *UpperArm_{} > *LowerArm_{} > *Hand_{}",
        "*UpperLeg_{} > *LowerLeg_{} > *Foot_{}",
        ("Left", "Right"),
    ),
    "capitals at the end": (
        "*hips > *spine > *chest",
        "*neck > *head",
        "shoulder{} > *upperArm{} > *lowerArm{} > *hand{}",
        "*upperLeg{} > *lowerLeg{} > *foot{}",
        ("L", "R"),
    ),
}


def build(kind: str) -> tuple[list[str], list[int], dict[str, str]]:
    """Returns names and parents of a body, and the name of each bone that must be found."""
    trunk, head, arm, leg, sides = BODIES[kind]
    names: list[str] = []
    parents: list[int] = []

    def hang(chain: str, parent: int) -> list[str]:
        marked = []
        for word in chain.split(" > "):
            parents.append(parent)
            parent = len(names)
            names.append(word.removeprefix("*"))
            marked += [names[-1]] * word.startswith("*")
        return marked

    hips, *back = hang(trunk, -1)
    wanted = {"hips": hips, **dict(zip(("spine", "chest", "upperChest"), back, strict=False))}
    top = len(names) - 1
    wanted |= zip(("neck", "head"), hang(head, top), strict=True)
    for side, spelt in zip(("left", "right"), sides, strict=True):
        arms = hang(arm.replace("{}", spelt), top)
        legs = hang(leg.replace("{}", spelt), names.index(hips))
        wanted |= zip((side + part for part in ("UpperArm", "LowerArm", "Hand")), arms, strict=True)
        wanted |= zip((side + part for part in ("UpperLeg", "LowerLeg", "Foot")), legs, strict=True)
    return names, parents, wanted


@pytest.mark.parametrize("kind", BODIES)
def test_bones_of_usual_skeletons(kind: str) -> None:
    names, parents, wanted = build(kind)
    found = find_humanoid(names, parents, required=REQUIRED)
    named = {bone: names[joint] for bone, joint in found.items()}
    assert {bone: named.get(bone) for bone in wanted} == wanted
    assert ("upperChest" in named) == ("upperChest" in wanted)


def test_the_order_of_joints_does_not_matter() -> None:
    names, parents, _ = build("unreal 5")
    last = len(names) - 1
    backwards = [last - parent if parent >= 0 else -1 for parent in parents[::-1]]
    found = find_humanoid(names[::-1], backwards)
    assert {bone: last - joint for bone, joint in found.items()} == find_humanoid(names, parents)


def test_upper_bodies_of_ours() -> None:
    found = find_humanoid(AVATAROS_9.names, AVATAROS_9.parents)
    assert [found[bone] for bone in ("hips", "spine", "chest")] == [0, 1, 2]
    assert [found[f"left{part}"] for part in ("UpperArm", "LowerArm", "Hand")] == [6, 7, 8]
    assert [found[f"right{part}"] for part in ("UpperArm", "LowerArm", "Hand")] == [3, 4, 5]
    assert len(found) == 9
    found = find_humanoid(SMPLX_UPPER_BODY.names, SMPLX_UPPER_BODY.parents)
    named = {bone: SMPLX_UPPER_BODY.names[joint] for bone, joint in found.items()}
    assert named["leftShoulder"] == "left_collar"
    assert named["leftUpperArm"] == "left_shoulder"
    assert named["rightHand"] == "right_wrist"
    assert set(TORSO) <= set(named)


def test_fingers_and_toes() -> None:
    hand = ["LeftHandThumb1", "LeftHandThumb2", "LeftHandThumb3", "LeftHandPinky1"]
    names, parents, _ = build("ready player me")
    wrist = names.index("LeftHand")
    start = len(names)
    names += hand
    parents += [wrist, start, start + 1, wrist]
    named = {bone: names[joint] for bone, joint in find_humanoid(names, parents).items()}
    assert named["leftThumbMetacarpal"] == "LeftHandThumb1"
    assert named["leftThumbDistal"] == "LeftHandThumb3"
    assert named["leftLittleProximal"] == "LeftHandPinky1"
    assert named["leftIndexProximal"] == "LeftHandIndex1"
    assert named["rightToes"] == "RightToeBase"


def test_vrm_has_fifty_five_bones_and_asks_for_fifteen() -> None:
    assert len(BONES) == 55
    assert len(REQUIRED) == 15
    assert set(REQUIRED) < set(BONES)
    for bone, parent in PARENTS.items():
        assert parent is None or BONES.index(parent) < BONES.index(bone)
    assert PARENTS["leftShoulder"] == "upperChest"
    assert PARENTS["rightThumbProximal"] == "rightThumbMetacarpal"
    assert set(whole_body()[0]) <= set(BONES)


def test_another_language_is_refused_by_what_is_missing() -> None:
    names = ["Cadera", "Columna", "Cabeza", *(f"{part}Izq" for part in ("Brazo", "Codo", "Mano"))]
    with pytest.raises(
        UserError, match=r"own\.glb has no joint .* hips, spine, leftUpperArm"
    ) as hit:
        find_humanoid(names, [-1, 0, 1, 1, 3, 4], place="own.glb")
    assert "Cadera, Columna, Cabeza, BrazoIzq" in str(hit.value)
    names, parents, _ = build("ready player me")
    hooked = [name.replace("RightHand", "Garfio") for name in names]
    with pytest.raises(UserError, match="known to be rightHand, but"):
        find_humanoid(hooked, parents)


def test_arms_that_hang_elsewhere_are_no_arms() -> None:
    names, parents, _ = build("ready player me")
    parents[names.index("LeftHand")] = -1
    with pytest.raises(UserError, match="leftHand"):
        find_humanoid(names, parents)


def test_the_tables_are_plain_and_say_one_thing() -> None:
    """The viewer looks names up in them letter by letter, without case and punctuation."""
    path = Path(humanoid.__file__).with_name("names.json")
    conventions = json.loads(path.read_text(encoding="utf-8"))["conventions"]
    assert {"mixamo", "vrm", "unity", "unreal", "smpl", "avataros", "genea"} <= set(conventions)
    for convention, table in conventions.items():
        assert set(table) <= set(BONES), convention
        spelt = [re.sub(r"[\W_]", "", name).lower() for names in table.values() for name in names]
        assert len(set(spelt)) == len(spelt), convention
        sides = [bone.removeprefix("left") for bone in table if bone.startswith("left")]
        assert all(f"right{bone}" in table for bone in sides), convention
