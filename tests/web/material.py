"""Motion and sound made for the viewer's tests: arms that go up with loud words."""

import json
import struct
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from data_prep.words.word import Word
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.rig.normalised import t_pose_skeleton

FPS, SECONDS, RATE = 30.0, 3.0, 16000
WORDS = (Word("one", 0.5, 0.9), Word("two", 1.4, 1.8), Word("three", 2.2, 2.8))
_ARM = ("UpperArm", "LowerArm", "Hand")
_BONES = ("hips", "spine", "chest", *(side + part for side in ("left", "right") for part in _ARM))
_REST = np.array(
    [
        *([0, 0.886, 0], [0, 1.177, 0.009], [0, 1.295, 0.009]),
        *([0.133, 1.405, 0.02], [0.42, 1.405, 0.02], [0.68, 1.405, 0.02]),
        *([-0.133, 1.405, 0.02], [-0.42, 1.405, 0.02], [-0.68, 1.405, 0.02]),
    ]
)


def speech() -> Float[np.ndarray, " n"]:
    """A tone for each word, silence between."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    spoken = sum(((time >= w.start_seconds) & (time < w.end_seconds)).astype(float) for w in WORDS)
    return (0.6 * spoken * np.sin(2 * np.pi * 220 * time)).astype(np.float32)


def write_speech(path: Path, *, seconds: float = SECONDS) -> Path:
    """Writes its beginning as a sound file."""
    soundfile.write(path, speech()[: round(seconds * RATE)], RATE)
    return path


def waving(*, amount: float = 1.0) -> Motion:
    """Both arms hang; the right forearm goes up and down, once a second."""
    frames = round(FPS * SECONDS)
    local = np.zeros((frames, len(_BONES), 4))
    local[..., 3] = 1
    swing = amount * np.sin(2 * np.pi * np.arange(frames) / FPS)
    skeleton = t_pose_skeleton(_BONES, _REST)
    for bone, angle in (("leftUpperArm", -1.2), ("rightUpperArm", 1.2)):
        local[:, _BONES.index(bone)] = Rotation.from_euler("z", angle).as_quat()
    bent = Rotation.from_euler("y", (1.2 + 1.1 * swing)[:, None])
    local[:, _BONES.index("rightLowerArm")] = bent.as_quat()
    root = np.tile(_REST[0], (frames, 1))
    return motion_from_local(local, skeleton.offsets, root, fps=FPS, skeleton=skeleton)


_LICENCE = "https://vrm.dev/licenses/1.0/"
_PARTS = {"Arm": "UpperArm", "ForeArm": "LowerArm", "Hand": "Hand"}
_PARTS |= {"UpLeg": "UpperLeg", "Leg": "LowerLeg", "Foot": "Foot"}
_VRM = {"Hips": "hips", "Spine": "spine", "Spine2": "chest", "Head": "head"}
_VRM |= {side + p: side.lower() + _PARTS[p] for side in ("Left", "Right") for p in _PARTS}


def write_character(path: Path, *, names: bool = True, vrm: bool = False) -> Path:
    """Writes a GLB of a boy in an A-pose: Mixamo's names, in metres, a skin of a few triangles.

    Without `names` its joints are numbered, as those of a machine; as a VRM it says which they are,
    and rests in the T-pose.
    """
    joints: list[tuple[str, int, tuple[float, float, float]]] = [
        ("Hips", -1, (0, 0.7, 0)),
        ("Spine", 0, (0, 0.2, 0)),
        ("Spine2", 1, (0, 0.2, 0)),
        ("Head", 2, (0, 0.2, 0)),
    ]
    lowered = 0.0 if vrm else 0.7
    down = (float(np.cos(lowered)), -float(np.sin(lowered)))
    for side, sign in (("Left", 1), ("Right", -1)):
        first = len(joints)
        joints.append((f"{side}Arm", 2, (sign * 0.15, 0.1, 0)))
        for part, length in (("ForeArm", 0.22), ("Hand", 0.2)):
            above = first if part == "ForeArm" else first + 1
            joints.append((side + part, above, (sign * length * down[0], length * down[1], 0)))
        joints.append((f"{side}UpLeg", 0, (sign * 0.08, 0, 0)))
        joints += [
            (f"{side}Leg", first + 3, (0, -0.33, 0)),
            (f"{side}Foot", first + 4, (0, -0.33, 0)),
        ]
    count = len(joints)
    nodes = [
        {"name": f"mixamorig:{n}" if names else f"node{i}", "translation": list(map(float, t))}
        for i, (n, _, t) in enumerate(joints)
    ]
    for i, (_, parent, _) in enumerate(joints):
        if parent >= 0:
            nodes[parent].setdefault("children", []).append(i)
    places = np.zeros((count, 3))
    for i, (_, parent, t) in enumerate(joints):
        places[i] = np.array(t) + (places[parent] if parent >= 0 else 0)
    corners = [[-0.09, 0, 0.02], [0.09, 0, 0.02], [0, 0.16, 0.02]]
    vertices = (places[:, None] + np.array(corners)).reshape(-1, 3)
    data = vertices.astype("<f4").tobytes()
    data += np.repeat(np.eye(1, 4), 3 * count, axis=0).astype("<f4").tobytes()
    weights_at = 36 * count
    joints_at = len(data)
    owners = np.zeros((3 * count, 4), "<u2")
    owners[:, 0] = np.repeat(np.arange(count), 3)
    data += owners.tobytes()
    inverse = np.tile(np.eye(4), (count, 1, 1))
    inverse[:, 3, :3] = -places  # column by column
    inverse_at = len(data)
    data += inverse.astype("<f4").tobytes()
    nodes.append({"name": "boy", "mesh": 0, "skin": 0})
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0, count]}],
        "nodes": nodes,
        "skins": [{"joints": list(range(count)), "inverseBindMatrices": 3}],
        "materials": [{"doubleSided": True}],
        "meshes": [
            {
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "WEIGHTS_0": 1, "JOINTS_0": 2},
                        "material": 0,
                    }
                ]
            }
        ],
        "accessors": [
            _accessor(0, 5126, 3 * count, "VEC3")
            | {"min": vertices.min(0).tolist(), "max": vertices.max(0).tolist()},
            _accessor(weights_at, 5126, 3 * count, "VEC4"),
            _accessor(joints_at, 5123, 3 * count, "VEC4"),
            _accessor(inverse_at, 5126, count, "MAT4"),
        ],
        "bufferViews": [{"buffer": 0, "byteLength": len(data)}],
        "buffers": [{"byteLength": len(data)}],
    }
    if vrm:
        bones = {_VRM.get(name, name): {"node": i} for i, (name, _, _) in enumerate(joints)}
        meta = {"name": "boy", "version": "1", "authors": ["a test"], "licenseUrl": _LICENCE}
        said = {"specVersion": "1.0", "meta": meta, "humanoid": {"humanBones": bones}}
        tree |= {"extensionsUsed": ["VRMC_vrm"], "extensions": {"VRMC_vrm": said}}
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    data += b"\0" * (-len(data) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    chunks += struct.pack("<II", len(data), 0x004E4942) + data
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


def _accessor(offset: int, kind: int, count: int, form: str) -> dict:
    place = {"bufferView": 0, "byteOffset": offset}
    return place | {"componentType": kind, "count": count, "type": form}
