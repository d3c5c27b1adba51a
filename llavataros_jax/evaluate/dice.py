"""The areas that two BVH files sweep, and how much of them they share."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llavataros_jax.errors import UserError, door
from llavataros_jax.evaluation.gesture_area import (
    CELL_METRES,
    FIRST_JOINT,
    Area,
    dice,
    gesture_area,
    outside_share,
)
from llavataros_jax.motion.bvh import read_bvh_body

# A walker leaves the square with all joints for a while; a wrong unit for good.
MOST_OUTSIDE = 0.9

EPILOG = """\
The areas are those of AI-Unicamp/gesture-area-coverage (Tonoli et al. 2024): lines from joints to
their parents, seen from the front in a square of 2 m above the origin, in cells of 5 mm. The
bodies must face along z and stand at the origin. The second file is measured against the first.
"""


def build_parser(prog: str = "llavataros evaluate dice") -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Compare the areas in which two motions gesture (GAC, Dice).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("first", type=Path, metavar="A.bvh", help="the motion to compare with")
    parser.add_argument("second", type=Path, metavar="B.bvh", help="the motion to compare")
    parser.add_argument(
        "--metres-per-unit",
        type=float,
        default=0.01,
        metavar="M",
        help="length of a unit of the files in metres (default 0.01, centimetres)",
    )
    return parser


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = "llavataros evaluate dice") -> int:
    """Prints the Dice score of two files and the areas behind it."""
    given = build_parser(prog).parse_args(arguments)
    if not (np.isfinite(given.metres_per_unit) and given.metres_per_unit > 0):
        raise UserError(
            f"--metres-per-unit must be a positive length, not {given.metres_per_unit:g}; BVH "
            "files are mostly in centimetres, 0.01"
        )
    first, second = (_area(path, given.metres_per_unit) for path in (given.first, given.second))
    shared = int(np.count_nonzero(first & second))
    sizes = [int(np.count_nonzero(area)) for area in (first, second)]
    cell = 1000 * CELL_METRES
    print(f"dice {dice(first, second):.6f}")
    print(f"area of {given.first}: {sizes[0]} cells of {cell:g} mm, {sizes[0] - shared} its alone")
    print(f"area of {given.second}: {sizes[1]} cells, {sizes[1] - shared} its alone")
    print(f"shared: {shared} cells")
    return 0


def _area(path: Path, metres_per_unit: float) -> Area:
    motion, left_out = read_bvh_body(path, metres_per_unit=metres_per_unit)
    if motion.skeleton.num_joints <= FIRST_JOINT:
        raise UserError(
            f"{path} has {motion.skeleton.num_joints} joints, but an area is drawn by the third "
            "joint and those after it; give a body"
        )
    if left_out:
        print(f"note: {path}: left out is what hangs on {', '.join(left_out)}", file=sys.stderr)
    outside = outside_share(motion.positions)
    if outside > MOST_OUTSIDE:
        raise UserError(
            f"{path} has {outside:.0%} of its joints outside of the square of 2 m that is looked "
            f"at, with {metres_per_unit:g} m to its unit; say what a unit is by --metres-per-unit"
        )
    if outside:
        print(
            f"note: {path}: {outside:.1%} of its joints lie outside of the square of 2 m and are "
            "moved to its edge",
            file=sys.stderr,
        )
    return gesture_area(motion.positions, motion.skeleton)


if __name__ == "__main__":
    sys.exit(main())
