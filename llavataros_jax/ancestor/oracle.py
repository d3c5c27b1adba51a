"""A file of the ancestor's weights, inputs and recorded outputs, checked before anything runs."""

from collections.abc import Mapping

import numpy as np

from llavataros_jax.ancestor.weights import AncestorNetwork, from_ancestor
from llavataros_jax.config import ModelConfig
from llavataros_jax.errors import UserError

WEIGHTS, CONFIG, MEMORY = "state_dict/", "config/", "memory/"
_INPUTS = ("audio", "text", "speaker")
_PEOPLE = ("", "interlocutor_")
_SEGMENT, _AUDIO, _KEPT = "segment_frames", CONFIG + "audio", CONFIG + "mem_len"

Oracle = Mapping[str, np.ndarray]


def read_network(oracle: Oracle) -> AncestorNetwork:
    """Returns the oracle's network.

    Raises:
        UserError: When the file is not of that layout or its parts do not fit each other.
    """
    wanted = [f"{prefix}{name}" for prefix in _PEOPLE for name in _INPUTS]
    wanted += ["pose", _SEGMENT, _AUDIO, _KEPT]
    if missing := [name for name in wanted if name not in oracle]:
        raise UserError(
            f"this is no oracle file: it lacks {', '.join(missing)}; it needs the weights under "
            f"{WEIGHTS} and the sizes under {CONFIG} as well"
        )
    for name, array in oracle.items():
        is_number = name in (_SEGMENT, _AUDIO, _KEPT) or name.startswith(CONFIG)
        if not is_number and array.dtype.kind not in "fiub":
            raise UserError(f"the oracle's {name} holds {array.dtype} and no numbers")
    weights = {
        name.removeprefix(WEIGHTS): value
        for name, value in oracle.items()
        if name.startswith(WEIGHTS)
    }
    network = from_ancestor(
        weights,
        audio_size=_whole(oracle, _AUDIO),
        memory_frames=_whole(oracle, _KEPT),
        segment_frames=_whole(oracle, _SEGMENT),
    )
    _check_sizes(oracle, network)
    _check_inputs(oracle, network)
    return network


def check_memory(oracle: Oracle, network: AncestorNetwork) -> list[str]:
    """Returns the names of the memory's streams in order.

    Raises:
        UserError: When a stream is none of the network's or has another shape.
    """
    config = network.config
    slots = _streams(config)
    names = [name for name in oracle if name.startswith(MEMORY)]
    for name in names:
        number = name.removeprefix(MEMORY)
        if not (number.isascii() and number.isdigit()):
            raise UserError(f"the oracle's {name} is no number of a stream, such as {MEMORY}0")
        if int(number) >= slots:
            raise UserError(f"the oracle has {name}, but these weights have {slots}")
        lanes, *_, width = (*oracle["pose"].shape[:1], config.d_model)
        found = oracle[name].shape
        most = _frames_kept(oracle, config, is_last=int(number) == slots - 1)
        if len(found) != 3 or (found[0], found[2]) != (lanes, width) or not 0 < found[1] <= most:
            raise UserError(
                f"the oracle's {name} has shape {found}, but {(lanes, most, width)} is needed, or "
                "fewer frames"
            )
    return sorted(names, key=lambda name: int(name.removeprefix(MEMORY)))


def _streams(config: ModelConfig) -> int:
    """Counts what the ancestor keeps: the input of every block, and the last one's output."""
    return config.self_blocks + config.cross_blocks + 1


def _frames_kept(oracle: Oracle, config: ModelConfig, *, is_last: bool) -> int:
    frames = oracle["pose"].shape[1]
    return frames if is_last else config.memory_frames


def _whole(oracle: Oracle, name: str) -> int:
    """Returns a number of the oracle that counts something."""
    array = oracle[name]
    if array.size != 1 or array.dtype.kind not in "iu":
        raise UserError(
            f"the oracle's {name} is not one whole number, but {array.dtype} of shape {array.shape}"
        )
    if (value := int(array.item())) < 1:
        raise UserError(f"the oracle's {name} is {value}, but must be positive")
    return value


def _check_sizes(oracle: Oracle, network: AncestorNetwork) -> None:
    config, sizes = network.config, network.sizes
    said = {
        "n_encoder_layer": config.self_blocks,
        "n_decoder_layer": config.cross_blocks,
        "n_head": config.heads,
        "d_head": config.d_head,
        "d_model": config.d_model,
        "d_inner": config.d_inner,
        "pose_size": sizes.pose,
        "text": sizes.text,
    }
    for name, found in said.items():
        if CONFIG + name in oracle and (value := _whole(oracle, CONFIG + name)) != found:
            raise UserError(
                f"the oracle says {CONFIG}{name}={value}, but its weights are made for {found}"
            )


def _check_inputs(oracle: Oracle, network: AncestorNetwork) -> None:
    sizes, audio = network.sizes, oracle["audio"].shape
    if len(audio) != 3 or not all(audio):
        raise UserError(f"audio has shape {audio}, but lanes, frames and {sizes.audio} are needed")
    lanes, frames = audio[:2]
    shapes: dict[str, tuple[int, ...]] = {"pose": (lanes, frames, sizes.pose)}
    for prefix in _PEOPLE:
        shapes[prefix + "audio"] = (lanes, frames, sizes.audio)
        shapes[prefix + "text"] = (lanes, frames, sizes.text)
        shapes[prefix + "speaker"] = (lanes,)
    for name, shape in shapes.items():
        if oracle[name].shape != shape:
            raise UserError(f"{name} has shape {oracle[name].shape}, but {shape} is needed")
    for prefix in _PEOPLE:
        speakers = oracle[prefix + "speaker"]
        if wrong := [number for number in speakers if not 0 <= number < sizes.speakers]:
            raise UserError(
                f"{prefix}speaker is {wrong[0]}, but the weights know 0 to {sizes.speakers - 1}"
            )
