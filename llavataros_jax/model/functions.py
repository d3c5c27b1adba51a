"""The network as pure functions over plain arrays.

This is the one place that splits and merges Flax modules; everything outside sees parameters as
nested dictionaries of arrays.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Key, UInt32

from llavataros_jax.batch import Speech
from llavataros_jax.config import FlowConfig, ModelConfig
from llavataros_jax.model.cache import Cache
from llavataros_jax.model.features import FeatureStatistics, repair, standardise
from llavataros_jax.model.flow import FlowHead
from llavataros_jax.model.flow_errors import FlowErrors, flow_errors
from llavataros_jax.model.frontend import Sizes
from llavataros_jax.model.gesture import GestureNetwork, memory_slots
from llavataros_jax.model.incremental import (
    advance_trunk,
    empty_cache,
    in_product_types,
    position_keys,
)
from llavataros_jax.model.memory import Memory, empty_memory
from llavataros_jax.model.noise import path_factor
from llavataros_jax.model.sampling import (
    Dials,
    SampleState,
    Sampling,
    sample,
    sampling_of,
    start_sampling,
)
from llavataros_jax.model.stretch import PastKeys, empty_past, stretch_trunk
from llavataros_jax.motion.pose_basis import PoseBasis

Params = dict[str, Any]


@dataclass(frozen=True)
class GestureModel:
    """The network as pure functions.

    Attributes:
        config: Its options.
        sizes: The sizes that the data decided.
        statistics: Statistics by which features are standardised, or None for raw features.
        graph: The static half of the Flax module.
        sampling: How its sampled head works; None where poses are regressed alone.
    """

    config: ModelConfig
    sizes: Sizes
    statistics: FeatureStatistics | None
    graph: Any
    sampling: Sampling | None = None

    @property
    def is_sampled(self) -> bool:
        """Whether poses are drawn, and not the one answer of a regression."""
        return self.sampling is not None

    def init(self, key: Key[Array, ""]) -> Params:
        """Draws parameters."""
        network = _network(self.config, self.sizes, self.sampling, nnx.Rngs(params=key))
        return nnx.to_pure_dict(nnx.state(network, nnx.Param))

    def empty_memory(self, lanes: int) -> Memory:
        """Returns a memory in which nothing can be attended to."""
        return empty_memory(
            lanes=lanes,
            slots=memory_slots(self.config),
            frames=self.config.memory_frames,
            d_model=self.config.d_model,
            dtype=self.config.activation_dtype,
        )

    def trunk(
        self,
        params: Params,
        main: Speech,
        interlocutor: Speech,
        interlocutor_present: Bool[Array | np.ndarray, " B"],
        *,
        frame_mask: Bool[Array | np.ndarray, "B T"],
        memory: Memory,
        dropout_key: Key[Array, ""] | None = None,
    ) -> tuple[Float[Array, "B T D"], Memory]:
        """Returns a segment's features, of which heads make poses, and the next segment's memory.

        Without a key nothing is dropped, which makes the call deterministic. Features of frames
        outside `frame_mask`, and an absent interlocutor's, may hold anything, NaN included.
        """
        present, exists = jnp.asarray(interlocutor_present), jnp.asarray(frame_mask)
        return self._merged(params)(
            standardise(main, self.statistics, exists=exists),
            standardise(interlocutor, self.statistics, exists=exists & present[:, None]),
            present,
            frame_mask=exists,
            memory=memory,
            dropout_key=dropout_key,
        )

    def regress(self, params: Params, feature: Float[Array, "B T D"]) -> Float[Array, "B T P"]:
        """Returns the normalised poses of the regression."""
        return self._merged(params).output(feature)

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
        """Regresses a segment's normalised poses: `regress` of the `trunk`."""
        feature, memory = self.trunk(
            params,
            main,
            interlocutor,
            interlocutor_present,
            frame_mask=frame_mask,
            memory=memory,
            dropout_key=dropout_key,
        )
        return self.regress(params, feature), memory

    def start_sampling(self, seeds: UInt32[Array | np.ndarray, " B"]) -> SampleState:
        """Returns the state of the sampled head before the first frame, for a seed a lane."""
        return start_sampling(self._sampling, seeds, d_model=self.config.d_model)

    def sample(
        self,
        params: Params,
        feature: Float[Array, "B T D"],
        state: SampleState,
        dials: Dials,
        *,
        frame_mask: Bool[Array | np.ndarray, "B T"],
    ) -> tuple[Float[Array, "B T P"], SampleState]:
        """Draws normalised poses; frames outside `frame_mask` do not advance their lane."""
        network = self._merged(params)
        regressed = network.output(feature)
        return sample(
            _head(network),
            self._sampling,
            feature,
            regressed,
            state,
            dials,
            frame_mask=jnp.asarray(frame_mask),
        )

    def flow_errors(
        self,
        params: Params,
        feature: Float[Array, "B T D"],
        regressed: Float[Array, "B T P"],
        target: Float[Array, "B T P"],
        *,
        frame_mask: Bool[Array, "B T"],
        key: Key[Array, ""],
        is_training: bool,
    ) -> FlowErrors:
        """Returns what the sampled head gets wrong; speech is hidden from it in training alone."""
        sampling = self._sampling
        return flow_errors(
            _head(self._merged(params)),
            sampling,
            feature,
            regressed,
            target,
            frame_mask=frame_mask,
            path_factor=path_factor(sampling.noise, frame_mask.shape[1]),
            key=key,
            drop_speech=sampling.flow.drop_speech if is_training else 0.0,
        )

    @property
    def _sampling(self) -> Sampling:
        assert self.sampling is not None, "model.head=flow is what samples"
        return self.sampling

    def _merged(self, params: Params) -> GestureNetwork:
        return nnx.merge(self.graph, nnx.State(params))

    def empty_cache(self, lanes: int, *, call_frames: int, is_alone: bool = False) -> Cache:
        """Returns an empty cache of keys and values, for calls of up to `call_frames` frames.

        `is_alone` says whether no interlocutor will ever be given.
        """
        return empty_cache(self.config, lanes=lanes, call_frames=call_frames, is_alone=is_alone)

    def position_keys(self, params: Params) -> tuple[Float[Array, "N S H"], ...]:
        """Projects the distances for each attention: needed once for a set of parameters."""
        return position_keys(self._merged(params))

    def in_product_types(self, params: Params) -> Params:
        """Casts each kernel to the type in which its products take it."""
        network = in_product_types(self._merged(params))
        return nnx.to_pure_dict(nnx.state(network, nnx.Param))

    def repair(self, speech: Speech) -> tuple[Speech, Bool[Array, "B T"]]:
        """Puts the training mean in the place of features that are not finite.

        Returns:
            The speech, and the frames of which something was replaced.
        """
        return repair(speech, self.statistics)

    def advance(
        self,
        params: Params,
        main: Speech,
        interlocutor: Speech | None,
        interlocutor_present: Bool[Array | np.ndarray, " B"],
        *,
        frame_mask: Bool[Array | np.ndarray, "B T"],
        position_keys: tuple[Float[Array, "N S H"], ...],
        cache: Cache,
    ) -> tuple[Float[Array, "B T D"], Cache]:
        """Returns the features of the next frames from cached keys and values of the past.

        Equals `trunk` without dropout. Frames outside `frame_mask` do not advance their lane.
        """
        present, exists = jnp.asarray(interlocutor_present), jnp.asarray(frame_mask)
        there = exists & present[:, None]
        other = interlocutor and standardise(interlocutor, self.statistics, exists=there)
        return advance_trunk(
            self._merged(params),
            standardise(main, self.statistics, exists=exists),
            other,
            present,
            frame_mask=exists,
            position_keys=position_keys,
            cache=cache,
        )

    def empty_past(self, lanes: int, *, is_alone: bool) -> PastKeys:
        """Returns keys and values of no past; `is_alone` says whether nobody else is ever there."""
        return empty_past(self.config, lanes=lanes, is_alone=is_alone)

    def stretch(
        self,
        params: Params,
        main: Speech,
        interlocutor: Speech | None,
        interlocutor_present: Bool[Array | np.ndarray, " B"],
        *,
        position_keys: tuple[Float[Array, "N S H"], ...],
        past: PastKeys,
    ) -> tuple[Float[Array, "B F D"], PastKeys]:
        """Returns the features of a stretch: some segments of each lane, all of whose frames exist.

        Equals `trunk` without dropout, segment by segment. The speech of each segment is a row,
        those of a lane one after another; None where nobody else is there.
        """
        present, lanes = jnp.asarray(interlocutor_present), len(interlocutor_present)
        exists = jnp.ones(main.word_index.shape, bool)
        there = exists & jnp.repeat(present, len(exists) // lanes)[:, None]
        other = interlocutor and standardise(interlocutor, self.statistics, exists=there)
        feature, past = stretch_trunk(
            self._merged(params),
            standardise(main, self.statistics, exists=exists),
            other,
            present,
            position_keys=position_keys,
            past=past,
        )
        return feature.reshape(lanes, -1, feature.shape[-1]), past

    def parameter_count(self) -> int:
        """Counts the parameters."""
        shapes = jax.eval_shape(self.init, jax.random.key(0))
        return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def build(
    config: ModelConfig,
    sizes: Sizes,
    statistics: FeatureStatistics | None = None,
    *,
    flow: FlowConfig | None = None,
    basis: PoseBasis | None = None,
) -> GestureModel:
    """Builds the network that `config` describes for data of `sizes`.

    Args:
        config: Its options.
        sizes: What the data decides.
        statistics: By which features are standardised.
        flow: Options of the sampled head, for `model.head=flow`.
        basis: Components of the training motion, likewise.

    Raises:
        ValueError: When `config` still leaves a number of blocks to the data, or a sampled head
            lacks its options or components.
    """
    if config.cross_blocks < 0:
        raise ValueError(
            f"model.cross_blocks={config.cross_blocks} must be chosen before the network is built"
        )
    sampling = None
    if config.head == "flow":
        if flow is None or basis is None:
            raise ValueError("model.head=flow is built with its options and a pose basis")
        sampling = sampling_of(flow, basis)
    abstract = nnx.eval_shape(lambda: _network(config, sizes, sampling, nnx.Rngs(0)))
    graph, _ = nnx.split(abstract, nnx.Param)
    if not config.standardise_features:
        statistics = None
    return GestureModel(config, sizes, statistics, graph, sampling)


def _head(network: GestureNetwork) -> FlowHead:
    assert network.flow is not None, "model.head=flow is what samples"
    return network.flow


def _network(
    config: ModelConfig, sizes: Sizes, sampling: Sampling | None, rngs: nnx.Rngs
) -> GestureNetwork:
    head = None if sampling is None else (sampling.flow, sampling.basis.size)
    return GestureNetwork(config, sizes, flow=head, rngs=rngs)
