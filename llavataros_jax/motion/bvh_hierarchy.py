"""The HIERARCHY part of a BVH file: its joints, and which numbers of a frame belong to which."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh_text import shown
from llavataros_jax.motion.skeleton import Skeleton

_TOKEN = re.compile(r"[{}]|[^\s{}]+")
_COUNTS = tuple("0123456")
_CHANNELS = {f"{axis}{kind}" for axis in "xyz" for kind in ("position", "rotation")}


@dataclass(frozen=True)
class Hierarchy:
    """The joints of the body in the order of the file, with offsets in the file's unit.

    Attributes:
        skeleton: The joints; identity rest rotations, as BVH has no others.
        channels: For each joint the names of its numbers, such as `xposition`, in lower case.
        columns: Where these numbers stand in a frame of the file.
        frame_size: Numbers in a frame of the file.
        left_out: Roots of what is no part of the body, such as a prop.
    """

    skeleton: Skeleton
    channels: tuple[tuple[str, ...], ...]
    columns: slice
    frame_size: int
    left_out: tuple[str, ...] = ()


def parse_hierarchy(text: str) -> Hierarchy:
    """Parses everything before MOTION, whatever the line breaks and indentation.

    Raises:
        UserError: When the text is malformed; the message names the line.
    """
    tokens = _Tokens(text)
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[tuple[str, ...]] = []
    tips: dict[int, list[list[float]]] = {}
    path: list[int | None] = []  # open joints, innermost last; None inside an end site
    tokens.expect("hierarchy")
    for word in tokens:
        inner = path[-1] if path else None
        if word in ("root", "joint"):
            if (word == "root") != (not path):
                raise tokens.error(f"{word.upper()} is out of place: a ROOT holds the JOINTs")
            if path and inner is None:
                raise tokens.error("an End Site cannot hold a JOINT")
            parents.append(-1 if inner is None else inner)
            names.append(tokens.name())
            offsets.append([])
            channels.append(())
            path.append(len(names) - 1)
        elif word == "end" and inner is not None:
            tokens.expect("site")
            tokens.name(optional=True)
            path.append(None)
        elif word == "offset" and path:
            place = tokens.numbers(3)
            if inner is not None:
                offsets[inner] = place
            else:
                owner = path[-2]
                assert owner is not None
                tips.setdefault(owner, []).append(place)
        elif word == "channels" and inner is not None:
            channels[inner] = tokens.channels()
        elif word == "}" and path:
            if inner is not None and not offsets[inner]:
                raise tokens.error(f"joint {names[inner]} has no OFFSET")
            path.pop()
        else:
            raise tokens.error(f"{shown(tokens.last)} is not expected here")
    if path:
        raise tokens.error("the file ends before all braces are closed; it is truncated")
    if not names:
        raise tokens.error("there is no ROOT")
    body, left_out = _find_body(names, parents)
    sizes = [len(of_joint) for of_joint in channels]
    first = sum(sizes[: body.start])
    columns = slice(first, first + sum(sizes[body]))
    if columns.start == columns.stop:
        raise UserError(
            f"HIERARCHY: no joint under {names[body.start]} has CHANNELS, so none moves"
        )
    try:
        skeleton = Skeleton(
            tuple(names[body]),
            tuple(max(parent - body.start, -1) for parent in parents[body]),
            np.array(offsets[body]),
            end_sites={
                joint - body.start: [np.array(tip) for tip in places]
                for joint, places in tips.items()
                if body.start <= joint < body.stop
            },
        )
    except UserError as refusal:
        raise UserError(f"HIERARCHY: {refusal}") from refusal
    return Hierarchy(skeleton, tuple(channels[body]), columns, sum(sizes), left_out)


def _find_body(names: list[str], parents: list[int]) -> tuple[slice, tuple[str, ...]]:
    """Returns the joints of the root that has most, and the names of the other roots.

    Raises:
        UserError: When another root has so many joints that it may be a body as well.
    """
    roots = [joint for joint, parent in enumerate(parents) if parent < 0]
    trees = [slice(*ends) for ends in pairwise((*roots, len(names)))]
    sizes = [tree.stop - tree.start for tree in trees]
    body = sizes.index(max(sizes))
    if any(2 * size > sizes[body] for number, size in enumerate(sizes) if number != body):
        listed = ", ".join(
            f"{names[root]} ({size} joints)" for root, size in zip(roots, sizes, strict=True)
        )
        raise UserError(
            f"HIERARCHY: there are {len(roots)} ROOTs that may each be a body, {listed}; export "
            "one body to a file"
        )
    return trees[body], tuple(names[root] for root in roots if root != trees[body].start)


def format_hierarchy(
    skeleton: Skeleton,
    offsets: Float[np.ndarray, "J 3"],
    channels: Sequence[Sequence[str]],
    *,
    units_per_metre: float,
) -> tuple[str, list[int]]:
    """Returns the HIERARCHY text and the order in which it lists the joints."""
    children: list[list[int]] = [[] for _ in skeleton.names]
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        children[parent].append(joint)
    lines, order = ["HIERARCHY"], []

    def place(values: np.ndarray) -> str:
        # Adding 0 turns a rounded -0.0 into 0.0.
        units = np.round(values * units_per_metre, 8) + 0.0
        return "OFFSET " + " ".join(f"{value:.8f}" for value in units)

    def add(joint: int, indent: str) -> None:
        order.append(joint)
        lines.append(f"{indent}{'JOINT' if joint else 'ROOT'} {skeleton.names[joint]}")
        lines.append(f"{indent}{{")
        inner = indent + "\t"
        lines.append(inner + place(offsets[joint]))
        lines.append(f"{inner}CHANNELS {len(channels[joint])} {' '.join(channels[joint])}")
        for child in children[joint]:
            add(child, inner)
        tips = skeleton.end_sites.get(joint, [] if children[joint] else [np.zeros(3)])
        for tip in tips:
            lines.extend((f"{inner}End Site", f"{inner}{{", f"{inner}\t{place(tip)}", f"{inner}}}"))
        lines.append(f"{indent}}}")

    add(0, "")
    return "\n".join(lines) + "\n", order


class _Tokens:
    """Words and braces one after another, which knows its line for error messages."""

    def __init__(self, text: str) -> None:
        self._tokens = [
            (word, number)
            for number, line in enumerate(text.splitlines(), start=1)
            for word in _TOKEN.findall(line)
        ]
        self._next = 0
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        while self._next < len(self._tokens):
            yield self._take().lower()

    def _take(self) -> str:
        if self._next >= len(self._tokens):
            raise self.error("the hierarchy ends too early; the file is truncated")
        self.last = self._tokens[self._next][0]
        self._next += 1
        return self.last

    def error(self, problem: str) -> UserError:
        line = self._tokens[min(self._next, len(self._tokens)) - 1][1] if self._tokens else 1
        return UserError(f"line {line}: {problem}")

    def expect(self, word: str) -> None:
        if self._take().lower() != word:
            raise self.error(f"{word.upper()} is expected, not {shown(self.last)}")

    def name(self, optional: bool = False) -> str:
        """Takes a name, spaces included, and the brace after it."""
        words = []
        while (word := self._take()) != "{":
            if word == "}":
                raise self.error("a { is missing")
            words.append(word)
        if not words and not optional:
            raise self.error("a joint has no name")
        return " ".join(words)

    def numbers(self, count: int) -> list[float]:
        try:
            return [float(self._take()) for _ in range(count)]
        except ValueError:
            raise self.error(f"OFFSET needs {count} numbers, not {shown(self.last)}") from None

    def channels(self) -> tuple[str, ...]:
        if self._take() not in _COUNTS:
            raise self.error(f"CHANNELS needs a number from 0 to 6 first, not {shown(self.last)}")
        names = tuple(self._take().lower() for _ in range(int(self.last)))
        unknown = [name for name in names if name not in _CHANNELS]
        if unknown:
            raise self.error(
                f"channel {shown(unknown[0])} is unknown; Xposition or Zrotation are known"
            )
        if len(set(names)) < len(names) or sum("rotation" in name for name in names) > 3:
            raise self.error("a channel appears twice")
        return names
