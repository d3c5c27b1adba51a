"""The body that moves in the files: closed, smooth, on the skeleton that it is given."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.rig.body import BodyMesh, body
from llavataros_jax.rig.body_surface import surface
from llavataros_jax.rig.t_pose import rest_pose
from tests.rig.people import posed, uneven_motion


def ball(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points - [0.1, 0.2, -0.1], axis=1) - 0.5


def test_the_surface_of_a_ball() -> None:
    vertices, normals, triangles = surface(ball, np.full(3, -0.8), np.full(3, 0.9), 0.06)
    out = vertices - [0.1, 0.2, -0.1]
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 0.5, atol=1e-6)
    np.testing.assert_allclose(normals, out / 0.5, atol=1e-5)
    corner = vertices[triangles]
    cross = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    assert ((cross * (corner.mean(1) - [0.1, 0.2, -0.1])).sum(1) > 0).all()  # counter-clockwise
    assert np.linalg.norm(cross, axis=1).sum() / 2 == pytest.approx(4 * np.pi * 0.25, rel=0.01)
    edges = np.concatenate([triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    assert len(np.unique(edges, axis=0)) == len(edges)  # each once in this direction,
    assert {tuple(e) for e in edges} == {tuple(e[::-1]) for e in edges}  # and once in the other


@pytest.fixture(scope="module")
def ours() -> tuple[BodyMesh, ...]:
    return body(AVATAROS_9)


def moved(mesh: BodyMesh, rest: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Moves vertices as every engine does: by the weighted sum of the joints' matrices."""
    change = pose @ np.linalg.inv(rest)
    points = np.concatenate((mesh.vertices, np.ones((len(mesh.vertices), 1))), axis=1)
    each = np.einsum("vwij,vj->vwi", change[mesh.joints], points)
    return (each * mesh.weights[..., None]).sum(1)[:, :3]


def matrices(places: np.ndarray, quaternions: np.ndarray) -> np.ndarray:
    found = np.tile(np.eye(4), (len(places), 1, 1))
    found[:, :3, :3] = Rotation.from_quat(quaternions).as_matrix()
    found[:, :3, 3] = places
    return found


def test_every_vertex_is_held_by_joints_whose_weights_are_one(ours) -> None:
    for mesh in ours:
        np.testing.assert_allclose(mesh.weights.sum(1), 1.0)
        assert (mesh.weights >= 0).all()
        assert mesh.joints.max() < 9
        assert mesh.triangles.max() < len(mesh.vertices) < 2**16
        np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1.0)


def test_it_is_a_person(ours) -> None:
    by = {mesh.colour: mesh.vertices for mesh in ours}
    every = np.concatenate(list(by.values()))
    assert {"clothes", "skin", "hair", "eyes"} == set(by)
    assert 1.65 < every[:, 1].max() < 1.85  # the top of the head of a body of that size
    assert 0.7 < every[:, 1].min() < 0.8  # no legs: it ends at the hips
    assert every[:, 0].max() == pytest.approx(0.68 + 0.19, abs=0.03)  # a hand's length beyond
    eyes = by["eyes"]
    assert eyes[:, 2].min() > 0.08  # it faces +z
    assert (np.sign(eyes[:, 0]) > 0).mean() == pytest.approx(0.5)


def test_elbows_blend(ours) -> None:
    clothes = next(mesh for mesh in ours if mesh.colour == "clothes")
    held = np.zeros((len(clothes.vertices), 9))
    np.add.at(held, (np.arange(len(held))[:, None], clothes.joints), clothes.weights)
    x = clothes.vertices[:, 0]
    elbow = 0.133 + 0.28725
    near, upper, lower = abs(x - elbow) < 0.01, abs(x - 0.30) < 0.02, abs(x - 0.55) < 0.02
    assert held[upper, 6].min() > 0.95
    assert held[lower, 7].min() > 0.95
    assert (held[near][:, [6, 7]].min(1) > 0.2).all()


def test_joints_that_turn_take_their_parts_along(ours) -> None:
    places, turns = rest_pose(AVATAROS_9)
    motion = uneven_motion()
    pose = matrices(motion.positions[3], motion.quaternions[3])
    hands = next(mesh for mesh in ours if mesh.colour == "skin")
    after = moved(hands, matrices(places, turns), pose)
    fingers = hands.vertices[:, 0] > 0.75
    local = Rotation.from_quat(turns[8]).inv().apply(hands.vertices[fingers] - places[8])
    wanted = Rotation.from_quat(motion.quaternions[3, 8]).apply(local) + motion.positions[3, 8]
    np.testing.assert_allclose(after[fingers], wanted, atol=1e-9)


def test_a_body_at_rest_in_another_pose_stands_there() -> None:
    down = Rotation.from_euler("z", -90, degrees=True)
    skeleton = posed({"leftUpperArm": down, "rightUpperArm": down.inv()})
    meshes = {mesh.colour: mesh for mesh in body(skeleton)}
    hands = meshes["skin"].vertices[:, 1] < 1.0
    assert hands.sum() > 500  # they hang
    assert {"trousers", "shoes"} < set(meshes)
    assert -0.03 < meshes["shoes"].vertices[:, 1].min() < 0.03  # and it stands on the ground
    assert np.abs(meshes["skin"].vertices[:, 0]).max() < 0.3
