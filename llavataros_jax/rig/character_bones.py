"""Which nodes of a character's file are which bones: as a VRM says, or by their names."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from llavataros_jax.errors import UserError
from llavataros_jax.rig.gltf_file import GltfFile, is_index, listed
from llavataros_jax.rig.gltf_nodes import Nodes
from llavataros_jax.rig.humanoid import BONES, SIDES, find_humanoid

# VRM 0.x counts a thumb from its second bone on.
_OLD_NAMES = {
    f"{side}Thumb{old}": f"{side}Thumb{new}"
    for side in SIDES
    for old, new in (("Proximal", "Metacarpal"), ("Intermediate", "Proximal"))
}
# Without these no gesture is left.
NEEDED = ("hips", *(f"{side}{part}" for side in SIDES for part in ("UpperArm", "LowerArm")))


def vrm_bones(file: GltfFile, nodes: Nodes) -> tuple[int | None, dict[str, int] | None]:
    """Returns the version of VRM and the bones that the file says, if it says any.

    Raises:
        UserError: When it says them wrongly, or not all that a gesture needs.
    """
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


def named_bones(
    file: GltfFile, nodes: Nodes, joints: list[tuple[int, ...]], name: str | None
) -> tuple[dict[str, int], Sequence[int]]:
    """Finds the bones by their names.

    Args:
        file: The character.
        nodes: Its nodes.
        joints: Those of each of its skins.
        name: Which of several is meant.

    Returns:
        The node of each bone, and the skins that belong to them.

    Raises:
        UserError: When there is no body, or several of which none or more than one is meant.
    """
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
