"""The ways of taking a training step that ours is timed beside: PyTorch's, and the ancestor's."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import torch

from llavataros.benchmark.train_ancestor import ANCESTOR, Ancestor
from llavataros.benchmark.train_in_torch import TorchTraining
from llavataros.benchmark.train_parity import (
    RESTATED,
    Form,
    Reference,
    differences,
    full_memory,
    restated,
    to_segment,
)
from llavataros.benchmark.train_task import Task, Way
from llavataros_jax.config import OptimizerConfig

_BATCHES = 3


def ways(
    task: Task, clone: str | None, dtypes: Sequence[str]
) -> tuple[list[Way], dict[str, str], list[str]]:
    """Checks the networks, and returns ways to train them, what was found, and what is said of it.

    Args:
        task: What is trained.
        clone: Folder of a clone of the ancestor.
        dtypes: What products are taken in, as `model.compute_dtype` names them.

    Raises:
        UserError: When one of them computes something else than ours.
    """
    notes: list[str] = []
    # A GPU where JAX has one and PyTorch can.
    on_gpu = jax.default_backend() == "gpu" and torch.cuda.is_available()
    device = "cuda" if on_gpu else "cpu"
    reference = Reference.of(task)
    network, found = restated(reference, device)
    found.check("the network in PyTorch")
    parity = {"PyTorch": f"{found}"}
    ancestor = None
    if clone:
        ancestor = Ancestor(Path(clone), task)
        found = differences(reference, ancestor, ANCESTOR, device)
        found.check(f"the ancestor in {clone}")
        parity["ancestor"] = f"{found}"
    else:
        notes.append("UEA_REPO names no clone of the ancestor, so it is not timed.")
    if device == "cpu" and jax.default_backend() != "cpu":
        notes.append("PyTorch has no access to the accelerator here, so ours is timed alone.")
        return [], parity, notes
    segments = [to_segment(task, task.batch(number)) for number in range(_BATCHES)]

    def training(network: torch.nn.Module, form: Form, *, fused: bool) -> TorchTraining:
        memory = form.memory(full_memory(task, task.lanes, device))
        return TorchTraining(network, memory, OptimizerConfig(), segments, device, fused=fused)

    made = []
    torch_training = training(network, RESTATED, fused=True)
    for dtype in dtypes:
        made.append(_way("PyTorch", f"{dtype}, eager", dtype, torch_training, network))
        compiled = _compiled(dtype, torch_training, network)
        if isinstance(compiled, str):
            notes.append(f"torch.compile fails here at {dtype} ({compiled}), so it is not timed.")
        else:
            made.append(compiled)
    if ancestor is not None:
        of_ancestor = training(ancestor, ANCESTOR, fused=False)
        made += [
            _way("ancestor", f"{dtype}, as it is", dtype, of_ancestor, ancestor) for dtype in dtypes
        ]
    return made, parity, notes


def _way(
    side: str, name: str, dtype: str, training: TorchTraining, forward: Callable[..., Any]
) -> Way:
    row = {"side": side, "way": name, "compute_dtype": dtype, "loss": "rotation"}
    return Way(row, lambda: training.step(forward, dtype))


def _compiled(dtype: str, training: TorchTraining, network: torch.nn.Module) -> Way | str:
    """Returns steps of what `torch.compile` makes of a network, or why it makes nothing."""
    way = _way("PyTorch", f"{dtype}, torch.compile", dtype, training, torch.compile(network))
    try:
        began = time.perf_counter()
        way.call()
        first = time.perf_counter() - began
        began = time.perf_counter()
        way.call()
    except Exception as problem:  # of many kinds: no C++ compiler, no Triton, no Python headers
        text = (str(problem).strip() or "no reason given").splitlines()[0]
        return f"{type(problem).__name__}: {text}"
    way.row["compile_seconds"] = max(0.0, first - (time.perf_counter() - began))
    print(f"compiled {way.row['way']}: {way.row['compile_seconds']:.1f} s")
    return way
