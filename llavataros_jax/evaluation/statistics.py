"""How much, how smoothly and how near to the real one a motion moves."""

import functools

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion.joints import JointRoles, joint_roles
from llavataros_jax.motion.skeleton import Skeleton

SIDES = ("left", "right")
_STILL_METRES_PER_SECOND = 1e-9  # rounding of a hand that does not move must not correlate


def hand_joints(skeleton: Skeleton) -> dict[str, int]:
    """Finds the wrists, `left` and `right`, as far as the skeleton's names tell."""
    return dict(_hands(skeleton.names, skeleton.parents))


def arm_joints(skeleton: Skeleton) -> list[int]:
    """Finds shoulders, elbows and wrists: the six joints of BEAT 2022, fewer if names lack."""
    return list(_arms(skeleton.names, skeleton.parents))


def speed(positions: Float[np.ndarray, "T ... 3"], fps: float) -> Float[np.ndarray, "T ..."]:
    """Returns m/s on every frame by central differences, one-sided at both ends.

    For timing: frame k stands at time k / fps, where a plain difference lies between frames. For
    amounts use `mean_derivative`, because this does not see a jitter of every other frame.
    """
    if len(positions) < 2:
        return np.zeros(positions.shape[:-1])
    return np.linalg.norm(np.gradient(positions, axis=0), axis=-1) * fps


def mean_derivative(
    positions: Float[np.ndarray, "T ... 3"], fps: float, *, order: int
) -> Float[np.ndarray, "..."]:
    """Averages the length of the `order`-th difference over frames, per second^order.

    Order 1 is the path's length by time (m/s), 2 the acceleration (m/s²), 3 the jerk (m/s³), as
    GENEA's numerical evaluation computes them, but in metres. NaN when there are too few frames.
    """
    if len(positions) <= order:
        return np.full(positions.shape[1:-1], np.nan)
    return np.asarray(derivative_lengths(positions, fps, order=order).mean(axis=0))


def derivative_lengths(
    positions: Float[np.ndarray, "T ... 3"], fps: float, *, order: int
) -> Float[np.ndarray, "_ ..."]:
    """Returns the length of each `order`-th difference, per second^order."""
    steps = np.diff(positions, order, axis=0)
    return np.sqrt(np.einsum("...i,...i->...", steps, steps)) * fps**order


def correlation(first: Float[np.ndarray, " T"], second: Float[np.ndarray, " T"]) -> float:
    """Returns Pearson's r of two speeds over time, or NaN when one of them never changes."""
    if len(first) < 2 or min(np.std(first), np.std(second)) <= _STILL_METRES_PER_SECOND:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


# Asked for by every measure of every clip, of skeletons that are read anew with each.
@functools.lru_cache(maxsize=64)
def _hands(names: tuple[str, ...], parents: tuple[int, ...]) -> tuple[tuple[str, int], ...]:
    roles = _roles(names, parents)
    found = ((side, roles.find("hand", side)) for side in SIDES)
    return tuple((side, joint) for side, joint in found if joint >= 0)


@functools.lru_cache(maxsize=64)
def _arms(names: tuple[str, ...], parents: tuple[int, ...]) -> tuple[int, ...]:
    roles = _roles(names, parents)
    arms = (roles.find(role, side) for side in SIDES for role in ("upperarm", "forearm", "hand"))
    return tuple(joint for joint in arms if joint >= 0)


def _roles(names: tuple[str, ...], parents: tuple[int, ...]) -> JointRoles:
    return joint_roles(Skeleton(names, parents, np.zeros((len(names), 3))))
