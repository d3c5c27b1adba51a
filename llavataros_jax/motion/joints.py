"""Which joint of a skeleton is which part of a body, found by its name.

Covers the names of ZeroEGGS, GENEA, Mixamo, CMU, SMPL, Unreal and MikuMikuDance skeletons. A joint
whose name says nothing counts as trunk, so an unknown skeleton is all trunk: plain capsules, no
hands.
"""

import re
from dataclasses import dataclass

from llavataros_jax.motion.sides import sides
from llavataros_jax.motion.skeleton import Skeleton

# The first match decides. Eyes, tongue, twist helpers and `...End` markers are never drawn.
ROLES = (
    ("finger", r"thumb|index|middle|ring\d|ring$|pinky|little|finger|metacarp|指"),
    ("toe", r"toe|ball|つま先"),
    (
        "hidden",
        r"eye|jaw|tongue|teeth|twist|scap|delt|navel|null|nub|end$|helper|world|目|ｉｋ|捩|先$",
    ),
    ("foot", r"foot|ankle|足首"),
    ("thigh", r"upleg|upperleg|thigh|足$"),
    ("shin", r"knee|shin|calf|leg|ひざ|膝"),
    ("hand", r"hand|wrist|手首|手$"),
    ("forearm", r"forearm|lowerarm|lowarm|elbow|ひじ|肘"),
    ("clavicle", r"clavicle|collar|shoulder|shldr|肩"),
    ("upperarm", r"arm|腕"),
    ("head", r"head|頭"),
    ("neck", r"neck|首"),
)


@dataclass(frozen=True)
class JointRoles:
    """The role and side of every joint, and the nearest drawn ancestor of each.

    `role[j]` is a name of `ROLES` or `trunk`; `side[j]` is `left`, `right` or empty; `parent[j]`
    skips hidden joints and is -1 at the top.
    """

    role: tuple[str, ...]
    side: tuple[str, ...]
    parent: tuple[int, ...]

    def find(self, role: str, side: str = "") -> int:
        """Gives the first joint of a role and side, or -1."""
        both = zip(self.role, self.side, strict=True)
        return next((j for j, found in enumerate(both) if found == (role, side)), -1)

    def ancestors(self, joint: int) -> list[int]:
        """Lists the drawn ancestors of a joint, the nearest first."""
        chain = []
        while (joint := self.parent[joint]) >= 0:
            chain.append(joint)
        return chain


def joint_roles(skeleton: Skeleton) -> JointRoles:
    """Reads the role of every joint out of its name."""
    side_of = sides(skeleton.names)
    by_name = [_first(ROLES, name.lower(), "trunk") for name in skeleton.names]
    roles = []
    for joint, name in enumerate(skeleton.names):
        role, side = by_name[joint], side_of[joint]
        if role == "trunk" and side:
            # SMPL's `left_hip` is the thigh; CMU's `LHipJoint` has a thigh of its own below it.
            has_thigh = ("thigh", side) in zip(by_name, side_of, strict=True)
            is_hip = "hip" in name.lower()
            role = ("trunk" if has_thigh else "thigh") if is_hip else "hidden"
        elif role == "finger" and not side:
            role = "trunk"
        parent = skeleton.parents[joint]
        below_head = parent >= 0 and roles[parent] in ("head", "inside head")
        roles.append("inside head" if below_head else role)
    for side in ("left", "right"):
        # SMPL calls the collar bone `collar` and the upper arm `shoulder`.
        if ("upperarm", side) not in zip(roles, side_of, strict=True):
            for joint, name in enumerate(skeleton.names):
                if side_of[joint] == side and re.search("shoulder|shldr", name.lower()):
                    roles[joint] = "upperarm"
    drawn = []
    for joint, parent in enumerate(skeleton.parents):
        while parent >= 0 and roles[parent] in ("hidden", "inside head"):
            parent = skeleton.parents[parent]
        drawn.append(parent)
        if roles[joint] == "inside head":
            roles[joint] = "hidden"
    return JointRoles(tuple(roles), side_of, tuple(drawn))


def _first(table: tuple[tuple[str, str], ...], name: str, otherwise: str) -> str:
    return next((value for value, pattern in table if re.search(pattern, name)), otherwise)
