"""A run directory made of an imported network, a scaler's numbers and a BVH header."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from llavataros_jax.ancestor.weights import AncestorNetwork
from llavataros_jax.atomic import atomic_folder, write_json, write_text
from llavataros_jax.config import (
    AudioConfig,
    Config,
    FilmConfig,
    LossConfig,
    MotionConfig,
    TextConfig,
    TrainingConfig,
    WordsConfig,
)
from llavataros_jax.config.file import config_to_dict, config_to_yaml
from llavataros_jax.data.features import clip_features
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError
from llavataros_jax.motion.bvh_hierarchy import parse_hierarchy
from llavataros_jax.motion.bvh_text import as_bytes_of_ascii, decode_names
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.training.checkpoint import Checkpoints
from llavataros_jax.training.run import versions
from llavataros_jax.weights.npz import read_npz

ScalerKind = Literal["standard", "minmax"]

METRES_PER_UNIT = 0.01
SCALER_ONE_LINER = (
    "python -c \"import pickle, numpy; s = vars(pickle.load(open('genea23_scaler.pkl', 'rb'))); "
    "numpy.savez('scaler.npz', **{k: s[k] for k in ('mean_', 'scale_', 'min_') if k in s})\""
)

# Its weights, and that only the rotation term reaches the network (spec section 4).
PUBLISHED_LOSS = LossConfig(
    rotation=1.0,
    position=0.01,
    root_position=0.01,
    velocity=0.5,
    root_velocity=0.5,
    acceleration=0.5,
    kinetic=0.2,
    geometric_gradient=False,
    drop_interlocutor=0.0,
    drop_words=0.0,
)


def read_codec(
    skeleton_path: Path | str, scaler_path: Path | str, network: AncestorNetwork
) -> tuple[PoseCodec, ScalerKind]:
    """Joins a BVH header (centimetres) and the scaler's numbers; lengths become metres.

    Returns:
        The codec, and which kind of scaler it was.

    Raises:
        UserError: When they do not fit the network's pose.
    """
    path = Path(skeleton_path)
    if not path.is_file():
        raise UserError(f"skeleton {path} does not exist; give the ancestor's genea_header.bvh")
    text = decode_names(as_bytes_of_ascii(path.read_bytes()))
    try:
        file = parse_hierarchy(text.split("MOTION")[0]).skeleton
    except UserError as refusal:
        raise UserError(f"{path}: {refusal}") from refusal
    size = 3 + 6 * file.num_joints
    if size != network.sizes.pose:
        raise UserError(
            f"{path} has {file.num_joints} joints, which make a pose of {size} numbers, but the "
            f"checkpoint predicts {network.sizes.pose}; give the header of its own skeleton"
        )
    skeleton = Skeleton(
        file.names,
        file.parents,
        file.offsets * METRES_PER_UNIT,
        end_sites={j: [tip * METRES_PER_UNIT for tip in t] for j, t in file.end_sites.items()},
    )
    mean, scale, kind = read_scaler(scaler_path, size)
    units = np.where(np.arange(size) < 3, METRES_PER_UNIT, 1.0)
    codec = PoseCodec(
        skeleton=skeleton,
        flexible_joints=(),
        rest_offsets=np.tile(skeleton.offsets, (network.sizes.speakers, 1, 1)),
        mean=(mean * units).astype(np.float32),
        std=(scale * units).astype(np.float32),
        constant=np.zeros(size, bool),
    )
    return codec, kind


def read_scaler(path: Path | str, size: int) -> tuple[np.ndarray, np.ndarray, ScalerKind]:
    """Returns mean, scale (pose = mean + scale * prediction) and the kind of scaler.

    The file has the arrays of scikit-learn's `MinMaxScaler` (`scale_`, `min_`) or `StandardScaler`
    (`mean_`, `scale_`), as `.npz` or as lists in JSON.

    Raises:
        UserError: When the file is neither or does not have `size` numbers.
    """
    path = Path(path)
    if path.suffix == ".json":
        values = _read_json(path)
    elif path.suffix == ".npz":
        values = read_npz(path, kind="scaler")
    else:
        raise UserError(
            f"scaler {path} is neither .npz nor .json; pickles are not read here, turn it into "
            f"numbers once: {SCALER_ONE_LINER}"
        )
    offset = "min_" if "min_" in values else "mean_"
    first, scale = (_numbers(values, name, size=size, path=path) for name in (offset, "scale_"))
    if not (np.isfinite(first).all() and np.isfinite(scale).all() and (scale > 0).all()):
        raise UserError(f"scaler {path} must have finite numbers and positive scales")
    # MinMaxScaler multiplies by its scale_ and StandardScaler divides by it.
    if offset == "min_":
        return -first / scale, 1 / scale, "minmax"
    return first, scale, "standard"


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"scaler {path} does not exist; check the path")
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as problem:
        raise UserError(f"scaler {path} cannot be read as JSON ({problem})") from problem
    if not isinstance(tree, dict):
        raise UserError(f"scaler {path} holds no names, but a {type(tree).__name__}")
    return tree


def _numbers(values: Mapping[str, Any], name: str, *, size: int, path: Path) -> np.ndarray:
    """Returns one of the scaler's arrays in float64."""
    if name not in values:
        raise UserError(
            f"scaler {path} needs {name} of {size} numbers; it has {', '.join(values) or 'nothing'}"
        )
    try:
        array = np.asarray(values[name], np.float64)
    except (TypeError, ValueError) as problem:
        raise UserError(
            f"scaler {path} needs {name} of {size} numbers, but they are no numbers ({problem})"
        ) from problem
    if array.shape != (size,):
        raise UserError(f"scaler {path} needs {name} of {size} numbers, not {array.shape}")
    return array


