"""Parameters by name, as files of them and sentences about them need."""

from collections.abc import Iterable, Iterator
from typing import Any

import jax


def named_leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yields the leaves of nested dictionaries with their names, in the order of `jax.tree`."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        yield jax.tree_util.keystr(path, simple=True, separator="."), leaf


def another_head(stored: Iterable[str], wanted: Iterable[str]) -> str | None:
    """Says that stored parameters are of another head than those that are wanted, if they are."""
    has, needs = (any(name.startswith("flow.") for name in names) for names in (stored, wanted))
    if has == needs:
        return None
    there = "a sampled head" if has else "no sampled head"
    return f"it holds {there}, but config.yaml says model.head={'flow' if needs else 'regression'}"
