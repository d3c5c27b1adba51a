"""Animations of GLB files, of ours and of strangers, as motion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.motion import rotations
from llavataros_jax.motion.body_size import UNITS, body_size, scaled
from llavataros_jax.motion.kinematics import local_offsets_of
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.rig.glb_tracks import Tracks, read_tracks
from llavataros_jax.rig.gltf_file import GltfFile, is_index, listed, read_gltf
from llavataros_jax.rig.gltf_nodes import Nodes, read_nodes
from llavataros_jax.rig.humanoid import PARENTS


def read_glb(
    path: Path | str | GltfFile, *, fps: float | None = None
) -> tuple[Motion, tuple[str, ...]]:
    """Reads the first animation of a `.glb` or `.gltf` as motion of its skeleton.

    The joints are those of its largest skin, or without one the nodes that are animated; of a VRM
    they are called as the bones that it says they are.

    Args:
        path: The file, or one that was read.
        fps: Frames per second; goes before what its times say.

    Returns:
        The motion in metres, and what the user should know of it.

    Raises:
        UserError: When it has no animation, or no skeleton that hangs together.
    """
    file = path if isinstance(path, GltfFile) else read_gltf(path)
    motion, notes = joint_motion(file, None, fps=fps)
    size = body_size(motion)
    unit = None if size is None or size.is_human else size.unit(1.0)
    if size is not None and unit is not None:
        notes = (
            *notes,
            f"its lengths are read as {unit}: in metres its {size.part} would be "
            f"{size.metres:.3g} m long",
        )
        motion = scaled(motion, UNITS[unit], skeleton=True)
    return motion, notes


def joint_motion(
    file: GltfFile, joints: Sequence[int] | None, *, fps: float | None
) -> tuple[Motion, tuple[str, ...]]:
    """Returns how nodes move in the first animation of a file.

    Args:
        file: The file.
        joints: Nodes that become joints, in that order, parents first; found when not given.
        fps: Frames per second; those of the animation's times when not given.

    Raises:
        UserError: When there is no animation, or the nodes form no skeleton.
    """
    nodes, tracks = read_nodes(file), read_tracks(file, fps)
    if joints is None:
        joints = _joints(file, nodes, tracks)
    parents = _parents(joints, nodes, file)
    for joint in joints:
        if (bad := nodes.uneven(joint)) is not None:
            raise UserError(
                f"{file.path}: {nodes.names[bad]} is scaled unevenly or mirrored, so joint "
                f"{nodes.names[joint]} has no pose; apply its scale and export it again"
            )
    places, turns = _world(nodes, tracks)
    chosen = list(joints)
    rest, rest_turns = nodes.placed(nodes.turns)
    offsets = local_offsets_of(rest[chosen], rest_turns[chosen], parents)
    called = _vrm_names(file)
    names = _unique([called.get(joint, nodes.names[joint]) for joint in chosen])
    skeleton = Skeleton(names, parents, np.asarray(offsets), rest_turns[chosen])
    frames = np.concatenate((places[:, chosen], turns[:, chosen]), axis=-1)
    return Motion(frames, tracks.fps, skeleton), tracks.notes


def _world(
    nodes: Nodes, tracks: Tracks
) -> tuple[Float[np.ndarray, "T N 3"], Float[np.ndarray, "T N 4"]]:
    """Returns places and turns of all nodes in all frames."""
    frames = tracks.num_frames
    places = np.tile(nodes.translations, (frames, 1, 1))
    turns = np.tile(nodes.turns, (frames, 1, 1))
    for node, values in tracks.places.items():
        places[:, node] = values
    for node, values in tracks.turns.items():
        turns[:, node] = values
    sizes = nodes.scales.copy()
    for node in nodes.order:
        if (above := nodes.parents[node]) >= 0:
            step = np.asarray(rotations.rotate(turns[:, above], sizes[above] * places[:, node]))
            places[:, node] = places[:, above] + step
            turns[:, node] = rotations.multiply(turns[:, above], turns[:, node])
            sizes[node] = sizes[above] * nodes.scales[node]
    return places, turns


def _joints(file: GltfFile, nodes: Nodes, tracks: Tracks) -> list[int]:
    """Returns the joints of the largest skin, or the animated nodes, of one tree, from the top."""
    largest: list[Any] = []
    for skin in listed(file.tree, "skins", file.path):
        joints = skin.get("joints")
        if not isinstance(joints, list):
            raise UserError(f"{file.path}: a skin has no list of joints; export it again")
        largest = joints if len(joints) > len(largest) else largest
    if not all(is_index(joint, len(nodes.names)) for joint in largest):
        raise UserError(f"{file.path}: a skin has joints that are no nodes; export it again")
    wanted = set(largest) or {*tracks.turns, *tracks.places}
    # Several tops hang together by what holds them all.
    tops = [joint for joint in wanted if not wanted & set(nodes.line(joint)[1:])]
    if len(tops) > 1:
        shared = [n for n in nodes.line(tops[0])[1:] if all(n in nodes.line(t) for t in tops)]
        if not shared:
            raise UserError(
                f"{file.path}: {', '.join(nodes.names[top] for top in sorted(tops))} hang on "
                "nothing that they share, so they are no one skeleton; export one character"
            )
        wanted.add(shared[0])
        largest = [shared[0], *largest]
    # The file's own order, where it has parents first.
    place = {node: slot for slot, node in enumerate(largest)}
    if largest and all(place.get(n, 0) <= place[j] for j in largest for n in nodes.line(j)):
        return list(largest)
    return [node for node in nodes.order if node in wanted]


def _parents(joints: Sequence[int], nodes: Nodes, file: GltfFile) -> tuple[int, ...]:
    """Returns for each joint the place in the list of the nearest that holds it."""
    place = {joint: slot for slot, joint in enumerate(joints)}
    parents = [
        next((place[node] for node in nodes.line(joint)[1:] if node in place), -1)
        for joint in joints
    ]
    for slot, parent in enumerate(parents):
        if parent >= slot or (parent < 0) != (slot == 0):
            raise UserError(
                f"{file.path}: {nodes.names[joints[slot]]} does not hang on "
                f"{nodes.names[joints[0]]} as its bones must; export it again"
            )
    return tuple(parents)


def _vrm_names(file: GltfFile) -> dict[int, str]:
    """Returns the bones that a VRM says its nodes are, whose own names may be in any language."""
    entry: Any = file.tree.get("extensions")
    for key in ("VRMC_vrm", "humanoid", "humanBones"):
        entry = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(entry, dict):
        return {}
    pairs = ((value.get("node"), bone) for bone, value in entry.items() if isinstance(value, dict))
    return {node: bone for node, bone in pairs if isinstance(node, int) and bone in PARENTS}


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Numbers names that are there twice."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return tuple(found)
