"""Joints by their names: order, parents, refusals."""

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.protocols.genea_joints import (
    GENEA_2020,
    GENEA_FULL_BODY,
    GENEA_UPPER_BODY,
)
from llavataros_jax.evaluation.protocols.joint_names import chosen, fitting, require
from llavataros_jax.evaluation.protocols.smplx_joints import BEAT_JOINTS, SMPLX_JOINTS
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY
from llavataros_jax.motion.trajectories import of_motion, of_positions
from tests.evaluation.people import standing


def test_the_lists_are_as_long_as_the_references():
    assert (len(GENEA_FULL_BODY), len(GENEA_UPPER_BODY), len(GENEA_2020)) == (58, 54, 15)
    assert len(set(GENEA_FULL_BODY)) == 58
    assert len(set(SMPLX_JOINTS)) == 55
    # EMAGE's numbers of the wrists, and of the first finger of the right hand.
    assert [SMPLX_JOINTS.index(name) for name in ("left_wrist", "right_wrist")] == [20, 21]
    assert SMPLX_JOINTS[40] == "right_index1"
    assert len(BEAT_JOINTS) == 13
    assert BEAT_JOINTS[0] == "spine1"


def test_chosen_joints_keep_their_places_and_turns_in_the_lists_order():
    motion = of_motion(standing({5: np.arange(300)[:, None] * np.ones(3)}))
    found = chosen(motion, ("mixamorig:Hips", "LeftHand", "rightforearm", "Neck", "RightHand"))
    assert found.skeleton.names == ("Hips", "LeftHand", "RightForeArm", "RightHand")
    assert found.skeleton.parents == (-1, 0, 0, 2)
    for place, joint in enumerate((0, 8, 4, 5)):
        np.testing.assert_array_equal(found.positions[:, place], motion.positions[:, joint])
        assert found.motion is not None
        assert motion.motion is not None
        np.testing.assert_array_equal(found.motion.frames[:, place], motion.motion.frames[:, joint])


def test_a_child_that_comes_first_keeps_its_place():
    names = ("root", "arm", "hand")
    motion = of_positions(np.random.default_rng(0).normal(size=(9, 3, 3)), 20, names)
    found = chosen(motion, ("hand", "arm", "root"))
    assert found.skeleton.names == ("hand", "arm", "root")
    assert found.skeleton.parents[0] == -1


def test_a_refusal_names_joints_and_what_fits():
    with pytest.raises(UserError, match=r"clip walk lacks 1 of the 2 .*Jaw.* choose torso"):
        require(AVATAROS_9, ("Hips", "Jaw"), protocol="emage", clip="walk")
    with pytest.raises(UserError, match="emage, rag, leaderboard or genea2026"):
        require(SMPLX_UPPER_BODY, GENEA_UPPER_BODY, protocol="genea", clip="walk")
    require(AVATAROS_9, ("hips",), protocol="emage", clip="walk")


def test_bodies_fit_their_own_protocols():
    def body(names):
        return Skeleton(names, (-1, *[0] * (len(names) - 1)), np.zeros((len(names), 3)))

    assert fitting(body(GENEA_FULL_BODY)) == ("torso", "genea")
    assert fitting(body(GENEA_2020)) == ("torso", "genea2020")
    assert fitting(body(SMPLX_JOINTS))[1:] == ("emage", "rag", "leaderboard", "genea2026")
    assert fitting(AVATAROS_9) == ("torso",)
