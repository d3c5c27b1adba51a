"""Which device PyTorch computes on, with GPUs shared out among the processes that prepare."""

import multiprocessing
import re


def torch_device() -> str:
    """Returns `cpu`, or a GPU such as `cuda:1`: each process takes the next one."""
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    number = re.search(r"(\d+)$", multiprocessing.current_process().name)
    return f"cuda:{int(number[1]) % torch.cuda.device_count() if number else 0}"
