"""What is written is the character's own file and one animation more."""

import base64
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gltf
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.rig.onto import put_onto
from tests.rig import rigs
from tests.rig.motions import asymmetric_motion
from tests.rig.played import played
from tests.rig.validator import problems

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def taken_apart(path: Path) -> tuple[dict[str, Any], bytes, bytes]:
    """Returns JSON, BIN and what follows of a GLB, whose lengths must be right."""
    content = path.read_bytes()
    magic, version, size = struct.unpack_from("<4sII", content)
    assert (magic, version, size) == (b"glTF", 2, len(content))
    length, kind = struct.unpack_from("<I4s", content, 12)
    assert kind == b"JSON"
    assert length % 4 == 0
    tree, place = json.loads(content[20 : 20 + length]), 20 + length
    if place == len(content):
        return tree, b"", b""
    length, kind = struct.unpack_from("<I4s", content, place)
    assert kind == b"BIN\0"
    assert length % 4 == 0
    end = place + 8 + length
    return tree, content[place + 8 : end], content[end:]


@pytest.fixture
def moved(tmp_path):
    """Puts a motion onto a rig and returns what was written, in parts."""

    def move(character: Path, **options) -> tuple[dict[str, Any], bytes, bytes]:
        put_onto(asymmetric_motion(3), character, tmp_path / "moved.glb", name="talk", **options)
        return taken_apart(tmp_path / "moved.glb")

    return move


def enrich(model: Any) -> None:
    """Adds what only other programs understand, and what this one must not touch."""
    model.extensions |= {"EXT_strange": {"empty": [], "nothing": {}, "none": None, "ä": "\ud83d"}}
    model.extensionsUsed += ["KHR_draco_mesh_compression", "EXT_strange"]
    model.extensionsRequired += ["KHR_draco_mesh_compression"]
    model.nodes[3].extras = {"springs": [1, 2.5, 1e-7]}
    model.materials.append(gltf.Material(name="skin", extensions={"VRMC_materials_mtoon": {}}))
    model.asset.generator, model.asset.copyright = "by hand", "© Anna"


def test_everything_else_stays(tmp_path, moved) -> None:
    rig = rigs.Rig(vrm=1, edit=enrich)
    before, data, _ = taken_apart(rig.write(tmp_path / "a.vrm"))
    before["unknown"] = {"to": ["glTF", []]}
    data += b"odd"
    before["buffers"][0]["byteLength"] = len(data)
    (tmp_path / "a.vrm").write_bytes(rigs.glb_bytes(json.dumps(before).encode(), data))
    after, grown, _ = moved(tmp_path / "a.vrm")
    length = before["buffers"][0]["byteLength"]
    assert grown[:length] == data[:length]
    counts = {name: len(before.get(name, [])) for name in ("bufferViews", "accessors")}
    for name, count in counts.items():
        assert after[name][:count] == before[name]
    changed = {"animations", "buffers", *counts}
    assert {k: v for k, v in after.items() if k not in changed} == {
        k: v for k, v in before.items() if k not in changed
    }
    assert after["buffers"] == [{"byteLength": len(grown)}]
    assert all(view["byteOffset"] % 4 == 0 for view in after["bufferViews"])


def test_an_animation_of_rotations_and_of_the_way_of_the_hips(tmp_path, moved) -> None:
    rig = rigs.Rig(leave_out=("neck", "head"))
    tree, _, _ = moved(rig.write(tmp_path / "a.glb"))
    (animation,) = tree["animations"]
    assert animation["name"] == "talk"
    paths = [channel["target"] for channel in animation["channels"]]
    shifts = [target["node"] for target in paths if target["path"] == "translation"]
    assert shifts == [1]
    still = ("leftShoulder", "leftIndexProximal", "leftToes")
    turned = {target["node"] for target in paths if target["path"] == "rotation"}
    assert not {rig.bones.index(bone) + 1 for bone in still} & turned
    times = tree["accessors"][animation["samplers"][0]["input"]]
    assert (times["min"], times["count"]) == ([0.0], 3)
    assert times["max"] == pytest.approx([2 / 30])


def test_animations_of_its_own(tmp_path, moved) -> None:
    own = {"name": "wave", "channels": [], "samplers": []}
    rig = rigs.Rig(edit=lambda m: m.animations.append(gltf.Animation(name="wave")))
    character = rig.write(tmp_path / "a.glb")
    tree, data, _ = taken_apart(character)
    tree["animations"] = [own]
    character.write_bytes(rigs.glb_bytes(json.dumps(tree).encode(), data))
    assert [a["name"] for a in moved(character)[0]["animations"]] == ["wave", "talk"]
    alone = moved(character, replace_animations=True)[0]
    assert [a["name"] for a in alone["animations"]] == ["talk"]
    notes = put_onto(asymmetric_motion(2), character, tmp_path / "b.glb", name="talk")
    assert any("1 animation of its own" in note for note in notes)


