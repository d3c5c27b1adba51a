"""Motion to test on: the real recordings where they are, and a small one made up here."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9

_RECORDINGS = Path(__file__).parents[2] / ".." / "shared" / "data"


@pytest.fixture
def recording() -> Callable[[str], Path]:
    """Returns the path of a real file, or skips the test."""

    def find(name: str) -> Path:
        if not (_RECORDINGS / name).is_file():
            pytest.skip(f"real recording ../shared/data/{name} is not here")
        return _RECORDINGS / name

    return find


@pytest.fixture
def dance() -> Motion:
    """A lively second and a half of AVATAROS_9 at 60 fps, with three joints that slide."""
    random = np.random.default_rng(0)
    time = np.linspace(0, 1.5, 90)[:, None, None]
    wave = np.sin(
        2 * np.pi * (time * random.uniform(0.3, 1.5, (1, 9, 3)) + random.random((1, 9, 3)))
    )
    local = Rotation.from_rotvec((1.2 * wave).reshape(-1, 3)).as_quat().reshape(90, 9, 4)
    offsets = np.tile(AVATAROS_9.offsets, (90, 1, 1))
    offsets[:, [1, 3, 6]] += 0.01 * wave[:, [1, 3, 6]]
    root = np.array([0.1, 0.9, 0.0]) + 0.05 * wave[:, 0]
    return motion_from_local(local, offsets, root, fps=60, skeleton=AVATAROS_9)
