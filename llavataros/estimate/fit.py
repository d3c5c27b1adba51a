"""Whether a run fits into the memory of a device, and which option would make it fit."""

from collections.abc import Iterator

from llavataros.estimate.memory import KEPT, bytes_by_part, memory_of
from llavataros.estimate.workload import Workload, of_config
from llavataros_jax.config import Config
from llavataros_jax.config.file import with_overrides
from llavataros_jax.errors import UserError

# What JAX takes of a GPU's memory unless XLA_PYTHON_CLIENT_MEM_FRACTION says otherwise, and how
# much more than is kept XLA was seen to take while it works (on CPUs: none to 29 %).
TAKEN, WORKING = 0.75, 0.3
# Least first: what changes nothing but time or the last digits, then what takes more devices.
OPTIONS = (
    ("model.compute_dtype=bfloat16",),
    ("model.compute_dtype=bfloat16", "model.activation_dtype=bfloat16"),
    ("optimizer.first_moment_dtype=bfloat16",),
    ("model.remat=products",),
    ("model.remat=blocks",),
)
_SHARES = (2, 4, 8, 16)


def lines_of_fit(workload: Workload, device: str, memory_bytes: float) -> Iterator[str]:
    """Yields sentences: whether it fits, by how much, and what else would.

    Args:
        workload: With the options as they are.
        device: Its name.
        memory_bytes: Its memory.
    """
    parts = bytes_by_part(workload)
    needed = memory_of(parts)
    difference = memory_bytes - needed
    if difference >= 0:
        yield f"It fits on {device}: {_gb(needed)} of {_gb(memory_bytes)}, {_gb(difference)} left."
        kept = sum(size for part, size in parts.items() if part.startswith(KEPT))
        if needed + WORKING * kept > TAKEN * memory_bytes:
            yield (
                f"That is close: XLA may need {WORKING:.0%} more than what is kept while it works, "
                f"and JAX takes {TAKEN:.0%} of a GPU unless XLA_PYTHON_CLIENT_MEM_FRACTION says "
                "otherwise."
            )
        return
    yield (
        f"It does not fit on {device}: {_gb(needed)} of {_gb(memory_bytes)}, {_gb(-difference)} "
        "too much."
    )
    ways = list(_ways(workload, memory_bytes))
    if ways:
        told = ", or with ".join(f"{' '.join(options)} ({_gb(size)})" for options, size in ways)
        yield f"It would with {told} on each device."
    else:
        yield "No option alone makes it fit: lower training.lanes or take a smaller network."


def _ways(workload: Workload, memory_bytes: float) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yields the first of each kind of option that makes it fit, and the memory of each device."""
    config = workload.config
    for kind in (OPTIONS, tuple(_fewer_lanes(config)), tuple(_shared(config))):
        for options in kind:
            changed = _changed(workload, options)
            if changed is not None:
                needed = memory_of(bytes_by_part(changed))
                if needed <= memory_bytes:
                    yield options, needed
                    break


def _fewer_lanes(config: Config) -> Iterator[tuple[str, ...]]:
    """Yields as many frames a step in parts, one after another."""
    lanes, before = config.training.lanes, config.training.accumulate_segments
    for parts in _SHARES:
        if lanes % parts == 0:
            segments = f"training.accumulate_segments={parts * before}"
            yield f"training.lanes={lanes // parts}", segments


def _shared(config: Config) -> Iterator[tuple[str, ...]]:
    for devices in _SHARES:
        if devices > config.parallel.fsdp:
            yield (f"parallel.fsdp={devices}",)


def _changed(workload: Workload, options: tuple[str, ...]) -> Workload | None:
    """Returns the workload with other options; None where they change nothing or do not go."""
    try:
        config = with_overrides(workload.config, list(options))
    except UserError:
        return None
    if config == workload.config:
        return None
    return of_config(workload, config)


def _gb(size: float) -> str:
    return f"{size / 1e9:.3g} GB"
