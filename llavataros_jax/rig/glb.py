"""Motion as GLB: the skeleton at rest, a simple body on it, and one animation.

Rest poses are what exporters get wrong, so nodes stand in the skeleton's own rest pose (the T-pose
for AvatarOS), the mesh is drawn in that pose, and the inverse bind matrices are those of the nodes:
a reader that looks at any of the three sees the same body.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion import rotations
from llavataros_jax.motion.kinematics import local_rotations_of
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.rig.body import BodyMesh, body
from llavataros_jax.rig.body_part import COLOURS, in_light
from llavataros_jax.rig.glb_builder import INDICES, VERTICES, GlbBuilder
from llavataros_jax.rig.t_pose import rest_pose

# An offset that strays further than this from the skeleton's is animated.
_RIGID_METRES = 1e-6


def write_motion_glb(
    path: Path | str, motion: Motion, *, name: str = "motion", with_body: bool = True
) -> None:
    """Writes a motion as `.glb`, atomically.

    Rotations of all joints are animated, the place of the root, and offsets where they move.

    Args:
        path: Where.
        motion: What; joints are called as its skeleton calls them.
        name: Of the animation.
        with_body: Draw a person around the skeleton; else only its nodes and a skin are there.

    Raises:
        UserError: When no body fits, as hips, spine or arms are not found.
    """
    skeleton, builder = motion.skeleton, GlbBuilder()
    meshes = body(skeleton) if with_body else ()
    _add_nodes(builder, skeleton)
    skin = _add_skin(builder, skeleton)
    roots = [0]
    if meshes:
        mesh = _add_mesh(builder, meshes)
        roots.append(builder.append("nodes", {"name": "Body", "mesh": mesh, "skin": skin}))
    builder.append("scenes", {"nodes": roots})
    builder.tree["scene"] = 0
    builder.animate(name, _tracks(motion), motion.fps)
    builder.write(Path(path))


def _add_nodes(builder: GlbBuilder, skeleton: Skeleton) -> None:
    local = np.asarray(local_rotations_of(skeleton.rest_rotations, skeleton.parents))
    for joint, name in enumerate(skeleton.names):
        node: dict[str, Any] = {
            "name": name,
            "translation": skeleton.offsets[joint].tolist(),
            # In 32 bits no part of a unit quaternion is beyond 1, which validators look at.
            "rotation": local[joint].astype(np.float32).tolist(),
        }
        children = [child for child, parent in enumerate(skeleton.parents) if parent == joint]
        if children:
            node["children"] = children
        builder.append("nodes", node)


def _add_skin(builder: GlbBuilder, skeleton: Skeleton) -> int:
    places, turns = rest_pose(skeleton)
    inverse = np.tile(np.eye(4), (skeleton.num_joints, 1, 1))
    inverse[:, :3, :3] = np.asarray(rotations.to_matrix(turns)).swapaxes(1, 2)
    inverse[:, :3, 3] = -np.einsum("jab,jb->ja", inverse[:, :3, :3], places)
    return builder.append(
        "skins",
        {
            "joints": list(range(skeleton.num_joints)),
            "inverseBindMatrices": builder.add(inverse),
            "skeleton": 0,
        },
    )


def _add_mesh(builder: GlbBuilder, meshes: tuple[BodyMesh, ...]) -> int:
    primitives = []
    for mesh in meshes:
        colour, roughness = COLOURS[mesh.colour]
        material = builder.append(
            "materials",
            {
                "name": mesh.colour,
                "pbrMetallicRoughness": {
                    "baseColorFactor": [*in_light(np.array(colour)).tolist(), 1.0],
                    "metallicFactor": 0.0,
                    "roughnessFactor": roughness,
                },
            },
        )
        wide = "uint16" if mesh.joints.max() > 255 else "uint8"
        attributes = {
            "POSITION": builder.add(mesh.vertices, target=VERTICES, bounds=True),
            "NORMAL": builder.add(mesh.normals, target=VERTICES),
            "JOINTS_0": builder.add(mesh.joints, wide, target=VERTICES),
            "WEIGHTS_0": builder.add(
                _in_bytes(mesh.weights), "uint8", target=VERTICES, normalised=True
            ),
        }
        indices = builder.add(mesh.triangles.reshape(-1), "uint16", target=INDICES)
        primitives.append({"attributes": attributes, "indices": indices, "material": material})
    return builder.append("meshes", {"name": "Body", "primitives": primitives})


def _tracks(motion: Motion) -> list[tuple[int, str, np.ndarray]]:
    offsets, turns = motion.local_offsets(), motion.local_quaternions()
    strays = np.abs(offsets - motion.skeleton.offsets).max(axis=(0, 2)) > _RIGID_METRES
    strays[0] = True
    tracks: list[tuple[int, str, np.ndarray]] = []
    for joint in range(motion.skeleton.num_joints):
        if strays[joint]:
            tracks.append((joint, "translation", offsets[:, joint]))
        tracks.append((joint, "rotation", turns[:, joint]))
    return tracks


def _in_bytes(weights: Float[np.ndarray, "V 4"]) -> np.ndarray:
    """Returns weights in 255ths whose sum is 255, as glTF wants it to the last."""
    whole = np.floor(weights * 255 + 0.5).astype(int)
    whole[:, 0] += 255 - whole.sum(axis=1)
    return whole
