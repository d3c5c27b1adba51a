"""The published ancestor, executed elsewhere in float64."""

from pathlib import Path

import numpy as np
import pytest

ORACLE = Path(__file__).parents[3] / "shared" / "oracles" / "uea_small.npz"
needs_oracle = pytest.mark.skipif(not ORACLE.exists(), reason=f"{ORACLE} is not here")


def read_oracle() -> dict[str, np.ndarray]:
    """Returns the oracle's arrays."""
    with np.load(ORACLE) as file:
        return dict(file)


def oracle_weights() -> dict[str, np.ndarray]:
    """Returns its tensors by the ancestor's names."""
    oracle = read_oracle()
    return {
        name.removeprefix("state_dict/"): value
        for name, value in oracle.items()
        if name.startswith("state_dict/")
    }
