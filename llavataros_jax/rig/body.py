"""A plain person around any skeleton: smooth, in calm colours, with weights that blend at joints.

Made by rule, so that files have a body to look at and nobody's licence. It is drawn in the T-pose
and then brought into the skeleton's rest pose by its own weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.rig.body_clothes import has_legs, shirt, shoe, trousers
from llavataros_jax.rig.body_landmarks import Landmarks, landmarks
from llavataros_jax.rig.body_part import Part
from llavataros_jax.rig.body_skin import eye, hair, hand, head
from llavataros_jax.rig.body_surface import surface
from llavataros_jax.rig.humanoid import SIDES, find_humanoid
from llavataros_jax.rig.t_pose import rest_pose, t_pose

MOST_JOINTS = 4  # that one vertex moves with
# How fast a joint's hold fades with the distance from its shape.
_FADE_METRES = 0.022


@dataclass(frozen=True, eq=False)
class BodyMesh:
    """One colour of a body at rest.

    Attributes:
        colour: Its name in `body_part.COLOURS`.
        vertices: Places in metres, in the world, at rest.
        normals: Unit vectors outwards.
        triangles: Counter-clockwise as seen from outside.
        joints: Joints that each vertex moves with, those of most weight first.
        weights: How much with each; the sum is 1.
    """

    colour: str
    vertices: Float[np.ndarray, "V 3"]
    normals: Float[np.ndarray, "V 3"]
    triangles: Int[np.ndarray, "F 3"]
    joints: Int[np.ndarray, "V 4"]
    weights: Float[np.ndarray, "V 4"]


@lru_cache(maxsize=4)
def body(skeleton: Skeleton) -> tuple[BodyMesh, ...]:
    """Returns a body around a skeleton at rest, one mesh for each colour.

    Raises:
        UserError: When hips, spine or arms are not found.
    """
    humanoid = find_humanoid(skeleton.names, skeleton.parents)
    places, turns = rest_pose(skeleton)
    straight, straight_turns = t_pose(places, turns, skeleton.parents, humanoid)
    back = Rotation.from_quat(turns) * Rotation.from_quat(straight_turns).inv()
    by_colour: dict[str, list[BodyMesh]] = {}
    for part in _parts(landmarks(straight, humanoid)):
        mesh = _mesh(part, skeleton.num_joints)
        by_colour.setdefault(part.colour, []).append(_moved(mesh, straight, places, back))
    return tuple(_joined(meshes) for meshes in by_colour.values())


def _parts(marks: Landmarks) -> list[Part]:
    """Returns the parts of a body in the T-pose."""
    found = [shirt(marks), head(marks), hair(marks)]
    for side in SIDES:
        found += [eye(marks, side), hand(marks, side)]
    if has_legs(marks):
        found += [trousers(marks), *(shoe(marks, side) for side in SIDES)]
    return found


def _mesh(part: Part, num_joints: int) -> BodyMesh:
    vertices, normals, triangles = surface(part.distance, part.least, part.most, part.step_metres)
    away = np.stack([shape.distance(vertices) for shape in part.shapes])
    hold = np.exp(-(away - away.min(axis=0)) / _FADE_METRES)
    weights = np.zeros((len(vertices), num_joints))
    for shape, held in zip(part.shapes, hold, strict=True):
        weights += shape.weights(vertices, num_joints) * held[:, None]
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :MOST_JOINTS]
    chosen = np.take_along_axis(weights, joints, axis=1)
    chosen /= chosen.sum(axis=1, keepdims=True)
    chosen[chosen < 1 / 255] = 0.0
    chosen /= chosen.sum(axis=1, keepdims=True)
    joints = np.where(chosen > 0, joints, 0)
    return BodyMesh(part.colour, vertices, normals, triangles, joints, chosen)


def _moved(mesh: BodyMesh, places: np.ndarray, rest: np.ndarray, turns: Rotation) -> BodyMesh:
    """Brings a mesh from one pose of the joints into another."""
    if turns.magnitude().max() < 1e-9 and np.allclose(places, rest):
        return mesh
    matrices = turns.as_matrix()
    vertices, normals = np.zeros_like(mesh.vertices), np.zeros_like(mesh.normals)
    for column in range(MOST_JOINTS):
        joint, weight = mesh.joints[:, column], mesh.weights[:, column, None]
        matrix = matrices[joint]
        local = mesh.vertices - places[joint]
        vertices += weight * (np.einsum("vij,vj->vi", matrix, local) + rest[joint])
        normals += weight * np.einsum("vij,vj->vi", matrix, mesh.normals)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return BodyMesh(mesh.colour, vertices, normals, mesh.triangles, mesh.joints, mesh.weights)


def _joined(meshes: Sequence[BodyMesh]) -> BodyMesh:
    """Puts meshes of one colour together."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return BodyMesh(
        colour=meshes[0].colour,
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        normals=np.concatenate([mesh.normals for mesh in meshes]),
        triangles=np.concatenate([m.triangles + n for m, n in zip(meshes, starts, strict=False)]),
        joints=np.concatenate([mesh.joints for mesh in meshes]),
        weights=np.concatenate([mesh.weights for mesh in meshes]),
    )
