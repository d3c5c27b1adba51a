"""The area that a body sweeps, seen from the front, and how much of it two motions share."""

import numpy as np
from jaxtyping import Bool, Float, Int

from llavataros_jax.motion.skeleton import Skeleton

# A square of 2 m with the origin in the middle of its lower edge, in cells of half a centimetre.
SIDE_METRES, CELL_METRES = 2.0, 0.005
CELLS = round(SIDE_METRES / CELL_METRES)
# The first two joints, and with them the lines that lead to them, are left out.
FIRST_JOINT = 2

Area = Bool[np.ndarray, "height width"]


def gesture_area(positions: Float[np.ndarray, "T J 3"], skeleton: Skeleton) -> Area:
    """Marks the cells that lines from joints to their parents cross in any frame.

    The gesture area coverage (GAC) of Tonoli et al. 2024, as AI-Unicamp/gesture-area-coverage
    rasterises it: x and y of world positions, the third joint and those after it, Bresenham's
    lines. Joints outside of the square are moved to its edge. It only means the gestures of a
    body that faces along z.

    Args:
        positions: World positions, metres, y up.
        skeleton: Whose joints they are.

    Returns:
        400 × 400 cells, row 0 at the bottom; none is marked where there are fewer than 3 joints.
    """
    places = positions[..., :2] + np.array([SIDE_METRES / 2, 0.0])
    cells = np.clip(np.rint(places / CELL_METRES).astype(np.int64), 0, CELLS - 1)
    parents = list(skeleton.parents[FIRST_JOINT:])
    ends = np.concatenate([cells[:, parents], cells[:, FIRST_JOINT:]], axis=-1).reshape(-1, 4)
    area = np.zeros((CELLS, CELLS), bool)
    _draw(_distinct(ends), area)
    return area


def dice(first: Area, second: Area) -> float:
    """Returns twice the shared area by the sum of both; NaN when both are empty."""
    total = np.count_nonzero(first) + np.count_nonzero(second)
    return 2 * np.count_nonzero(first & second) / total if total else float("nan")


def outside_share(positions: Float[np.ndarray, "T J 3"]) -> float:
    """Returns the share of joints and frames that lie outside of the square."""
    across, up = positions[:, FIRST_JOINT:, 0], positions[:, FIRST_JOINT:, 1]
    outside = (np.abs(across) > SIDE_METRES / 2) | (up < 0) | (up > SIDE_METRES)
    return float(outside.mean()) if outside.size else 0.0


def _distinct(ends: Int[np.ndarray, "lines 4"]) -> Int[np.ndarray, "_ 4"]:
    """Leaves out lines that were there before: a body stays in the same cells for many frames."""
    scale = CELLS ** np.arange(4)
    packed = np.unique(ends @ scale)
    return packed[:, None] // scale % CELLS


def _draw(ends: Int[np.ndarray, "lines 4"], area: Area) -> None:
    """Marks all lines at once, cell after cell, by Bresenham's error term."""
    way = ends[:, 2:] - ends[:, :2]
    longest = np.argsort(-np.abs(way).max(axis=1), kind="stable")
    ends, way = ends[longest], way[longest]
    lengths, strides = np.abs(way), np.sign(way) * [1, area.shape[1]]
    rows, longer = np.arange(len(way)), lengths.argmax(axis=1)
    along, aside = lengths[rows, longer], lengths[rows, 1 - longer]
    on, off = strides[rows, longer], strides[rows, 1 - longer]
    cell = ends[:, 1] * area.shape[1] + ends[:, 0]
    error, marks = np.zeros_like(cell), area.reshape(-1)
    # The lines that are longer than so many steps come first.
    for left in np.searchsorted(-along, -np.arange(along.max(initial=0) + 1), side="left"):
        marks[cell] = True
        cell, error = cell[:left] + on[:left], error[:left] + aside[:left]
        over = 2 * error > along[:left]
        cell += over * off[:left]
        error -= over * along[:left]
