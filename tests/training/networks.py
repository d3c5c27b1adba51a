"""A network of toy records that was drawn at random throughout, so that every array matters."""

import dataclasses
from pathlib import Path

import jax
import numpy as np

from llavataros_jax.config import Config
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.model import Params
from llavataros_jax.network import build_model
from llavataros_jax.training.parameters import named_leaves
from tests.training.records import WORD, toy_config, write_records

SOUND = {"kind": "mel", "sample_rate": 16000, "mels": 40}
WORDS = {"kind": "hashed", "size": WORD, "ngram_min": 3, "ngram_max": 5}
MODEL = {"word_bit": True, "dropout": 0.0, "self_blocks": 1, "cross_blocks": 0}


def toy_network(folder: Path) -> tuple[Path, Config, Manifest, Params]:
    """Writes records to `folder` and returns it, a config, the manifest and parameters."""
    manifest = write_records(folder / "records")
    kinds = {"audio": SOUND, "text": WORDS}
    manifest = dataclasses.replace(manifest, feature_config=kinds)
    manifest.save(folder / "records")
    config = toy_config(folder / "records", folder / "run", model=MODEL)
    return folder, config, manifest, random_params(config, manifest, 0)


def random_params(config: Config, manifest: Manifest, seed: int) -> Params:
    """Returns parameters of the network for records."""
    draw = np.random.default_rng(seed)
    abstract = jax.eval_shape(build_model(config, manifest).init, jax.random.key(0))
    return jax.tree.map(lambda x: draw.normal(0, 0.3, x.shape).astype(np.float32), abstract)


def flat(params: Params) -> dict[str, np.ndarray]:
    """Returns the arrays by name."""
    return dict(named_leaves(params))
