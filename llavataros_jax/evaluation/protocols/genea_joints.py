"""The joints of the GENEA challenges, from the lists of `bvh2npy.py` and of the 2020 coordinates.

Source: github.com/genea-workshop/genea_numerical_evaluations, branch 2022 (38eed64). The list that
is commented "56 joints" there has 58, and that of "50" has 54. PyMO puts them in the order of the
file's hierarchy, which is told by the means in `train_AE.py`: the order matters where flat arrays
are cut.
"""

_ARM = ("arm", "arm_twist", "forearm", "wrist_twist", "wrist")
_FINGERS = {
    "r": ("index", "ring", "middle", "pinky", "thumb"),
    "l": ("thumb", "index", "middle", "ring", "pinky"),
}


def _side(side: str) -> tuple[str, ...]:
    fingers = (
        f"{finger}{bone}"
        for finger in _FINGERS[side]
        for bone in ("0123" if finger == "thumb" else "123")
    )
    names = (f"b_{side}_{name}" for name in (*_ARM, *fingers))
    return (f"b_{side}_shoulder", f"p_{side}_scap", *names)


LEGS = ("b_r_upleg", "b_r_leg", "b_l_upleg", "b_l_leg")
GENEA_UPPER_BODY = (
    *("body_world", "b_root", "b_spine0", "b_spine1", "b_spine2", "b_spine3", "b_neck0", "b_head"),
    *_side("r"),
    *_side("l"),
)
GENEA_FULL_BODY = (*GENEA_UPPER_BODY, *LEGS)
# In the order of the challenge's files.
GENEA_2020 = (
    *("Spine", "Spine1", "Spine2", "Spine3"),
    *("LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand"),
    *("RightShoulder", "RightArm", "RightForeArm", "RightHand"),
    *("Neck", "Neck1", "Head"),
)
