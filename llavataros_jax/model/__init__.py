"""The door of the model room: `build` returns the network as pure functions over plain arrays."""

from llavataros_jax.model.cache import Cache, reset_cache
from llavataros_jax.model.features import FeatureStatistics
from llavataros_jax.model.flow_errors import FlowErrors
from llavataros_jax.model.frontend import Sizes
from llavataros_jax.model.functions import GestureModel, Params, build
from llavataros_jax.model.memory import Memory, reset_memory
from llavataros_jax.model.sampling import Dials, SampleState, reset_sampling
from llavataros_jax.model.stretch import PastKeys, reset_past

__all__ = [
    "Cache",
    "Dials",
    "FeatureStatistics",
    "FlowErrors",
    "GestureModel",
    "Memory",
    "Params",
    "PastKeys",
    "SampleState",
    "Sizes",
    "build",
    "reset_cache",
    "reset_memory",
    "reset_past",
    "reset_sampling",
]
