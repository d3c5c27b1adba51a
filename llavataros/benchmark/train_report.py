"""What the comparison with PyTorch found, as JSON and as a table, with the machine it ran on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from llavataros_jax.atomic import write_json, write_text

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "torch")
# Settings that change how long the same program takes.
_SETTINGS = ("XLA_FLAGS", "GLIBC_TUNABLES", "OMP_NUM_THREADS", "JAX_COMPILATION_CACHE_DIR")


def machine() -> dict[str, Any]:
    """Returns processor, devices, versions, settings and load."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "devices": [device.device_kind for device in jax.devices()],
        "system": platform.platform(),
        "versions": {"python": platform.python_version(), **_versions()},
        "settings": {name: os.environ[name] for name in _SETTINGS if name in os.environ},
        "load_before": load(),
    }


def load() -> list[float]:
    """Returns how many programs wanted to run over the last 1, 5 and 15 minutes."""
    return [round(number, 2) for number in os.getloadavg()] if hasattr(os, "getloadavg") else []


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    if file.is_file():
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def summary(seconds: list[float], frames: int) -> dict[str, Any]:
    """Returns the median, the extremes and the rate of a way whose step has so many frames."""
    median = float(np.median(seconds))
    return {
        "seconds": [round(second, 6) for second in seconds],
        "median_seconds": median,
        "spread": (max(seconds) - min(seconds)) / median,
        "frames_per_second": frames / median,
    }


def add_ratios(rows: list[dict[str, Any]]) -> None:
    """Adds how many times as fast as the others each row is, at the same type of products."""
    for name, side in (("pytorch", "PyTorch"), ("ancestor", "ancestor")):
        for row in rows:
            others = [
                other["median_seconds"]
                for other in rows
                if (other["side"], other["compute_dtype"]) == (side, row["compute_dtype"])
            ]
            if others:
                row[f"times_{name}"] = min(others) / row["median_seconds"]


def table(found: dict[str, Any]) -> str:
    """Returns the report in Markdown."""
    task = found["task"]
    lines = [
        f"# A training step beside PyTorch's, {task['size']} size",
        "",
        f"{task['parameters']:,} parameters, {task['lanes']} lanes of {task['frames']} frames, "
        f"memory of {task['memory_frames']}, dropout {task['dropout']:g}; forward, loss, backward "
        "and AdamW, memory carried, the same noise. PyTorch and the ancestor learn from the "
        "rotation's L1 alone. Ours with `rotation` learns from the same and measures the other "
        "terms; with `all terms` gradients pass through kinematics.",
        "",
        measured_on(found),
        "",
        *(f"{name}: {said}." for name, said in found["parity"].items()),
        *found["notes"],
        "",
        "| whose | way | seconds | spread | frames/s | of PyTorch's speed | of the ancestor's "
        "| of a product's FLOP/s | trace + compile |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        lines.append(
            f"| {row['side']} | {row['way']} | {row['median_seconds']:.4g} | {row['spread']:.0%} | "
            f"{row['frames_per_second']:,.0f} | {times(row.get('times_pytorch'))} | "
            f"{times(row.get('times_ancestor'))} | {_share(row.get('utilisation'))} | "
            f"{_compile(row)} |"
        )
    counts = found["flops"]
    rates = ", ".join(f"{name} {rate / 1e12:.3g}" for name, rate in found["product_rates"].items())
    lines += [
        "",
        f"A step multiplies {counts['products'] / 1e12:.3g} TFLOP in matrix products, counted in "
        f"the traced program; XLA counts {counts['xla'] / 1e12:.3g} in all it does. A large "
        f"product here reaches, in TFLOP/s: {rates}.",
    ]
    return "\n".join(lines) + "\n"


def measured_on(found: dict[str, Any]) -> str:
    """Returns on what machine, and how often, was measured what a report has found."""
    machine = found["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    settings = ", ".join(f"{name}={value}" for name, value in machine["settings"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores; {', '.join(machine['devices'])}; "
        f"{versions}; {settings or 'no settings'}; load {machine['load_before'][:1]} before and "
        f"{found['load_after'][:1]} after. Medians of {found['turns']} turns, taken one after the "
        "other; spread is from the fastest to the slowest as a share of the median."
    )


def times(ratio: float | None) -> str:
    """Returns how many times as fast, where that is known."""
    return "" if ratio is None else f"{ratio:.2f} ×"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _compile(row: dict[str, Any]) -> str:
    if "compile_seconds" not in row:
        return ""
    trace = f"{row['trace_seconds']:.1f} + " if "trace_seconds" in row else ""
    return f"{trace}{row['compile_seconds']:.1f} s"


def write(found: dict[str, Any], out: Path) -> None:
    """Writes `train.json` and `train.md` into `out`."""
    write_json(out / "train.json", found)
    write_text(out / "train.md", table(found))
