"""The pose in which a skin was bound to its joints, which need not be the one that nodes stand in.

A character that was exported in the middle of a movement stands in it, while its skin knows the
modeller's T- or A-pose. Source: glTF 2.0 specification, section 3.7.3 (skins).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.rig.gltf_file import GltfFile, is_index, listed
from llavataros_jax.rig.gltf_nodes import Nodes

_FLOAT = 5126
_MATRIX_BYTES = 64
# Rounding stays below it.
_MOVED_DEGREES = 1.0
_COMPRESSED = ("EXT_meshopt_compression", "KHR_meshopt_compression")


def skin_joints(file: GltfFile, nodes: Nodes) -> list[tuple[int, ...]]:
    """Returns the joints of each skin.

    Raises:
        UserError: When a skin names what is no node.
    """
    found = []
    for number, skin in enumerate(listed(file.tree, "skins", file.path)):
        joints = skin.get("joints")
        if not isinstance(joints, list) or not joints:
            raise UserError(f"{file.path}: skin {number} has no joints; export it again")
        for joint in joints:
            if not is_index(joint, len(nodes.names)):
                raise UserError(
                    f"{file.path}: skin {number} has joint {joint!r:.20}, but there are "
                    f"{len(nodes.names)} nodes; export it again"
                )
        found.append(tuple(joints))
    return found


def bound_turns(
    file: GltfFile, nodes: Nodes, skins: Sequence[int], joints: Sequence[tuple[int, ...]]
) -> Float[np.ndarray, "N 4"]:
    """Returns the turn of each node in its parent when the skin was bound.

    Args:
        file: The character.
        nodes: Its nodes.
        skins: Which of its skins.
        joints: Those of all skins.

    Returns:
        Unit quaternions; those of nodes for what no skin can tell about, as where matrices are
        compressed.
    """
    turns, told = nodes.turns.copy(), set()
    # Each skin has a space of its own, so only joints of one are compared.
    for number in skins:
        matrices = _inverse_bind_matrices(file, number, len(joints[number]))
        if matrices is None:
            continue
        found = zip(joints[number], map(_inverse_turn, matrices), strict=True)
        bound = {joint: turn for joint, turn in found if turn is not None}
        tops: list[tuple[int, np.ndarray]] = []
        for joint, world in bound.items():
            above, between = nodes.parents[joint], np.array([0.0, 0.0, 0.0, 1.0])
            while above >= 0 and above not in bound:
                between = np.asarray(rotations.multiply(nodes.turns[above], between))
                above = nodes.parents[above]
            if above >= 0 and joint not in told:
                held = rotations.conjugate(rotations.multiply(bound[above], between))
                turns[joint] = rotations.multiply(held, world)
                told.add(joint)
            elif above < 0:
                tops.append((joint, world))
        if told and degrees_apart(turns, nodes.turns) > _MOVED_DEGREES:
            for joint, world in tops:
                turns[joint] = _top_turn(nodes, joint, world)
    return turns


def _top_turn(nodes: Nodes, joint: int, world: Float[np.ndarray, " 4"]) -> Float[np.ndarray, " 4"]:
    """Returns the turn that a joint which hangs on no other had in its parent.

    A skin is bound in a space that differs from the scene's by quarter turns, as from z up to y
    up, before or after the nodes that hold the skeleton: by those that bring it nearest to where
    the joint is now.
    """
    above = nodes.parents[joint]
    held = nodes.world_turns[above] if above >= 0 else np.array([0.0, 0.0, 0.0, 1.0])
    quarters = Rotation.create_group("O").as_quat()
    spaces = np.concatenate((quarters, np.asarray(rotations.multiply(held, quarters))))
    bound = np.asarray(rotations.multiply(spaces, world))
    near = np.abs(bound @ nodes.world_turns[joint]).argmax()
    return np.asarray(rotations.multiply(rotations.conjugate(held), bound[near]))


def degrees_apart(a: Float[np.ndarray, "N 4"], b: Float[np.ndarray, "N 4"]) -> float:
    """Returns by how much the most different of some rotations differ."""
    between = np.asarray(rotations.multiply(rotations.conjugate(a), b))
    sine = np.linalg.norm(between[:, :3], axis=1).clip(0, 1)
    return float(np.degrees(2 * np.arcsin(sine)).max())


def _inverse_turn(matrix: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, " 4"] | None:
    """Returns the rotation of the inverse, if that has an even scale and no mirror."""
    linear = matrix[:3, :3]
    with np.errstate(all="ignore"):
        size = np.cbrt(np.linalg.det(linear))
        turn = linear / size
        is_even = size > 0 and np.abs(turn.T @ turn - np.eye(3)).max() < 1e-2
    if not is_even:
        return None
    u, _, vt = np.linalg.svd(turn)
    return np.asarray(rotations.from_matrix((u @ vt).T[None]))[0]


def _inverse_bind_matrices(
    file: GltfFile, number: int, count: int
) -> Float[np.ndarray, "J 4 4"] | None:
    """Returns the matrices of a skin, or None where it has none that can be read here."""
    what = f"{file.path}: skin {number}"
    index = file.tree["skins"][number].get("inverseBindMatrices")
    if index is None:
        return None
    accessor = _entry(file, "accessors", index, what)
    if accessor.get("type") != "MAT4" or accessor.get("componentType") != _FLOAT:
        raise UserError(f"{what} has inverse bind matrices that are none; export it again")
    if not is_index(accessor.get("count"), 1 << 31) or accessor["count"] < count:
        raise UserError(
            f"{what} has {count} joints but {accessor.get('count')!r:.20} inverse bind matrices; "
            "export it again"
        )
    if "bufferView" not in accessor or "sparse" in accessor:
        return None
    view = _entry(file, "bufferViews", accessor["bufferView"], what)
    extensions = view.get("extensions", {})
    if isinstance(extensions, dict) and any(name in extensions for name in _COMPRESSED):
        return None
    if not is_index(view.get("buffer"), len(file.buffers)):
        raise UserError(f"{what} lies in buffer {view.get('buffer')!r:.20}, which is not there")
    data = file.buffers[view["buffer"]]
    begin, length = view.get("byteOffset", 0), view.get("byteLength", 0)
    start, step = accessor.get("byteOffset", 0), view.get("byteStride", _MATRIX_BYTES)
    is_sound = all(is_index(value, 1 << 40) for value in (begin, length, start, step))
    need = start + (count - 1) * step + _MATRIX_BYTES if is_sound else 0
    if data is None or not is_sound or need > length or begin + length > len(data):
        raise UserError(
            f"{what} has {count} inverse bind matrices, which reach beyond its buffer; copy or "
            "export it again"
        )
    first = begin + start
    rows = [data[first + i * step : first + i * step + _MATRIX_BYTES] for i in range(count)]
    values = np.frombuffer(b"".join(rows), "<f4").astype(np.float64)
    if not np.isfinite(values).all():
        raise UserError(f"{what} has NaN or infinity in its inverse bind matrices; export it again")
    return values.reshape(count, 4, 4).transpose(0, 2, 1)


def _entry(file: GltfFile, name: str, index: Any, what: str) -> dict[str, Any]:
    entries = listed(file.tree, name, file.path)
    if not is_index(index, len(entries)):
        raise UserError(
            f"{what} names number {index!r:.20} of its {len(entries)} {name}; export it again"
        )
    return entries[index]
