"""Where a new run begins: with the parameters of `training.start_from`, opened and described."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from llavataros_jax.config import Config
from llavataros_jax.data.manifest import load_manifest
from llavataros_jax.errors import UserError
from llavataros_jax.model import Params
from llavataros_jax.network import build_model
from llavataros_jax.storage.cache import run_folder
from llavataros_jax.training.checkpoint import load_params, trained_steps
from llavataros_jax.training.exported import is_exported, load_exported
from llavataros_jax.training.parameters import named_leaves
from llavataros_jax.training.remote_run import opened_run
from llavataros_jax.training.run import read_config
from llavataros_jax.training.sharding import local_copy
from llavataros_jax.training.state import TrainState
from llavataros_jax.training.transfer import Network, require_same_trunk, transferred


@dataclass(frozen=True)
class Start:
    """A network with whose parameters a run begins.

    Attributes:
        folder: The run that it is from, as it was named.
        checkpoint: Which checkpoint of it, such as `best/4000`.
        params: Its parameters, as NumPy arrays.
        network: What they are the parameters of.
    """

    folder: str
    checkpoint: str
    params: Params
    network: Network

    def record(self) -> dict[str, str]:
        """Returns what `versions.json` keeps of it; the hash covers names and float32 values."""
        digest = hashlib.blake2b(digest_size=16)
        for name, leaf in named_leaves(self.params):
            digest.update(name.encode() + b"\0" + np.asarray(leaf, "<f4").tobytes())
        return {
            "folder": self.folder,
            "checkpoint": self.checkpoint,
            "parameters_hash": digest.hexdigest(),
        }

    def applied(self, state: TrainState, now: Network) -> tuple[TrainState, list[str]]:
        """Returns the fresh state with these parameters, and sentences about what is reused."""
        transfer = transferred(
            jax.device_get(local_copy(state.params)), now, self.params, self.network
        )

        def placed(leaf: np.ndarray, drawn: jax.Array) -> jax.Array:
            # Steps give the memory of a state up, so that it may not be NumPy's.
            return jax.device_put(leaf, drawn.sharding, may_alias=False)

        state = state.replace(params=jax.tree.map(placed, transfer.params, state.params))
        if state.average is not None:
            state = state.replace(average=jax.tree.map(placed, transfer.params, state.average))
        return state, transfer.sentences(f"{self.folder} ({self.checkpoint})")


def start_of(config: Config) -> str | None:
    """Returns the folder that a run begins from: as asked for, or as it was when it was begun."""
    run = run_folder(config.training.run)
    if config.training.start_from is None and (run / "config.yaml").is_file():
        return read_config(run).training.start_from
    return config.training.start_from


def open_start(config: Config) -> Start | None:
    """Opens what a run begins from; None when it begins by itself or goes on from a checkpoint.

    Raises:
        UserError: When `training.start_from` is no run, this run, one of other sizes, or damaged.
    """
    folder = start_of(config)
    if folder is None or trained_steps(run_folder(config.training.run)):
        return None
    if Path(folder).resolve() == Path(config.training.run).resolve():
        raise UserError(
            f"training.start_from={folder} is training.run itself, which goes on from its own "
            "checkpoint; leave training.start_from out or choose another training.run"
        )
    place = opened_run(folder)
    for name in ("config.yaml", "manifest.json"):
        if not (place / name).is_file():
            raise UserError(
                f"training.start_from={folder} is no run: it has no {name}; name a folder that "
                "training or an export wrote, such as starter"
            )
    own = read_config(place)
    source = Network(own.model, load_manifest(place))
    require_same_trunk(config.model, source.model, start_from=folder)
    model = build_model(own, source.manifest)
    load = load_exported if is_exported(place) else load_params
    params, checkpoint = load(place, jax.eval_shape(model.init, jax.random.key(0)))
    for name, leaf in named_leaves(params):
        if not np.isfinite(leaf).all():
            raise UserError(
                f"training.start_from={folder} ({checkpoint}) has numbers in {name} that are not "
                "finite; choose another run to start from"
            )
    return Start(folder, checkpoint, params, source)


def blocks_to_keep(config: Config) -> tuple[int, str] | None:
    """Returns the cross blocks that a run has from the one it starts from, and that one's folder.

    None when it starts from none, or from what `open_start` will refuse.
    """
    folder, run = start_of(config), run_folder(config.training.run)
    if folder is None:
        return None
    # What the run has already outlives the folder that it began from.
    for place in (run, opened_run(folder)):
        if (place / "config.yaml").is_file():
            return read_config(place).model.cross_blocks, folder
    return None
