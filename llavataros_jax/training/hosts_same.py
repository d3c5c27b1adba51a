"""What all processes of a training must have alike, and what they take from the first."""

import dataclasses
import hashlib
import json
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from llavataros_jax.config import Config
from llavataros_jax.config.file import config_from_dict, config_to_dict
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError

# Options that may differ between hosts, each of which may have a place of its own for records.
_OF_ONE_HOST = (
    *("parallel.coordinator", "parallel.process_id", "parallel.join_seconds"),
    *("data.records", "data.folder", "data.workers"),
)


def require_same(config: Config, manifest: Manifest) -> None:
    """Refuses on all hosts when one of them has other options, or other records, than the first.

    Raises:
        UserError: Naming the first such host and what differs.
    """
    if jax.process_count() == 1:
        return
    values = {
        f"{section}.{name}": value
        for section, options in config_to_dict(config).items()
        for name, value in options.items()
        if f"{section}.{name}" not in _OF_ONE_HOST
    }
    values["what data.records holds"] = _contents(manifest)
    names = list(values)
    digests = np.stack([_digest(value) for value in values.values()])
    of_all = np.asarray(multihost_utils.process_allgather(digests))
    for host, theirs in enumerate(of_all):
        differing = [names[k] for k in np.flatnonzero((theirs != of_all[0]).any(-1))]
        if differing:
            raise UserError(
                f"host {host} would train something else than host 0, because they differ in "
                f"{', '.join(differing)}; give all hosts the same config, overrides and records"
            )


def leaders_config(config: Config) -> Config:
    """Returns the config of the process that opened the run, with this one's places and address."""
    if jax.process_count() == 1:
        return config
    own, leaders = config_to_dict(config), from_leader(config_to_dict(config))
    for option in _OF_ONE_HOST:
        section, name = option.split(".")
        leaders[section][name] = own[section][name]
    return config_from_dict(leaders, origin="host 0")


def leaders_basis(manifest: Manifest) -> Manifest:
    """Returns the manifest with the first process's components of poses, to the last bit.

    They are measured there alone, since another kind of processor rounds otherwise.
    """
    basis = from_leader(manifest.pose_basis)
    return manifest if basis is None else dataclasses.replace(manifest, pose_basis=basis)


def from_leader(value: Any) -> Any:
    """Returns what process 0 gives; it must be of numbers, texts, lists and dictionaries."""
    if jax.process_count() == 1:
        return value
    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    size = int(multihost_utils.broadcast_one_to_all(np.int32(len(text))))
    sent = text if jax.process_index() == 0 else np.zeros(size, np.uint8)
    return json.loads(np.asarray(multihost_utils.broadcast_one_to_all(sent)).tobytes())


def _contents(manifest: Manifest) -> Any:
    """Returns what records hold, wherever they lie and in whatever shards."""
    clips = [
        (clip.name, clip.split, clip.start_frame, clip.num_frames, clip.content_hash)
        for clip in manifest.clips
    ]
    told = (manifest.fps, manifest.features, manifest.speakers, manifest.codec)
    return clips, told, manifest.statistics


def _digest(value: Any) -> np.ndarray:
    return np.frombuffer(hashlib.blake2b(repr(value).encode(), digest_size=16).digest(), np.uint8)
