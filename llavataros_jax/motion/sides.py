"""Left and right in the names of joints: the one table of how skeletons spell them."""

import re
from collections.abc import Iterator, Sequence

# What marks a side in a joint's name, tried in this order.
_WORD = re.compile(r"left|right|Left|Right|LEFT|RIGHT|[左右]")  # 左 is left in MikuMikuDance
_LETTER = re.compile(r"(?<![A-Za-z0-9])[lrLR](?![A-Za-z0-9])")
# In `LThumb`; it says nothing alone, since a name may begin so by chance.
_INITIAL = re.compile(r"^[lrLR](?=[A-Z])")
# In `armL`; as rarely meant as an initial.
_LAST = re.compile(r"(?<=[a-z0-9])[LR]$")
_OTHER = {
    side: other
    for left, right in (
        ("left", "right"),
        ("Left", "Right"),
        ("LEFT", "RIGHT"),
        ("l", "r"),
        ("L", "R"),
        ("左", "右"),
    )
    for side, other in ((left, right), (right, left))
}


def twins(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Returns pairs of (left, right) joints: the names that differ by their side alone."""
    index = {name: joint for joint, name in enumerate(names)}
    pairs = []
    for joint, name in enumerate(names):
        for mark in (_WORD, _LETTER, _INITIAL):
            twin = index.get(mark.sub(lambda side: _OTHER[side[0]], name), joint)
            if twin != joint:
                if _is_left(mark.findall(name)[0]):
                    pairs.append((joint, twin))
                break
    return tuple(pairs)


def sides(names: Sequence[str]) -> tuple[str, ...]:
    """Returns `left`, `right` or nothing for each joint, by its twin or by its name alone."""
    found = [_side(name) for name in names]
    for left, right in twins(names):
        found[left], found[right] = "left", "right"
    return tuple(found)


def without_side(name: str) -> Iterator[tuple[str, str]]:
    """Yields each way to read a side in a name: `left` or `right`, and what is left of the name."""
    for mark in (_WORD, _LETTER, _INITIAL, _LAST):
        if found := mark.search(name):
            rest = name[: found.start()] + name[found.end() :]
            yield ("left" if _is_left(found[0]) else "right"), rest


def _side(name: str) -> str:
    marks = _WORD.findall(name) or _LETTER.findall(name)
    if not marks:
        return ""
    return "left" if _is_left(marks[0]) else "right"


def _is_left(mark: str) -> bool:
    return mark.lower().startswith(("l", "左"))
