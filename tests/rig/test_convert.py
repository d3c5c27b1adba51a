"""`llavataros convert`: every form from every other, nothing replaced that is another's."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros.convert import main
from llavataros.form_table import FORMS
from llavataros.motion_files import read_motion_file
from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh import write_bvh
from llavataros_jax.motion.npy import read_npy, write_npy
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.rig.nine_joints import on_nine_joints
from llavataros_jax.rig.normalised import humanoid_motion
from tests.rig import rigs
from tests.rig.people import posed, uneven_motion

READ_BACK = [name for name in FORMS if not name.startswith("usd") and name != "npy"]


@pytest.fixture
def talk(tmp_path: Path, monkeypatch) -> Path:
    """A `.npy` of AvatarOS in an empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    write_npy(tmp_path / "talk.npy", uneven_motion())
    return Path("talk.npy")


def told(capsys) -> str:
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("form", READ_BACK)
def test_arms_move_alike_in_every_form(talk: Path, form: str, capsys) -> None:
    assert main([str(talk), "--to", form, "--source-fps", "30"]) == 0
    path = Path(f"talk{FORMS[form].suffix}")
    assert f"wrote {path}: 12 frames at 30 fps of talk.npy" in capsys.readouterr().out
    motion, _ = read_motion_file(path)
    assert motion.fps == pytest.approx(30)
    ours, theirs = humanoid_motion(uneven_motion()), humanoid_motion(motion)
    before, after = ours.to_motion(), theirs.to_motion()
    start, end = ("rightUpperArm", "rightHand")
    for told_motion, bones in ((before, ours.bones), (after, theirs.bones)):
        arm = [told_motion.positions[:, bones.index(bone)] for bone in (start, end)]
        way = (arm[1] - arm[0]) / np.linalg.norm(arm[1] - arm[0], axis=1, keepdims=True)
        if told_motion is before:
            wanted = way
    # SMPL's bones have other lengths, but each points as ours does.
    np.testing.assert_allclose(way, wanted, atol=0.03 if "smpl" in form else 1e-4)
    record = json.loads(Path(f"{path}.json").read_text())
    assert record["written_by"] == "llavataros convert"
    assert record["frames"] == 12
    assert set(record["files"]) == {path.name}


def test_a_way_through_all_forms_and_back(talk: Path) -> None:
    """What every form on the way can tell, and nothing of it is lost."""
    assert main([str(talk), "--out", "a.bvh", "--source-fps", "30"]) == 0
    assert main(["a.bvh", "--out", "b.glb"]) == 0
    assert main(["b.glb", "--out", "c.vrma"]) == 0
    assert main(["c.vrma", "--to", "bvh", "--names", "mixamo"]) == 0
    assert main(["c.bvh", "--out", "d.npy"]) == 0
    back = read_npy("d.npy", fps=30)
    wanted = uneven_motion()
    np.testing.assert_allclose(back.positions[:, 3:], wanted.positions[:, 3:], atol=1e-4)
    dots = np.abs((back.quaternions * wanted.quaternions).sum(-1))[:, 3:]
    assert (2 * np.arccos(np.minimum(dots, 1.0))).max() < 1e-3  # twists included
    assert main(["d.npy", "--to", "vrma"]) == 0  # its rate is in the record beside it


def test_rates_change(talk: Path) -> None:
    assert main([str(talk), "--to", "bvh", "--source-fps", "30", "--fps", "60"]) == 0
    motion, _ = read_motion_file(Path("talk.bvh"))
    assert (motion.fps, motion.num_frames) == (60, 24)


def test_several_into_a_folder_and_one_that_is_broken(talk: Path, capsys) -> None:
    write_bvh("a.bvh", uneven_motion())
    Path("broken.bvh").write_text("HIERARCHY")
    arguments = ["a.bvh", "broken.bvh", str(talk), "--source-fps", "30", "--to", "vrma"]
    assert main([*arguments, "--out", "deep/er"]) == 2
    said = capsys.readouterr()
    assert "broken.bvh" in said.err
    assert "1 of 3 motions could not be converted" in said.err
    names = {path.name for path in Path("deep/er").iterdir()}
    assert names == {"a.vrma", "a.vrma.json", "talk.vrma", "talk.vrma.json"}


def test_onto_a_character(talk: Path) -> None:
    rigs.Rig(vrm=1, names=rigs.strange).write(Path("avatar.vrm"))
    assert main([str(talk), "--source-fps", "30", "--onto", "avatar.vrm", "--out", "x.glb"]) == 0
    # Its bones have names that nobody knows, but the file says which they are.
    assert main(["x.glb", "--out", "back.vrma"]) == 0
    files = (Path("back.vrma"), talk)
    back, wanted = (humanoid_motion(read_motion_file(path, fps=30)[0]) for path in files)
    ours, theirs = (
        Rotation.from_quat(told.to_motion().quaternions[:, told.bones.index("rightLowerArm")])
        for told in (wanted, back)
    )
    assert (ours * theirs.inv()).magnitude().max() < 1e-4


