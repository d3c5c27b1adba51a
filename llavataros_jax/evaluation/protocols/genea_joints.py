"""The joints of the GENEA challenges, from the lists of `bvh2npy.py` and of the 2020 coordinates.

Source: github.com/genea-workshop/genea_numerical_evaluations, branch 2022 (38eed64). The list that
is commented "56 joints" there has 58, and that of "50" has 54.
"""

_HAND = (
    *("wrist", "pinky1", "pinky2", "pinky3", "ring1", "ring2", "ring3", "middle1", "middle2"),
    *("middle3", "index1", "index2", "index3", "thumb0", "thumb1", "thumb2", "thumb3"),
)
_ARM = ("arm", "arm_twist", "forearm", "wrist_twist", *_HAND)
LEGS = ("b_l_upleg", "b_l_leg", "b_r_upleg", "b_r_leg")
_HIPS = ("body_world", "b_root")
_TRUNK = ("b_spine0", "b_spine1", "b_spine2", "b_spine3", "b_neck0", "b_head")

GENEA_UPPER_BODY = (
    *_HIPS,
    *_TRUNK,
    *("b_l_shoulder", "p_l_scap", *(f"b_l_{name}" for name in _ARM)),
    *("b_r_shoulder", "p_r_scap", *(f"b_r_{name}" for name in _ARM)),
)
GENEA_FULL_BODY = (*GENEA_UPPER_BODY, *LEGS)
# In the order of the challenge's files.
GENEA_2020 = (
    *("Spine", "Spine1", "Spine2", "Spine3"),
    *("LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand"),
    *("RightShoulder", "RightArm", "RightForeArm", "RightHand"),
    *("Neck", "Neck1", "Head"),
)
