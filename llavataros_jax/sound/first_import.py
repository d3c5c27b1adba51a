"""librosa, imported by one process at a time.

Numba compiles parts of librosa as they are first used and keeps the machine code beside librosa.
Two processes that do so at the same moment can leave an index that points at the other's code,
after which every process that uses it ends with a segmentation fault, until somebody deletes the
cache: seen when preparation began with two workers in a new environment.
"""

import functools
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np
from filelock import FileLock

from llavataros_jax.packages import require_packages


def lock_path() -> Path:
    """Returns the file by which the processes of this environment wait for each other."""
    place = hashlib.blake2b(sys.prefix.encode(), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"llavataros-librosa-{os.getuid()}-{place}.lock"


@functools.cache
def load_librosa() -> ModuleType:
    """Imports librosa, and compiles, or reads from its cache, what this project uses of it.

    Raises:
        UserError: When it is not installed.
    """
    require_packages("hearing speech", "librosa", extra="prep")
    with FileLock(lock_path()):
        import librosa

        noise = np.random.default_rng(0).standard_normal(4096).astype(np.float32)
        librosa.yin(noise, fmin=60, fmax=500, sr=16000, frame_length=1024, center=False)
        power = librosa.feature.melspectrogram(y=noise, sr=16000, n_mels=8)
        strength = librosa.onset.onset_strength(S=power, sr=16000)
        onsets = librosa.onset.onset_detect(onset_envelope=strength, sr=16000)
        librosa.onset.onset_backtrack(onsets, librosa.feature.rms(y=noise)[0])
    return librosa
