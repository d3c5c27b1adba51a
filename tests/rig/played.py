"""What a GLB shows while its animation plays, by 4 × 4 matrices and another reader than ours."""

from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gltf
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion
from llavataros_jax.rig.onto import put_onto
from tests.rig.rigs import Rig

_WIDTH = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


def numbers(model: Any, index: int) -> np.ndarray:
    """Returns the floats of an accessor."""
    accessor = model.accessors[index]
    assert accessor.componentType == gltf.FLOAT
    view = model.bufferViews[accessor.bufferView]
    data = model.get_data_from_buffer_uri(model.buffers[view.buffer].uri) if (
        model.buffers[view.buffer].uri
    ) else model.binary_blob()  # fmt: skip
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    width = _WIDTH[accessor.type]
    values = np.frombuffer(data, "<f4", accessor.count * width, start)
    return values.reshape(accessor.count, width).astype(np.float64)


def played(path: Path, animation: int = -1) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Returns names of the nodes, (T, N, 4, 4) world matrices, and the seconds of the keys."""
    model: Any = gltf.GLTF2().load_binary(str(path))
    moves = model.animations[animation]
    keys = {}
    seconds = np.zeros(0)
    for channel in moves.channels:
        sampler = moves.samplers[channel.sampler]
        seconds = max(seconds, numbers(model, sampler.input)[:, 0], key=len)
        keys[channel.target.node, channel.target.path] = numbers(model, sampler.output)
    parents = [-1] * len(model.nodes)
    for number, node in enumerate(model.nodes):
        for child in node.children or []:
            parents[child] = number
    worlds = np.zeros((len(seconds), len(model.nodes), 4, 4))
    done = set()

    def place(number: int) -> None:
        if number in done:
            return
        node, local = model.nodes[number], np.tile(np.eye(4), (len(seconds), 1, 1))
        if node.matrix:
            assert not {(number, path) for path in ("rotation", "translation")} & keys.keys()
            local[:] = np.reshape(node.matrix, (4, 4)).T
        else:
            turn = keys.get((number, "rotation"), np.array([node.rotation or [0, 0, 0, 1]]))
            turn = np.broadcast_to(turn, (len(seconds), 4))
            local[:, :3, :3] = Rotation.from_quat(turn.copy()).as_matrix() * np.array(
                node.scale or [1, 1, 1]
            )
            local[:, :3, 3] = keys.get((number, "translation"), node.translation or [0, 0, 0])
        if parents[number] >= 0:
            place(parents[number])
            local = worlds[:, parents[number]] @ local
        worlds[:, number] = local
        done.add(number)

    for number in range(len(model.nodes)):
        place(number)
    return [node.name for node in model.nodes], worlds, seconds


def put(motion: Motion, rig: Rig, folder: Path) -> dict[str, np.ndarray]:
    """Returns world matrices of the bones of a rig that a motion was put onto."""
    character = rig.write(folder / "rig.glb")
    put_onto(motion, character, folder / "moved.glb", name="talk")
    _, worlds, seconds = played(folder / "moved.glb")
    np.testing.assert_allclose(seconds, np.arange(motion.num_frames) / motion.fps, atol=1e-6)
    return {bone: worlds[:, number] for number, bone in enumerate(rig.bones, start=1)}


def apart(matrices: np.ndarray, expected: Rotation, rig: Rig) -> float:
    """Returns by how many radians rotations differ at most."""
    found = Rotation.from_matrix(matrices[..., :3, :3] / rig.armature_scale)
    return float((found * expected.inv()).magnitude().max())
