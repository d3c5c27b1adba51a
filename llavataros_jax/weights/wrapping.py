"""A network's tensors in what training programs put around them.

DataParallel puts `module.` before every name, `torch.compile` `_orig_mod.`, Lightning the name of
its attribute (`model.`); each saves the mapping bare or under a key such as `state_dict`, beside an
optimizer. All of these occur inside each other.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from llavataros_jax.errors import UserError
from llavataros_jax.weights.torch_file import foreign_name

# Modules that hold another one and nothing of their own.
_WRAPPERS = r"(?:(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.)+"
_IN_FRONT, _INSIDE = re.compile(rf"^{_WRAPPERS}"), re.compile(rf"(?<=[./]){_WRAPPERS}")
# Where the network itself lies, and not a moving average or an older copy of it.
_USUAL = {"state_dict", "model_state_dict", "model", "net", "network", "frontend"}
_DEPTH = 4
_LISTED = 8

Tensors = dict[str, np.ndarray]


def unwrapped(content: Any, landmarks: Collection[str], *, source: str, network: str) -> Tensors:
    """Finds the mapping of names to tensors in a checkpoint and takes its names' prefix off.

    The mapping and the prefix are those under which most landmarks are found; what does not have
    that prefix belongs to other networks and is left out, and so is what is no tensor.

    Args:
        content: What the file holds.
        landmarks: Names that every checkpoint of the network has.
        source: The file, for messages.
        network: What it should be, for messages.

    Raises:
        UserError: When no landmark is found, two different networks are, or an object that is not
            plain stands in a tensor's place.
    """
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for place, mapping in _mappings(content, "", _DEPTH):
        for prefix, count, tensors in _candidates(mapping, landmarks):
            found[place + prefix] = count, tensors
    if not found:
        raise UserError(
            f"{source} is not {network}: {_described(content)}, and no tensor of a name such as "
            f"{', '.join(list(landmarks)[:3])}; give a checkpoint of that network, or its state "
            "dict alone"
        )
    most = max(count for count, _ in found.values())
    best = {place: tensors for place, (count, tensors) in found.items() if count == most}
    usual = {place: tensors for place, tensors in best.items() if _is_usual(place)} or best
    first, *others = usual.values()
    if any(not _equal(first, other) for other in others):
        raise UserError(
            f"{source} holds {network} at {' and at '.join(_spoken(place) for place in usual)}; "
            "write one of them alone into a file"
        )
    if strange := [f"{name} is {_kind(value)}" for name, value in first.items() if _is_odd(value)]:
        raise UserError(f"{source} has no plain tensors: {', '.join(strange[:_LISTED])}")
    return {name: value for name, value in first.items() if isinstance(value, np.ndarray)}


def _mappings(content: Any, place: str, depth: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields nested mappings of strings, each with the keys that lead to it."""
    if not isinstance(content, Mapping) or not depth:
        return
    named = {name: value for name, value in content.items() if isinstance(name, str)}
    yield place, named
    for name, value in named.items():
        yield from _mappings(value, f"{place}{name}/", depth - 1)


def _candidates(
    mapping: dict[str, Any], landmarks: Collection[str]
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yields prefixes of landmarks, how many have each, and what lies under it."""
    split = [(*_split(name, landmarks), value) for name, value in mapping.items()]
    counts: dict[tuple[str, str], int] = {}
    for wrapper, name, value in split:
        # Also what stands in a tensor's place, so that it is named.
        if not (isinstance(value, np.ndarray) or _is_odd(value)):
            continue
        for landmark in landmarks:
            prefix = name.removesuffix(landmark)
            if len(prefix) < len(name) and (not prefix or prefix[-1] in "./"):
                counts[wrapper, prefix] = counts.get((wrapper, prefix), 0) + 1
    for (wrapper, prefix), count in counts.items():
        inside = {
            name.removeprefix(prefix): value
            for around, name, value in split
            if around == wrapper and name.startswith(prefix)
        }
        yield wrapper + prefix, count, inside


def _split(name: str, landmarks: Collection[str]) -> tuple[str, str]:
    """Returns the wrapper in front of a name, and the name without those further inside."""
    if name in landmarks:
        return "", name
    front = _IN_FRONT.match(name)
    wrapper = front.group() if front else ""
    return wrapper, _INSIDE.sub("", name[len(wrapper) :])


def _is_usual(place: str) -> bool:
    bare = _INSIDE.sub("", _IN_FRONT.sub("", place))
    return all(part in _USUAL for part in re.split(r"[./]", bare) if part)


def _equal(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(value, second[name]) for name, value in first.items()
    )


def _spoken(place: str) -> str:
    return place.rstrip("./") or "its root"


def _described(content: Any) -> str:
    """Says what a file holds, in a clause."""
    if not isinstance(content, Mapping):
        return f"it holds a {foreign_name(content) or type(content).__name__}"
    leaves = [
        f"{place}{name}" + ("" if isinstance(value, np.ndarray) else f" ({_kind(value)})")
        for place, mapping in _mappings(content, "", _DEPTH)
        for name, value in mapping.items()
        if not isinstance(value, Mapping)
    ]
    more = f" and {len(leaves) - _LISTED} more" if len(leaves) > _LISTED else ""
    return f"it holds {', '.join(leaves[:_LISTED]) or 'nothing'}{more}"


def _is_odd(value: Any) -> bool:
    return foreign_name(value) is not None


def _kind(value: Any) -> str:
    wanted = foreign_name(value)
    return f"{wanted}, which is not called here" if wanted else type(value).__name__
