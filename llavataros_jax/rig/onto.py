"""A character's file with one more animation: the motion of a recording on its own skeleton."""

from pathlib import Path
from typing import Any

import numpy as np

from llavataros_jax.motion.motion import Motion
from llavataros_jax.rig.character import Character, read_character
from llavataros_jax.rig.gltf_additions import Additions
from llavataros_jax.rig.gltf_file import listed, write_glb
from llavataros_jax.rig.gltf_nodes import Nodes
from llavataros_jax.rig.normalised import HumanoidMotion, humanoid_motion
from llavataros_jax.rig.retarget import NodeMotion, retarget


def put_onto(
    motion: Motion | HumanoidMotion,
    character: Path | str | Character,
    out: Path,
    *,
    name: str,
    which: str | None = None,
    replace_animations: bool = False,
) -> tuple[str, ...]:
    """Writes a character that moves, as one GLB.

    Everything of the character's file is kept as it is: meshes, textures, extensions, also those
    of a VRM, which VRM viewers read from the GLB as well.

    Args:
        motion: What it shall do.
        character: Its `.glb`, `.gltf` or `.vrm`, or one that was read.
        out: Where to write, atomically.
        name: Of the animation.
        which: The character's name where the file has several.
        replace_animations: Leave out the animations that it comes with.

    Returns:
        What the user should know.

    Raises:
        UserError: When either cannot be used; nothing is written then.
    """
    if not isinstance(character, Character):
        character = read_character(character, name=which)
    if not isinstance(motion, HumanoidMotion):
        motion = humanoid_motion(motion)
    moves, notes = retarget(motion, character), []
    others = len(listed(character.file.tree, "animations", character.path))
    additions = Additions(character.file)
    additions.take_images(character.images)
    if replace_animations:
        additions.tree.pop("animations", None)
    elif others:
        notes.append(
            f"the character has {others} animation{'s' * (others > 1)} of its own, after which "
            f"{name!r} is the last; --replace-animations leaves it alone in the file"
        )
    _add_animation(additions, moves, character.nodes, name)
    write_glb(Path(out), additions.finish())
    return (*moves.notes, *notes)


def _add_animation(additions: Additions, moves: NodeMotion, nodes: Nodes, name: str) -> None:
    seconds = np.arange(len(moves.shifts)) / moves.fps
    times = additions.add_numbers(seconds, bounds=True)
    tracks = [(moves.hips, "translation", moves.shifts, times)]
    tracks += [(node, "rotation", turns, times) for node, turns in moves.turns.items()]
    if moves.held:
        once = additions.add_numbers(np.zeros(1), bounds=True)
        tracks += [(node, "rotation", turn[None], once) for node, turn in moves.held.items()]
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []
    for node, path, values, keys in tracks:
        output = additions.add_numbers(values)
        channels.append({"sampler": len(samplers), "target": {"node": node, "path": path}})
        samplers.append({"input": keys, "output": output, "interpolation": "LINEAR"})
    additions.append("animations", {"name": name, "channels": channels, "samplers": samplers})
    entries = list(additions.tree["nodes"])
    for node in {node for node, *_ in tracks}:
        if "matrix" in entries[node]:  # which no animation may move
            entries[node] = {key: value for key, value in entries[node].items() if key != "matrix"}
            entries[node] |= {
                "translation": nodes.translations[node].tolist(),
                "rotation": nodes.turns[node].tolist(),
                "scale": nodes.scales[node].tolist(),
            }
    additions.tree["nodes"] = entries
