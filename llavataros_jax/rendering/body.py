"""The solid body around a skeleton: spheres fixed to joints, and the hulls stretched over them.

A capsule is the hull of two spheres, a torso the hull of several. The plan is made once for a
motion; after it a frame of the film only needs the spheres' centres. Skeletons differ in the axes
of their joints, so whatever a skeleton lacks (head, hips, hands, palms) is placed by the mean of
the motion: left, up and forward of the body are measured and kept in the joint's own frame.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion.joints import JointRoles, joint_roles
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.rotations import conjugate, rotate

# Radii in metres of a person whose arm, shoulder to wrist, measures ARM_METRES.
ARM_METRES = 0.55
LIMB_RADII = {
    "upperarm": (0.047, 0.038),
    "forearm": (0.036, 0.026),
    "thigh": (0.075, 0.052),
    "shin": (0.050, 0.034),
    "foot": (0.036, 0.026),
    "toe": (0.026, 0.020),
    "finger": (0.0105, 0.009),
}
CALIBRATION_FRAMES = 400
UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Part:
    """Hulls of one tint that are painted together.

    Attributes:
        tint: Key of the palette.
        hulls: Sphere numbers of each hull.
        nearer_metres: How much nearer than its centre the part counts in the painter's order.
    """

    tint: str
    hulls: tuple[tuple[int, ...], ...]
    nearer_metres: float = 0.0


@dataclass
class Body:
    """Spheres fixed to joints and the parts stretched over them.

    Attributes:
        joints: Joint that carries each sphere.
        offsets: Centre of each sphere in its joint's frame, metres.
        radii: Radius of each sphere, metres.
        parts: What is painted.
        forward: Mean direction that the body faces, horizontal, unit length.
        hands: Spheres of the left and right wrist, for trails; empty when there are none.
    """

    joints: list[int] = field(default_factory=list)
    offsets: list[np.ndarray] = field(default_factory=list)
    radii: list[float] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    forward: np.ndarray = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    hands: dict[str, int] = field(default_factory=dict)

    def sphere(self, joint: int, radius: float, offset: np.ndarray | None = None) -> int:
        """Adds a sphere and gives its number."""
        self.joints.append(joint)
        self.offsets.append(np.zeros(3) if offset is None else offset)
        self.radii.append(radius)
        return len(self.joints) - 1

    def centres(self, frames: Float[np.ndarray, "T J 7"]) -> Float[np.ndarray, "T spheres 3"]:
        """Places the spheres in the world."""
        carriers = frames[:, self.joints]
        return carriers[..., :3] + rotate(carriers[..., 3:], np.stack(self.offsets)[None])


class _Sculptor:
    """Adds the parts of one motion's body, region by region."""

    def __init__(self, motion: Motion):
        stride = -(-motion.num_frames // CALIBRATION_FRAMES)
        self.frames = np.asarray(motion.frames)[::stride]
        self.positions = self.frames[..., :3]
        self.skeleton = motion.skeleton
        self.roles: JointRoles = joint_roles(motion.skeleton)
        self.body = Body()
        self.arms = {side: self.roles.find("upperarm", side) for side in ("left", "right")}
        self.scale = self._scale()
        self.left, self.forward = self._facing()
        self.body.forward = _unit(self.forward.mean(axis=0) * [1, 0, 1], self.body.forward)
        self.painted: set[int] = set()

    def _scale(self) -> float:
        """Measures the person against `ARM_METRES`, so that a child's limbs are not too thick."""
        lengths = []
        for side, upper in self.arms.items():
            hand, elbow = (self.roles.find(role, side) for role in ("hand", "forearm"))
            if min(upper, hand, elbow) >= 0:
                lengths += [self._distance(upper, elbow) + self._distance(elbow, hand)]
        if lengths:
            return float(np.clip(np.mean(lengths) / ARM_METRES, 0.05, 20))
        extent = np.ptp(self.positions.mean(axis=0), axis=0).max()
        return float(np.clip(extent / 1.7, 0.05, 20))

    def _distance(self, first: int, second: int) -> float:
        gap = self.positions[:, first] - self.positions[:, second]
        return float(np.linalg.norm(gap, axis=-1).mean())

    def _facing(self) -> tuple[np.ndarray, np.ndarray]:
        if min(self.arms.values()) >= 0:
            across = self.positions[:, self.arms["left"]] - self.positions[:, self.arms["right"]]
        else:
            across = np.broadcast_to([1.0, 0.0, 0.0], self.positions[:, 0].shape)
        left = _unit(across * [1, 0, 1], np.array([1.0, 0.0, 0.0]))
        return left, np.cross(left, UP)

    def local(self, joint: int, metres: tuple[float, float, float]) -> np.ndarray:
        """Expresses (left, up, forward) of the body, scaled, in a joint's own frame."""
        left, up, forward = (self.scale * length for length in metres)
        vector = self.left * left + UP * up + self.forward * forward
        turned = rotate(conjugate(self.frames[:, joint, 3:]), vector)
        return np.asarray(turned).mean(axis=0)

    def bone(self, joint: int, parent: int) -> np.ndarray:
        """Measures the mean offset of a joint in its parent's frame."""
        gap = self.positions[:, joint] - self.positions[:, parent]
        return np.asarray(rotate(conjugate(self.frames[:, parent, 3:]), gap)).mean(axis=0)

    def at(self, joint: int, radius: float, metres=(0.0, 0.0, 0.0)) -> int:
        """Adds a sphere at (left, up, forward) from a joint, in lengths of a standard person."""
        return self.body.sphere(joint, radius * self.scale, self.local(joint, metres))

    def torso(self) -> None:
        """Adds chest, waist, hips, neck and head; invents the last four where they are missing."""
        roles, at = self.roles, self.at
        if min(self.arms.values()) < 0:
            return
        trunk = [j for j in roles.ancestors(self.arms["left"]) if roles.role[j] == "trunk"]
        common = [j for j in trunk if j in roles.ancestors(self.arms["right"])]
        if not common:
            return
        thighs = [roles.find("thigh", side) for side in ("left", "right")]
        below = roles.ancestors(thighs[0]) if min(thighs) >= 0 else common[-1:]
        chest, pelvis = common[0], next((j for j in common if j in below), common[-1])
        spine = common[: common.index(pelvis) + 1]
        self.painted.update(trunk, roles.ancestors(chest))
        heights = self.positions[..., 1].mean(axis=0)
        shoulder_height = float(np.mean([heights[joint] for joint in self.arms.values()]))
        spread = self._distance(self.arms["left"], self.arms["right"]) / self.scale

        def level(joint: int, height: float) -> float:
            return float((height - heights[joint]) / self.scale)

        collar = level(chest, shoulder_height)
        tops = [self.body.sphere(joint, 0.046 * self.scale) for joint in self.arms.values()]
        traps = [at(chest, 0.035, (s * 0.15 * spread, collar + 0.035, -0.005)) for s in (1, -1)]
        ribs = [at(chest, 0.085, (s * 0.27 * spread, collar - 0.14, 0.012)) for s in (1, -1)]
        middle = 0.55 * heights[pelvis] + 0.45 * (shoulder_height - 0.15 * self.scale)
        joint = min(spine, key=lambda joint: abs(heights[joint] - middle))
        waist = [at(joint, 0.074, (s * 0.046, level(joint, middle), 0.01)) for s in (1, -1)]
        belly = [at(pelvis, 0.078, (s * 0.058, 0.04, 0.005)) for s in (1, -1)]
        hips = [at(pelvis, 0.078, (s * 0.074, 0.0, 0.0)) for s in (1, -1)]
        base = [at(pelvis, 0.068, (s * 0.072, -0.075, 0.0)) for s in (1, -1)]
        upper = (*tops, *ribs, *traps)
        self._paint("torso", (*waist, *belly), (*ribs, *waist), upper, nearer=-0.09)
        self._paint("legs", (*hips, *base), nearer=-0.17)
        self._head(chest, collar)

    def _head(self, chest: int, collar: float) -> None:
        head, neck = self.roles.find("head"), self.roles.find("neck")
        carrier, up = (head, 0.0) if head >= 0 else (chest, collar + 0.125)
        root, root_up = (neck, 0.0) if neck >= 0 else (chest, collar + 0.02)
        throat = (
            self.at(root, 0.052, (0.0, root_up - 0.02, 0.0)),
            self.at(carrier, 0.047, (0.0, up + 0.03, 0.005)),
        )
        skull = self.at(carrier, 0.094, (0.0, up + 0.125, 0.01))
        chin = self.at(carrier, 0.068, (0.0, up + 0.058, 0.032))
        self._paint("head", throat, nearer=-0.5)
        self._paint("head", (skull, chin), nearer=0.05)
        for joint, role in enumerate(self.roles.role):
            if role in ("head", "neck"):
                self.painted.add(joint)

    def limbs(self) -> None:
        """Adds a capsule along every bone that is not painted yet, and ends hands and feet."""
        roles = self.roles
        fingers_of = [self._children(joint, "finger") for joint in range(len(roles.role))]
        for joint, role in enumerate(roles.role):
            if role == "hand":
                self._hand(joint, fingers_of[joint])
            if role in ("foot", "toe", "finger") and not self._children(joint):
                self._tip(joint)
            parent = roles.parent[joint]
            if role == "hidden" or parent < 0 or joint in self.painted:
                continue
            kind = roles.role[parent]
            if role == "clavicle" or kind in ("trunk", "clavicle", "neck", "head"):
                if kind == "trunk" and not self.painted:
                    self._capsule(parent, joint, (0.05, 0.045))
            elif kind == "hand" and not (role == "finger" and "thumb" in self._name(joint)):
                continue
            else:
                self._capsule(parent, joint, LIMB_RADII.get(kind, (0.02, 0.011)))

    def _children(self, joint: int, role: str = "") -> list[int]:
        parents = enumerate(self.roles.parent)
        children = [j for j, p in parents if p == joint and self.roles.role[j] != "hidden"]
        return [j for j in children if role in ("", self.roles.role[j])]

    def _name(self, joint: int) -> str:
        return self.skeleton.names[joint].lower()

    def _tint(self, joint: int) -> str:
        if self.roles.role[joint] in ("thigh", "shin", "foot", "toe"):
            return "legs"
        return self.roles.side[joint] or "torso"

    def _capsule(self, parent: int, joint: int, radii: tuple[float, float]) -> None:
        if self._distance(parent, joint) < 1e-4 * self.scale:
            return
        thick, thin = (radius * self.scale for radius in radii)
        ends = (self.body.sphere(parent, thick), self.body.sphere(joint, thin))
        leg = self.roles.role[parent] in ("thigh", "shin", "foot")
        self._paint(self._tint(joint if not leg else parent), ends, nearer=-0.1 if leg else 0.0)

    def _hand(self, hand: int, fingers: list[int]) -> None:
        side = self.roles.side[hand] or "right"
        palm = [self.body.sphere(hand, 0.027 * self.scale)]
        self.body.hands.setdefault(side, palm[0])
        knuckles = [joint for joint in fingers if "thumb" not in self._name(joint)]
        if knuckles:
            palm += [self.body.sphere(joint, 0.0125 * self.scale) for joint in knuckles]
        else:
            along = _unit(self.bone(hand, self.roles.parent[hand]), UP) * self.scale
            palm += [self.body.sphere(hand, 0.036 * self.scale, along * 0.075)]
            palm += [self.body.sphere(hand, 0.022 * self.scale, along * 0.14)]
        self._paint(side, tuple(palm), nearer=0.02)

    def _tip(self, joint: int) -> None:
        """Continues the last bone of a finger, foot or toe, whose end no joint marks."""
        role, parent = self.roles.role[joint], self.roles.parent[joint]
        if role == "foot":
            along = self.local(joint, (0.0, -0.05, 0.15))
        elif role == "toe":
            return
        else:
            along = self.bone(joint, parent) * 0.7
        first, last = (radius * self.scale for radius in LIMB_RADII[role])
        ends = (self.body.sphere(joint, first), self.body.sphere(joint, last, along))
        self._paint(self._tint(joint), ends, nearer=0.02)

    def _paint(self, tint: str, *hulls: tuple[int, ...], nearer: float = 0.0) -> None:
        self.body.parts.append(Part(tint, hulls, nearer * self.scale))


def sculpt(motion: Motion) -> Body:
    """Plans the body of a motion's skeleton."""
    sculptor = _Sculptor(motion)
    sculptor.torso()
    sculptor.limbs()
    if not sculptor.body.parts:
        joint = sculptor.body.sphere(0, 0.05 * sculptor.scale)
        sculptor._paint("torso", (joint,))
    return sculptor.body


def _unit(vector: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.where(norm > 1e-9, vector / np.maximum(norm, 1e-9), otherwise)
