"""The run directory: what a run was made of, and whether it may go on."""

import json
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import yaml

from llavataros_jax.atomic import write_json, write_text
from llavataros_jax.config import Config
from llavataros_jax.config.file import config_from_dict, config_to_yaml
from llavataros_jax.data.identity import difference
from llavataros_jax.data.manifest import Manifest, load_manifest
from llavataros_jax.errors import UserError
from llavataros_jax.lock import HOLDER, LOCK
from llavataros_jax.storage.cache import run_folder
from llavataros_jax.training.exported import is_exported
from llavataros_jax.training.resumption import continued

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "llavataros-jax")


# A run directory that was killed as it was made holds these; config.yaml comes last.
_FIRST_FILES = ("manifest.json", "versions.json", LOCK, HOLDER)


def open_run(config: Config, manifest: Manifest) -> tuple[Config, list[str]]:
    """Creates the run directory, or checks that an existing one belongs to this config and data.

    Returns:
        The config to train with (see `resumption.continued`), and what the user should know.

    Raises:
        UserError: When the directory holds another run, naming what differs.
    """
    run = run_folder(config.training.run)
    require_run_folder(run)
    notes: list[str] = []
    if is_exported(run):
        raise UserError(
            f"training.run={run} is an exported run, which holds no state of training to go on "
            "from; choose another folder"
        )
    if (run / "config.yaml").exists():
        config, notes = continued(run, read_config(run), config)
        if differing := difference(load_manifest(run), manifest):
            raise UserError(
                f"run {run} was trained on other records than {config.data.records} holds now "
                f"({differing}); choose another training.run"
            )
    run.mkdir(parents=True, exist_ok=True)
    manifest.save(run)
    write_text(run / "config.yaml", config_to_yaml(config))
    return config, notes


def require_run_folder(run: Path) -> None:
    """Refuses what is neither a run directory, complete or begun, nor empty or absent.

    Raises:
        UserError: When something else is there.
    """
    if not run.exists() or (run / "config.yaml").exists():
        return
    if not run.is_dir() or any(not _is_first_file(path) for path in run.iterdir()):
        raise UserError(
            f"training.run={run} exists but is no run directory; choose another or remove it"
        )


def _is_first_file(path: Path) -> bool:
    return path.name in _FIRST_FILES or (path.name.startswith(".") and ".partial" in path.name)


def record_start(run: Path, step: int, start_from: dict[str, str] | None = None) -> None:
    """Adds what training starts with now to the run's `versions.json`, which keeps all starts.

    Args:
        run: The run directory.
        step: Steps done.
        start_from: What is known of another run whose parameters this one begins with.
    """
    path = run / "versions.json"
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    # Older runs hold the versions of their last start alone.
    starts = before.get("starts", [before] if before else []) if isinstance(before, dict) else []
    began = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    start = {"began": began, "step": step, **versions()}
    if start_from is not None:
        start["start_from"] = start_from
    write_json(path, {"starts": [*starts, start]})


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
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise UserError(f"{path} is damaged; restore the run directory") from problem
    if not isinstance(tree, dict):
        raise UserError(f"{path} is damaged: it holds no options; restore the run directory")
    if isinstance(tree.get("loss"), dict):
        tree["loss"].setdefault("drop_words", 0.0)  # older runs hid no words
    if isinstance(tree.get("training"), dict):
        tree["training"].setdefault("dealing", "epochs")  # the one way that there was
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
        call = ["git", "--no-optional-locks", "-C", str(here), *words]
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
