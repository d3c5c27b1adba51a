"""Which joint is which bone of a person, in the names of VRM 1.0.

Bones, their parents and which are required: vrm-c/vrm-specification, VRMC_vrm-1.0/humanoid.md. How
the joints of each kind of skeleton are spelt is in `names.json`, which the viewer reads as well.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from llavataros_jax.errors import UserError
from llavataros_jax.motion.joints import joint_roles
from llavataros_jax.motion.sides import without_side
from llavataros_jax.motion.skeleton import Skeleton

SIDES = ("left", "right")
_ARM = ("UpperArm", "LowerArm", "Hand")
_LEG = ("UpperLeg", "LowerLeg", "Foot")


def _chains() -> Iterator[tuple[str, ...]]:
    """Yields bones that hang on each other, the first of which an earlier chain has."""
    yield ("hips", "spine", "chest", "upperChest", "neck", "head", "jaw")
    for side in SIDES:
        yield ("head", f"{side}Eye")
    for side in SIDES:
        yield ("upperChest", *(f"{side}{part}" for part in ("Shoulder", *_ARM)))
    for side in SIDES:
        yield ("hips", *(f"{side}{part}" for part in (*_LEG, "Toes")))
    for side in SIDES:
        for finger in ("Thumb", "Index", "Middle", "Ring", "Little"):
            is_thumb = finger == "Thumb"
            parts = ("Metacarpal" if is_thumb else "Proximal",)
            parts += ("Proximal" if is_thumb else "Intermediate", "Distal")
            yield (f"{side}Hand", *(f"{side}{finger}{part}" for part in parts))


# The 55 bones, parents before their children.
PARENTS: dict[str, str | None] = {"hips": None}
for _chain in _chains():
    PARENTS.update({bone: parent for parent, bone in pairwise(_chain)})
BONES = tuple(PARENTS)
# What a gesture needs, and what VRM 1.0 asks of a whole body.
TORSO = ("hips", "spine", *(f"{side}{part}" for side in SIDES for part in _ARM))
REQUIRED = (*TORSO, "head", *(f"{side}{part}" for side in SIDES for part in _LEG))

_LISTED_NAMES = 12
# Their names say which bone of the trunk is meant; others only count them.
_NAMES_TRUNK = ("vrm", "unity", "vroid")
_BONE_OF_ROLE = {
    "clavicle": "Shoulder",
    "upperarm": "UpperArm",
    "forearm": "LowerArm",
    "hand": "Hand",
    "thigh": "UpperLeg",
    "shin": "LowerLeg",
    "foot": "Foot",
    "toe": "Toes",
}


def find_humanoid(
    names: Sequence[str],
    parents: Sequence[int],
    *,
    required: Collection[str] = TORSO,
    place: str = "the skeleton",
) -> dict[str, int]:
    """Finds the bones of VRM 1.0 among joints, by how the tables spell them.

    The table that knows most of the names goes first, the others fill in; a joint must hang below
    that of its bone's parent. Bones of the trunk are counted from the hips to the arms, since the
    same name is lower or higher in the back of other skeletons.

    Args:
        names: Of the joints, in any order.
        parents: Of each joint; -1 where there is none.
        required: Bones without which it is of no use.
        place: What the sentence of a refusal calls the skeleton, such as its file.

    Returns:
        The joint of each bone that was found, in the order of `BONES`.

    Raises:
        UserError: When a required bone is not found.
    """
    tree = _Tree(parents)
    found, by = _by_tables(names, tree)
    if by not in _NAMES_TRUNK or "spine" not in found:
        _count_trunk(found, tree)
    if missing := [bone for bone in BONES if bone in required and bone not in found]:
        shown = ", ".join(names[:_LISTED_NAMES]) + (" …" if len(names) > _LISTED_NAMES else "")
        raise UserError(
            f"{place} has no joint that is known to be {', '.join(missing)}, but {shown or 'none'};"
            " name its joints as VRM, Mixamo or Unreal do"
        )
    return {bone: found[bone] for bone in BONES if bone in found}


def nearest_parents(bones: Collection[str]) -> dict[str, str | None]:
    """Returns for each bone the nearest of the others that is above it, or None."""
    above: dict[str, str | None] = {}
    for bone in bones:
        parent = PARENTS[bone]
        while parent is not None and parent not in bones:
            parent = PARENTS[parent]
        above[bone] = parent
    return above


def spellings(convention: str) -> dict[str, list[str]]:
    """Returns how joints of a kind of skeleton are called, by their bones, the usual name first."""
    return _data()["conventions"][convention]


class _Tree:
    """Who hangs on whom."""

    def __init__(self, parents: Sequence[int]) -> None:
        self._parents = parents

    def above(self, joint: int) -> list[int]:
        """Lists the ancestors of a joint, the nearest first."""
        chain: list[int] = []
        while (joint := self._parents[joint]) >= 0 and joint not in chain:
            chain.append(joint)
        return chain

    def fits(self, bone: str, joint: int, found: dict[str, int]) -> bool:
        """Says whether a joint hangs below the bones above its own, and above those below."""
        if joint in found.values():
            return False
        ours = self.above(joint)
        for other, taken in found.items():
            if other in _above(bone) and taken not in ours:
                return False
            if bone in _above(other) and joint not in self.above(taken):
                return False
        return True


@cache
def _above(bone: str) -> tuple[str, ...]:
    parent = PARENTS[bone]
    return () if parent is None else (parent, *_above(parent))


def _by_tables(names: Sequence[str], tree: _Tree) -> tuple[dict[str, int], str]:
    """Returns bones by their names, and the convention that knows most of them."""
    spelt = [_keys(name) for name in names]
    offers: dict[str, list[tuple[str, int]]] = {}
    for convention, table in _tables().items():
        offers[convention] = [
            (bone, joint)
            for bone in BONES
            for wanted in table.get(bone, ())
            for joint, keys in enumerate(spelt)
            if wanted in keys
        ]
    known = {convention: len({bone for bone, _ in offer}) for convention, offer in offers.items()}
    order = sorted(offers, key=lambda convention: -known[convention])
    found: dict[str, int] = {}
    for convention in order:
        offer = offers[convention]
        if "hips" not in found:
            _choose_hips(offer, found, tree)
        for bone, joint in offer:
            if bone not in found and tree.fits(bone, joint, found):
                found[bone] = joint
    for bone, joint in _by_roles(names, tree):
        if bone not in found and tree.fits(bone, joint, found):
            found[bone] = joint
    return found, order[0]


def _choose_hips(offer: list[tuple[str, int]], found: dict[str, int], tree: _Tree) -> None:
    """Takes of several joints that may be the hips the one on which most bones hang."""
    others = [tree.above(joint) for bone, joint in offer if bone != "hips"]
    hips = [joint for bone, joint in offer if bone == "hips" and tree.fits(bone, joint, found)]
    if hips:
        found["hips"] = max(hips, key=lambda joint: sum(joint in above for above in others))


def _by_roles(names: Sequence[str], tree: _Tree) -> list[tuple[str, int]]:
    """Returns the bones that single words in names tell, for skeletons that no table knows."""
    order = sorted(range(len(names)), key=lambda joint: len(tree.above(joint)))
    place = {joint: slot for slot, joint in enumerate(order)}
    parents = [place[above[0]] if (above := tree.above(joint)) else -1 for joint in order]
    try:
        skeleton = Skeleton(
            tuple(names[joint] for joint in order), tuple(parents), np.zeros((len(order), 3))
        )
    except UserError:  # several roots, or names that are there twice
        return []
    roles = joint_roles(skeleton)
    found = []
    for slot, joint in enumerate(order):
        role, side = roles.role[slot], roles.side[slot]
        if role in ("neck", "head"):
            found.append((role, joint))
        elif side and role in _BONE_OF_ROLE:
            found.append((side + _BONE_OF_ROLE[role], joint))
    return sorted(found, key=lambda pair: BONES.index(pair[0]))


def _count_trunk(found: dict[str, int], tree: _Tree) -> None:
    """Takes as trunk what lies between the hips and where the arms part."""
    ends = [found.get(f"{side}UpperArm") for side in SIDES]
    hips = found.get("hips")
    if hips is None or None in ends:
        return
    left, right = (tree.above(joint) for joint in ends if joint is not None)
    shared = [joint for joint in left if joint in right]
    if hips not in shared:
        return
    others = {joint for bone, joint in found.items() if bone in ("neck", "head")}
    trunk = [joint for joint in shared[: shared.index(hips)][::-1] if joint not in others]
    for bone in ("spine", "chest", "upperChest"):
        found.pop(bone, None)
    if trunk:
        found["spine"] = trunk[0]
    if len(trunk) > 1:
        found["chest"] = trunk[1 if len(trunk) < 3 else (len(trunk) - 1) // 2]
    if len(trunk) > 2:
        found["upperChest"] = trunk[-1]


@cache
def _data() -> dict:
    return json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))


@cache
def _tables() -> dict[str, dict[str, tuple[tuple[str, str], ...]]]:
    """Returns for each convention and bone the (side, name) pairs that mean it."""
    tables = {}
    for convention, table in _data()["conventions"].items():
        tables[convention] = {
            bone: tuple(dict.fromkeys(key for name in names for key in _own_keys(bone, name)))
            for bone, names in table.items()
        }
    return tables


def _own_keys(bone: str, name: str) -> list[tuple[str, str]]:
    """Returns the readings of a table's name that say the side that its bone says."""
    side = next((side for side in SIDES if bone.startswith(side)), "")
    return [("", _plain(name)), *(key for key in _keys(name) if key[0] == side and side)]


def _keys(name: str) -> frozenset[tuple[str, str]]:
    """Returns every reading of a joint's name: its side, if one is read, and the rest, plain."""
    name = re.split(r"[:|]", unicodedata.normalize("NFKC", name))[-1]
    data = _data()
    for prefix in data["prefixes"]:
        if name.lower().startswith(prefix.lower()):
            # Mixamo numbers its prefix where there are several characters.
            name = re.sub(r"^\d+", "", name[len(prefix) :])
    for suffix in data["suffixes"]:
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return frozenset({("", _plain(name)), *((s, _plain(rest)) for s, rest in without_side(name))})


def _plain(name: str) -> str:
    """Returns a name without case, spaces and punctuation."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", name)).lower()
