"""The ways of animating that ours is timed beside: PyTorch's, and the ancestor's.

Both go segment by segment, remember hidden states and project them again, without gradients. As
ours, they find features in memory and leave poses there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import jax
import numpy as np
import torch
from torch import Tensor, nn

from llavataros.benchmark.animate_task import People, Way
from llavataros.benchmark.train_ancestor import ANCESTOR, Ancestor
from llavataros.benchmark.train_in_torch import AUTOCAST, FLOAT32, TorchNetwork, from_ours
from llavataros.benchmark.train_task import Task
from llavataros_jax.data.segments import ClipSpeech

# Features of both people, (1, N, A + E), and their numbers, (1,).
Inputs = tuple[Tensor, Tensor, Tensor, Tensor]


def ways(
    task: Task, people: People, clone: str | None, dtypes: Sequence[str]
) -> tuple[list[Way], list[str]]:
    """Returns ways to animate two people's speech, and what is to be said of them.

    Args:
        task: The network and its parameters.
        people: Their speech.
        clone: Folder of a clone of the ancestor.
        dtypes: What products are taken in, as `model.compute_dtype` names them.

    Raises:
        UserError: When `clone` is no clone of the ancestor.
    """
    on_gpu = jax.default_backend() == "gpu" and torch.cuda.is_available()
    device = "cuda" if on_gpu else "cpu"
    if device == "cpu" and jax.default_backend() != "cpu":
        return [], ["PyTorch has no access to the accelerator here, so ours is timed alone."]
    features = (torch.from_numpy(_features(speech)).to(device) for speech in people)
    numbers = (torch.tensor([speech.speaker], device=device) for speech in people)
    inputs: Inputs = (*features, *numbers)  # pyright: ignore[reportAssignmentType]
    params, notes = task.params(), []
    network = TorchNetwork(task.config, task.sizes, fused=on_gpu)
    _load(network, from_ours(params), device)
    sides = [("PyTorch", _by_torch(network, task, inputs))]
    if clone:
        ancestor = Ancestor(Path(clone), task)
        _load(ancestor, ANCESTOR.tensors(params), device)
        sides.append(("ancestor", _by_ancestor(ancestor, task, inputs)))
    else:
        notes.append("UEA_REPO names no clone of the ancestor, so it is not timed.")
    made = []
    for dtype in dtypes:
        for side, animate in sides:
            row = {"side": side, "way": f"{dtype}, by segments", "compute_dtype": dtype}
            made.append(Way(row, _in_type(task, animate, dtype, device)))
    return made, notes


def _by_torch(network: TorchNetwork, task: Task, inputs: Inputs) -> Callable[[], list[Tensor]]:
    """Returns what animates with the network of the benchmark `train`.

    Its memory is full from the start; what was never said is hidden from the first segments.
    """
    config, hidden = task.config, network.hidden
    blocks = config.self_blocks + config.cross_blocks

    def animate() -> list[Tensor]:
        memory = hidden.new_zeros(blocks, 1, config.memory_frames, config.d_model)
        poses = []
        for start, segment in _segments(inputs, config.segment_frames):
            network.hidden = hidden.clone()
            network.hidden[:, : max(0, config.memory_frames - start)] = -torch.inf
            pose, memory = network(*segment, memory)
            poses.append(pose)
        network.hidden = hidden
        return poses

    return animate


def _by_ancestor(network: Ancestor, task: Task, inputs: Inputs) -> Callable[[], list[Tensor]]:
    """Returns what animates as the ancestor's `inference.py`, whose memory begins empty."""

    def animate() -> list[Tensor]:
        memory: list[Tensor] = []
        poses = []
        for _, segment in _segments(inputs, task.config.segment_frames):
            pose, memory = network(*segment, memory)
            poses.append(pose)
        return poses

    return animate


def _segments(inputs: Inputs, frames: int) -> Iterator[tuple[int, Inputs]]:
    main, other, *speakers = inputs
    for start in range(0, main.shape[1], frames):
        part = slice(start, start + frames)
        yield start, (main[:, part], other[:, part], *speakers)  # pyright: ignore[reportReturnType]


def _in_type(
    task: Task, animate: Callable[[], list[Tensor]], dtype: str, device: str
) -> Callable[[], list[np.ndarray]]:
    kind = AUTOCAST[dtype]

    def call() -> list[np.ndarray]:
        torch.set_float32_matmul_precision(FLOAT32[dtype])
        with torch.no_grad(), torch.autocast(device, dtype=kind, enabled=kind is not None):
            poses = animate()
        joined = torch.cat(poses, dim=1)[0].float().cpu().numpy()
        return [np.asarray(task.codec.denormalise(joined))]

    return call


def _features(speech: ClipSpeech) -> np.ndarray:
    """Returns audio and text of every frame, (1, N, A + E), as others store them."""
    index = speech.word_index[:, None]
    text = np.where(index >= 0, speech.words[np.maximum(speech.word_index, 0)], 0)
    return np.concatenate([speech.audio, text], -1).astype(np.float32)[None]


def _load(network: nn.Module, tensors: Mapping[str, np.ndarray], device: str) -> None:
    named = {name: torch.from_numpy(x.copy()) for name, x in tensors.items()}
    network.load_state_dict(named, strict=False)
    network.to(device).eval()
