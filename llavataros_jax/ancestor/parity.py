"""Runs imported weights on the inputs of an oracle file and measures how far the outputs differ."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llavataros_jax.ancestor.double_precision import in_double_precision
from llavataros_jax.ancestor.oracle import MEMORY, WEIGHTS, check_memory, read_network
from llavataros_jax.ancestor.weights import AncestorNetwork
from llavataros_jax.batch import Speech
from llavataros_jax.model import GestureModel, Memory, build
from llavataros_jax.model.attention import sinusoids

TOLERANCE, TOLERANCE_X64 = 1e-4, 1e-9
NORM_EPSILON = 1e-5
# Scores below are those that attention writes where a key is hidden.
_MASKED = -1e29


class Differences(NamedTuple):
    """Largest absolute differences from an oracle.

    Attributes:
        pose: Of each segment.
        memory: Of each stream of the memory after the last segment.
    """

    pose: tuple[float, ...]
    memory: dict[str, float]

    @property
    def largest(self) -> float:
        """The largest of all; NaN counts as infinite."""
        return float(np.nan_to_num(np.max([*self.pose, *self.memory.values()]), nan=np.inf))


def compare(oracle: Mapping[str, np.ndarray], *, x64: bool = False) -> Differences:
    """Feeds an oracle's inputs segment by segment, with memory passed on from empty.

    Args:
        oracle: Weights under `state_dict/`, the ancestor's sizes under `config/`, inputs, `pose`,
            `memory/0` and so on, of any sizes.
        x64: Compute in float64.

    Raises:
        UserError: When the file is not of that layout or its parts do not fit each other.
    """
    network = read_network(oracle)
    memory_streams = check_memory(oracle, network)
    model, watcher = build(network.config, network.sizes), _watcher(network)
    lanes, frames = oracle["audio"].shape[:2]
    length = int(oracle["segment_frames"])
    with jax.enable_x64(x64):
        frequency = _frequency(oracle, network.config.d_model) if x64 else None
        run = _runner(model, lanes, length, frequency)
        watch = _runner(watcher, lanes, length, frequency)
        watched = {
            **network.params,
            "output": {
                "kernel": np.eye(network.config.d_model, dtype=np.float32),
                "bias": np.zeros(network.config.d_model, np.float32),
            },
        }
        memory, last_stream, pose = model.empty_memory(lanes), [], []
        for start in range(0, frames, length):
            part = slice(start, start + length)
            main, other = _speech(oracle, "", part), _speech(oracle, "interlocutor_", part)
            last_stream.append(np.asarray(watch(watched, main, other, memory)[0]))
            predicted, memory = run(network.params, main, other, memory)
            pose.append(float(np.abs(predicted - oracle["pose"][:, part]).max()))
        # The ancestor also keeps the last block's output, which nothing reads: no slot of ours.
        slots = [np.asarray(memory.hidden[:, slot]) for slot in range(memory.hidden.shape[1])]
        slots.append(np.concatenate(last_stream, axis=1))
        streams = {}
        for name in memory_streams:
            kept = slots[int(name.removeprefix(MEMORY))][:, -oracle[name].shape[1] :]
            streams[name] = float(np.abs(kept - oracle[name]).max())
    return Differences(tuple(pose), streams)


def _watcher(network: AncestorNetwork) -> GestureModel:
    """Returns the same network with an output that shows its last block's output as it is."""
    return build(network.config, network.sizes._replace(pose=network.config.d_model))


def _speech(oracle: Mapping[str, np.ndarray], prefix: str, part: slice) -> Speech:
    """Returns a segment in which each frame has a word of its own."""
    audio, text = oracle[prefix + "audio"][:, part], oracle[prefix + "text"][:, part]
    each_frame = np.broadcast_to(np.arange(audio.shape[1], dtype=np.int32), audio.shape[:2])
    return Speech(audio, text, each_frame, oracle[prefix + "speaker"].astype(np.int32))


def _frequency(oracle: Mapping[str, np.ndarray], d_model: int) -> np.ndarray:
    """Returns the frequencies of the distances, which the ancestor has rounded to float32."""
    name, size = WEIGHTS + "pos_emb.inv_freq", np.float32(d_model)
    if name in oracle:
        return oracle[name]
    return 1 / np.float32(10000) ** (np.arange(0, d_model, 2, dtype=np.float32) / size)


def _runner(
    model: GestureModel, lanes: int, length: int, frequency: np.ndarray | None
) -> Callable[..., Any]:
    """Returns the network as a function, in float64 when the ancestor's frequencies are given."""

    def run(params: Any, main: Speech, other: Speech, memory: Memory) -> Any:
        everything = jnp.ones(np.shape(main.word_index), bool)
        return model.apply(
            params, main, other, jnp.ones(lanes, bool), frame_mask=everything, memory=memory
        )

    if frequency is None:
        return jax.jit(run)
    config = model.config
    keys = [config.memory_frames + frames for frames in range(1, length + 1)]
    exact: list[tuple[Any, Any]] = [
        (number, number) for number in (config.d_head**-0.5, NORM_EPSILON)
    ]
    exact += [(sinusoids(n, config.d_model), _sinusoids(n, frequency)) for n in keys]
    return in_double_precision(run, exact, _round_scores)


def _round_scores(operation: str, result: jax.Array) -> jax.Array:
    """Rounds masked scores to float32, as the ancestor does whatever it computes in."""
    if operation == "select_n" and result.dtype == np.float64 and result.min() < _MASKED:
        return result.astype(np.float32).astype(np.float64)
    return result


def _sinusoids(keys: int, frequency: np.ndarray) -> np.ndarray:
    """Returns the ancestor's table of the distances in float64."""
    angle = np.arange(keys - 1, -1, -1.0)[:, None] * frequency
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
