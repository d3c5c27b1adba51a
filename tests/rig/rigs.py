"""Characters made by code, whose T-pose is known because they were taken out of it.

Written by pygltflib, which the program does not use for them.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gltf
from scipy.spatial.transform import Rotation

SIDES = (("left", 1.0), ("right", -1.0))
PARENTS = {
    "hips": None, "spine": "hips", "chest": "spine", "upperChest": "chest", "neck": "upperChest",
    "head": "neck",
    **{
        side + bone: parent if parent in ("hips", "upperChest") else side + parent
        for side, _ in SIDES
        for bone, parent in (
            ("Shoulder", "upperChest"), ("UpperArm", "Shoulder"), ("LowerArm", "UpperArm"),
            ("Hand", "LowerArm"), ("IndexProximal", "Hand"),
            ("IndexIntermediate", "IndexProximal"), ("IndexDistal", "IndexIntermediate"),
            ("MiddleProximal", "Hand"),
            ("LittleProximal", "Hand"), ("UpperLeg", "hips"), ("LowerLeg", "UpperLeg"),
            ("Foot", "LowerLeg"), ("Toes", "Foot"),
        )
    },
}  # fmt: skip
MIXAMO = {
    "hips": "Hips", "spine": "Spine", "chest": "Spine1", "upperChest": "Spine2", "neck": "Neck",
    "head": "Head", "Shoulder": "Shoulder", "UpperArm": "Arm", "LowerArm": "ForeArm",
    "Hand": "Hand", "IndexProximal": "HandIndex1",
    "IndexIntermediate": "HandIndex2", "IndexDistal": "HandIndex3", "MiddleProximal": "HandMiddle1",
    "LittleProximal": "HandPinky1", "UpperLeg": "UpLeg", "LowerLeg": "Leg", "Foot": "Foot",
    "Toes": "ToeBase",
}  # fmt: skip
UNREAL = {
    "hips": "pelvis", "spine": "spine_01", "chest": "spine_02", "upperChest": "spine_03",
    "neck": "neck_01", "head": "head", "Shoulder": "clavicle", "UpperArm": "upperarm",
    "LowerArm": "lowerarm", "Hand": "hand", "IndexProximal": "index_01",
    "IndexIntermediate": "index_02", "IndexDistal": "index_03",
    "MiddleProximal": "middle_01", "LittleProximal": "pinky_01", "UpperLeg": "thigh",
    "LowerLeg": "calf", "Foot": "foot", "Toes": "ball",
}  # fmt: skip


def ready_player_me(bone: str) -> str:
    """Mixamo's names without its prefix."""
    for side, word in (("left", "Left"), ("right", "Right")):
        if bone.startswith(side):
            return word + MIXAMO[bone.removeprefix(side)]
    return MIXAMO[bone]


def mixamo(bone: str) -> str:
    return "mixamorig:" + ready_player_me(bone)


def unreal(bone: str) -> str:
    for side, letter in (("left", "_l"), ("right", "_r")):
        if bone.startswith(side):
            return UNREAL[bone.removeprefix(side)] + letter
    return UNREAL[bone]


def strange(bone: str) -> str:
    """Names that tell nothing, as those of a language that no table has."""
    return f"luu {list(PARENTS).index(bone)}"


