"""The network for a folder of records: where model and data meet."""

import numpy as np

from llavataros_jax.config import Config
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.model import FeatureStatistics, GestureModel, Sizes, build


def build_model(config: Config, manifest: Manifest) -> GestureModel:
    """Builds the network for the records that `manifest` describes."""
    statistics = FeatureStatistics(
        **{name: np.asarray(values, np.float32) for name, values in manifest.statistics.items()}
    )
    sizes = Sizes(
        audio=manifest.feature_size("audio"),
        text=manifest.feature_size("words"),
        pose=manifest.feature_size("pose"),
        speakers=len(manifest.speakers),
    )
    return build(config.model, sizes, statistics)
