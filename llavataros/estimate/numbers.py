"""The numbers of an estimate, as plain data that JSON holds and the text shows."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from llavataros.estimate.memory import (
    batch_of,
    bytes_by_part,
    devices_of,
    memory_of,
    nbytes,
    parameters_by_part,
)
from llavataros.estimate.workload import Workload
from llavataros_jax.training.devices import ComputeType
from llavataros_jax.training.flops import Product, optimizer_flop, step_products

COMPUTE_TYPES: tuple[ComputeType, ...] = ("float32", "tf32", "bfloat16")


class Pace(NamedTuple):
    """What a device would have to reach.

    Attributes:
        name: Of the device and its type of products.
        flop_per_second: Its peak, or what was measured.
        float32_flop_per_second: The same of float32, in which some products stay.
        memory_bytes: Its memory; None where it is not known.
        bytes_per_second: Bandwidth of its memory; None likewise.
        is_configured: Whether the config asks for this type.
    """

    name: str
    flop_per_second: float
    float32_flop_per_second: float
    memory_bytes: float | None
    bytes_per_second: float | None
    is_configured: bool


def products_of(workload: Workload) -> tuple[Product, ...]:
    """Lists the matrix products of a step."""
    sampling = workload.model.sampling
    products = step_products(
        workload.config.model,
        workload.model.sizes,
        lanes=workload.config.training.lanes,
        segment_words=workload.segment_words,
        flow=None if sampling is None else sampling.flow,
        components=0 if sampling is None else sampling.basis.size,
    )
    segments = workload.config.training.accumulate_segments
    return tuple(_repeated(product, segments) for product in products)


def _repeated(product: Product, times: int) -> Product:
    return dataclasses.replace(
        product,
        times=times * product.times,
        forward_flop=times * product.forward_flop,
        backward_flop=times * product.backward_flop,
    )


def estimate(workload: Workload) -> dict[str, Any]:
    """Counts all that does not depend on a device."""
    config, products = workload.config, products_of(workload)
    parameters = parameters_by_part(workload.model)
    count = sum(parameters.values())
    update = optimizer_flop(
        count, clips=config.optimizer.clip_norm > 0, averages=config.optimizer.ema_decay > 0
    )
    forward = sum(p.forward_flop for p in products)
    step = sum(p.flop for p in products)
    frames, steps = workload.frames_per_step, config.training.steps
    needed = bytes_by_part(workload)
    return {
        "assumed": list(workload.assumed),
        "chosen": list(workload.said),
        "model": {name: getattr(config.model, name) for name in ("variant", "head")},
        "parameters": {"total": count, **parameters},
        "flop": {
            "parts": _parts(products),
            "products": [_row(p) for p in products],
            "forward_per_step": forward,
            "backward_per_step": step - forward,
            "optimizer_per_step": update,
            "float32_per_step": sum(p.flop for p in products if p.is_float32),
            "per_step": step + update,
            "forward_per_frame": forward / frames,
            "training_per_frame": step / frames,
            "run": (step + update) * steps,
        },
        "bytes": {
            **needed,
            # Parameters and moments are read and written, gradients are read.
            "update_traffic": 2 * (needed["parameters"] + needed["moments"]) + needed["gradients"],
        },
        "run": {
            "steps": steps,
            "lanes": config.training.lanes,
            "devices": devices_of(config),
            "segment_frames": config.model.segment_frames,
            "frames_per_step": frames,
            "frames": frames * steps,
            "fps": workload.fps,
            "hours_of_recordings": workload.hours,
            "epochs": _epochs(workload),
            "input_bytes_per_step": nbytes(
                batch_of(config, workload.model, workload.segment_words)
            ),
        },
    }


def on_devices(
    counted: Mapping[str, Any],
    paces: Sequence[Pace],
    *,
    utilisation: float,
    price_per_hour: float | None,
) -> list[dict[str, Any]]:
    """Divides the run by what devices do, of which `utilisation` is a share."""
    rows = []
    run = counted["run"]
    full = counted["flop"]["float32_per_step"]
    needed = memory_of(counted["bytes"])
    for pace in paces:
        narrow = (counted["flop"]["per_step"] - full) / pace.flop_per_second
        seconds = (narrow + full / pace.float32_flop_per_second) / utilisation
        hours = seconds * run["steps"] / 3600
        update = None
        if pace.bytes_per_second is not None:
            update = counted["bytes"]["update_traffic"] / pace.bytes_per_second
        rows.append(
            {
                "device": pace.name,
                "flop_per_second": pace.flop_per_second,
                "is_configured": pace.is_configured,
                "seconds_per_step": seconds,
                "least_seconds_of_update": update,
                "frames_per_second": run["frames_per_step"] / seconds,
                "input_bytes_per_second": run["input_bytes_per_step"] / seconds,
                "memory_share": None if not pace.memory_bytes else needed / pace.memory_bytes,
                "hours": hours,
                "cost": None if price_per_hour is None else hours * price_per_hour,
            }
        )
    return rows


def _parts(products: Sequence[Product]) -> dict[str, dict[str, int]]:
    parts: dict[str, dict[str, int]] = {}
    for product in products:
        part = parts.setdefault(product.part, {"forward": 0, "backward": 0})
        part["forward"] += product.forward_flop
        part["backward"] += product.backward_flop
    return parts


def _row(product: Product) -> dict[str, Any]:
    return {
        "part": product.part,
        "name": product.name,
        "einsum": product.equation,
        "gradients": list(product.gradients),
        "times": product.times,
        "forward": product.forward_flop,
        "backward": product.backward_flop,
    }


def _epochs(workload: Workload) -> float | None:
    if not workload.hours:
        return None
    seen = workload.frames_per_step * workload.config.training.steps
    return seen / math.ceil(workload.hours * 3600 * workload.fps)
