"""Parameters by name, as files of them and sentences about them need."""

from collections.abc import Iterator
from typing import Any

import jax


def named_leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yields the leaves of nested dictionaries with their names, in the order of `jax.tree`."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        yield jax.tree_util.keystr(path, simple=True, separator="."), leaf
