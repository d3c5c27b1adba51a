"""Characters of strangers: damaged, hostile, strange and several in one file."""

import base64
import copy
import json
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gltf
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.rig.character import read_character
from llavataros_jax.rig.onto import put_onto
from tests.rig import rigs
from tests.rig.motions import asymmetric_motion
from tests.rig.played import apart, played

SHEAR = [1, 0.5, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    return rigs.Rig().write(tmp_path_factory.mktemp("sound") / "a.glb").read_bytes()


@pytest.fixture(scope="module")
def parts(sound) -> tuple[dict[str, Any], bytes]:
    """JSON and BIN of a sound character."""
    length = struct.unpack_from("<I", sound, 12)[0]
    return json.loads(sound[20 : 20 + length]), sound[28 + length :]


@pytest.fixture
def refused(tmp_path):
    """Returns the sentence by which a file is refused, and checks that nothing is written."""

    def refuse(content: bytes, name: str = "odd.glb", *, which: str | None = None) -> str:
        path, out = tmp_path / name, tmp_path / "out"
        path.write_bytes(content)
        with pytest.raises(UserError) as refusal:
            put_onto(asymmetric_motion(3), path, out / "moved.glb", name="talk", which=which)
        assert not out.exists() or not list(out.iterdir())
        sentence = str(refusal.value)
        assert str(path) in sentence
        assert "\n" not in sentence
        return sentence

    return refuse


@pytest.fixture
def changed(parts):
    """Returns a character whose JSON was changed."""

    def change(edit) -> bytes:
        tree = copy.deepcopy(parts[0])
        edit(tree)
        return rigs.glb_bytes(json.dumps(tree).encode(), parts[1])

    return change


class TestDamaged:
    def test_every_truncation_is_told(self, refused, sound) -> None:
        for length in (0, 3, 4, 11, 12, 19, 20, 500, len(sound) // 2, len(sound) - 1):
            refused(sound[:length])

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"PK\x03\x04" + b"x" * 100, "is no glTF"),
            (b"glTF" + struct.pack("<II", 1, 20) + bytes(8), "glTF 1"),
            (b"glTF" + struct.pack("<II", 2, 20) + struct.pack("<I4s", 0, b"BIN\0"), "JSON chunk"),
            (b"glTF" + struct.pack("<II", 2, 20) + struct.pack("<I4s", 9, b"JSON"), "9 bytes"),
            (rigs.glb_bytes(b"{"), "broken JSON"),
            (rigs.glb_bytes(b'{"asset": "\xff"}'), "broken JSON"),
            (rigs.glb_bytes(b"[" * 100_000), "nested too deep"),
            (rigs.glb_bytes(b'{"a": ' + b"9" * 5000 + b"}"), "broken JSON"),
            (rigs.glb_bytes(b"[]"), "no glTF"),
            (rigs.glb_bytes(b'{"asset": {"version": "1.0"}}'), "glTF '1.0'"),
            (rigs.glb_bytes(b'{"asset": {"version": "2.0"}}'), "no skin"),
        ],
    )
    def test_what_is_no_gltf(self, refused, content, told) -> None:
        assert told in refused(content)

    def test_names_of_files(self, tmp_path) -> None:
        with pytest.raises(UserError, match="does not exist"):
            read_character(tmp_path / "none.glb")
        with pytest.raises(UserError, match="export it as one"):
            read_character(tmp_path / "figure.fbx")
        (tmp_path / "folder.glb").mkdir()
        with pytest.raises(UserError, match="does not exist"):
            read_character(tmp_path / "folder.glb")

    @pytest.mark.parametrize(
        ("edit", "told"),
        [
            (lambda t: t["nodes"][0].update(children=[99]), "child 99"),
            (lambda t: t["nodes"][0].update(children=[True]), "child True"),
            (lambda t: t["nodes"][5].update(children=[1]), "hangs on"),
            (
                lambda t: (t["nodes"][0].pop("children"), t["nodes"][3].update(children=[1])),
                "itself",
            ),
            (lambda t: t["nodes"][2].update(rotation=[0, 0, 0, 0]), "length 0"),
            (lambda t: t["nodes"][2].update(translation=["x", 0, 0]), "no 3 numbers"),
            (lambda t: t["nodes"][2].update(translation=[1e300, 0, 0]), "no 3 numbers"),
            (lambda t: t["nodes"][2].update(matrix=[1.0] * 15), "no 16 numbers"),
            (lambda t: t.update(nodes={"a": 1}), "'nodes' is no list"),
            (lambda t: t["skins"][0].update(joints=[1000]), "joint 1000"),
            (lambda t: t["skins"][0].update(joints=[]), "no joints"),
            (lambda t: t["skins"][0].update(inverseBindMatrices=77), "number 77"),
            (lambda t: t["accessors"][4].update(count=2), "2 inverse bind matrices"),
            (lambda t: t["accessors"][4].update(byteOffset=10**9), "beyond its buffer"),
            (lambda t: t["bufferViews"][4].update(buffer=3), "buffer 3"),
            (lambda t: t["buffers"][0].update(byteLength=10**9), "promises 1000000000"),
            (lambda t: t["buffers"][0].update(byteLength=10**12), "for its length"),
            (lambda t: t["nodes"][0].update(matrix=SHEAR), "Armature, which holds hips, is scaled"),
            (lambda t: t["nodes"].extend({} for _ in range(30_000)), "30030 nodes"),
            (lambda t: t["skins"].extend(t["skins"] * 2000), "2001 skins"),
        ],
    )
    def test_what_does_not_fit(self, refused, changed, edit, told) -> None:
        assert told in refused(changed(edit))

    def test_a_deep_chain_of_nodes(self, refused, changed) -> None:
        def deepen(tree) -> None:
            first = len(tree["nodes"])
            tree["nodes"] += [{"children": [first + i + 1]} for i in range(5000)] + [{}]

        assert "5001 levels" in refused(changed(deepen))

    def test_numbers_that_are_none(self, refused, parts) -> None:
        text = json.dumps(parts[0] | {"extras": {"x": 12345}}).replace("12345", "NaN")
        assert "NaN" in refused(rigs.glb_bytes(text.encode(), parts[1]))

    @pytest.mark.slow
    def test_anything_may_stand_anywhere(self, tmp_path, parts) -> None:
        """Files with something changed: each plays, or is refused by a sentence."""
        rng, path = random.Random(1), tmp_path / "fuzz.glb"
        junk: list[Any] = [
            *(None, True, -1, 0, 7, 10**30, 1.5, 1e308, "", "data:,x", "../x", [], {}, [[]]),
            *({"node": 3}, [0, 0, 0], [1e200] * 4),
        ]
        motion, played = asymmetric_motion(2), 0
        for _ in range(40):
            tree = copy.deepcopy(parts[0])
            for _ in range(rng.choice((1, 1, 3))):
                place: Any = tree
                while True:
                    keys = list(place) if isinstance(place, dict) else range(len(place))
                    if not keys:
                        break
                    key = rng.choice(list(keys))
                    if not isinstance(place[key], dict | list) or rng.random() < 0.15:
                        place[key] = copy.deepcopy(rng.choice(junk))
                        break
                    place = place[key]
            path.write_bytes(rigs.glb_bytes(json.dumps(tree).encode(), parts[1]))
            try:
                put_onto(motion, path, tmp_path / "out.glb", name="talk")
            except UserError:
                continue
            played += 1
        assert 4 < played < 36  # both happen


