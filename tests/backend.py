"""How JAX runs under pytest and in the programs that tests start: quick to compile, on CPUs."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).parents[1]

# The tests compile thousands of tiny programs and run each for microseconds. XLA's emitters of
# fused loops make half of the time that compilation takes, and parts for many threads a tenth. XLA
# 0.11 no longer knows the first option, and ends the process that names it.
QUICK_FLAGS = "--xla_cpu_parallel_codegen_split_count=1"
if Version(version("jaxlib")) < Version("0.11"):
    QUICK_FLAGS += " --xla_cpu_use_fusion_emitters=false"

# What was compiled is kept for the next session, by the content of each program. Machine code is
# for one kind of machine, and a checkout may be seen by several.
CACHE = ROOT / ".pytest_cache" / "jax" / (platform.node() or "machine")
_CACHE_BYTES = 1 << 30


def set_up_jax() -> None:
    """Sets what this process and those that it starts inherit, then what is for this one alone."""
    defaults = {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count=8 {QUICK_FLAGS}",
        "JAX_COMPILATION_CACHE_DIR": str(CACHE),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)

    import jax  # reads the environment when it is imported

    jax.config.update("jax_disable_most_optimizations", True)
    jax.config.update("jax_default_matmul_precision", "float32")
    # What the numbers are is said, not left to broadcasting and promotion. Each place that leaves
    # it to a library says so itself (`jax.numpy_dtype_promotion`).
    jax.config.update("jax_numpy_rank_promotion", "raise")
    jax.config.update("jax_numpy_dtype_promotion", "strict")


def prune_cache() -> None:
    """Empties the cache when it is above a gigabyte: most of it is of code that has changed."""
    entries = list(CACHE.glob("*"))
    if sum(entry.stat().st_size for entry in entries) > _CACHE_BYTES:
        for entry in entries:
            entry.unlink(missing_ok=True)
