"""Where the joints of a body were, frame by frame: what measures of motion read.

`Motion` knows rotations too; much that is published is positions alone.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.spatial.distance import pdist, squareform

from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton

# Distances of joints over this many frames tell which of them a bone joins.
_FRAMES_FOR_BONES = 200
_COINCIDE_METRES = 1e-9


@dataclass(frozen=True, eq=False)
class Trajectories:
    """The positions of named joints over time.

    Attributes:
        positions: World positions in metres, y up; read-only float64.
        fps: Frames per second.
        skeleton: Names and parents of the joints; its offsets mean nothing without `motion`.
        motion: The same movement with rotations, where they are known.

    Raises:
        UserError: When shape or rate do not fit, or a number is not finite.
    """

    positions: Float[np.ndarray, "T J 3"]
    fps: float
    skeleton: Skeleton
    motion: Motion | None = None

    def __post_init__(self) -> None:
        positions = np.array(self.positions, np.float64)
        joints = self.skeleton.num_joints
        if positions.ndim != 3 or positions.shape[1:] != (joints, 3) or not len(positions):
            raise UserError(
                f"positions have shape {positions.shape}, but must be (frames, {joints}, 3): x y z "
                f"of {joints} joints"
            )
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise UserError(f"positions need a positive rate, not {self.fps} frames per second")
        finite = np.isfinite(positions).all(axis=2)
        if not finite.all():
            frame, joint = np.argwhere(~finite)[0]
            raise UserError(
                f"{np.count_nonzero(~finite)} positions are NaN or infinite, first at frame "
                f"{frame}, joint {self.skeleton.names[joint]}; repair or cut these frames"
            )
        positions.flags.writeable = False
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "fps", float(self.fps))

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.positions)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.num_frames / self.fps

    def cut(self, start_frame: int, stop_frame: int) -> "Trajectories":
        """Returns frames [start_frame, stop_frame)."""
        if not 0 <= start_frame < stop_frame <= self.num_frames:
            raise UserError(
                f"cannot cut frames [{start_frame}, {stop_frame}) out of {self.num_frames} frames"
            )
        return dataclasses.replace(
            self,
            positions=self.positions[start_frame:stop_frame],
            motion=self.motion and self.motion.cut(start_frame, stop_frame),
        )

    def moved(self, positions: Float[np.ndarray, "T J 3"]) -> "Trajectories":
        """Returns the same joints elsewhere; what was known of their rotations is dropped."""
        return dataclasses.replace(self, positions=positions, motion=None)


def of_motion(motion: Motion) -> Trajectories:
    """Returns a motion's positions, and the motion itself with them."""
    return Trajectories(motion.positions, motion.fps, motion.skeleton, motion)


def of_positions(
    positions: Float[np.ndarray, "T J 3"],
    fps: float,
    names: Sequence[str],
    *,
    like: Skeleton | None = None,
) -> Trajectories:
    """Returns positions whose bones are not known: they are found by what keeps its distance.

    Bones are the minimum spanning tree of the joints by how much their distance changes, the mean
    distance deciding between equals. The first joint is the root; joints are put in an order in
    which parents come before children. Motions that are compared must share one skeleton: give that
    of the first as `like`, whose joints are then put in its order.

    Raises:
        UserError: When shape, names or rate do not fit, or a number is not finite.
    """
    positions = np.asarray(positions, np.float64)
    if positions.ndim != 3 or positions.shape[1:] != (len(names), 3) or not len(positions):
        raise UserError(
            f"positions have shape {positions.shape}, but must be (frames, {len(names)}, 3): x y z "
            f"of {', '.join(names)}"
        )
    # Refuses what is not finite, before distances are taken.
    plain = Skeleton(tuple(names), (-1, *[0] * (len(names) - 1)), np.zeros((len(names), 3)))
    Trajectories(positions, fps, plain)
    if like is not None:
        if set(like.names) != set(names):
            raise UserError(
                f"positions are of the joints {', '.join(names)}, not of {', '.join(like.names)}; "
                "compare like with like"
            )
        return Trajectories(
            positions[:, [list(names).index(name) for name in like.names]], fps, like
        )
    order, parents = _tree(positions)
    skeleton = Skeleton(tuple(names[joint] for joint in order), parents, np.zeros((len(names), 3)))
    return Trajectories(positions[:, order], fps, skeleton)


def _tree(positions: Float[np.ndarray, "T J 3"]) -> tuple[list[int], tuple[int, ...]]:
    """Returns joints, parents first, and for each in that order the place of its parent."""
    joints = positions.shape[1]
    if joints == 1:
        return [0], (-1,)
    some = np.linspace(0, len(positions) - 1, min(len(positions), _FRAMES_FOR_BONES)).astype(int)
    distances = np.stack([pdist(frame) for frame in positions[some]])
    # Zero would mean that no bone is possible; the mean distance decides where nothing changes.
    costs = distances.std(axis=0) + 1e-3 * distances.mean(axis=0) + _COINCIDE_METRES
    tree = minimum_spanning_tree(squareform(costs))
    order, before = breadth_first_order(tree, 0, directed=False)
    place = {int(joint): index for index, joint in enumerate(order)}
    parents = [-1 if joint == 0 else place[int(before[joint])] for joint in order]
    return [int(joint) for joint in order], tuple(parents)