class TestLinks:
    """Only the folder of a .gltf is read, and nothing is fetched."""

    @pytest.mark.parametrize(
        "uri",
        [
            *(
                "https://example.com/a.bin",
                "http:a.bin",
                "//example.com/a.bin",
                "file:///etc/passwd",
            ),
            *("/etc/passwd", "../secret.bin", "a/../../secret.bin", "%2e%2e/secret.bin"),
            *("..\\secret.bin", "C:\\secret.bin", "link.bin", "a.bin\0", "", ".", "data:nonsense"),
            *("none.bin", "x" * 5000, "%ff", "data:;base64,?", None, 3),
        ],
    )
    def test_elsewhere_is_refused(self, tmp_path, refused, uri) -> None:
        (tmp_path.parent / "secret.bin").write_bytes(bytes(1000))
        (tmp_path / "link.bin").symlink_to(tmp_path.parent / "secret.bin")
        tree = {"asset": {"version": "2.0"}, "buffers": [{"uri": uri, "byteLength": 4}]}
        refused(json.dumps(tree).encode(), "odd.gltf")

    def test_beside_and_below_is_read(self, tmp_path) -> None:
        path = rigs.Rig().write(tmp_path / "a.gltf")
        tree = json.loads(path.read_text())
        name = tree["buffers"][0]["uri"]
        (tmp_path / "of it").mkdir()
        (tmp_path / name).rename(tmp_path / "of it" / name)
        tree["buffers"][0]["uri"] = f"of%20it/{name}"
        path.write_text(json.dumps(tree))
        assert len(read_character(path).bones) == 28


