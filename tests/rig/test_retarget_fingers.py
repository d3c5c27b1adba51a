"""Fingers that rest flat hang a little bent; those that have a pose keep it."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.rig import rigs
from tests.rig.motions import asymmetric_motion, straight
from tests.rig.played import apart, put


@pytest.mark.parametrize("rolls", [None, 21])
def test_flat_fingers_bend_to_the_palm(tmp_path, rolls) -> None:
    rig = rigs.Rig(fingers=True, rolls=rolls, lowered_degrees=45.0)
    bones = put(straight(asymmetric_motion(4)), rig, tmp_path)
    for side, sign in rigs.SIDES:
        stand, hand = rig.t_turns(), bones[f"{side}Hand"][:, :3, :3]
        palm = Rotation.from_matrix(hand) * stand[f"{side}Hand"].inv()
        tips = [bones[f"{side}Index{part}"] for part in ("Proximal", "Intermediate", "Distal")]
        for tip, part, degrees in zip(
            tips, ("Proximal", "Intermediate", "Distal"), (14, 36, 48), strict=True
        ):
            bent = Rotation.from_euler("z", -sign * degrees, degrees=True)
            expected = palm * bent * stand[f"{side}Index{part}"]
            assert apart(tip, expected, rig) < 1e-4
        down = palm.apply([0.0, -1.0, 0.0])
        way = tips[2][:, :3, 3] - tips[1][:, :3, 3]
        assert ((way * down).sum(axis=1) > 0.01).all()


def test_bent_fingers_stay(tmp_path) -> None:
    def bend(model) -> None:
        for node in model.nodes:
            if node.name.endswith("Index2"):
                turn = Rotation.from_euler("z", 40, degrees=True)
                node.rotation = (turn * Rotation.from_quat(node.rotation)).as_quat().tolist()

    rig = rigs.Rig(fingers=True, edit=bend)
    bones = put(asymmetric_motion(4), rig, tmp_path)
    local = np.linalg.inv(bones["leftHand"]) @ bones["leftIndexProximal"]
    np.testing.assert_allclose(local[:, :3, :3], [np.eye(3)] * 4, atol=1e-6)
