"""The body that VMC receivers are sent: the motion's bones, and those that it lacks.

A performer sends all bones of a body (protocol.vmc.info), and some receivers put every bone where
its message says, in the frame of the parent that *their* avatar has. So the trunk, the shoulders,
the neck, the head and the legs are sent even of a motion that has arms alone: arms that hang on a
chest would otherwise be hung on the avatar's shoulders and stand a hand's breadth too far out.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from llavataros_jax.motion import rotations as turns
from llavataros_jax.rig.humanoid import BONES, SIDES
from llavataros_jax.rig.normalised import bone_parents

_TRUNK = ("hips", "spine", "chest", "upperChest")
_HEAD = ("neck", "head")
_LEG = ("UpperLeg", "LowerLeg", "Foot")
LEGS = tuple(side + part for part in _LEG for side in SIDES)
# What a receiver may move better by itself, by a camera or an idle animation.
PARTS = {"head": _HEAD, "legs": LEGS}
# Shares of the stature (Drillis and Contini 1966, in Winter, Biomechanics and Motor Control of
# Human Movement, 2009, figure 4.1): the hips' height, and the knee's and the ankle's.
_HIPS, _KNEE, _ANKLE, _SHOULDERS, _CHIN = 0.530, 0.285, 0.039, 0.818, 0.870
_HALF_PELVIS = 0.05  # of the stature, from the middle to the joint of a hip
_CLAVICLE = 0.15  # of the way from the middle to the joint of a shoulder
_HANGING = np.deg2rad(75.0)  # of an arm at rest, from the T-pose down

_UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])


class BodyPose(NamedTuple):
    """One moment of the bones of a motion.

    Attributes:
        rotations: Local rotations relative to the T-pose, in axes of the world, xyzw.
        hips: Place of the hips in the world in metres.
    """

    rotations: Float[np.ndarray, "M 4"]
    hips: Float[np.ndarray, " 3"]


class SentBody:
    """Which bones are sent, where they are at rest, and how those that a motion lacks follow it.

    A head that no joint moves stays level and looks where the chest does, as people's heads do, the
    neck taking half of the turn; legs hang straight down and turn with the hips. All others are at
    rest.

    Attributes:
        bones: VRM names of the bones, parents first.
        parents: Index of each bone's parent, -1 for the hips.
        rest: Places in the T-pose, in metres in the world.
        offsets: Places from each bone's parent in the T-pose; of the hips their place.
    """

    def __init__(
        self,
        moved: Sequence[str],
        rest: Float[np.ndarray, "M 3"],
        *,
        without: Sequence[str] = (),
        avatar: Mapping[str, Float[np.ndarray, " 3"]] | None = None,
    ) -> None:
        """Chooses the bones.

        Args:
            moved: VRM names of the bones that the motion has, parents first.
            rest: Their places in the T-pose.
            without: Names of `PARTS` that are not sent.
            avatar: Places of the bones of the receiver's avatar in its T-pose, if they are known:
                then these bones are sent, with its offsets, and the hips move by its size.
        """
        self._moved = tuple(moved)
        places = _completed(dict(zip(moved, rest, strict=True)))
        self._all = tuple(bone for bone in BONES if bone in places)
        self._parents = bone_parents(self._all)
        left_out = {bone for part in without for bone in PARTS[part]}
        self._hips_ratio = 1.0
        if avatar is not None:
            self._hips_ratio = float(avatar["hips"][1] / places["hips"][1])
            left_out |= set(places) - set(avatar)
            places = {bone: avatar.get(bone, place) for bone, place in places.items()}
        self._kept = tuple(n for n, bone in enumerate(self._all) if bone not in left_out)
        self.bones = tuple(self._all[n] for n in self._kept)
        self.parents = bone_parents(self.bones)
        self.rest = np.array([places[bone] for bone in self.bones], np.float64)
        above = self.rest[list(self.parents)]
        above[0] = 0.0
        self.offsets = self.rest - above
        self._has_head = bool(set(moved) & set(_HEAD))
        self._has_legs = bool(set(moved) & set(LEGS))

    def pose(self, pose: BodyPose) -> tuple[Float[np.ndarray, "B 4"], Float[np.ndarray, " 3"]]:
        """Returns the local rotations of the bones that are sent, and the place of the hips."""
        given = dict(zip(self._moved, pose.rotations, strict=True))
        world: list[np.ndarray] = []
        for bone, parent in zip(self._all, self._parents, strict=True):
            local = given.get(bone, _UPRIGHT)
            above = world[parent] if parent >= 0 else _UPRIGHT
            if bone == "neck" and not self._has_head:
                world.append(np.asarray(turns.slerp(above, _heading(above), 0.5)))
            elif (bone == "head" and not self._has_head) or (bone in LEGS and not self._has_legs):
                world.append(_heading(above))
            else:
                world.append(np.asarray(turns.multiply(above, local)))
        kept = np.stack([world[n] for n in self._kept])
        above = kept[list(self.parents)]
        above[0] = _UPRIGHT
        local = np.asarray(turns.multiply(np.asarray(turns.conjugate(above)), kept))
        return local, pose.hips * self._hips_ratio


def standing(bones: Sequence[str], hips: Float[np.ndarray, " 3"]) -> BodyPose:
    """Returns the pose of somebody who stands and does nothing: arms hang.

    Args:
        bones: VRM names of the bones of the motion.
        hips: Where the hips are, in metres in the world.
    """
    rotations = np.tile(_UPRIGHT, (len(bones), 1))
    for side, sign in zip(SIDES, (-1.0, 1.0), strict=True):
        if (name := f"{side}UpperArm") in bones:
            angle = sign * _HANGING / 2
            rotations[list(bones).index(name)] = [0.0, 0.0, np.sin(angle), np.cos(angle)]
    return BodyPose(rotations, hips)


def _heading(q: Float[np.ndarray, " 4"]) -> Float[np.ndarray, " 4"]:
    """Returns the turn about the vertical that is left of a rotation when it is set upright.

    Of the factors swing and twist it is the twist about y (Dobrowolski 2015, "Swing-twist
    decomposition in Clifford algebra").
    """
    length = np.hypot(q[1], q[3])
    if length < 1e-9:  # upside down, it heads nowhere
        return _UPRIGHT
    return np.array([0.0, q[1] / length, 0.0, q[3] / length])


def _completed(places: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the places of a body's bones in the T-pose, those that it lacks from its others."""
    places = {bone: np.asarray(place, np.float64) for bone, place in places.items()}
    hips = places["hips"]
    stature = hips[1] / _HIPS
    arms = [places[arm] for side in SIDES if (arm := f"{side}UpperArm") in places]
    if len(arms) == len(SIDES):
        middle = np.mean(arms, axis=0)  # between the shoulders
    else:
        middle = hips + _up((_SHOULDERS - _HIPS) * stature)
    _fill_between(places, (*_TRUNK, "top"), middle)
    for side in SIDES:
        if (arm := places.get(f"{side}UpperArm")) is not None:
            places.setdefault(f"{side}Shoulder", middle + _CLAVICLE * (arm - middle))
    head = places.setdefault("head", middle + _up((_CHIN - _SHOULDERS) * stature))
    places.setdefault("neck", middle + 0.5 * (head - middle))
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        aside = hips[0] + sign * _HALF_PELVIS * stature
        heights = (hips[1], _KNEE * stature, _ANKLE * stature)
        for part, height in zip(_LEG, heights, strict=True):
            places.setdefault(side + part, np.array([aside, height, hips[2]]))
    return places


def _up(metres: float) -> np.ndarray:
    return np.array([0.0, metres, 0.0])


def _fill_between(places: dict[str, np.ndarray], chain: Sequence[str], end: np.ndarray) -> None:
    """Places what a chain lacks evenly between its neighbours; `end` is where it ends."""
    known = [n for n, bone in enumerate(chain) if bone in places] + [len(chain) - 1]
    for below, above in pairwise(known):
        last = end if above == len(chain) - 1 else places[chain[above]]
        for n in range(below + 1, above):
            share = (n - below) / (above - below)
            places[chain[n]] = (1 - share) * places[chain[below]] + share * last
