"""A closed mesh around what a distance function calls inside: naive surface nets.

S. Gibson, "Constrained Elastic Surface Nets" (MICCAI 1998), without the relaxation: one vertex for
each cell that the surface crosses, at the mean of its crossings, then moved onto the surface.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

Distance = Callable[[np.ndarray], np.ndarray]

_CORNERS = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)])
_EDGES = np.array([(a, b) for a in range(8) for b in range(a, 8) if bin(a ^ b).count("1") == 1])
_PROJECTIONS = 3


def surface(
    distance: Distance,
    least: Float[np.ndarray, " 3"],
    most: Float[np.ndarray, " 3"],
    step_metres: float,
) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "V 3"], Int[np.ndarray, "F 3"]]:
    """Returns vertices, normals and triangles of the surface at distance zero.

    Args:
        distance: Of points "N 3", negative inside; need not be exact away from zero.
        least: A corner of a box that holds the surface with a cell to spare.
        most: The opposite one.
        step_metres: Side of a cell.

    Returns:
        Triangles are counter-clockwise as seen from outside.
    """
    counts = np.ceil((most - least) / step_metres).astype(int) + 1
    axes = [least[axis] + step_metres * np.arange(counts[axis]) for axis in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = distance(grid.reshape(-1, 3)).reshape(counts)
    inside = values < 0
    cells = counts - 1
    corners = [
        (slice(x, x + cells[0]), slice(y, y + cells[1]), slice(z, z + cells[2]))
        for x, y, z in _CORNERS
    ]
    filled = sum(inside[corner].astype(int) for corner in corners)
    crossed = np.argwhere((filled > 0) & (filled < 8))
    number = np.full(cells, -1)
    number[tuple(crossed.T)] = np.arange(len(crossed))
    at = np.stack([values[corner][tuple(crossed.T)] for corner in corners], axis=1)
    start, end = at[:, _EDGES[:, 0]], at[:, _EDGES[:, 1]]
    cut = (start < 0) != (end < 0)
    share = np.where(cut, start / np.where(cut, start - end, 1.0), 0.0)[..., None]
    places = _CORNERS[_EDGES[:, 0]] + share * (_CORNERS[_EDGES[:, 1]] - _CORNERS[_EDGES[:, 0]])
    mean = (places * cut[..., None]).sum(1) / cut.sum(1)[:, None]
    vertices = least + step_metres * (crossed + mean)
    for _ in range(_PROJECTIONS):
        slope = gradient(distance, vertices)
        squared = np.maximum((slope**2).sum(1, keepdims=True), 1e-6)
        shift = -distance(vertices)[:, None] * slope / squared
        vertices = vertices + np.clip(shift, -step_metres / 2, step_metres / 2)
    normals = gradient(distance, vertices)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return vertices, normals, _triangles(inside, number, vertices)


def gradient(distance: Distance, points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    """Returns by central differences in which direction the distance grows."""
    step = 1e-4
    shifts = step * np.eye(3)
    sides = [distance(points + shift) - distance(points - shift) for shift in shifts]
    return np.stack(sides, axis=1) / (2 * step)


def _triangles(
    inside: np.ndarray, number: np.ndarray, vertices: np.ndarray
) -> Int[np.ndarray, "F 3"]:
    """Joins the four cells around each edge of the grid that the surface crosses."""
    quads = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        low, high = (np.take(inside, r, axis) for r in _ends(inside.shape[axis]))
        for flips, edge in ((False, low & ~high), (True, ~low & high)):
            cell = np.argwhere(edge)
            cell = cell[(cell[:, u] > 0) & (cell[:, v] > 0)]
            around = []
            for du, dv in ((0, 0), (1, 0), (1, 1), (0, 1)):
                other = cell.copy()
                other[:, u] -= du
                other[:, v] -= dv
                around.append(number[tuple(other.T)])
            quad = np.stack(around, axis=1)
            quads.append(quad[:, ::-1] if flips else quad)
    quad = np.concatenate(quads)
    # The shorter diagonal makes the smoother surface.
    first = np.linalg.norm(vertices[quad[:, 0]] - vertices[quad[:, 2]], axis=1)
    second = np.linalg.norm(vertices[quad[:, 1]] - vertices[quad[:, 3]], axis=1)
    quad = np.where((second < first)[:, None], np.roll(quad, -1, axis=1), quad)
    return np.concatenate((quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]))


def _ends(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(count - 1), np.arange(1, count)