def test_nodes_of_matrices_move(tmp_path) -> None:
    """No animation may move a node that has a matrix; the armature above keeps its own."""

    def to_matrices(model: Any) -> None:
        for node in model.nodes[:-1]:
            matrix = np.eye(4)
            matrix[:3, :3] = Rotation.from_quat(node.rotation).as_matrix() * (node.scale or 1)
            matrix[:3, 3] = node.translation or 0
            node.matrix = matrix.T.reshape(-1).tolist()
            node.rotation = node.translation = node.scale = None

    places = []
    for edit in (None, to_matrices):
        rig = rigs.Rig(rolls=1, armature_scale=0.01, armature_turn=(-90, 0, 0), edit=edit)
        character = rig.write(tmp_path / "a.glb")
        put_onto(asymmetric_motion(3), character, tmp_path / "b.glb", name="talk")
        places.append(played(tmp_path / "b.glb")[1])
    np.testing.assert_allclose(*places, atol=1e-6)
    assert "matrix" in taken_apart(tmp_path / "b.glb")[0]["nodes"][0]


def test_files_beside_a_gltf_come_along(tmp_path, moved) -> None:
    def link(model: Any) -> None:
        model.images.append(gltf.Image(uri="pixel.png"))
        model.images.append(gltf.Image(uri="data:image/png;base64,AAAA"))

    (tmp_path / "pixel.png").write_bytes(PIXEL)
    character = rigs.Rig(edit=link).write(tmp_path / "a.gltf")
    tree, data, _ = moved(character)
    assert [sorted(image) for image in tree["images"]] == [["bufferView", "mimeType"], ["uri"]]
    view = tree["bufferViews"][tree["images"][0]["bufferView"]]
    assert data[view["byteOffset"] :][: view["byteLength"]] == PIXEL
    assert "uri" not in tree["buffers"][0]
    bare = (tmp_path / "a.bin").read_bytes()
    assert data[: len(bare)] == bare


def test_several_buffers_keep_their_numbers(tmp_path, moved) -> None:
    character = rigs.Rig().write(tmp_path / "a.gltf")
    tree = json.loads(character.read_text())
    (tmp_path / "more.bin").write_bytes(b"abcdefgh")
    tree["buffers"] += [
        {"uri": "more.bin", "byteLength": 5},
        {"uri": "data:application/octet-stream;base64,AAAA", "byteLength": 3},
    ]
    character.write_text(json.dumps(tree))
    after, _, _ = moved(character)
    assert base64.b64decode(after["buffers"][1]["uri"].split(",")[1]) == b"abcde"
    assert after["buffers"][2] == tree["buffers"][2]


def test_compressed_meshes_are_carried(tmp_path, moved) -> None:
    """Meshopt's fallback buffer has no bytes; the matrices of a skin may be compressed too."""
    character = rigs.Rig().write(tmp_path / "a.glb")
    tree, data, _ = taken_apart(character)
    packed = {"buffer": 0, "byteOffset": 0, "byteLength": 8, "byteStride": 64, "count": 28,
              "mode": "ATTRIBUTES"}  # fmt: skip
    tree["buffers"].append({"byteLength": 5000, "extensions": {"EXT_meshopt_compression": {}}})
    tree["bufferViews"][4] |= {"buffer": 1, "extensions": {"EXT_meshopt_compression": packed}}
    tree |= {"extensionsUsed": ["EXT_meshopt_compression"],
             "extensionsRequired": ["EXT_meshopt_compression"]}  # fmt: skip
    character.write_bytes(rigs.glb_bytes(json.dumps(tree).encode(), data))
    after, _, _ = moved(character)
    assert after["extensionsRequired"] == ["EXT_meshopt_compression"]
    assert after["bufferViews"][4] == tree["bufferViews"][4]
    assert after["buffers"][1] == tree["buffers"][1]


def test_only_a_buffer_without_bytes(tmp_path, moved) -> None:
    """Where no BIN may be, the animation lies in a data URI."""
    character = rigs.Rig().write(tmp_path / "a.gltf")
    tree = json.loads(character.read_text())
    tree["buffers"].insert(0, {"byteLength": 100})
    for view in tree["bufferViews"]:
        view["buffer"] = 1
    character.write_text(json.dumps(tree))
    after, data, _ = moved(character)
    assert not data
    assert after["buffers"][0] == {"byteLength": 100}
    views = {accessor["bufferView"] for accessor in after["accessors"][5:]}
    assert {after["bufferViews"][view]["buffer"] for view in views} == {2}


def test_more_chunks_follow(tmp_path, moved) -> None:
    character = rigs.Rig().write(tmp_path / "a.glb")
    content = character.read_bytes() + struct.pack("<I4s", 4, b"MORE") + b"1234"
    character.write_bytes(content[:8] + struct.pack("<I", len(content)) + content[12:])
    assert moved(character)[2] == struct.pack("<I4s", 4, b"MORE") + b"1234"


def test_khronos_finds_no_more_than_in_the_character(tmp_path: Path) -> None:
    """Nor in the animation that was added, which may reuse nothing wrongly."""
    for number, rig in enumerate((rigs.Rig(rolls=1), rigs.Rig(names=rigs.strange, vrm=1))):
        character, moved = tmp_path / f"rig_{number}.glb", tmp_path / f"moved_{number}.glb"
        put_onto(asymmetric_motion(9), rig.write(character), moved, name="talk")
        of_character, of_moved = (
            {issue.partition(" ")[2] for issue in problems(path)} for path in (character, moved)
        )
        assert of_moved - of_character == set()