def test_its_own_files_are_replaced_and_others_are_not(talk: Path, capsys) -> None:
    again = [str(talk), "--to", "vrma", "--source-fps", "30"]
    assert main(again) == 0
    assert main(again) == 0
    capsys.readouterr()
    Path("talk.vrma").write_bytes(b"mine now")
    assert main(again) == 2
    assert "talk.vrma was changed after llavataros convert wrote it" in told(capsys)
    Path("talk.glb").write_bytes(b"mine")
    assert main([str(talk), "--to", "glb", "--source-fps", "30"]) == 2
    assert "talk.glb exists and was not written by llavataros convert" in told(capsys)
    assert Path("talk.glb").read_bytes() == b"mine"
    assert not Path("talk.glb.json").exists()


def test_a_skeleton_that_is_no_person_has_no_body(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    horse = Skeleton(("Croup", "Withers"), (-1, 0), np.array([[0.0, 1.5, 0], [0, 0, 1.0]]))
    write_bvh("horse.bvh", uneven_motion(horse))
    assert main(["horse.bvh", "--to", "glb"]) == 0
    assert "no body is drawn around it" in capsys.readouterr().out
    assert main(["horse.bvh", "--to", "vrma"]) == 2
    assert "no joint that is known to be hips" in told(capsys)
    assert not Path("horse.vrma").exists()
    assert not Path("horse.vrma.json").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.bvh", "--to", "glb"], "motion none.bvh does not exist"),
        (["talk.npy", "--to", "glb"], "state it with --source-fps"),
        (["talk.npy"], "no form is named; give --to"),
        (["talk.npy", "--out", "a.fbx"], "no form is named"),
        (["talk.npy", "--to", "glb", "--out", "a.bvh"], "does not end in .glb"),
        (["talk.npy", "a.bvh", "--out", "a.glb"], "is one file for 2 motions"),
        (["talk.npy", "b/talk.bvh", "--to", "glb", "--out", "x"], "would both become x/talk.glb"),
        (["talk.npy", "--to", "npy"], "would be replaced by itself"),
        (["talk.npy", "--to", "vrma", "--names", "vrm"], "--names has no meaning for --to vrma"),
        (["talk.npy", "--to", "smplx", "--no-body"], "--no-body has no meaning"),
        (["talk.npy", "--to", "glb", "--fps", "-3"], "--fps -3 is no rate"),
        (["talk.npy", "--to", "glb", "--source-fps", "nan"], "--source-fps nan is no rate"),
        (["talk.npy", "--to", "glb", "--onto", "a.glb"], "so --to cannot be given"),
        (["talk.npy", "--to", "glb", "--character", "Ann"], "about the character of --onto"),
        (["words.txt", "--to", "glb"], "words.txt is no motion; name files of .npy"),
        (["b", "--to", "glb"], "b is a folder"),
        (["bad.glb", "--to", "bvh"], "bad.glb begins with"),
        (["bad.vrma", "--to", "bvh"], "bad.vrma ends after 4 bytes"),
        (["bad.npz", "--to", "bvh"], "bad.npz cannot be read"),
        (["bare.glb", "--to", "bvh"], "bare.glb has no animation"),
    ],
)
def test_what_cannot_be_is_refused_by_a_sentence(
    talk: Path, capsys, arguments: list[str], sentence: str
) -> None:
    Path("b").mkdir()
    write_bvh("b/talk.bvh", uneven_motion())
    Path("words.txt").write_text("hello")
    Path("bad.glb").write_bytes(b"hello")
    Path("bad.vrma").write_bytes(b"glTF")
    Path("bad.npz").write_bytes(b"PK")
    rigs.Rig().write(Path("bare.glb"))
    before = set(Path().rglob("*"))
    assert main(arguments) == 2
    assert sentence in told(capsys)
    assert set(Path().rglob("*")) == before


def test_nine_joints_of_a_whole_body() -> None:
    motion = uneven_motion(posed({}))
    nine = on_nine_joints(motion)
    names = motion.skeleton.names
    parts = ("UpperArm", "LowerArm", "Hand")
    arms = [f"{side}{part}" for side in ("right", "left") for part in parts]
    joints = [names.index(bone) for bone in ("hips", "spine", "chest", *arms)]
    np.testing.assert_allclose(nine.positions, motion.positions[:, joints])
    ours, theirs = humanoid_motion(motion), humanoid_motion(nine)
    hand = ours.to_motion().quaternions[:, ours.bones.index("leftHand")]
    same = theirs.to_motion().quaternions[:, theirs.bones.index("leftHand")]
    np.testing.assert_allclose(np.abs((hand * same).sum(-1)), 1.0, atol=1e-9)
    assert on_nine_joints(nine) is nine
    with pytest.raises(UserError, match="hips"):
        on_nine_joints(uneven_motion(Skeleton(("A",), (-1,), np.zeros((1, 3)))))
