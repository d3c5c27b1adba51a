"""Legs for motion that has none: the feet stay where they are while the hips move above them.

Left as they rest, stiff legs would swing with every turn of the hips, and feet would slide over the
ground and through it.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion import rotations
from llavataros_jax.rig.character import Character
from llavataros_jax.rig.humanoid import SIDES

# A body whose hips go further than this share of a leg from where they mostly are, walks.
_WALKS_SHARE = 0.35
# A leg that is nearly straight would bend its knee by much for a millimetre; it gives in by so
# much of its length, slowly at first.
_SOFT_SHARE = 0.01
_BENT_SHARE = 0.05


def plant_legs(
    worlds: Mapping[int, Float[np.ndarray, "T 4"]],
    hips: Float[np.ndarray, "T 3"],
    character: Character,
    facing: Float[np.ndarray, " 4"],
) -> dict[int, Float[np.ndarray, "T 4"]]:
    """Returns world rotations of the nodes of both legs, with the feet as they rest.

    Args:
        worlds: World rotations of nodes that move, the hips' among them.
        hips: Places of the hips in the scene.
        character: Whose legs; one that lacks a knee or a foot is left as it is.
        facing: The turn from the scene to a body that stands and faces +z.

    Returns:
        Nothing when the hips walk away from where they mostly are.
    """
    nodes, bones = character.nodes, character.bones
    node = bones["hips"]
    rest, turned = nodes.places[node], rotations.conjugate(nodes.world_turns[node])
    turned = np.asarray(rotations.multiply(worlds[node], turned))
    middle, heading = np.median(hips, axis=0), _heading(turned, facing)
    middle[_up(facing)] = rest[_up(facing)]
    found: dict[int, np.ndarray] = {}
    for side in SIDES:
        chain = [bones.get(f"{side}{part}") for part in ("UpperLeg", "LowerLeg", "Foot")]
        leg = [joint for joint in chain if joint is not None]
        if len(leg) < 3:
            continue
        places = middle + np.asarray(rotations.rotate(heading, nodes.places[leg] - rest))
        top = hips + np.asarray(rotations.rotate(turned, nodes.places[leg[0]] - rest))
        reach = np.linalg.norm(nodes.places[leg[2]] - nodes.places[leg[0]])
        if np.linalg.norm(hips - middle, axis=1).max() > _WALKS_SHARE * reach:
            return {}
        forward = rotations.rotate(rotations.conjugate(facing), np.array([0.0, 0.0, 1.0]))
        forward = np.asarray(rotations.rotate(heading, np.asarray(forward)))
        for joint, turn in zip(leg, _leg(places, top, forward), strict=True):
            start = rotations.multiply(heading, nodes.world_turns[joint])
            found[joint] = np.asarray(rotations.multiply(turn, start))
    return found


def _up(facing: Float[np.ndarray, " 4"]) -> int:
    """Returns which axis of the scene is the body's vertical."""
    up = rotations.rotate(rotations.conjugate(facing), np.array([0.0, 1.0, 0.0]))
    return int(np.abs(np.asarray(up)).argmax())


def _heading(
    turned: Float[np.ndarray, "T 4"], facing: Float[np.ndarray, " 4"]
) -> Float[np.ndarray, " 4"]:
    """Returns the turn about the vertical by which the hips mostly are turned."""
    up = np.asarray(rotations.rotate(rotations.conjugate(facing), np.array([0.0, 1.0, 0.0])))
    # The part of a rotation that is about an axis; q and −q are the same.
    about = turned[:, :3] @ up
    signs = np.where(turned[:, 3] < 0, -1.0, 1.0)
    half = np.median(np.arctan2(signs * about, signs * turned[:, 3]))
    return np.append(np.sin(half) * up, np.cos(half))


def _leg(
    places: Float[np.ndarray, "3 3"],
    top: Float[np.ndarray, "T 3"],
    forward: Float[np.ndarray, " 3"],
) -> tuple[Float[np.ndarray, "T 4"], Float[np.ndarray, "T 4"], Float[np.ndarray, "T 4"]]:
    """Returns how thigh, shin and foot turn in the scene so that the foot keeps its place.

    Args:
        places: Of hip joint, knee and ankle as they rest.
        top: Where the hip joint is.
        forward: Where the knee goes.
    """
    thigh, shin = places[1] - places[0], places[2] - places[1]
    line = places[2] - places[0]
    length = np.linalg.norm(line)
    along = line / length
    aside = thigh - along * (along @ thigh)
    if np.linalg.norm(aside) < _BENT_SHARE * np.linalg.norm(thigh):
        aside = forward - along * (along @ forward)
    axis = np.cross(along, aside / np.linalg.norm(aside))
    to_ankle = places[2] - top
    distance = np.linalg.norm(to_ankle, axis=1)
    short = np.maximum(length - distance, 0.0)
    wanted = length - short**2 / (short + _SOFT_SHARE * length)
    sides = float(np.linalg.norm(thigh)), float(np.linalg.norm(shin))
    at_hip, at_ankle = (
        _angle(mine, other, wanted) - _angle(mine, other, np.full_like(wanted, length))
        for mine, other in (sides, sides[::-1])
    )
    aim = _least_turn(along, to_ankle / distance[:, None])
    still = np.tile([0.0, 0.0, 0.0, 1.0], (len(top), 1))
    return (
        np.asarray(rotations.multiply(aim, _about(axis, at_hip))),
        np.asarray(rotations.multiply(aim, _about(axis, -at_ankle))),
        still,
    )


def _angle(mine: float, other: float, line: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """Returns the angle of a triangle between a side and the line to its far corner."""
    cosine = (mine**2 + line**2 - other**2) / (2 * mine * line)
    return np.arccos(np.clip(cosine, -1, 1))


def _about(axis: Float[np.ndarray, " 3"], angle: Float[np.ndarray, " T"]) -> np.ndarray:
    half = angle[:, None] / 2
    return np.concatenate((np.sin(half) * axis, np.cos(half)), axis=1)


def _least_turn(start: Float[np.ndarray, " 3"], end: Float[np.ndarray, "T 3"]) -> np.ndarray:
    """Returns the least turn between unit vectors that are not opposite."""
    turn = np.concatenate((np.cross(start, end), 1 + (end @ start)[:, None]), axis=1)
    return np.asarray(rotations.normalise(turn))
