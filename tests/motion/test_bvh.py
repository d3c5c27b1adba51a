import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import read_bvh, write_bvh
from llavataros_jax.motion.kinematics import forward

SMALL = """HIERARCHY
ROOT Hips
{
  OFFSET 0 90 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Left Arm
  {
    OFFSET 10 0 0
    CHANNELS 4 Yrotation Xrotation Zrotation Yposition
    JOINT Hand
    {
      OFFSET 0 20 1
      CHANNELS 1 Xrotation
      End Site
      {
        OFFSET 0 5 0
      }
    }
  }
  JOINT Tail
  {
    OFFSET 0 0 -7
    CHANNELS 3 Xrotation Yrotation Zrotation
  }
}
MOTION
Frames: 2
Frame Time: 0.033333
1 2 3 10 20 30 40 50 60 9 70 80 -15 25
-1 -2 -3 -10 -20 -30 -40 -50 -60 8 -70 -80 15 -25
"""


@pytest.fixture
def small(tmp_path):
    """Reads a text as a BVH file."""

    def read(text: str):
        path = tmp_path / "small.bvh"
        path.write_bytes(text.encode())
        return read_bvh(path)

    return read


def test_channels_of_any_order_and_number(small) -> None:
    motion = small(SMALL)
    assert motion.skeleton.names == ("Hips", "Left Arm", "Hand", "Tail")
    assert motion.skeleton.parents == (-1, 0, 1, 0)
    assert motion.fps == 30
    for frame, sign in enumerate((1, -1)):
        root = Rotation.from_euler("ZXY", sign * np.array([10, 20, 30]), degrees=True)
        arm = root * Rotation.from_euler("YXZ", sign * np.array([40, 50, 60]), degrees=True)
        hand = arm * Rotation.from_euler("X", sign * 70, degrees=True)
        tail = root * Rotation.from_euler("XYZ", sign * np.array([80, -15, 25]), degrees=True)
        hips = sign * np.array([1.0, 2, 3])
        shoulder = hips + root.apply([10, 9 if sign > 0 else 8, 0])  # y replaces, x and z stay
        places = [hips, shoulder, shoulder + arm.apply([0, 20, 1]), hips + root.apply([0, 0, -7])]
        np.testing.assert_allclose(motion.positions[frame], np.array(places) / 100, atol=1e-14)
        for joint, turn in enumerate((root, arm, hand, tail)):
            found = Rotation.from_quat(motion.quaternions[frame, joint])
            assert (turn.inv() * found).magnitude() < 1e-13


def test_rest_pose_is_that_of_the_offsets(small) -> None:
    skeleton = small(SMALL).skeleton
    np.testing.assert_allclose(
        skeleton.offsets, np.array([[0, 90, 0], [10, 0, 0], [0, 20, 1], [0, 0, -7]]) / 100
    )
    np.testing.assert_array_equal(skeleton.rest_rotations, [[0, 0, 0, 1]] * 4)
    assert [tip.tolist() for tip in skeleton.end_sites[2]] == [[0, 0.05, 0]]