@dataclass(frozen=True)
class Rig:
    """What a character is made of.

    Attributes:
        names: The name of each bone.
        leave_out: Bones that it lacks.
        fingers: Whether its index fingers have all their joints.
        hips: Their height in metres.
        arms: By how much its arms are longer than usual.
        lowered_degrees: How far its arms are lowered at rest.
        palms_degrees: By how much its forearms are rolled at rest, thumbs up.
        rolls: A seed of random axes for all bones; None lets them be the world's.
        armature_scale: Of the node above the hips, in which lengths are so many times larger.
        armature_turn: Rotation of that node.
        turned_degrees: About the vertical; at 180 it faces −z.
        vrm: `1` or `0` to be one.
        edit: Changes the file before it is written.
    """

    names: Callable[[str], str] = mixamo
    leave_out: tuple[str, ...] = ()
    fingers: bool = False
    hips: float = 1.0
    arms: float = 1.0
    lowered_degrees: float = 0.0
    palms_degrees: float = 0.0
    rolls: int | None = None
    armature_scale: float = 1.0
    armature_turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turned_degrees: float = 0.0
    vrm: int | None = None
    edit: Callable[[Any], None] | None = field(default=None, compare=False)

    @property
    def bones(self) -> list[str]:
        joints = () if self.fingers else ("Intermediate", "Distal")
        return [b for b in PARENTS if b not in self.leave_out and not b.endswith(joints)]

    def parent(self, bone: str) -> str | None:
        parent = PARENTS[bone]
        while parent in self.leave_out:
            parent = PARENTS[parent]
        return parent

    def places(self) -> dict[str, np.ndarray]:
        """World places in the T-pose, in metres, facing +z."""
        size, places = self.hips, {}
        for bone, height in (
            ("hips", 1.0), ("spine", 1.1), ("chest", 1.22), ("upperChest", 1.35), ("neck", 1.52),
            ("head", 1.62),
        ):  # fmt: skip
            places[bone] = np.array([0.0, height, 0.0])
        for side, sign in SIDES:
            reach = 0.16
            for bone, x, y, z in (
                ("Shoulder", 0.04, 1.47, 0.0), ("UpperArm", 0.16, 1.47, 0.0),
                ("LowerArm", 0.44, 1.47, 0.0), ("Hand", 0.70, 1.47, 0.0),
                ("IndexProximal", 0.78, 1.47, 0.03),
                ("IndexIntermediate", 0.82, 1.47, 0.03), ("IndexDistal", 0.845, 1.47, 0.03),
                ("MiddleProximal", 0.79, 1.47, 0.0),
                ("LittleProximal", 0.77, 1.47, -0.04), ("UpperLeg", 0.1, 0.95, 0.0),
                ("LowerLeg", 0.1, 0.52, 0.0), ("Foot", 0.1, 0.1, 0.0), ("Toes", 0.1, 0.02, 0.13),
            ):  # fmt: skip
                out = reach + (x - reach) * self.arms if x > reach else x
                places[side + bone] = np.array([sign * out, y, z])
        return {bone: place * size for bone, place in places.items() if bone in self.bones}

    def t_turns(self) -> dict[str, Rotation]:
        """World rotations of the nodes in the T-pose, facing +z."""
        if self.rolls is None:
            return dict.fromkeys(self.bones, Rotation.identity())
        turns = Rotation.random(len(self.bones), rng=np.random.default_rng(self.rolls))
        return dict(zip(self.bones, turns, strict=True))

    def facing(self) -> Rotation:
        """From a body that faces +z to the scene."""
        return Rotation.from_euler("y", self.turned_degrees, degrees=True)

    def rest(self) -> tuple[dict[str, np.ndarray], dict[str, Rotation]]:
        """World places and rotations at rest, in the scene."""
        places, turns = self.places(), self.t_turns()
        for side, sign in SIDES:
            for joint, axis, degrees in (
                ("LowerArm", "x", -self.palms_degrees),
                ("UpperArm", "z", -sign * self.lowered_degrees),
            ):
                turn = Rotation.from_euler(axis, degrees, degrees=True)
                if f"{side}{joint}" not in places:
                    continue
                pivot = places[f"{side}{joint}"].copy()
                for bone in self.bones:
                    if self._hangs_on(bone, f"{side}{joint}"):
                        places[bone] = turn.apply(places[bone] - pivot) + pivot
                        turns[bone] = turn * turns[bone]
        facing = self.facing()
        return (
            {bone: facing.apply(place) for bone, place in places.items()},
            {bone: facing * turn for bone, turn in turns.items()},
        )

    def _hangs_on(self, bone: str | None, other: str) -> bool:
        while bone is not None and bone != other:
            bone = self.parent(bone)
        return bone == other

    def write(self, path: Path) -> Path:
        """Writes it with a skin; node 0 is the armature, then come the bones, then the mesh."""
        places, turns = self.rest()
        armature = np.eye(4)
        turn = Rotation.from_euler("xyz", self.armature_turn, degrees=True)
        armature[:3, :3] = turn.as_matrix() * self.armature_scale
        worlds = {}
        for bone in self.bones:
            worlds[bone] = np.eye(4)
            worlds[bone][:3, :3] = (turns[bone].as_matrix()) * self.armature_scale
            worlds[bone][:3, 3] = places[bone]
        nodes: list[Any] = [
            gltf.Node(
                name="Armature", rotation=turn.as_quat().tolist(),
                scale=[self.armature_scale] * 3, children=[],
            )
        ]  # fmt: skip
        numbers = {bone: number for number, bone in enumerate(self.bones, start=1)}
        for bone in self.bones:
            parent = self.parent(bone)
            above = armature if parent is None else worlds[parent]
            local = np.linalg.inv(above) @ worlds[bone]
            quaternion = Rotation.from_matrix(local[:3, :3]).as_quat().tolist()
            nodes.append(
                gltf.Node(
                    name=self.names(bone), translation=local[:3, 3].tolist(), rotation=quaternion,
                    children=[],
                )
            )  # fmt: skip
            nodes[0 if parent is None else numbers[parent]].children.append(numbers[bone])
        nodes.append(gltf.Node(name="Body", mesh=0, skin=0))
        model: Any = gltf.GLTF2(
            scene=0,
            scenes=[gltf.Scene(nodes=[0, len(nodes) - 1])],
            nodes=nodes,
        )
        _add_skin(model, self, worlds, numbers)
        _add_vrm(model, self, numbers)
        if self.edit is not None:
            self.edit(model)
        if path.suffix == ".gltf":
            model.buffers[0].uri = f"{path.stem}.bin"
            path.with_suffix(".bin").write_bytes(model.binary_blob())
            model.save_json(str(path))
        else:
            model.save_binary(str(path))
        return path


