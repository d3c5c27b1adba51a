"""The network for a folder of records: where model and data meet."""

import dataclasses

import numpy as np

from llavataros_jax.config import Config
from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.manifest import FILE_NAME, Manifest, load_manifest
from llavataros_jax.errors import UserError
from llavataros_jax.model import FeatureStatistics, GestureModel, Sizes, build
from llavataros_jax.motion.pose_basis import PoseBasis
from llavataros_jax.storage.cache import run_folder


def build_model(config: Config, manifest: Manifest) -> GestureModel:
    """Builds the network for the records that `manifest` describes.

    Raises:
        UserError: When `model.head=flow` and the manifest knows no components of poses.
    """
    statistics = FeatureStatistics(
        **{name: np.asarray(values, np.float32) for name, values in manifest.statistics.items()}
    )
    sizes = Sizes(
        audio=manifest.feature_size("audio"),
        text=manifest.feature_size("words"),
        pose=manifest.feature_size("pose"),
        speakers=len(manifest.speakers),
    )
    if config.model.head != "flow":
        return build(config.model, sizes, statistics)
    if manifest.pose_basis is None:
        raise UserError(
            "model.head=flow needs the components of poses, which manifest.json of this run lacks; "
            "copy the whole run again"
        )
    basis = PoseBasis.from_dict(manifest.pose_basis)
    return build(config.model, sizes, statistics, flow=config.flow, basis=basis)


def with_pose_basis(config: Config, manifest: Manifest) -> Manifest:
    """Returns the manifest with what a sampled head needs to know of the training motion.

    A run that was begun keeps the components that it has, to the last bit.

    Args:
        config: All options; `data.records` and `training.run` are read.
        manifest: Of the records.

    Raises:
        UserError: When nothing moves in the training clips.
    """
    if config.model.head != "flow" or manifest.pose_basis is not None:
        return manifest
    run = run_folder(config.training.run)
    if (run / FILE_NAME).is_file() and (known := load_manifest(run).pose_basis):
        return dataclasses.replace(manifest, pose_basis=known)
    clips = ClipReader(config.data.records, "train", recorded_only=True)
    codec = manifest.pose_codec()
    basis = PoseBasis.measure(
        (np.asarray(codec.normalise(np.asarray(clips[n]["pose"]))) for n in range(len(clips))),
        kept_variance=config.flow.kept_variance,
    )
    return dataclasses.replace(manifest, pose_basis=basis.to_dict())
