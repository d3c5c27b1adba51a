"""The folder on this machine for copies of what lies in buckets.

It grows as far as what was read of them; nothing is removed from it by itself, and all of it may be
removed at any time when no program of this project runs.
"""

import hashlib
import os
from pathlib import Path

from llavataros_jax.storage.place import Place, is_remote

VARIABLE = "LLAVATAROS_CACHE"


def cache_folder(*names: str) -> Path:
    """Returns a folder of the cache: in LLAVATAROS_CACHE, else where the user's caches are."""
    if given := os.environ.get(VARIABLE):
        return Path(given).expanduser().joinpath(*names)
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches, "llavataros", *names)


def run_folder(run: Place) -> Path:
    """Returns the folder in which a run is trained: the run itself, or where its copy is made.

    Each process of a training has its own, since those of one machine share the cache.
    """
    if not is_remote(run):
        return Path(run)
    import jax  # slow to import for what only names a folder

    folder, host = folder_for("runs", str(run)), jax.process_index()
    return folder.with_name(f"{folder.name}.host_{host}") if host else folder


def folder_for(kind: str, url: str) -> Path:
    """Returns the folder of the cache that belongs to a URL, such as `runs/voice-0a1b2c3d4e5f`."""
    plain = url.rstrip("/")
    digest = hashlib.blake2b(plain.encode(), digest_size=6).hexdigest()
    return cache_folder(kind, f"{plain.rpartition('/')[2]}-{digest}")