def _add_skin(model: Any, rig: Rig, worlds: dict[str, np.ndarray], numbers: dict[str, int]) -> None:
    """Adds a mesh with a spindle for each bone, bound as the bones rest."""
    corners, faces, joints = [], [], []
    for slot, bone in enumerate(rig.bones):
        ends = [worlds[child][:3, 3] for child in rig.bones if rig.parent(child) == bone]
        start = worlds[bone][:3, 3]
        end = ends[0] if ends else start + np.array([0.0, 0.06, 0.0])
        along = (end - start) / max(np.linalg.norm(end - start), 1e-6)
        aside = np.cross(along, [0.3, 0.5, 0.8])
        aside /= np.linalg.norm(aside)
        other, thick = np.cross(along, aside), 0.03
        middle = start + 0.3 * (end - start)
        ring = [middle + thick * v for v in (aside, other, -aside, -other)]
        first = len(corners)
        corners += [start, *ring, end]
        for k in range(4):
            a, b = first + 1 + k, first + 1 + (k + 1) % 4
            faces += [(first, b, a), (first + 5, a, b)]
        joints += [(slot, 0, 0, 0)] * 6
    positions = np.array(corners, "<f4")
    arrays = (
        (np.array(faces, "<u2").reshape(-1), gltf.UNSIGNED_SHORT, "SCALAR", 34963),
        (positions, gltf.FLOAT, "VEC3", 34962),
        (np.array(joints, "<u2"), gltf.UNSIGNED_SHORT, "VEC4", 34962),
        (np.tile(np.array([1, 0, 0, 0], "<f4"), (len(joints), 1)), gltf.FLOAT, "VEC4", 34962),
        (
            np.array([np.linalg.inv(worlds[bone]).T for bone in rig.bones], "<f4"),
            gltf.FLOAT, "MAT4", None,
        ),
    )  # fmt: skip
    data = b""
    for array, component, kind, target in arrays:
        data += bytes(-len(data) % 4)
        model.bufferViews.append(
            gltf.BufferView(buffer=0, byteOffset=len(data), byteLength=array.nbytes, target=target)
        )
        model.accessors.append(
            gltf.Accessor(
                bufferView=len(model.bufferViews) - 1, componentType=component, count=len(array),
                type=kind,
            )
        )  # fmt: skip
        data += array.tobytes()
    model.accessors[1].min = positions.min(axis=0).tolist()
    model.accessors[1].max = positions.max(axis=0).tolist()
    model.buffers.append(gltf.Buffer(byteLength=len(data)))
    model.set_binary_blob(data)
    primitive = gltf.Primitive(
        attributes=gltf.Attributes(POSITION=1, JOINTS_0=2, WEIGHTS_0=3), indices=0
    )
    model.meshes.append(gltf.Mesh(name="Body", primitives=[primitive]))
    model.skins.append(
        gltf.Skin(name="Skin", inverseBindMatrices=4, joints=[numbers[bone] for bone in rig.bones])
    )


def _add_vrm(model: Any, rig: Rig, numbers: dict[str, int]) -> None:
    if rig.vrm == 1:
        bones = {bone: {"node": number} for bone, number in numbers.items()}
        model.extensions["VRMC_vrm"] = {
            "specVersion": "1.0",
            "meta": {
                "name": "Änne",
                "authors": ["nobody"],
                "references": [],
                "licenseUrl": "https://vrm.dev/licenses/1.0/",
            },
            "humanoid": {"humanBones": bones},
        }
        model.extensionsUsed.append("VRMC_vrm")
    elif rig.vrm == 0:
        bones = [{"bone": bone, "node": number} for bone, number in numbers.items()]
        model.extensions["VRM"] = {
            "specVersion": "0.0",
            "meta": {"title": "Änne"},
            "humanoid": {"humanBones": bones},
        }
        model.extensionsUsed.append("VRM")


def glb_bytes(text: bytes, binary: bytes | None = None) -> bytes:
    """Returns a GLB of any JSON and bytes."""
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary is not None:
        binary += bytes(-len(binary) % 4)
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
