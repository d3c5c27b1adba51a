"""The run directory: what a run was made of, and whether it may go on."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import yaml

from llavataros_jax.atomic import write_json, write_text
from llavataros_jax.config import Config
from llavataros_jax.config.file import config_from_dict, config_to_dict, config_to_yaml
from llavataros_jax.data.manifest import Manifest, load_manifest
from llavataros_jax.errors import UserError

# Options that do not change what the steps done so far have computed.
_MAY_CHANGE = (
    "training.run",
    "training.steps",
    "training.log_every",
    "training.validate_every",
    "training.checkpoint_every",
    "training.sample_every",
    "training.sample_seconds",
    "data.folder",
    "data.records",
    "data.words_folder",
    "data.workers",
    "data.strict",
    "data.shard_megabytes",
)
_MAY_CHANGE_SECTIONS = ("parallel", "film", "words")
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "llavataros-jax")


def open_run(config: Config, manifest: Manifest) -> Path:
    """Creates the run directory, or checks that an existing one belongs to this config and data.

    Raises:
        UserError: When the directory holds another run, naming what differs.
    """
    run = Path(config.training.run)
    known = run / "config.yaml"
    if known.exists():
        before, now = _flatten(config_to_dict(read_config(run))), _flatten(config_to_dict(config))
        differing = [
            f"{key} was {before.get(key)!r} and is now {now.get(key)!r}"
            for key in sorted(before.keys() | now.keys())
            if before.get(key) != now.get(key)
            and key not in _MAY_CHANGE
            and key.split(".")[0] not in _MAY_CHANGE_SECTIONS
        ]
        if differing:
            raise UserError(
                f"run {run} belongs to another config: {'; '.join(differing[:5])}"
                f"{' …' if len(differing) > 5 else ''}; "
                "choose another training.run or remove that folder"
            )
        if load_manifest(run).content_hash != manifest.content_hash:
            raise UserError(
                f"run {run} was trained on other records than {config.data.records} holds now; "
                "choose another training.run"
            )
    elif run.exists() and (not run.is_dir() or any(run.iterdir())):
        raise UserError(
            f"training.run={run} exists but is no run directory; choose another or remove it"
        )
    run.mkdir(parents=True, exist_ok=True)
    manifest.save(run)
    write_json(run / "versions.json", versions())
    write_text(known, config_to_yaml(config))
    return run


def read_config(run: Path | str) -> Config:
    """Returns the config that a run was trained with.

    Raises:
        UserError: When `run` is not a run directory.
    """
    path = Path(run) / "config.yaml"
    if not path.is_file():
        raise UserError(
            f"{run} is no run directory: it has no config.yaml; give the folder that "
            "python -m llavataros_jax.train wrote (training.run)"
        )
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as problem:
        raise UserError(f"{path} is damaged; restore the run directory") from problem
    return config_from_dict(tree, origin=str(path))


def versions() -> dict[str, Any]:
    """Returns the versions, devices and commit that made a run."""
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "devices": [f"{d.platform}: {d.device_kind}" for d in jax.devices()],
        "commit": commit(),
    }


def commit() -> str:
    """Returns the project's git commit, `+` marking local changes, or `unknown` outside git."""
    here = Path(__file__).parents[2]
    if not (here / ".git").exists():
        return "unknown"

    def git(*words: str) -> str:
        call = ["git", "-C", str(here), *words]
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except ModuleNotFoundError:
        return "not installed"


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
