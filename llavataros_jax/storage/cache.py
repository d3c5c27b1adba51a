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
    """Returns the folder in which a run is trained: the run itself, or where its copy is made."""
    return folder_for("runs", str(run)) if is_remote(run) else Path(run)


def folder_for(kind: str, url: str) -> Path:
    """Returns the folder of the cache that belongs to a URL, such as `runs/voice-0a1b2c3d4e5f`."""
    plain = url.rstrip("/")
    digest = hashlib.blake2b(plain.encode(), digest_size=6).hexdigest()
    return cache_folder(kind, f"{plain.rpartition('/')[2]}-{digest}")
