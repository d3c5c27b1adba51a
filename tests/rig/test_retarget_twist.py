"""Joints along the arms turn by their share, and change nothing else."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.rig.onto import put_onto
from tests.rig import rig_edits, rigs
from tests.rig.motions import asymmetric_motion, straight
from tests.rig.played import played, put
from tests.rig.test_retarget_legs import rest_local

FRAMES = 40


def rolling(**degrees: float) -> Motion:
    """Joints that turn about their limbs from 0 to so many degrees; the limbs lie along y."""
    local = rest_local(FRAMES)
    for name, end in degrees.items():
        turn = Rotation.from_euler("y", np.linspace(0, end, FRAMES)[:, None], degrees=True)
        number = AVATAROS_9.names.index(name)
        local[:, number] = (Rotation.from_quat(local[:, number].copy()) * turn).as_quat()
    hips = np.tile(AVATAROS_9.offsets[0], (FRAMES, 1))
    motion = motion_from_local(local, AVATAROS_9.offsets, hips, fps=30.0, skeleton=AVATAROS_9)
    return straight(motion)


@pytest.mark.parametrize("rolls", [None, 22])
def test_shares_of_a_turn_about_the_limb(tmp_path, rolls) -> None:
    rig = rigs.Rig(rolls=rolls, edit=rig_edits.with_twist_joints, lowered_degrees=45.0)
    motion = rolling(LeftHand=200.0, RightArm=80.0, RightHand=-50.0)
    put_onto(motion, rig.write(tmp_path / "a.glb"), tmp_path / "b.glb", name="x")
    names, worlds, _ = played(tmp_path / "b.glb")
    time = np.linspace(0, 1, FRAMES)
    stand = rig.t_turns()
    for name, bone, degrees in (
        ("LeftForeArmTwist", "leftLowerArm", 0.6 * 200),  # also beyond half a turn
        ("RightForeArmTwist", "rightLowerArm", -(80 - 0.6 * 50)),
        ("LeftArmTwist", "leftUpperArm", 0.0),
        ("RightArmTwist", "rightUpperArm", -80 * 0.25),
    ):
        # About +y of the speaker's limb, which is +x of the world on the left and −x on the right.
        turned = Rotation.from_euler("x", degrees * time[:, None], degrees=True) * stand[bone]
        found = Rotation.from_matrix(worlds[:, names.index(name), :3, :3])
        assert (found * turned.inv()).magnitude().max() < 1e-4, name


@pytest.mark.parametrize("edit", [rig_edits.with_twist_joints, rig_edits.with_roll_joints])
def test_the_bones_move_as_without(tmp_path, edit) -> None:
    motion = asymmetric_motion(5)
    plain = put(motion, rigs.Rig(rolls=23), tmp_path)
    jointed = put(motion, rigs.Rig(rolls=23, edit=edit), tmp_path)
    for bone, matrices in plain.items():
        np.testing.assert_allclose(jointed[bone], matrices, atol=1e-5)


def test_other_helpers_and_a_vrm_stay(tmp_path) -> None:
    """A VRM has constraints of its own for its twist joints."""

    def rename(model) -> None:
        rig_edits.with_twist_joints(model)
        for node in model.nodes:
            node.name = node.name.replace("ArmTwist", "Controller")

    for rig in (rigs.Rig(edit=rename), rigs.Rig(vrm=1, edit=rig_edits.with_twist_joints)):
        count = len(rig.bones)
        put_onto(
            rolling(LeftHand=90.0), rig.write(tmp_path / "a.glb"), tmp_path / "b.glb", name="x"
        )
        _, worlds, _ = played(tmp_path / "b.glb")
        arm = rig.bones.index("leftLowerArm") + 1
        for helper in range(count + 2, worlds.shape[1]):
            local = np.linalg.inv(worlds[:, arm]) @ worlds[:, helper]
            assert np.ptp(local[:, :3, :3], axis=0).max() < 1e-6
