"""A run trained for a few steps on the bundled corpus."""

from pathlib import Path

import pytest

from tests.program.way import options, run


@pytest.fixture(scope="session")
def way(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with `records` and `run`."""
    folder = tmp_path_factory.mktemp("way")
    run("-m", "data_prep", *options(folder))
    run("-m", "llavataros_jax.train", *options(folder))
    return folder
