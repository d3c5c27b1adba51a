"""The published autoencoder and its reference outputs, which lie outside the project."""

from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CHECKPOINT = SHARED / "fgd" / "genea23_model_checkpoint_30.bin"
SAMPLE = SHARED / "bvh" / "gac_sample1.bvh"

needs_files = pytest.mark.skipif(
    not (CHECKPOINT.is_file() and SAMPLE.is_file()),
    reason=f"the published autoencoder is not at {CHECKPOINT.parent}",
)


def reference(name: str) -> dict[str, np.ndarray]:
    """Returns the arrays of a file of references."""
    with np.load(SHARED / "fgd" / name) as archive:
        return dict(archive)
