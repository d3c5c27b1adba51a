"""A character that somebody made: its file, its skeleton, and which nodes are which bones."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.rig.bind_pose import bound_turns, skin_joints
from llavataros_jax.rig.character_bones import named_bones, vrm_bones
from llavataros_jax.rig.gltf_file import GltfFile, listed, read_gltf
from llavataros_jax.rig.gltf_images import linked_images
from llavataros_jax.rig.gltf_nodes import Nodes, read_nodes
from llavataros_jax.rig.humanoid import PARENTS

_MOST_NODES, _MOST_LEVELS, _MOST_SKINS = 20_000, 500, 1000


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
    vrm, bones = vrm_bones(file, nodes)
    if bones is None:
        if not joints:
            raise UserError(
                f"{path} has no skin, so no mesh would move with its bones; bind the mesh to the "
                "skeleton and export both"
            )
        bones, skins = named_bones(file, nodes, joints, name)
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
