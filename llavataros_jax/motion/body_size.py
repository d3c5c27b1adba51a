"""How large a body is, from which the unit of a file follows that does not say it."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from llavataros_jax.motion.joints import joint_roles
from llavataros_jax.motion.motion import Motion

# Units in which skeletons are exported. CMU's data set has a scale of its own, 1/0.45 inch.
UNITS = {
    "centimetres": 0.01,
    "metres": 1.0,
    "millimetres": 0.001,
    "inches": 0.0254,
    "decimetres": 0.1,
    "feet": 0.3048,
    "units of CMU (5.64 cm)": 0.0254 / 0.45,
}
_LOOKED_AT_FRAMES = 50
_FEWEST_JOINTS = 8


@dataclass(frozen=True)
class BodySize:
    """A length of a body that is much the same in all people.

    Attributes:
        part: What was measured, in the plural.
        metres: How long it is.
        least: The same of a small child.
        most: More than that of anybody.
        typical: The same of an adult.
        units: Names of the units that it can tell apart.
    """

    part: str
    metres: float
    least: float
    most: float
    typical: float
    units: tuple[str, ...]

    @property
    def is_human(self) -> bool:
        """Whether somebody may be as large as that."""
        return self.least <= self.metres <= self.most

    def unit(self, metres_per_unit: float) -> str | None:
        """Returns the name of the unit in which the body is human, if it was read in another.

        Args:
            metres_per_unit: As it was read.
        """
        in_file = self.metres / metres_per_unit
        fitting = [unit for unit in self.units if self.least <= in_file * UNITS[unit] <= self.most]
        off = {unit: abs(np.log(in_file * UNITS[unit] / self.typical)) for unit in fitting}
        return min(fitting, key=off.__getitem__, default=None)


def body_size(motion: Motion) -> BodySize | None:
    """Measures the arms, or where no joint is called so the longest chain of bones.

    Returns:
        None when there are too few joints to know what they are.
    """
    skeleton = motion.skeleton
    step = max(1, motion.num_frames // _LOOKED_AT_FRAMES)
    places = motion.positions[::step]
    parents = np.array(skeleton.parents)
    with np.errstate(over="ignore", invalid="ignore"):
        bones = np.linalg.norm(places - places[:, np.maximum(parents, 0)], axis=-1)
    lengths = np.median(bones, axis=0)
    if not np.isfinite(lengths).all():
        return None
    arms = _arms(motion, lengths)
    if arms:
        return BodySize("arms", float(np.mean(arms)), 0.25, 0.9, 0.53, tuple(UNITS))
    chains = np.zeros(skeleton.num_joints)
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        chains[joint] = chains[parent] + lengths[joint]
    if skeleton.num_joints < _FEWEST_JOINTS or not chains.max() > 0:
        return None
    # A chain may begin on the floor and end at a tool, so it tells powers of ten alone.
    units = ("centimetres", "metres", "millimetres")
    return BodySize("longest chains of bones", float(chains.max()), 0.6, 4.0, 1.4, units)


def scaled(motion: Motion, factor: float, *, skeleton: bool) -> Motion:
    """Returns the motion of a body that is `factor` times as large.

    Args:
        motion: The motion.
        factor: By which lengths are multiplied.
        skeleton: Whether the skeleton's own bones are scaled as well.
    """
    frames = motion.frames.copy()
    frames[..., :3] *= factor
    bones = motion.skeleton
    if skeleton:
        bones = dataclasses.replace(
            bones,
            offsets=bones.offsets * factor,
            end_sites={
                joint: [tip * factor for tip in tips] for joint, tips in bones.end_sites.items()
            },
        )
    return Motion(frames, motion.fps, bones)


def _arms(motion: Motion, lengths: np.ndarray) -> list[float]:
    """Returns the length from shoulder to wrist of each arm whose joints are found by name."""
    roles, found = joint_roles(motion.skeleton), []
    for side in ("left", "right"):
        shoulder, joint = roles.find("upperarm", side), roles.find("hand", side)
        length = 0.0
        while joint > shoulder >= 0:
            length += lengths[joint]
            joint = motion.skeleton.parents[joint]
        if joint == shoulder >= 0 and length > 0:
            found.append(length)
    return found