@pytest.mark.parametrize(
    "restyle",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("  ", "\t"),
        lambda text: text.replace("\n  ", " ").replace("\n{", " {"),
        lambda text: "\ufeff" + text + "\n\n",
        lambda text: text.replace("Xposition Y", "XPOSITION   Y").replace("End Site", "End site"),
        lambda text: text.replace("Frames: 2", "Frames:2").replace("Time: ", "Time:\t"),
        lambda text: text.replace(" 50 60", "\n50 60  "),
        lambda text: text.rstrip("\n"),
    ],
)
def test_whitespace_and_case_do_not_matter(small, restyle) -> None:
    plain = small(SMALL)
    styled = small(restyle(SMALL))
    np.testing.assert_array_equal(styled.frames, plain.frames)
    assert styled.skeleton == plain.skeleton


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        *(("0.0333333", 30), ("0.03333", 30), ("0.033", 30), ("0.00833", 120), ("0.04", 25)),
        *(("0.016667", 60), ("0.0417", 24), ("1", 1), (".05", 20), ("3.33333e-2", 30)),
        ("0.033367", 1 / 0.033367),
    ],
)
def test_frame_time_cut_to_a_few_decimals_is_a_whole_rate(small, text, fps) -> None:
    assert small(SMALL.replace("0.033333", text)).fps == pytest.approx(fps, rel=1e-15)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("HIERARCHY", "HIERARCHIE", "line 1: HIERARCHY"),
        ("  OFFSET 0 90 0\n", "  OFFSET 0 ninety 0\n", "line 4.*'ninety'"),
        ("    OFFSET 10 0 0\n", "", "joint Left Arm has no OFFSET"),
        ("Yposition Zposition Z", "Yposition Wposition Z", "line 5.*'wposition'"),
        ("4 Yrotation Xrotation", "4 Yrotation Yrotation", "line 9.*twice"),
        ("CHANNELS 1 X", "CHANNELS one X", "line 13.*'one'"),
        ("JOINT Tail", "ROOT Tail", "line 20.*ROOT is out of place"),
        ("HIERARCHY\nROOT Hips\n{", "HIERARCHY\nJOINT Hips\n{", "line 2.*JOINT is out of place"),
        ("CHANNELS 1 X", "CHANNELS " + 5000 * "9" + " X", r"line 13.*0 to 6 first, not '9+\.\.\.'"),
        ("CHANNELS 1 X", "CHANNELS 7 X", "line 13.*0 to 6"),
        ("Frames: 2", "Frames: " + 5000 * "9", r"line 27.*not '9+\.\.\.'"),
        ("0.033333", "1e-400", "line 28.*from 0.000001 to 3600, not '1e-400'"),
        ("0.033333", "1E999999999", "line 28.*from 0.000001 to 3600"),
        ("0.033333", "nan", "line 28.*from 0.000001 to 3600"),
        ("JOINT Tail", "JOINT Hand", "'Hand'"),
        ("JOINT Tail", "BONE Tail", "line 20.*'BONE'"),
        ("}\nMOTION", "\nMOTION", "truncated"),
        (SMALL[SMALL.index("MOTION") :], "", "no MOTION"),
        (SMALL[SMALL.index("    OFFSET 0 0 -7") :], "", "truncated"),
        ("Frames: 2", "Frames: two", "line 27.*'two'"),
        ("Frames: 2", "Frames: 0", "line 27.*'0'"),
        ("Frames: 2\n", "", "line 26.*Frames"),
        ("0.033333", "0", "line 28.*Frame Time"),
        ("0.033333", "fast", "line 28.*'fast'"),
        ("Frames: 2", "Frames: 3", "3 frames of 14 numbers.*28 numbers"),
        ("Frames: 2", "Frames: 1", "1 frames of 14 numbers.*28 numbers"),
        (" 15 -25\n", " 15\n", "line 30 has 13 numbers"),
        ("-70 -80", "-70 -8O", "line 30: '-8O'"),
        ("-70 -80", "-70 nan", "frame 1.*NaN"),
        (SMALL[SMALL.index("1 2 3 10") :], "", "0 numbers"),
        (SMALL, " \n", "empty"),
    ],
)
def test_malformed_files_are_refused_with_the_line(small, old, new, message) -> None:
    assert old in SMALL
    with pytest.raises(UserError, match=rf"small\.bvh.*{message}"):
        small(SMALL.replace(old, new, 1))


def test_every_truncation_is_refused(small) -> None:
    # A cut inside the very last number cannot be seen.
    for size in range(1, SMALL.index("-25")):
        with pytest.raises(UserError, match=r"small\.bvh"):
            small(SMALL[:size])


def with_roots(*roots: str) -> str:
    """Returns `SMALL` with more roots behind it, each a chain of joints that turn by 7, 7 and 7."""
    header, frames = SMALL.split("MOTION")
    joints = 0
    for names in map(str.split, roots):
        for kind, name in zip(["ROOT", *["JOINT"] * 9], names, strict=False):
            header += f"{kind} {name}\n{{\nOFFSET 0 0 1\n"
            header += "CHANNELS 3 Xrotation Yrotation Zrotation\n"
        header += "}\n" * len(names)
        joints += len(names)
    return header + "MOTION" + frames.replace("25\n", "25" + " 7" * 3 * joints + "\n")


