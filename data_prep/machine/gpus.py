"""GPUs shared out among the processes that prepare."""

import multiprocessing
import os
import re
from pathlib import Path
from typing import Any


def visible_gpus() -> tuple[str, ...]:
    """Lists the GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    stated = os.environ.get("CUDA_VISIBLE_DEVICES")
    if stated is None:
        return tuple(map(str, range(len(list(Path("/dev").glob("nvidia[0-9]*"))))))
    return tuple(name for name in map(str.strip, stated.split(",")) if name and name != "-1")


def claim_gpu(gpus: tuple[str, ...], taken: Any) -> None:
    """Leaves this process one GPU, the next in turn.

    Must come before CUDA begins. Several processes may get the same one, so JAX takes its memory
    as it needs it.

    Args:
        gpus: What there is; nothing happens when it is empty.
        taken: A shared integer of `multiprocessing`: how many processes have claimed one.
    """
    if not gpus:
        return
    with taken.get_lock():
        number = taken.value
        taken.value += 1
    os.environ["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def torch_device() -> str:
    """Returns where PyTorch computes: `cpu`, or a GPU such as `cuda:1`, the next for each process.

    A process that has claimed a GPU sees no other, and takes it.
    """
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    number = re.search(r"(\d+)$", multiprocessing.current_process().name)
    return f"cuda:{int(number[1]) % torch.cuda.device_count() if number else 0}"
