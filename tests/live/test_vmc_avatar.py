"""Offsets of the receiver's own character, whatever pose its file rests in."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros.live.avatar import avatar_places
from llavataros.live.vmc import VmcMessages
from llavataros.live.vmc_body import BodyPose, SentBody, standing
from llavataros_jax.errors import UserError
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.rig.normalised import Humanoid
from tests.live import osc, unity
from tests.rig.rigs import Rig

OURS = Humanoid(AVATAROS_9)


@pytest.mark.parametrize(
    "rig",
    [
        Rig(vrm=1),
        Rig(vrm=0, turned_degrees=180.0, hips=0.6),
        Rig(vrm=1, lowered_degrees=40.0, rolls=3, arms=1.3, leave_out=("upperChest",)),
    ],
    ids=["plain", "VRM 0 of a child", "A-pose without an upper chest"],
)
def test_a_character_gets_its_own_offsets_back(tmp_path, rig):
    path = rig.write(tmp_path / "avatar.vrm")
    places = avatar_places(path, OURS.bones, OURS.rest)
    for bone, place in rig.places().items():
        np.testing.assert_allclose(places[bone], place, atol=2e-4, err_msg=bone)


def test_hands_of_a_character_are_where_its_own_arms_reach(tmp_path):
    """In a receiver that puts bones where messages say nothing is stretched."""
    rig = Rig(vrm=0, turned_degrees=180.0, hips=0.6, arms=1.2)
    path = rig.write(tmp_path / "avatar.vrm")
    body = SentBody(OURS.bones, OURS.rest, avatar=avatar_places(path, OURS.bones, OURS.rest))
    upright = standing(OURS.bones, OURS.rest[0])
    turned = upright.rotations.copy()
    arm = OURS.bones.index("rightUpperArm")
    turned[arm] = Rotation.from_euler("z", -70, degrees=True).as_quat()
    packets = VmcMessages(body).frame(BodyPose(turned, OURS.rest[0]), 0.0)
    shown = unity.world([m for packet in packets for m in osc.messages(packet)])
    own = rig.places()
    reach = own["rightHand"] - own["rightUpperArm"]
    wanted = own["rightUpperArm"] + Rotation.from_euler("z", -70, degrees=True).apply(reach)
    np.testing.assert_allclose(shown["RightHand"][0], wanted * [-1, 1, 1], atol=1e-3)
    np.testing.assert_allclose(shown["LeftFoot"][0], own["leftFoot"] * [-1, 1, 1], atol=1e-3)


def test_what_is_no_character_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"missing\.vrm does not exist"):
        avatar_places(tmp_path / "missing.vrm", OURS.bones, OURS.rest)
    (tmp_path / "broken.vrm").write_bytes(b"glTF")
    with pytest.raises(UserError, match=r"broken\.vrm"):
        avatar_places(tmp_path / "broken.vrm", OURS.bones, OURS.rest)
