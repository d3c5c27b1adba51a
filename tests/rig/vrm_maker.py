"""The least VRM 1.0 avatar: bare bones in a T-pose, a humanoid map and a licence; no mesh."""

from pathlib import Path
from typing import Any

import numpy as np

from llavataros_jax.rig.glb_builder import GlbBuilder
from llavataros_jax.rig.normalised import HumanoidMotion, bone_parents, t_pose_skeleton
from llavataros_jax.rig.whole_body import whole_body

META = {
    "name": "nobody",
    "authors": ["a test"],
    "licenseUrl": "https://vrm.dev/licenses/1.0/",
    "avatarPermission": "everyone",
}


def write_vrm(path: Path, motion: HumanoidMotion, turns: dict[str, Any] | None = None) -> None:
    """Writes an avatar with the bones of a motion at their places in the T-pose.

    Args:
        path: Where.
        motion: Whose T-pose it has; what VRM requires beside is added.
        turns: World rotations (SciPy) of some of its nodes in the T-pose, whose axes then are
            rolled, as those of real avatars are.
    """
    motion = whole_body(motion)
    skeleton = t_pose_skeleton(motion.bones, motion.rest)
    parents, builder = bone_parents(motion.bones), GlbBuilder()
    for slot, bone in enumerate(motion.bones):
        above = motion.bones[parents[slot]] if parents[slot] >= 0 else None
        node: dict[str, Any] = {"name": f"J_{bone}"}
        offset, turn = np.array(skeleton.offsets[slot]), (turns or {}).get(bone)
        parent_turn = (turns or {}).get(above)
        if parent_turn is not None:
            offset = parent_turn.inv().apply(offset)
            turn = parent_turn.inv() * turn if turn is not None else parent_turn.inv()
        if turn is not None:
            node["rotation"] = turn.as_quat().astype(np.float32).tolist()
        node["translation"] = offset.tolist()
        if children := [child for child, parent in enumerate(parents) if parent == slot]:
            node["children"] = children
        builder.append("nodes", node)
    builder.append("scenes", {"nodes": [0]})
    builder.tree["scene"] = 0
    builder.add(np.zeros(1))  # a GLB of bare bones needs no numbers, but a buffer is usual
    named = {bone: {"node": slot} for slot, bone in enumerate(motion.bones)}
    builder.tree["extensionsUsed"] = ["VRMC_vrm"]
    builder.tree["extensions"] = {
        "VRMC_vrm": {"specVersion": "1.0", "meta": META, "humanoid": {"humanBones": named}}
    }
    builder.write(path)
