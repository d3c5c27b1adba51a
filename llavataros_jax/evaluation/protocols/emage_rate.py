"""BEAT2's joints at 30 frames a second, as EMAGE's evaluation and what grew out of it take them."""

from llavataros_jax.evaluation.protocols import beat2
from llavataros_jax.evaluation.protocols.motions import changed
from llavataros_jax.evaluation.protocols.rates import HOW, at_rate, doubled_stretched
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.trajectories import Trajectories

_HALF_RATE = 15.0


def prepared(performance: Performance, *, protocol: str, quirks: bool) -> Performance:
    """Returns all motions of a performance so; with quirks, 15 fps are stretched.

    Raises:
        UserError: When a motion lacks a joint that beats are found in.
    """

    def brought(motion: Trajectories) -> Trajectories:
        motion = beat2.smplx_joints(motion, protocol=protocol, clip=performance.clip)
        if quirks and motion.fps == _HALF_RATE:
            return doubled_stretched(motion)
        return at_rate(motion, beat2.FPS)

    return changed(performance, brought)


def told(*, quirks: bool) -> str:
    """Returns how motion comes to 30 frames a second, for a table's settings."""
    return f"15 fps by stretching, else {HOW}" if quirks else HOW