def test_a_prop_beside_the_body_is_left_out_and_said(small) -> None:
    plain = small(SMALL)
    with pytest.warns(UserWarning, match=r"under Hips; left out is what hangs on Prop, Chair$"):
        motion = small(with_roots("Prop", "Chair"))
    assert motion.skeleton == plain.skeleton
    np.testing.assert_array_equal(motion.frames, plain.frames)
    body_last = with_roots("Body a b c d e f g h")
    with pytest.warns(UserWarning, match="under Body; left out is what hangs on Hips$"):
        motion = small(body_last)
    assert motion.skeleton.names == tuple(["Body", "a", "b", "c", "d", "e", "f", "g", "h"])
    turn = Rotation.from_euler("XYZ", [7, 7, 7], degrees=True).as_quat()
    np.testing.assert_allclose(np.abs(motion.quaternions[:, 0] @ turn), 1, atol=1e-12)


def test_two_bodies_in_a_file_are_refused(small) -> None:
    with pytest.raises(UserError, match=r"2 ROOTs .* a body, Hips \(4 joints\), Hip2"):
        small(with_roots("Hip2 Arm2 Hand2"))


def test_a_skeleton_without_channels_is_refused(small) -> None:
    """However many frames it promises: it holds no number of any."""
    still = re.sub(r"CHANNELS .*", "CHANNELS 0", SMALL[: SMALL.index("1 2 3 10")])
    with pytest.raises(UserError, match="no joint under Hips has CHANNELS"):
        small(still.replace("Frames: 2", "Frames: 9999999999"))


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "左腕"),
        ("utf-8-sig", "Brás"),
        ("utf-16", "左腕"),
        ("cp932", "左腕"),
        ("cp932", "ｾﾝﾀｰ"),
        ("cp932", "Left腕ｄ"),
        ("latin-1", "Brás"),
        ("latin-1", "Épaule gauche é"),
        ("cp1252", "Füße"),
    ],
)
def test_names_are_decoded(tmp_path, encoding, name) -> None:
    path = tmp_path / "named.bvh"
    path.write_bytes(SMALL.replace("Left Arm", name).encode(encoding))
    motion = read_bvh(path)
    assert motion.skeleton.names == ("Hips", name, "Hand", "Tail")
    write_bvh(path, motion)
    assert read_bvh(path).skeleton.names[1] == name


def test_bytes_of_no_encoding_are_kept_apart(tmp_path) -> None:
    path = tmp_path / "named.bvh"
    content = SMALL.encode().replace(b"Left Arm", b"\x81\xff").replace(b"Tail", b"\x81\xfe")
    path.write_bytes(content)
    names = read_bvh(path).skeleton.names
    assert len(set(names)) == 4
    assert "\ufffd" not in "".join(names)


def test_cases_that_people_met(recording) -> None:
    folder = "cases/05_bvh_shift_jis_names/"
    ours, theirs = (
        read_bvh(recording(f"{folder}{kind}/mmd.bvh")) for kind in ("recordings", "recordings_utf8")
    )
    assert ours.skeleton == theirs.skeleton
    assert "腰" in ours.skeleton.names
    assert read_bvh(recording("cases/b14_latin1_name.bvh")).skeleton.names[2] == "Bräs"
    assert read_bvh(recording("cases/b08_rows_wrapped.bvh")).num_frames == 3
    with pytest.warns(UserWarning, match="Prop"):
        assert read_bvh(recording("cases/b12_two_roots.bvh")).skeleton.num_joints == 3
    with pytest.raises(UserError, match="two joints are called 'Spine'"):
        read_bvh(recording("cases/b17_duplicate_names.bvh"))


