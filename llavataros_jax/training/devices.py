"""What accelerators can do at most, by their makers' data sheets.

Numbers are for dense matrices; data sheets of NVIDIA print those with structured sparsity, which
are twice as high.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ComputeType = Literal["float32", "tf32", "bfloat16"]


@dataclass(frozen=True)
class Device:
    """An accelerator.

    Attributes:
        name: What people call it.
        kinds: Names that JAX gives it, its `device_kind`; slower cards have others.
        flop_per_second: Peak of matrix products for each `model.compute_dtype`.
        memory_bytes: Memory.
        bytes_per_second: Bandwidth of the memory.
        source: Where the numbers are from.
        note: What a reader must know of them.
    """

    name: str
    kinds: tuple[str, ...]
    flop_per_second: dict[ComputeType, float]
    memory_bytes: float
    bytes_per_second: float
    source: str
    note: str = ""


_HOPPER: dict[ComputeType, float] = {"float32": 67e12, "tf32": 494.7e12, "bfloat16": 989.4e12}
DEVICES: dict[str, Device] = {
    "h100": Device(
        "H100 SXM 80 GB",
        ("NVIDIA H100 80GB HBM3",),
        _HOPPER,
        80e9,
        3.35e12,
        "NVIDIA H100 Tensor Core GPU data sheet (SXM)",
    ),
    "h200": Device(
        "H200 SXM 141 GB",
        ("NVIDIA H200",),
        _HOPPER,
        141e9,
        4.8e12,
        "NVIDIA H200 Tensor Core GPU data sheet (SXM)",
    ),
    "a100": Device(
        "A100 SXM 80 GB",
        ("NVIDIA A100-SXM4-80GB", "NVIDIA A100-SXM4-40GB"),
        {"float32": 19.5e12, "tf32": 156e12, "bfloat16": 312e12},
        80e9,
        2.039e12,
        "NVIDIA A100 Tensor Core GPU data sheet (80 GB SXM)",
    ),
    "v100": Device(
        "V100 SXM2 32 GB",
        ("Tesla V100-SXM2-32GB", "Tesla V100-SXM2-16GB"),
        {"float32": 15.7e12, "tf32": 15.7e12, "bfloat16": 15.7e12},
        32e9,
        0.9e12,
        "NVIDIA V100 Tensor Core GPU data sheet (SXM2)",
        "its 125 TFLOP/s are for float16 alone; TF32 and bfloat16 are computed as float32 there",
    ),
    "tpu-v5e": Device(
        "TPU v5e",
        ("TPU v5 lite", "TPU v5e"),
        {"float32": 197e12 / 6, "tf32": 197e12 / 3, "bfloat16": 197e12},
        16e9,
        0.819e12,
        "Google Cloud documentation, TPU v5e",
        "float32 is six bfloat16 passes there and tf32 three",
    ),
}


def find_device(kind: str) -> Device | None:
    """Returns the device that JAX calls `kind`, such as `NVIDIA H100 80GB HBM3`, if it is known."""
    return next((device for device in DEVICES.values() if kind in device.kinds), None)


def peak_flop_per_second(kinds: Sequence[str], compute_dtype: ComputeType) -> float | None:
    """Returns what devices reach at most together, or None where one of them is not known."""
    known = [find_device(kind) for kind in kinds]
    peaks = [device.flop_per_second[compute_dtype] for device in known if device is not None]
    return sum(peaks) if peaks and len(peaks) == len(kinds) else None
