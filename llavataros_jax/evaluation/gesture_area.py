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
    for x, y in _lines(_distinct(ends)):
        area[y, x] = True
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


def _lines(ends: Int[np.ndarray, "lines 4"]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns x and y of the cells of all lines, those along x and those along y apart.

    Bresenham's error term in closed form: after k steps along the longer way L the shorter way S
    has gone ⌈k S / L - ½⌉ steps.
    """
    start, way = ends[:, :2], ends[:, 2:] - ends[:, :2]
    lengths, signs = np.abs(way), np.sign(way)
    along_x = lengths[:, 0] >= lengths[:, 1]
    found = []
    for chosen, longer in ((along_x, 0), (~along_x, 1)):
        shorter = 1 - longer
        steps = lengths[chosen, longer]
        line = np.repeat(np.arange(len(steps)), steps + 1)
        step = np.arange(len(line)) - np.repeat(np.cumsum(steps + 1) - steps - 1, steps + 1)
        length = np.maximum(steps, 1)[line]
        aside = (2 * step * lengths[chosen, shorter][line] + length - 1) // (2 * length)
        from_there, turns = start[chosen][line], signs[chosen][line]
        ahead = from_there[:, longer] + turns[:, longer] * step
        across = from_there[:, shorter] + turns[:, shorter] * aside
        found.append((across, ahead) if longer else (ahead, across))
    return found
