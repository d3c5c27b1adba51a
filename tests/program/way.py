"""The commands of the README, run as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.backend import QUICK_FLAGS, ROOT

# What a step frees is needed by the next one: giving it back to the system and asking for it again
# takes a fifth of the time of training here.
KEEP_MEMORY = dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(1 << 30))
QUICK = {"XLA_FLAGS": QUICK_FLAGS, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
# What trains for minutes is compiled well, but not as well as possible, which takes half a minute.
FAST = {"XLA_FLAGS": "--xla_backend_optimization_level=1 --xla_cpu_parallel_codegen_split_count=1"}
CHILD = {"JAX_PLATFORMS": "cpu"} | KEEP_MEMORY
CORPUS = ROOT / "corpus"


def start(*arguments: str, fast: bool = False) -> subprocess.Popen:
    """Starts python with arguments in the project's folder, on one device.

    Compilation is quick unless what is compiled shall be fast.
    """
    flags = FAST if fast else QUICK
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | CHILD | flags,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def run(*arguments: str, code: int = 0, fast: bool = False) -> str:
    """Runs python to its end, requires an exit code, and returns what was printed."""
    process = start(*arguments, fast=fast)
    text, _ = process.communicate(timeout=300)
    assert process.returncode == code, text
    return text


def options(folder: Path) -> list[str]:
    """Returns the command line options that keep everything of a run in `folder`."""
    return [
        "--config", "configs/tiny.yaml", f"data.records={folder / 'records'}",
        f"training.run={folder / 'run'}", "data.workers=1",
    ]  # fmt: skip
