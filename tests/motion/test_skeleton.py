import json
from itertools import pairwise

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.motion.kinematics import forward, local_rotations_of
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton


def chain(*names: str) -> Skeleton:
    """Returns a skeleton whose joints hang on each other."""
    parents = tuple(range(-1, len(names) - 1))
    return Skeleton(names, parents, np.zeros((len(names), 3)))


def test_avataros_rests_in_a_t_pose() -> None:
    rest = local_rotations_of(AVATAROS_9.rest_rotations, AVATAROS_9.parents)
    places, _ = forward(rest, AVATAROS_9.offsets, AVATAROS_9.offsets[0], AVATAROS_9.parents)
    place = dict(zip(AVATAROS_9.names, np.asarray(places), strict=True))
    for side, sign in (("Right", -1), ("Left", 1)):
        arm = [place[f"{side}{part}"] for part in ("Arm", "ForeArm", "Hand")]
        for start, end in pairwise(arm):
            along = (end - start) / np.linalg.norm(end - start)
            assert along[0] * sign > 0.999  # straight out to its side
        assert 1.3 < arm[0][1] < 1.5


def test_json_keeps_a_skeleton_exactly() -> None:
    tree = json.loads(json.dumps(AVATAROS_9.to_dict()))
    again = Skeleton.from_dict(tree)
    assert again == AVATAROS_9
    assert hash(again) == hash(AVATAROS_9)
    assert again != chain("Hips", "Spine2")
    tree["end_sites"]["5"][0][1] = 0.2
    assert Skeleton.from_dict(tree) != AVATAROS_9


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("LeftArm", "RightArm"),
        ("mixamorig:LeftHand", "mixamorig:RightHand"),
        ("b_l_wrist", "b_r_wrist"),
        ("l_hip", "r_hip"),
        ("thigh.L", "thigh.R"),
        ("elbow_l", "elbow_r"),
        ("Bip01 L Foot", "Bip01 R Foot"),
        ("lShldr", "rShldr"),
        ("LThumb", "RThumb"),
        ("left_collar", "right_collar"),
    ],
)
def test_twins_are_found_by_name(left: str, right: str) -> None:
    skeleton = chain("Hips", right, "LowerBack", "Head", left)
    assert skeleton.left_right_pairs == ((4, 1),)
    assert skeleton.mirror_order == (0, 4, 2, 3, 1)


def test_avataros_twins() -> None:
    assert sorted(AVATAROS_9.left_right_pairs) == [(6, 3), (7, 4), (8, 5)]


@pytest.mark.parametrize(
    ("names", "parents", "offsets", "message"),
    [
        ((), (), np.zeros((0, 3)), "root"),
        (("a", "b"), (-1, 1), np.zeros((2, 3)), "before"),
        (("a", "b"), (-1, -1), np.zeros((2, 3)), "only one root"),
        (("a", "a"), (-1, 0), np.zeros((2, 3)), "'a'"),
        (("a", "b"), (-1, 0), np.zeros((3, 3)), r"\(2, 3\)"),
        (("a", "b"), (-1, 0), np.full((2, 3), np.nan), "finite"),
    ],
)
def test_malformed_skeletons_are_refused(names, parents, offsets, message) -> None:
    with pytest.raises(UserError, match=message):
        Skeleton(names, parents, offsets)