class TestRigs:
    def test_bones_are_found_by_names_of_every_kind(self, tmp_path) -> None:
        for names in (rigs.mixamo, rigs.unreal, rigs.ready_player_me):
            rig = rigs.Rig(names=names)
            found = read_character(rig.write(tmp_path / "a.glb")).bones
            assert found == {bone: rig.bones.index(bone) + 1 for bone in found}
            assert len(found) == len(rig.bones)

    def test_a_vrm_says_its_bones(self, tmp_path) -> None:
        for version in (0, 1):
            rig = rigs.Rig(names=rigs.strange, vrm=version)
            character = read_character(rig.write(tmp_path / "a.vrm"))
            assert character.vrm == version
            assert character.bones == {b: rig.bones.index(b) + 1 for b in character.bones}

    def test_the_thumbs_of_vrm_0(self, tmp_path) -> None:
        def rename(model) -> None:
            for entry in model.extensions["VRM"]["humanoid"]["humanBones"]:
                entry["bone"] = entry["bone"].replace("IndexProximal", "ThumbIntermediate")

        rig = rigs.Rig(vrm=0, edit=rename)
        found = read_character(rig.write(tmp_path / "a.vrm")).bones
        assert found["leftThumbProximal"] == rig.bones.index("leftIndexProximal") + 1

    @pytest.mark.parametrize(
        ("rig", "told"),
        [
            (rigs.Rig(names=rigs.strange), "hips"),
            (rigs.Rig(leave_out=("leftLowerArm", "leftHand")), "leftLowerArm"),
            (rigs.Rig(vrm=1, edit=lambda m: stated(m).pop("rightUpperArm")), "lacks rightUpperArm"),
            (rigs.Rig(edit=lambda m: setattr(m, "skins", [])), "no skin"),
            (rigs.Rig(edit=lambda m: setattr(m.nodes[0], "scale", [1, 1, 1.3])), "(1, 1, 1.3)"),
            (rigs.Rig(edit=lambda m: setattr(m.nodes[0], "scale", [-1, 1, 1])), "(-1, 1, 1)"),
            (rigs.Rig(edit=lambda m: setattr(m.nodes[4], "scale", [1, 2, 1])), "mixamorig:Spine2"),
            (
                rigs.Rig(vrm=1, edit=lambda m: m.extensions.update(VRMC_vrm={"humanoid": []})),
                "without a map",
            ),
            (rigs.Rig(vrm=1, edit=lambda m: stated(m).update(spine={"node": 0})), "not hang on"),
            (rigs.Rig(vrm=1, edit=lambda m: stated(m).update(spine={"node": 3})), "another bone"),
            (rigs.Rig(vrm=1, edit=lambda m: stated(m).update(spine={"node": 900})), "900"),
        ],
    )
    def test_what_cannot_be_moved_is_told(self, tmp_path, refused, rig, told) -> None:
        assert told in refused(rig.write(tmp_path / "made.glb").read_bytes())

    def test_even_scales_inside_are_fine(self, tmp_path) -> None:
        """A large head, or hips that bring centimetres, change no rotation."""
        rig = rigs.Rig(edit=lambda m: setattr(m.nodes[6], "scale", [1.4, 1.4, 1.4]))
        put_onto(asymmetric_motion(2), rig.write(tmp_path / "a.glb"), tmp_path / "b.glb", name="x")

    def test_arms_above_each_other(self, tmp_path) -> None:
        """Who has no width faces nowhere, and still gives numbers."""

        def pile(model) -> None:
            for arm, height in ((7, 0.1), (17, 0.3)):
                model.nodes[arm].translation = [0, height, 0]

        rig = rigs.Rig(leave_out=("leftShoulder", "rightShoulder"), edit=pile)
        put_onto(asymmetric_motion(2), rig.write(tmp_path / "a.glb"), tmp_path / "b.glb", name="x")
        assert np.isfinite(played(tmp_path / "b.glb")[1]).all()

    def test_a_character_of_its_scene(self, tmp_path, refused) -> None:
        path = tmp_path / "two.glb"
        two_characters(path)
        sentence = refused(path.read_bytes())
        assert "2 characters" in sentence
        assert "'Anna'" in sentence
        assert "'Ben'" in sentence
        assert "0 of them are called 'Carl'" in refused(path.read_bytes(), which="Carl")
        assert read_character(path, name="1").bones["hips"] == 1
        ours = read_character(path, name="Ben")
        assert {ours.nodes.line(node)[-2] for node in ours.bones.values()} == {29 + 1}

    def test_the_pose_of_the_skin_goes_before_one_of_a_movement(self, tmp_path) -> None:
        """Nodes that were exported in the middle of a movement still have a T-pose to find."""
        rig, rng = rigs.Rig(rolls=2), np.random.default_rng(3)

        def pose(model) -> None:
            for node in model.nodes[1:-1]:
                turn = Rotation.from_rotvec(rng.uniform(-0.35, 0.35, 3))
                turn *= Rotation.from_quat(node.rotation)
                node.rotation = turn.as_quat().tolist()

        motion = asymmetric_motion(4)
        still = rig.write(tmp_path / "still.glb")
        posed = rigs.Rig(rolls=2, edit=pose).write(tmp_path / "posed.glb")
        put_onto(motion, still, tmp_path / "a.glb", name="x")
        notes = put_onto(motion, posed, tmp_path / "b.glb", name="x")
        assert any("skin was bound" in note for note in notes)
        ours, theirs = (played(tmp_path / f"{name}.glb")[1] for name in "ab")
        for bone in ("leftUpperArm", "leftLowerArm", "rightLowerArm", "rightHand"):
            number = rig.bones.index(bone) + 1
            turns = Rotation.from_matrix(theirs[:, number, :3, :3])
            assert apart(ours[:, number], turns, rig) < 1e-3


