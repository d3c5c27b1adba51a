"""What is wrong with motion files and would be read without a word."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import read_bvh, write_bvh
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.motion.reader import length_problem, read_motion
from llavataros_jax.motion.skeleton import Skeleton

NAMES = (
    *("Hips", "Spine", "Neck", "Head", "LeftArm", "LeftForeArm", "LeftHand"),
    *("RightArm", "RightForeArm", "RightHand", "LeftUpLeg", "RightUpLeg"),
)
PARENTS = (-1, 0, 1, 2, 1, 4, 5, 1, 7, 8, 0, 0)
OFFSETS = np.array(
    [
        *([0, 0.95, 0], [0, 0.25, 0], [0, 0.25, 0], [0, 0.1, 0]),
        *([0.18, 0.2, 0], [0.28, 0, 0], [0.25, 0, 0]),
        *([-0.18, 0.2, 0], [-0.28, 0, 0], [-0.25, 0, 0]),
        *([0.1, -0.05, 0], [-0.1, -0.05, 0]),
    ]
)
# Turns y up, facing +z into z up, facing -y.
LIE = Rotation.from_euler("x", 90, degrees=True)


def person(*, frames: int = 60, fps: float = 30.0, names=NAMES, offsets=OFFSETS) -> Motion:
    generator = np.random.default_rng(2)
    phase = np.sin(np.arange(frames)[:, None, None] / 9 + generator.uniform(0, 6, (1, 12, 3)))
    turns = Rotation.from_rotvec((0.2 * phase).reshape(-1, 3)).as_quat().reshape(frames, 12, 4)
    root = np.array([0, 0.95, 0]) + 0.05 * phase[:, 0]
    skeleton = Skeleton(names, PARENTS, offsets)
    return motion_from_local(turns, offsets, root, fps=fps, skeleton=skeleton)


def lying(motion: Motion, turn: Rotation = LIE) -> Motion:
    """Returns the motion in axes that are turned, by SciPy."""
    positions = turn.apply(motion.positions.reshape(-1, 3).copy())
    quaternions = (turn * Rotation.from_quat(motion.quaternions.reshape(-1, 4).copy())).as_quat()
    frames = np.concatenate((positions, quaternions), axis=1).reshape(motion.frames.shape)
    return Motion(frames, motion.fps, motion.skeleton)


def read(path, seconds=2.0, **options):
    return read_motion(path, audio_seconds=seconds, **options)


def same_turns(one: Motion, other: Motion) -> float:
    pair = [Rotation.from_quat(m.quaternions.reshape(-1, 4).copy()) for m in (one, other)]
    return (pair[0].inv() * pair[1]).magnitude().max()


def test_what_is_right_is_kept_bit_for_bit(tmp_path, dance):
    write_bvh(tmp_path / "a.bvh", person())
    motion, notes = read(tmp_path / "a.bvh")
    np.testing.assert_array_equal(motion.frames, read_bvh(tmp_path / "a.bvh").frames)
    assert motion.skeleton == read_bvh(tmp_path / "a.bvh").skeleton
    assert not notes
    write_npy(tmp_path / "b.npz", dance, dtype=np.float64)
    motion, notes = read(tmp_path / "b.npz", 1.5)
    np.testing.assert_array_equal(motion.frames, dance.frames)
    assert not notes


@pytest.mark.parametrize(
    ("metres", "unit"),
    [
        *((1.0, "metres"), (0.001, "millimetres"), (0.0254, "inches"), (0.1, "decimetres")),
        *((0.3048, "feet"), (0.0254 / 0.45, "units of CMU (5.64 cm)")),
    ],
)
def test_the_unit_follows_from_the_body(tmp_path, metres, unit):
    write_bvh(tmp_path / "a.bvh", person(), metres_per_unit=metres)
    motion, notes = read(tmp_path / "a.bvh")
    stated = read_bvh(tmp_path / "a.bvh", metres_per_unit=metres)
    np.testing.assert_allclose(motion.frames, stated.frames, atol=1e-12)
    np.testing.assert_allclose(motion.skeleton.offsets, stated.skeleton.offsets, atol=1e-12)
    assert len(notes) == 1
    assert notes[0].startswith(f"its lengths are read as {unit}: in centimetres its arms would be")


@pytest.mark.parametrize("size", [0.5, 0.8, 1.2, 1.6])
def test_children_and_giants_are_left_alone(tmp_path, size):
    write_bvh(tmp_path / "a.bvh", person(offsets=size * OFFSETS))
    motion, notes = read(tmp_path / "a.bvh")
    np.testing.assert_array_equal(motion.frames, read_bvh(tmp_path / "a.bvh").frames)
    assert not notes


def test_a_skeleton_of_unknown_names_is_measured_too(tmp_path):
    names = tuple(f"bone{number}" for number in range(12))
    write_bvh(tmp_path / "a.bvh", person(names=names), metres_per_unit=1.0)
    motion, notes = read(tmp_path / "a.bvh")
    np.testing.assert_allclose(motion.skeleton.offsets[5], OFFSETS[5], atol=1e-8)
    assert "longest chains of bones" in notes[0]


def test_a_stated_unit_rules_and_is_told_of(tmp_path):
    write_bvh(tmp_path / "a.bvh", person(), metres_per_unit=1.0)
    motion, notes = read(tmp_path / "a.bvh", bvh_metres_per_unit=0.01)
    np.testing.assert_array_equal(motion.frames, read_bvh(tmp_path / "a.bvh").frames)
    assert "motion.bvh_metres_per_unit=0.01 makes its arms 5.3 mm long" in notes[0]
    assert "1 (metres) would fit" in notes[0]
    assert not read(tmp_path / "a.bvh", bvh_metres_per_unit=1.0)[1]


def test_a_unit_that_nobody_uses_is_told_of(tmp_path):
    write_bvh(tmp_path / "a.bvh", person(), metres_per_unit=77.0)
    assert "no usual unit fits; state motion.bvh_metres_per_unit" in read(tmp_path / "a.bvh")[1][0]


def test_arrays_in_centimetres_become_metres(tmp_path, dance):
    frames = dance.frames.copy()
    frames[..., :3] *= 100
    np.savez(tmp_path / "a.npz", motion=frames, fps=60)
    motion, notes = read(tmp_path / "a.npz", 1.5)
    np.testing.assert_allclose(motion.frames, dance.frames, atol=1e-12)
    assert notes[0].startswith("its lengths are read as centimetres: in metres its arms")


def test_z_up_with_a_rest_pose_that_lies_as_well(tmp_path):
    """All axes of the file are turned, as Blender exports it: the body is the one with y up."""
    upright = person()
    offsets = LIE.apply(OFFSETS)
    turns = LIE * Rotation.from_quat(upright.local_quaternions().reshape(-1, 4)) * LIE.inv()
    skeleton = Skeleton(NAMES, PARENTS, offsets)
    root = LIE.apply(upright.positions[:, 0].copy())
    local = turns.as_quat().reshape(60, 12, 4)
    blender = motion_from_local(local, offsets, root, fps=30, skeleton=skeleton)
    write_bvh(tmp_path / "a.bvh", blender)
    motion, notes = read(tmp_path / "a.bvh")
    np.testing.assert_allclose(motion.positions, upright.positions, atol=1e-6)
    np.testing.assert_allclose(motion.skeleton.offsets, OFFSETS, atol=1e-6)
    assert same_turns(motion, upright) < 1e-6
    assert notes[0].startswith("its head is along z from its hips, so it is turned to have y up")
    assert not read(tmp_path / "a.bvh", up="y")[1]
    forced, silent = read(tmp_path / "a.bvh", up="z")
    np.testing.assert_array_equal(forced.frames, motion.frames)
    assert not silent


@pytest.mark.parametrize(
    "turn",
    [
        *(Rotation.from_euler("x", angle, degrees=True) for angle in (90, 180, -90)),
        *(Rotation.from_euler("z", angle, degrees=True) for angle in (90, -90)),
        Rotation.from_euler("xz", [90, 90], degrees=True),
        Rotation.from_euler("xz", [90, 180], degrees=True),
        Rotation.from_euler("xz", [90, -90], degrees=True),
    ],
)
def test_whoever_lies_or_hangs_stands_up_and_faces_z(tmp_path, turn):
    upright = person()
    write_bvh(tmp_path / "a.bvh", lying(upright, turn))
    motion, notes = read(tmp_path / "a.bvh")
    np.testing.assert_allclose(motion.positions, upright.positions, atol=1e-6)
    assert same_turns(motion, upright) < 1e-6
    assert motion.skeleton.same_structure(upright.skeleton)
    np.testing.assert_allclose(motion.skeleton.offsets, OFFSETS, atol=1e-6)
    assert len(notes) == 1


def test_a_body_that_bends_forward_is_not_turned(tmp_path):
    write_bvh(tmp_path / "a.bvh", lying(person(), Rotation.from_euler("x", 45, degrees=True)))
    motion, notes = read(tmp_path / "a.bvh")
    np.testing.assert_array_equal(motion.frames, read_bvh(tmp_path / "a.bvh").frames)
    assert not notes


def test_amass_lies_and_is_turned(tmp_path):
    poses = np.zeros((60, 156))
    poses[:, 0] = np.pi / 2
    np.savez(tmp_path / "a.npz", poses=poses, trans=np.zeros((60, 3)), mocap_framerate=30)
    motion, notes = read(tmp_path / "a.npz")
    heights = motion.positions[0, :, 1] - motion.positions[0, 0, 1]
    names = motion.skeleton.names
    assert heights[names.index("head")] == pytest.approx(1.7 * (0.288 + 0.052))
    across = motion.positions[0, names.index("left_wrist")]
    np.testing.assert_allclose(across[0], 1.7 * (0.129 + 0.186 + 0.146), atol=1e-9)
    assert "y up" in notes[0]


def test_a_real_amass_file_stands(recording):
    path = recording("cases/09_smplx_amass_z_up/recordings/amass_stageii.npz")
    motion, notes = read(path, 6.0)
    assert motion.positions[:, 5, 1].mean() - motion.positions[:, 0, 1].mean() > 0.5
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("stated", "seconds", "fps"),
    [
        (60, 7200 * 1001 / 60000, 59.94),
        (30, 7200 * 1001 / 30000, 29.97),
        (24, 7200 * 1001 / 24000, 23.976),
        (60000 / 1001, 120.0, 60),
        (60, 120.0, 60),
        (60, 120.04, 60),
        (60, 120.5, 60),
    ],
)
def test_rates_of_ntsc_follow_from_a_long_sound(tmp_path, dance, stated, seconds, fps):
    frames = np.repeat(dance.frames, 80, axis=0)
    np.savez(tmp_path / "a.npz", motion=frames, fps=stated)
    motion, notes = read(tmp_path / "a.npz", seconds)
    assert motion.fps == pytest.approx(fps, abs=1e-4)
    assert [note.startswith("by its sound it has") for note in notes] == [True] * (fps != stated)
    assert read(tmp_path / "a.npz", seconds, source_fps=60)[0].fps == 60
    np.save(tmp_path / "b.npy", frames)
    assert read(tmp_path / "b.npy", seconds)[0].fps == pytest.approx(fps, abs=1e-4)


def test_source_fps_goes_before_every_file(tmp_path):
    write_bvh(tmp_path / "a.bvh", person(fps=24))
    motion, notes = read(tmp_path / "a.bvh", source_fps=30)
    assert (motion.fps, motion.num_frames) == (30, 60)
    assert notes == ("motion.source_fps=30 goes before its Frame Time, which says 24 per second",)
    poses = {"poses": np.zeros((60, 165)), "trans": np.zeros((60, 3)), "mocap_frame_rate": 120}
    np.savez(tmp_path / "a.npz", **poses)
    assert read(tmp_path / "a.npz", source_fps=30)[0].fps == 30


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (12.0, "at the usual rate of 60 it would be as long as its audio: state motion.source_fps"),
        (24.4, "no usual rate fits, 29.508 would: state motion.source_fps=29.508"),
    ],
)
def test_a_rate_that_lies_is_named(tmp_path, seconds, said):
    motion = dataclasses.replace(person(frames=720), fps=24)
    path, audio = tmp_path / "a.bvh", tmp_path / "a.wav"
    problem = length_problem(motion, path, audio, seconds)
    assert said in problem
    assert f"{path} lasts 30.000 s (720 frames at 24 per second)" in problem


def test_props_are_told_of(tmp_path):
    write_bvh(tmp_path / "a.bvh", person(frames=1))
    text = (tmp_path / "a.bvh").read_text()
    prop = "ROOT Prop\n{\nOFFSET 0 0 0\nCHANNELS 0\n}\nMOTION"
    (tmp_path / "a.bvh").write_text(text.replace("MOTION", prop, 1))
    motion, notes = read(tmp_path / "a.bvh")
    assert motion.skeleton.names == NAMES
    assert notes == ("it holds more than the body under Hips; left out is what hangs on Prop",)


def test_motion_without_speech_has_the_rate_of_its_file(tmp_path):
    motion = dataclasses.replace(person(frames=1200), fps=60)
    write_bvh(tmp_path / "a.bvh", motion)
    assert read(tmp_path / "a.bvh", None)[0].fps == 60
    np.save(tmp_path / "a.npy", motion.frames[:, :9])
    with pytest.raises(UserError, match="has no speech to find it from; state it"):
        read(tmp_path / "a.npy", None)
    assert read(tmp_path / "a.npy", None, source_fps=50)[0].fps == 50


@pytest.mark.parametrize("name", ["a.pkl", "a.pt", "a.fbx"])
def test_other_files_are_refused_in_a_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04.")
    with pytest.raises(UserError, match="never opened" if name != "a.fbx" else "export it as"):
        read(tmp_path / name)
