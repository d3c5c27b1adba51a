"""A character that somebody made: its file, its skeleton, and which nodes are which bones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.rig.bind_pose import bound_turns, skin_joints
from llavataros_jax.rig.gltf_file import GltfFile, is_index, listed, read_gltf
from llavataros_jax.rig.gltf_images import linked_images
from llavataros_jax.rig.gltf_nodes import Nodes, read_nodes
from llavataros_jax.rig.humanoid import BONES, PARENTS, SIDES, find_humanoid

_MOST_NODES, _MOST_LEVELS, _MOST_SKINS = 20_000, 500, 1000
# VRM 0.x counts a thumb from its second bone on.
_OLD_NAMES = {
    f"{side}Thumb{old}": f"{side}Thumb{new}"
    for side in SIDES
    for old, new in (("Proximal", "Metacarpal"), ("Intermediate", "Proximal"))
}
# Without these no gesture is left.
NEEDED = ("hips", *(f"{side}{part}" for side in SIDES for part in ("UpperArm", "LowerArm")))


@dataclass(frozen=True, eq=False)
class Character:
    """A character as its file has it.

    Attributes:
        file: The file.
        nodes: Its nodes.
        bones: The node of each bone of VRM 1.0 that it has, parents first.
        vrm: `1` or `0` where the file itself says which bones those are, by VRM 1.0 or 0.x; None
            where names told it.
        bound_turns: The turn of each node in its parent when the skin was bound to it, which is
            the node's own where nothing tells.
        images: What the file has in files beside it: the bytes of images by their number.
    """

    file: GltfFile
    nodes: Nodes
    bones: dict[str, int]
    vrm: int | None
    bound_turns: Float[np.ndarray, "N 4"]
    images: dict[int, bytes]

    @property
    def path(self) -> Path:
        """Its file."""
        return self.file.path


def read_character(path: Path | str, *, name: str | None = None) -> Character:
    """Reads a character of `.glb`, `.gltf` or `.vrm`.

    Args:
        path: The file.
        name: Which one is meant where a file has several: the name of a skin, of a node above
            its skeleton, or of a mesh, or its number from 1 on.

    Raises:
        UserError: When the file is damaged, has no skin or no body, several without a `name`, or a
            scale that a turn would turn into a shear.
    """
    file = read_gltf(path)
    nodes = read_nodes(file)
    _check_size(file, nodes)
    joints = skin_joints(file, nodes)
    vrm, bones = _vrm_bones(file, nodes)
    if bones is None:
        if not joints:
            raise UserError(
                f"{path} has no skin, so no mesh would move with its bones; bind the mesh to the "
                "skeleton and export both"
            )
        bones, skins = _named_bones(file, nodes, joints, name)
    else:
        skins = range(len(joints))
    _check_tree(bones, nodes, file.path)
    _check_scales(bones, nodes, file.path)
    bound = bound_turns(file, nodes, skins, joints)
    return Character(file, nodes, bones, vrm, bound, linked_images(file))


def _check_size(file: GltfFile, nodes: Nodes) -> None:
    depth = np.zeros(len(nodes.names), int)
    for node in nodes.order:
        if nodes.parents[node] >= 0:
            depth[node] = depth[nodes.parents[node]] + 1
    levels, skins = int(depth.max(initial=-1)) + 1, len(listed(file.tree, "skins", file.path))
    if len(depth) > _MOST_NODES or levels > _MOST_LEVELS or skins > _MOST_SKINS:
        raise UserError(
            f"{file.path} has {len(depth)} nodes in {levels} levels and {skins} skins, but a "
            f"character has at most {_MOST_NODES}, {_MOST_LEVELS} and {_MOST_SKINS}; export the "
            "character alone"
        )


def _vrm_bones(file: GltfFile, nodes: Nodes) -> tuple[int | None, dict[str, int] | None]:
    """Returns the version of VRM and the bones that the file says, if it says any."""
    extensions = file.tree.get("extensions", {})
    extensions = extensions if isinstance(extensions, dict) else {}
    for version, key in ((1, "VRMC_vrm"), (0, "VRM")):
        if key not in extensions:
            continue
        try:
            stated: Any = extensions[key]["humanoid"]["humanBones"]
            if version == 1:
                pairs = [(bone, value["node"]) for bone, value in stated.items()]
            else:
                pairs = [(value["bone"], value["node"]) for value in stated]
                pairs = [(_OLD_NAMES.get(bone, bone), node) for bone, node in pairs]
        except (KeyError, TypeError, AttributeError):
            raise UserError(
                f"{file.path} is a VRM without a map of its bones ({key}.humanoid.humanBones); "
                "export it again"
            ) from None
        found: dict[Any, Any] = dict(pairs)
        for bone, node in found.items():
            if not is_index(node, len(nodes.names)):
                raise UserError(
                    f"{file.path}: its bone {bone!r:.40} is node {node!r:.20}, but there are "
                    f"{len(nodes.names)} nodes; export it again"
                )
        if missing := [bone for bone in NEEDED if bone not in found]:
            raise UserError(
                f"{file.path} is a VRM whose map of bones lacks {', '.join(missing)}; map these "
                "and export it again"
            )
        return version, {bone: found[bone] for bone in BONES if bone in found}
    return None, None


def _named_bones(
    file: GltfFile, nodes: Nodes, joints: list[tuple[int, ...]], name: str | None
) -> tuple[dict[str, int], Sequence[int]]:
    """Finds the bones by their names, and which skins belong to them."""
    groups = _skeletons(nodes, joints)
    found, refusals = [], []
    for top, skins in groups:
        members = _members(nodes, top, [other for other, _ in groups if other != top])
        place = {node: slot for slot, node in enumerate(members)}
        above = [place.get(nodes.parents[node], -1) for node in members]
        names = [nodes.names[node] for node in members]
        try:
            bones = find_humanoid(names, above, required=NEEDED, place=str(file.path))
        except UserError as refusal:
            refusals.append(refusal)
            continue
        bones = {bone: members[slot] for bone, slot in bones.items()}
        called = [*_called(file, nodes, top, skins), str(len(found) + 1)]
        found.append((bones, skins, called))
    if not found:
        raise refusals[0]
    if len(found) == 1 and name is None:
        return found[0][:2]
    chosen = [entry for entry in found if name in entry[2]]
    if len(chosen) != 1:
        counts = Counter(word for _, _, called in found for word in called)
        own = [[word for word in called if counts[word] == 1] for _, _, called in found]
        shown = " and ".join(" or ".join(map(repr, words[:3])) for words in own)
        asked = f"{len(chosen)} of them are called {name!r}" if name else "one is needed"
        raise UserError(
            f"{file.path} has {len(found)} characters, of which {asked}: {shown}; say which by "
            "--character NAME"
        )
    return chosen[0][:2]


def _skeletons(nodes: Nodes, joints: list[tuple[int, ...]]) -> list[tuple[int, list[int]]]:
    """Returns the node under which each skeleton hangs, and the skins of each."""
    groups: list[tuple[int, list[int]]] = []
    for skin, members in enumerate(joints):
        top, skins = _common(nodes, list(members)), [skin]
        for other in list(groups):
            # One of the two holds the other, as the body's holds that of its hair.
            if (
                top < 0
                or other[0] < 0
                or other[0] in nodes.line(top)
                or top in nodes.line(other[0])
            ):
                top, skins = _common(nodes, [top, other[0]]), [*other[1], *skins]
                groups.remove(other)
        groups.append((top, skins))
    return groups


def _common(nodes: Nodes, members: list[int]) -> int:
    """Returns the lowest node that holds all of some nodes; -1 when only the scene does."""
    if -1 in members:
        return -1
    shared = nodes.line(members[0])
    for node in dict.fromkeys(members[1:]):
        line = set(nodes.line(node))
        shared = [above for above in shared if above in line]
    return shared[0] if shared else -1


def _members(nodes: Nodes, top: int, others: list[int]) -> list[int]:
    """Returns the nodes of a skeleton: all below its top, and those above that hold no other."""
    inside = {top} if top >= 0 else set()
    for node in nodes.order:
        if nodes.parents[node] in inside or top < 0:
            inside.add(node)
    held = {above for other in others if other >= 0 for above in nodes.line(other)}
    if top >= 0:
        inside |= set(nodes.line(top)) - held
    return [node for node in nodes.order if node in inside]


def _called(file: GltfFile, nodes: Nodes, top: int, skins: list[int]) -> list[str]:
    """Returns by which names a skeleton may be chosen."""
    names = [nodes.names[node] for node in nodes.line(top)] if top >= 0 else []
    entries = listed(file.tree, "skins", file.path)
    names += [str(entries[skin]["name"]) for skin in skins if entries[skin].get("name")]
    for node, entry in enumerate(listed(file.tree, "nodes", file.path)):
        if entry.get("skin") in skins and "mesh" in entry:
            names.append(nodes.names[node])
    return list(dict.fromkeys(names))


def _check_tree(bones: dict[str, int], nodes: Nodes, path: Path) -> None:
    """Refuses bones that do not hang on each other as a body's do."""
    if len(set(bones.values())) < len(bones):
        twice = next(bone for bone, node in bones.items() if list(bones.values()).count(node) > 1)
        raise UserError(
            f"{path}: {nodes.names[bones[twice]]} is {twice} and another bone too; map each bone "
            "to a node of its own and export it again"
        )
    for bone, node in bones.items():
        parent = PARENTS[bone]
        while parent is not None and parent not in bones:
            parent = PARENTS[parent]
        if parent is not None and bones[parent] not in nodes.line(node)[1:]:
            raise UserError(
                f"{path}: {bone} ({nodes.names[node]}) does not hang on {parent} "
                f"({nodes.names[bones[parent]]}); parent its bones as a body's and export it again"
            )


def _check_scales(bones: dict[str, int], nodes: Nodes, path: Path) -> None:
    """Refuses what turns a turn into a shear."""
    for bone, node in bones.items():
        above = nodes.parents[node]
        uneven = None if above < 0 else nodes.uneven(above)
        if uneven is None and nodes.is_sheared[node]:
            uneven = node
        if uneven is not None:
            scale = ", ".join(f"{number:.4g}" for number in nodes.scales[uneven])
            raise UserError(
                f"{path}: {nodes.names[uneven]}, which holds {bone}, is scaled by "
                f"({scale}), unevenly or to its mirror image; apply its scale where the character "
                "was made (in Blender Ctrl-A, Scale) and export it again"
            )
