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
from llavataros_jax.model.cache import Cache, forget
from llavataros_jax.model.frontend import Sizes
from llavataros_jax.model.gesture import GestureNetwork, memory_slots
from llavataros_jax.model.live import empty_cache, live, position_keys
from llavataros_jax.model.memory import Memory, empty_memory, reset

__all__ = [
    "Cache",
    "FeatureStatistics",
    "GestureModel",
    "Memory",
    "Params",
    "Sizes",
    "build",
    "forget",
    "reset",
]

Params = dict[str, Any]


@dataclass(frozen=True)
class FeatureStatistics:
    """Mean and deviation of the training features."""

    audio_mean: Float[np.ndarray, " A"]
    audio_std: Float[np.ndarray, " A"]
    words_mean: Float[np.ndarray, " E"]
    words_std: Float[np.ndarray, " E"]


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
        interlocutor_present: Bool[Array, " B"],
        *,
        frame_mask: Bool[Array, "B T"],
        memory: Memory,
        dropout_key: Key[Array, ""] | None = None,
    ) -> tuple[Float[Array, "B T P"], Memory]:
        """Predicts a segment's normalised pose and the memory for the next segment.

        Without a key nothing is dropped, which makes the call deterministic.
        """
        network = nnx.merge(self.graph, nnx.State(params))
        return network(
            self._standardise(main),
            self._standardise(interlocutor),
            jnp.asarray(interlocutor_present),
            frame_mask=jnp.asarray(frame_mask),
            memory=memory,
            dropout_key=dropout_key,
        )

    def empty_cache(self, lanes: int, *, call_frames: int) -> Cache:
        """Returns an empty cache of keys and values, for calls of up to `call_frames` frames."""
        return empty_cache(self.config, lanes=lanes, call_frames=call_frames)

    def position_keys(self, params: Params) -> tuple[Float[Array, "N S H"], ...]:
        """Projects the distances for each attention: needed once for a set of parameters."""
        return position_keys(nnx.merge(self.graph, nnx.State(params)))

    def live(
        self,
        params: Params,
        main: Speech,
        interlocutor: Speech,
        interlocutor_present: Bool[Array, " B"],
        *,
        frame_mask: Bool[Array, "B T"],
        position_keys: tuple[Float[Array, "N S H"], ...],
        cache: Cache,
    ) -> tuple[Float[Array, "B T P"], Cache]:
        """Predicts the pose of the next frames from keys and values of the past.

        Equals `apply` without dropout. Frames outside `frame_mask` take no time in their lane.
        """
        return live(
            nnx.merge(self.graph, nnx.State(params)),
            self._standardise(main),
            self._standardise(interlocutor),
            jnp.asarray(interlocutor_present),
            frame_mask=jnp.asarray(frame_mask),
            position_keys=position_keys,
            cache=cache,
        )

    def parameter_count(self) -> int:
        """Counts the parameters."""
        shapes = jax.eval_shape(self.init, jax.random.key(0))
        return sum(leaf.size for leaf in jax.tree.leaves(shapes))

    def _standardise(self, speech: Speech) -> Speech:
        audio = jnp.asarray(speech.audio, jnp.float32)
        words = jnp.asarray(speech.words, jnp.float32)
        if self.statistics is not None:
            audio = (audio - self.statistics.audio_mean) / self.statistics.audio_std
            words = (words - self.statistics.words_mean) / self.statistics.words_std
        return speech.replace(audio=audio, words=words)


def build(
    config: ModelConfig, sizes: Sizes, statistics: FeatureStatistics | None = None
) -> GestureModel:
    """Builds the network that `config` describes for data of `sizes`."""
    abstract = nnx.eval_shape(lambda: GestureNetwork(config, sizes, rngs=nnx.Rngs(0)))
    graph, _ = nnx.split(abstract, nnx.Param)
    if not config.standardise_features:
        statistics = None
    return GestureModel(config, sizes, statistics, graph)