def write_run(
    folder: Path,
    network: AncestorNetwork,
    codec: PoseCodec,
    *,
    scaler: ScalerKind,
    pase: str | None = None,
) -> None:
    """Writes the run directory that `llavataros animate` opens, whole or not at all.

    Args:
        folder: New or empty.
        network: The imported network.
        codec: Its pose.
        scaler: Kind of its scaler.
        pase: Checkpoint of PASE+, when the user has it.

    Raises:
        UserError: When the folder has something in it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"--out {folder} exists already; choose another or remove it")
    sizes = network.sizes
    config = Config(
        audio=AudioConfig(kind="pase", pase=pase, pase_mode="isolated") if pase else AudioConfig(),
        text=TextConfig(kind="hashed", size=sizes.text),
        words=WordsConfig(frame_rule="pointer"),
        motion=MotionConfig(bvh_metres_per_unit=METRES_PER_UNIT, scaler=scaler),
        model=network.config,
        loss=PUBLISHED_LOSS,
        training=TrainingConfig(run=str(folder)),
        film=FilmConfig(smooth=False),
    )
    tree = config_to_dict(config)
    manifest = Manifest(
        name="uea_dh_genea23",
        fps=config.motion.fps,
        features=clip_features(pose_size=sizes.pose, audio_size=sizes.audio, word_size=sizes.text),
        codec=codec.to_dict(),
        speakers=tuple(str(number + 1) for number in range(sizes.speakers)),
        statistics={
            **{f"audio_{name}": [float(name == "std")] * sizes.audio for name in ("mean", "std")},
            **{f"words_{name}": [float(name == "std")] * sizes.text for name in ("mean", "std")},
        },
        feature_config={
            "audio": {"kind": "pase", "pase_mode": "isolated"},
            "text": {"kind": "fasttext", "size": sizes.text},
            "words": tree["words"],
        },
        clips=(),
    )
    with atomic_folder(folder) as partial:
        with Checkpoints(partial) as checkpoints:
            checkpoints.save_best(0, network.params, 0.0)
        manifest.save(partial)
        write_json(partial / "versions.json", versions())
        write_text(partial / "config.yaml", config_to_yaml(config))