ODD = (
    *("nan", "1e400", "-1", "{", "}", "ROOT a", "End Site", "MOTION", "1E99999999", "\0"),
    "9" * 5000,
)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_whatever_a_file_holds_it_is_read_or_refused_in_a_sentence(data) -> None:
    words = re.split(r"(\s+)", with_roots("Prop"))
    for _ in range(data.draw(st.integers(1, 3))):
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.sampled_from(ODD))
    content = "".join(words).encode()[: data.draw(st.integers(1, 2000))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.bvh"
        path.write_bytes(content)
        sentence = ""
        try:
            read_bvh(path)
        except UserError as refusal:
            sentence = str(refusal)
    assert len(sentence) < 400


def test_missing_file_is_refused(tmp_path) -> None:
    with pytest.raises(UserError, match=r"none\.bvh does not exist"):
        read_bvh(tmp_path / "none.bvh")


@pytest.mark.parametrize("order", ["ZXY", "XYZ", "YZX"])
def test_avataros_round_trip(dance, tmp_path, order) -> None:
    write_bvh(tmp_path / "dance.bvh", dance, rotation_order=order)
    again = read_bvh(tmp_path / "dance.bvh")
    assert np.abs(again.positions - dance.positions).max() < 1e-7
    assert (again.fps, again.skeleton.names) == (60, dance.skeleton.names)
    again = again.with_rest(dance.skeleton.rest_rotations)
    turned = Rotation.from_quat(dance.quaternions.reshape(-1, 4)).inv()
    turned = turned * Rotation.from_quat(again.quaternions.reshape(-1, 4))
    assert turned.magnitude().max() < 1e-7
    np.testing.assert_allclose(again.skeleton.offsets, dance.skeleton.offsets, atol=1e-10)


def test_written_rest_pose_is_a_t_pose(dance, tmp_path) -> None:
    path = tmp_path / "dance.bvh"
    write_bvh(path, dance)
    skeleton = read_bvh(path).skeleton
    identity = np.tile(np.eye(3), (9, 1, 1))
    places = np.asarray(
        forward(identity, skeleton.offsets, skeleton.offsets[0], skeleton.parents)[0]
    )
    assert np.abs(places[[3, 4, 5], 1] - places[3, 1]).max() < 1e-9  # the right arm is level
    assert (np.diff(places[[3, 4, 5], 0]) < -0.2).all()  # and points to the right, at negative x
    assert (np.diff(places[[6, 7, 8], 0]) > 0.2).all()
    lines = path.read_text().splitlines()
    channels = [line.split()[1] for line in lines if "CHANNELS" in line]
    assert channels == ["6", "6", "3", "6", "3", "3", "6", "3", "3"]


def test_own_units_and_awkward_rates(dance, tmp_path) -> None:
    path = tmp_path / "dance.bvh"
    slow = type(dance)(dance.frames, 29.97, dance.skeleton)
    write_bvh(path, slow, metres_per_unit=1.0)
    again = read_bvh(path, metres_per_unit=1.0)
    assert np.abs(again.positions - dance.positions).max() < 1e-5
    assert again.fps == pytest.approx(29.97, rel=1e-12)
    with pytest.raises(UserError, match="'ZXZ'"):
        write_bvh(path, dance, rotation_order="ZXZ")


@pytest.mark.parametrize("name", ["067_Speech_2_x_1_0", "gac_sample1"])
def test_real_files_survive_rewriting(recording, tmp_path, name) -> None:
    motion = read_bvh(recording(f"bvh/{name}.bvh"))
    assert motion.fps == 30
    write_bvh(tmp_path / "again.bvh", motion)
    again = read_bvh(tmp_path / "again.bvh")
    assert again.skeleton == motion.skeleton
    assert np.abs(again.frames - motion.frames).max() < 1e-7


def test_places_equal_those_of_the_genea_tools(recording) -> None:
    reference = np.load(recording("fgd/ref_sample1_ckpt30.npz"))["positions56"]
    names = recording("fgd/genea23_30_target_joints.txt").read_text().split()
    motion = read_bvh(recording("bvh/gac_sample1.bvh"))
    skeleton = motion.skeleton
    # Those tools add the position channels to OFFSET, which doubles every bone.
    doubled = motion.local_offsets() + skeleton.offsets
    positions, _ = forward(motion.local_rotations(), doubled, doubled[:, 0], skeleton.parents)
    chosen = np.asarray(positions)[:, [skeleton.names.index(name) for name in names]] * 100
    np.testing.assert_allclose(chosen.reshape(len(reference), -1), reference, atol=1e-3)
