"""A run trained for a few steps on the bundled corpus."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program.way import options, run


@pytest.fixture(scope="session")
def way(built_once: Callable[..., Path]) -> Path:
    """Returns a folder with `records` and `run`, which all workers share."""

    def go(folder: Path) -> None:
        run("-m", "data_prep", *options(folder))
        run("-m", "llavataros_jax.train", *options(folder))

    return built_once("way", go)
