"""The nodes of a glTF file: their tree, and where they are as the file stands."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.rig.gltf_file import GltfFile, is_index, listed

# Files keep transforms in float32, and exporters let them drift; more is meant.
_TOLERANCE = 2e-3


@dataclass(frozen=True, eq=False)
class Nodes:
    """All nodes of a file.

    Attributes:
        names: As they stand; texts such as `node 7` where there is none.
        parents: Of each; -1 for those that nothing holds.
        order: All of them, parents before their children.
        translations: Each in its parent, in the parent's unit.
        turns: Unit quaternions xyzw of each in its parent.
        scales: Of each.
        worlds: Where each is in the scene.
        world_turns: Unit quaternions of each in the scene; of use where `uneven` finds nothing.
        is_sheared: Whether a node's own matrix is more than a shift, a turn and a scale.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    order: tuple[int, ...]
    translations: Float[np.ndarray, "N 3"]
    turns: Float[np.ndarray, "N 4"]
    scales: Float[np.ndarray, "N 3"]
    worlds: Float[np.ndarray, "N 4 4"]
    world_turns: Float[np.ndarray, "N 4"]
    is_sheared: Bool[np.ndarray, " N"]

    def line(self, node: int) -> list[int]:
        """Returns a node and all that hold it, upwards."""
        found = [node]
        while (parent := self.parents[found[-1]]) >= 0:
            found.append(parent)
        return found

    @property
    def places(self) -> Float[np.ndarray, "N 3"]:
        """Where each is in the scene."""
        return self.worlds[:, :3, 3]

    def placed(
        self, turns: Float[np.ndarray, "N 4"]
    ) -> tuple[Float[np.ndarray, "N 3"], Float[np.ndarray, "N 4"]]:
        """Returns where the nodes would be, and how turned, with other turns in their parents.

        Nodes that shear their children are taken for even ones.
        """
        places, world, sizes = self.translations.copy(), turns.copy(), self.scales.copy()
        for node in self.order:
            if (above := self.parents[node]) >= 0:
                step = rotations.rotate(world[above], sizes[above] * self.translations[node])
                places[node] = places[above] + step
                world[node] = rotations.multiply(world[above], turns[node])
                sizes[node] = sizes[above] * self.scales[node]
        return places, world

    def uneven(self, node: int) -> int | None:
        """Returns the node that shears or mirrors what hangs on `node`, if one does."""
        for above in reversed(self.line(node)):
            scale = self.scales[above]
            is_even = np.ptp(scale) <= _TOLERANCE * scale.max() and scale.min() > 0
            if self.is_sheared[above] or not is_even:
                return above
        return None


def read_nodes(file: GltfFile) -> Nodes:
    """Reads the nodes of a file.

    Raises:
        UserError: When they form no tree, or their transforms are no numbers.
    """
    entries, path = listed(file.tree, "nodes", file.path), file.path
    count = len(entries)
    names = tuple(_name(entry, number) for number, entry in enumerate(entries))
    parents = [-1] * count
    for number, entry in enumerate(entries):
        children = entry.get("children", [])
        if not isinstance(children, list):
            raise UserError(f"{path}: the children of {names[number]} are no list; export it again")
        for child in children:
            if not is_index(child, count):
                raise UserError(
                    f"{path}: {names[number]} has child {child!r:.20}, but there are {count} "
                    "nodes; export it again"
                )
            if parents[child] >= 0:
                raise UserError(
                    f"{path}: {names[child]} hangs on {names[parents[child]]} and on "
                    f"{names[number]}; export it again"
                )
            parents[child] = number
    order = _order(parents, names, file)
    shifts, turns, scales, sheared = (
        np.zeros((count, 3)), np.tile([0.0, 0.0, 0.0, 1.0], (count, 1)),
        np.ones((count, 3)), np.zeros(count, bool),
    )  # fmt: skip
    for number, entry in enumerate(entries):
        what = f"{path}: node {names[number]}"
        if "matrix" in entry:
            matrix = _numbers(entry, "matrix", 16, what).reshape(4, 4).T
            shifts[number], turns[number], scales[number], sheared[number] = _parts(matrix)
            continue
        for key, values in (("translation", shifts), ("rotation", turns), ("scale", scales)):
            if key in entry:
                values[number] = _numbers(entry, key, values.shape[1], what)
        length = np.linalg.norm(turns[number])
        if abs(length - 1) > 0.05:
            raise UserError(f"{what} has a rotation of length {length:.3g}; export it again")
        turns[number] /= length
    locals_ = np.tile(np.eye(4), (count, 1, 1))
    locals_[:, :3, :3] = np.asarray(rotations.to_matrix(turns)) * scales[:, None]
    locals_[:, :3, 3] = shifts
    for number in np.flatnonzero(sheared):
        locals_[number] = np.reshape(entries[number]["matrix"], (4, 4)).T
    worlds, world_turns = locals_.copy(), turns.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        for number in order:
            if (parent := parents[number]) >= 0:
                worlds[number] = worlds[parent] @ locals_[number]
                world_turns[number] = rotations.multiply(world_turns[parent], turns[number])
    if not np.isfinite(worlds).all():
        far = names[int(np.argwhere(~np.isfinite(worlds))[0, 0])]
        raise UserError(f"{path}: node {far} is infinitely far away; export it again")
    return Nodes(names, tuple(parents), order, shifts, turns, scales, worlds, world_turns, sheared)


def _name(entry: dict[str, Any], number: int) -> str:
    name = entry.get("name")
    return name if isinstance(name, str) and name else f"node {number}"


def _order(parents: list[int], names: tuple[str, ...], file: GltfFile) -> tuple[int, ...]:
    """Returns the nodes from the top down."""
    children: list[list[int]] = [[] for _ in parents]
    for node, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(node)
    order = [node for node, parent in enumerate(parents) if parent < 0]
    for node in order:  # grows as it is read
        order += children[node]
    if len(order) < len(parents):
        held = next(node for node in range(len(parents)) if node not in set(order))
        raise UserError(f"{file.path}: {names[held]} hangs on itself; export it again")
    return tuple(order)


def _numbers(entry: dict[str, Any], key: str, count: int, what: str) -> Float[np.ndarray, " n"]:
    values = entry[key]
    is_sound = isinstance(values, list) and len(values) == count
    if not is_sound or not all(type(v) in (int, float) and abs(v) < 1e30 for v in values):
        raise UserError(f"{what} has no {count} numbers for its {key}; export it again")
    return np.array(values, np.float64)


def _parts(
    matrix: Float[np.ndarray, "4 4"],
) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 4"], Float[np.ndarray, " 3"], bool]:
    """Splits a matrix into a shift, a turn and a scale, and says whether more is in it."""
    linear = matrix[:3, :3]
    scale = np.linalg.norm(linear, axis=0)
    if scale.min() < 1e-12:
        return matrix[:3, 3], np.array([0.0, 0.0, 0.0, 1.0]), scale, True
    if np.linalg.det(linear) < 0:
        scale[0] *= -1
    turn = linear / scale
    is_sheared = np.abs(turn.T @ turn - np.eye(3)).max() > _TOLERANCE
    is_more = bool(np.abs(matrix[3] - [0, 0, 0, 1]).max() > _TOLERANCE)
    quaternion = np.asarray(rotations.from_matrix(turn[None]))[0]
    return matrix[:3, 3], quaternion, scale, bool(is_sheared) or is_more
