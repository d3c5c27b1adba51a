"""What XLA compiles is kept on disk, so that a second start of the same config compiles nothing.

JAX does it; here is where, how much, and when not. Its keys hold the program, its options, JAX's
version and the device. Code for a CPU also depends on that CPU's instructions, of which JAX 0.10
does not say whether they are in the key: each kind of machine has a folder of its own, so that a
home directory may be seen by several.
"""

import contextlib
import hashlib
import os
import platform
import stat
import sys
import warnings
from pathlib import Path
from typing import Any

import jax
from filelock import FileLock, Timeout

# The programs of a config are a few megabytes each; what was used longest ago goes first.
MOST_BYTES = 2 << 30
_FOLDER = "JAX_COMPILATION_CACHE_DIR"
_LOCK_SECONDS = 5
# JAX keeps by default what took a second, and a start has dozens of programs that take less.
_SETTINGS: dict[str, Any] = {
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
    "jax_compilation_cache_max_size": MOST_BYTES,
}


def keep_compiled() -> Path | None:
    """Lets JAX keep what it compiles, and find it again; to be called before it compiles anything.

    JAX's own variables win: JAX_COMPILATION_CACHE_DIR names another folder (none, when empty), and
    JAX_ENABLE_COMPILATION_CACHE=false keeps nothing. A folder that cannot be used is said, and is
    no failure. Of several processes that train together the first alone writes, and on GPUs the
    others would wait for its share of the tuning, which it no longer does (openxla/xla#22164): they
    keep nothing unless that variable names a folder that all of them see.

    Returns:
        The folder, if it is this user's own.
    """
    if not _told("jax_enable_compilation_cache"):
        return None
    if _FOLDER in os.environ or _told("jax_compilation_cache_dir") or jax.process_count() > 1:
        return None
    try:
        folder = own_folder()
        _prepare(folder)
    except (OSError, RuntimeError, NotImplementedError, Timeout) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        print(
            f"note: what is compiled is not kept for the next start ({reason}); {_FOLDER} names a "
            "folder for it",
            file=sys.stderr,
        )
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    for name, value in _SETTINGS.items():
        if name.upper() not in os.environ:
            jax.config.update(name, value)
    # A disk that gets full is no failure, and would be told again for every program.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry")
    return folder


def _told(option: str) -> Any:
    return getattr(jax.config, option)


def own_folder() -> Path:
    """Returns where this user's programs for this kind of machine lie, by the rules of XDG.

    Raises:
        RuntimeError: When there is no home directory.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    caches = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    return caches / "llavataros" / "programs" / _machine()


def _machine() -> str:
    """Returns a name for the processor: its architecture, and what it says of its abilities."""
    told = {platform.processor()}
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        told |= {line for line in lines if line.startswith(("flags", "Features", "model name"))}
    digest = hashlib.sha256("".join(sorted(told)).encode()).hexdigest()
    return f"{platform.machine() or 'machine'}-{digest[:12]}"


def _prepare(folder: Path) -> None:
    """Makes the folder, or looks at it: what lies there is run as it is.

    Raises:
        OSError: When it cannot be written to, or others may write to it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{folder} belongs to, or may be changed by, others")
    with FileLock(folder / ".lockfile", timeout=_LOCK_SECONDS):  # JAX's own
        # JAX writes when an entry was used after the entry itself: one without was cut off by a
        # kill or a full disk, and JAX 0.10 writes no more where there is one.
        for entry in folder.glob("*-cache"):
            if not entry.with_name(entry.name.removesuffix("-cache") + "-atime").exists():
                entry.unlink(missing_ok=True)
