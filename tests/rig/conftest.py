"""Real motion, where it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

_REAL = Path(__file__).parents[2] / ".." / "shared" / "data"


@pytest.fixture
def real() -> Callable[[str], Path]:
    """Returns the path of a real file, or skips the test."""

    def find(name: str) -> Path:
        if not (_REAL / name).is_file():
            pytest.skip(f"real material ../shared/data/{name} is not here")
        return _REAL / name

    return find
