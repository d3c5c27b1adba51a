"""VRM animations: motion that any VRM avatar can play.

Source: vrm-c/vrm-specification, VRMC_vrm_animation-1.0. A GLB whose nodes are bones of VRM 1.0 in
the T-pose, all of those that VRM requires, with rotations of bones and places of the hips alone.
Eyes are left out: VRM turns them by another part of the file.
"""

from pathlib import Path
from typing import Any

import numpy as np

from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.motion.kinematics import local_rotations_of
from llavataros_jax.rig.glb_builder import GlbBuilder
from llavataros_jax.rig.glb_reader import joint_motion
from llavataros_jax.rig.gltf_file import GltfFile, is_index, listed, read_gltf
from llavataros_jax.rig.humanoid import BONES, TORSO
from llavataros_jax.rig.normalised import HumanoidMotion, bone_parents
from llavataros_jax.rig.t_pose import rest_pose
from llavataros_jax.rig.whole_body import whole_body

EXTENSION = "VRMC_vrm_animation"
_NOT_TOLD = ("leftEye", "rightEye")


def write_vrma(path: Path | str, motion: HumanoidMotion, *, name: str = "motion") -> None:
    """Writes a VRM animation, atomically; bones that the motion lacks stand as in the T-pose."""
    motion = whole_body(motion)
    skeleton, builder = motion.skeleton, GlbBuilder()
    bones = [bone for bone in motion.bones if bone not in _NOT_TOLD]
    slots = [motion.bones.index(bone) for bone in bones]
    parents = bone_parents(bones)
    for number, (bone, slot) in enumerate(zip(bones, slots, strict=True)):
        node: dict[str, Any] = {"name": bone, "translation": skeleton.offsets[slot].tolist()}
        if children := [child for child, parent in enumerate(parents) if parent == number]:
            node["children"] = children
        builder.append("nodes", node)
    builder.append("scenes", {"nodes": [0]})
    builder.tree["scene"] = 0
    tracks: list[tuple[int, str, np.ndarray]] = [(0, "translation", motion.hips)]
    tracks += [(n, "rotation", motion.rotations[:, slot]) for n, slot in enumerate(slots)]
    builder.animate(name, tracks, motion.fps)
    named = {bone: {"node": number} for number, bone in enumerate(bones)}
    builder.tree["extensionsUsed"] = [EXTENSION]
    builder.tree["extensions"] = {
        EXTENSION: {"specVersion": "1.0", "humanoid": {"humanBones": named}}
    }
    builder.write(Path(path))


def is_vrma(file: GltfFile) -> bool:
    """Says whether a glTF file is a VRM animation."""
    extensions = file.tree.get("extensions")
    return isinstance(extensions, dict) and EXTENSION in extensions


def read_vrma(path: Path | str | GltfFile, *, fps: float | None = None) -> HumanoidMotion:
    """Reads a VRM animation.

    Args:
        path: Its file, or one that was read.
        fps: Frames per second; goes before what its times say.

    Raises:
        UserError: When it is none, or lacks hips, spine or arms.
    """
    file = path if isinstance(path, GltfFile) else read_gltf(path)
    nodes = _bone_nodes(file)
    motion, _ = joint_motion(file, list(nodes.values()), fps=fps)
    skeleton, bones = motion.skeleton, tuple(nodes)
    rest = np.asarray(skeleton.rest_rotations)
    turned = rotations.multiply(motion.quaternions, np.asarray(rotations.conjugate(rest)))
    local = np.asarray(local_rotations_of(turned, bone_parents(bones)))
    places, _ = rest_pose(skeleton)
    smooth = np.asarray(rotations.continuous(rotations.normalise(local)))
    return HumanoidMotion(bones, smooth, motion.positions[:, 0], places, motion.fps)


def _bone_nodes(file: GltfFile) -> dict[str, int]:
    """Returns the node of each bone that a VRM animation names."""
    extension = file.tree["extensions"][EXTENSION] if is_vrma(file) else None
    humanoid = extension.get("humanoid") if isinstance(extension, dict) else None
    named = humanoid.get("humanBones") if isinstance(humanoid, dict) else None
    if not isinstance(named, dict):
        raise UserError(
            f"{file.path} has no {EXTENSION} with a humanoid, so it is no VRM animation; export "
            "it as .vrma"
        )
    count = len(listed(file.tree, "nodes", file.path))
    found = {}
    for bone in BONES:
        node = named[bone].get("node") if isinstance(named.get(bone), dict) else None
        if bone in _NOT_TOLD or node is None:
            continue
        if not is_index(node, count):
            raise UserError(
                f"{file.path}: bone {bone} is node {node!r:.20}, but there are {count}; export it "
                "again"
            )
        found[bone] = node
    if missing := [bone for bone in TORSO if bone not in found]:
        raise UserError(f"{file.path} lacks the bones {', '.join(missing)}; export it again")
    return found
