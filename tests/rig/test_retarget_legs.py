"""What stands below a motion without legs: hips at their height, feet at their place."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.rig.onto import put_onto
from tests.rig import rigs
from tests.rig.played import apart, played, put


class TestLegs:
    """The feet of a character whose motion has no legs."""

    def test_feet_stay_while_the_hips_sway_and_turn(self, tmp_path) -> None:
        rig = rigs.Rig(rolls=14)
        bones = put(swaying(), rig, tmp_path)
        for side in ("left", "right"):
            foot = bones[f"{side}Foot"]
            assert np.ptp(bones["hips"][:, 0, 3]) > 0.03
            # A leg that stretches already cannot follow: it lifts its foot by millimetres.
            slide = np.abs(foot[:, :3, 3] - rig.places()[f"{side}Foot"]).max(axis=0)
            assert (slide < [1e-3, 5e-3, 1e-3]).all()
            assert apart(foot, rig.t_turns()[f"{side}Foot"], rig) < 1e-4

    def test_knees_bend_forward_when_the_hips_sink(self, tmp_path) -> None:
        motion = swaying(sink_metres=0.2)
        rig = rigs.Rig(turned_degrees=180.0, rolls=15)
        bones, feet = put(motion, rig, tmp_path), rig.rest()[0]
        for side in ("left", "right"):
            knee = bones[f"{side}LowerLeg"][:, :3, 3]
            assert knee[-1, 2] < feet[f"{side}LowerLeg"][2] - 0.1  # it faces −z
            ankle = bones[f"{side}Foot"][:, :3, 3]
            assert np.abs(ankle - feet[f"{side}Foot"]).max() < 0.012
            lengths = np.linalg.norm(knee - bones[f"{side}UpperLeg"][:, :3, 3], axis=1)
            np.testing.assert_allclose(lengths, 0.43, atol=1e-5)

    def test_feet_go_along_with_who_walks(self, tmp_path) -> None:
        walk = swaying()
        frames = walk.frames.copy()
        frames[..., 2] += np.linspace(0, 3, len(frames))[:, None]
        rig = rigs.Rig()
        bones = put(Motion(frames, 30.0, AVATAROS_9), rig, tmp_path)
        ahead = bones["leftFoot"][:, 2, 3] - bones["hips"][:, 2, 3]
        assert bones["hips"][-1, 2, 3] > 3
        assert np.abs(ahead).max() < 0.2

    def test_feet_stand_below_hips_that_stand_elsewhere(self, tmp_path) -> None:
        motion = swaying()
        turn = Rotation.from_euler("y", 70, degrees=True)
        frames = motion.frames.copy()
        places = turn.apply(frames[..., :3].reshape(-1, 3)).reshape(40, 9, 3)
        frames[..., :3] = places + np.array([2, 0, 1])
        quaternions = turn * Rotation.from_quat(frames[..., 3:].reshape(-1, 4))
        frames[..., 3:] = quaternions.as_quat().reshape(40, 9, 4)
        rig = rigs.Rig()
        bones = put(Motion(frames, 30.0, AVATAROS_9), rig, tmp_path)
        shift = np.array([2, 0, 1]) / 0.886
        for side in ("left", "right"):
            expected = turn.apply(rig.places()[f"{side}Foot"]) + shift
            assert np.abs(bones[f"{side}Foot"][:, :3, 3] - expected).max() < 0.02
            slide = np.ptp(bones[f"{side}Foot"][:, :3, 3], axis=0)
            assert (slide < [1e-3, 1e-2, 1e-3]).all()


def swaying(sink_metres: float = 0.0) -> Motion:
    """Hips that shift by 2 cm and turn by 10 degrees, and sink if told."""
    time = np.linspace(0, 2 * np.pi, 40)
    local = rest_local(40)
    degrees = np.stack([10 * np.sin(time), 3 * np.cos(time), 2 * np.sin(2 * time)], axis=1)
    local[:, 0] = Rotation.from_euler("yxz", degrees, degrees=True).as_quat()
    hips = np.stack([0.02 * np.sin(time), 0.886 + 0 * time, 0.01 * np.cos(time)], axis=1)
    hips[:, 1] -= sink_metres * np.linspace(0, 1, 40)
    return motion_from_local(local, AVATAROS_9.offsets, hips, fps=30.0, skeleton=AVATAROS_9)


def rest_local(frames: int) -> np.ndarray:
    rest = np.tile(AVATAROS_9.rest_rotations, (frames, 1, 1))
    places = np.tile(AVATAROS_9.offsets, (frames, 1, 1))
    return Motion(np.concatenate((places, rest), axis=-1), 30.0, AVATAROS_9).local_quaternions()


class TestHips:
    """They neither sink nor float."""

    def test_a_floor_below_zero(self, tmp_path) -> None:
        """A character whose hips are at the origin stays where it is."""
        rig = rigs.Rig(edit=lambda model: lower(model, 1.0))
        bones = put(swaying(), rig, tmp_path)
        assert np.abs(bones["hips"][:, 1, 3]).max() < 1e-5
        assert np.ptp(bones["hips"][:, 0, 3]) == pytest.approx(
            0.04 * 0.98 / 0.886, rel=0.01
        )  # toes are 2 cm high

    def test_a_speaker_whose_zero_is_at_the_hips(self, tmp_path) -> None:
        frames = swaying().frames.copy()
        frames[..., 1] -= 0.886
        motion = Motion(frames, 30.0, AVATAROS_9)
        rig = rigs.Rig()
        notes = put_onto(motion, rig.write(tmp_path / "a.glb"), tmp_path / "b.glb", name="x")
        assert any("0.89 m is expected" in note for note in notes)
        _, worlds, _ = played(tmp_path / "b.glb")
        np.testing.assert_allclose(worlds[:, 1, 1, 3], 1.0, atol=1e-5)


def lower(model, metres: float) -> None:
    model.nodes[0].translation = [0.0, -metres, 0.0]
