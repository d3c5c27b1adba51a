"""The door of the model room: `build` returns the network as pure functions over plain arrays.

This is the one place that splits and merges Flax modules; everything outside sees parameters as
nested dictionaries of arrays.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Key

from llavataros_jax.batch import Speech
from llavataros_jax.config import ModelConfig
from llavataros_jax.model.cache import Cache, reset_cache
from llavataros_jax.model.features import FeatureStatistics, repair, standardise
from llavataros_jax.model.frontend import Sizes
from llavataros_jax.model.gesture import GestureNetwork, memory_slots
from llavataros_jax.model.incremental import (
    empty_cache,
    in_product_types,
    position_keys,
    predict_next,
)
from llavataros_jax.model.memory import Memory, empty_memory, reset_memory

__all__ = [
    "Cache",
    "FeatureStatistics",
    "GestureModel",
    "Memory",
    "Params",
    "Sizes",
    "build",
    "reset_cache",
    "reset_memory",
]

Params = dict[str, Any]


@dataclass(frozen=True)
class GestureModel:
    """The network as pure functions.

    Attributes:
        config: Its options.
        sizes: The sizes that the data decided.
        statistics: Statistics by which features are standardised, or None for raw features.
        graph: The static half of the Flax module.
    """

    config: ModelConfig
    sizes: Sizes
    statistics: FeatureStatistics | None
    graph: Any

    def init(self, key: Key[Array, ""]) -> Params:
        """Draws parameters."""
        network = GestureNetwork(self.config, self.sizes, rngs=nnx.Rngs(params=key))
        return nnx.to_pure_dict(nnx.state(network, nnx.Param))

    def empty_memory(self, lanes: int) -> Memory:
        """Returns a memory in which nothing can be attended to."""
        return empty_memory(
            lanes=lanes,
            slots=memory_slots(self.config),
            frames=self.config.memory_frames,
            d_model=self.config.d_model,
        )

    def apply(
        self,
        params: Params,
        main: Speech,
        interlocutor: Speech,
        interlocutor_present: Bool[Array | np.ndarray, " B"],
        *,
        frame_mask: Bool[Array | np.ndarray, "B T"],
        memory: Memory,
        dropout_key: Key[Array, ""] | None = None,
    ) -> tuple[Float[Array, "B T P"], Memory]:
        """Predicts a segment's normalised pose and the memory for the next segment.

        Without a key nothing is dropped, which makes the call deterministic. Features of frames
        outside `frame_mask`, and an absent interlocutor's, may hold anything, NaN included.
        """
        network = nnx.merge(self.graph, nnx.State(params))
        present, exists = jnp.asarray(interlocutor_present), jnp.asarray(frame_mask)
        return network(
            standardise(main, self.statistics, exists=exists),
            standardise(interlocutor, self.statistics, exists=exists & present[:, None]),
            present,
            frame_mask=exists,
            memory=memory,
            dropout_key=dropout_key,
        )

    def empty_cache(self, lanes: int, *, call_frames: int) -> Cache:
        """Returns an empty cache of keys and values, for calls of up to `call_frames` frames."""
        return empty_cache(self.config, lanes=lanes, call_frames=call_frames)

    def position_keys(self, params: Params) -> tuple[Float[Array, "N S H"], ...]:
        """Projects the distances for each attention: needed once for a set of parameters."""
        return position_keys(nnx.merge(self.graph, nnx.State(params)))

    def in_product_types(self, params: Params) -> Params:
        """Casts each kernel to the type in which its products take it."""
        network = in_product_types(nnx.merge(self.graph, nnx.State(params)))
        return nnx.to_pure_dict(nnx.state(network, nnx.Param))

    def repair(self, speech: Speech) -> tuple[Speech, Bool[Array, "B T"]]:
        """Puts the training mean in the place of features that are not finite.

        Returns:
            The speech, and the frames of which something was replaced.
        """
        return repair(speech, self.statistics)

    def apply_incremental(
        self,
        params: Params,
        main: Speech,
        interlocutor: Speech,
        interlocutor_present: Bool[Array | np.ndarray, " B"],
        *,
        frame_mask: Bool[Array | np.ndarray, "B T"],
        position_keys: tuple[Float[Array, "N S H"], ...],
        cache: Cache,
    ) -> tuple[Float[Array, "B T P"], Cache]:
        """Predicts the pose of the next frames from cached keys and values of the past.

        Equals `apply` without dropout. Frames outside `frame_mask` do not advance their lane.
        """
        present, exists = jnp.asarray(interlocutor_present), jnp.asarray(frame_mask)
        return predict_next(
            nnx.merge(self.graph, nnx.State(params)),
            standardise(main, self.statistics, exists=exists),
            standardise(interlocutor, self.statistics, exists=exists & present[:, None]),
            present,
            frame_mask=exists,
            position_keys=position_keys,
            cache=cache,
        )

    def parameter_count(self) -> int:
        """Counts the parameters."""
        shapes = jax.eval_shape(self.init, jax.random.key(0))
        return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def build(
    config: ModelConfig, sizes: Sizes, statistics: FeatureStatistics | None = None
) -> GestureModel:
    """Builds the network that `config` describes for data of `sizes`.

    Raises:
        ValueError: When `config` still leaves a number of blocks to the data.
    """
    if config.cross_blocks < 0:
        raise ValueError(
            f"model.cross_blocks={config.cross_blocks} must be chosen before the network is built"
        )
    abstract = nnx.eval_shape(lambda: GestureNetwork(config, sizes, rngs=nnx.Rngs(0)))
    graph, _ = nnx.split(abstract, nnx.Param)
    if not config.standardise_features:
        statistics = None
    return GestureModel(config, sizes, statistics, graph)