def stated(model: Any) -> dict[str, Any]:
    """What a VRM says of its bones."""
    return model.extensions["VRMC_vrm"]["humanoid"]["humanBones"]


def two_characters(path: Path) -> None:
    """Writes a scene of two, each in an armature and with a skin of its own."""
    rigs.Rig().write(path)
    model: Any = gltf.GLTF2().load_binary(str(path))
    count = len(model.nodes)
    twin = copy.deepcopy(model.nodes)
    for node in twin:
        node.children = [child + count for child in node.children or []]
    model.nodes[0].name, twin[0].name = "Anna", "Ben"
    skin = copy.deepcopy(model.skins[0])
    skin.joints = [joint + count for joint in skin.joints]
    model.skins.append(skin)
    twin[-1].skin = 1
    root = gltf.Node(name="Scene", children=[0, count, count - 1, 2 * count - 1])
    model.nodes += [*twin, root]
    model.scenes[0].nodes = [2 * count]
    model.save_binary(str(path))


def test_data_uris(tmp_path) -> None:
    path = rigs.Rig().write(tmp_path / "a.glb")
    model: Any = gltf.GLTF2().load_binary(str(path))
    model.convert_buffers(gltf.BufferFormat.DATAURI)
    model.save_json(str(tmp_path / "b.gltf"))
    assert "base64" in (tmp_path / "b.gltf").read_text()
    ours, theirs = read_character(path), read_character(tmp_path / "b.gltf")
    assert ours.bones == theirs.bones
    uri = json.loads((tmp_path / "b.gltf").read_text())["buffers"][0]["uri"]
    assert theirs.file.buffers[0] == base64.b64decode(uri.split(",")[1])
