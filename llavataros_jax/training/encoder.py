"""The frozen encoder that `loss.contrastive_encoder` names, opened for a run's records."""

import numpy as np

from llavataros_jax.alignment.file import open_alignment
from llavataros_jax.alignment.speech import SAMPLE_RATE
from llavataros_jax.config import Config
from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError
from llavataros_jax.sound.steps import PROSODY
from llavataros_jax.training.contrast import SpeechContrast
from llavataros_jax.training.encoder_inputs import STEPS_PER_FRAME

_LEAST_DEVIATION = 1e-2


def open_contrast(config: Config, manifest: Manifest) -> SpeechContrast:
    """Reads the encoder that `loss.contrastive_encoder` names and fits it to segments of records.

    Raises:
        UserError: When the file is no encoder of alignment or one that is not better than chance,
            when the records do not hold what it hears, or when there is nothing to compare.
    """
    path = config.loss.contrastive_encoder
    assert path, "config/loss.py asks for it"
    sound = manifest.feature_config.get("audio", {})
    kind, rate = sound.get("kind"), sound.get("sample_rate")
    if kind != "mel":
        raise UserError(
            f"loss.contrastive hears energy and pitch in the features of audio.kind=mel, but "
            f"these records hold {kind or 'unknown'} features; prepare them with audio.kind=mel"
        )
    if rate != SAMPLE_RATE:
        raise UserError(
            f"loss.contrastive needs features of sound at {SAMPLE_RATE} Hz, as its encoder was "
            f"trained on, but these records were prepared with audio.sample_rate={rate}; prepare "
            f"them with audio.sample_rate={SAMPLE_RATE}"
        )
    if config.parallel.mode == "pmap":
        raise UserError(
            "loss.contrastive compares all lanes with each other, which parallel.mode=pmap keeps "
            "apart; use parallel.mode=jit"
        )
    model = open_alignment(path)
    if not model.accuracy.excludes_chance:
        raise UserError(
            f"loss.contrastive_encoder={path} was not better than chance on motion that it never "
            f"saw ({model.accuracy.share} of {model.accuracy.comparisons} comparisons), so it has "
            "nothing to teach; fit one to more recordings (llavataros evaluate fit-alignment)"
        )
    statistics = [
        np.asarray(manifest.statistics[f"audio_{name}"], np.float32)[
            -len(PROSODY) * STEPS_PER_FRAME :
        ]
        .reshape(len(PROSODY), STEPS_PER_FRAME)
        .mean(axis=1)
        for name in ("mean", "std")
    ]
    ahead = config.model.lookahead_frames
    contrast = SpeechContrast(
        model,
        manifest.pose_codec(),
        manifest.fps,
        config.model.segment_frames - ahead,
        statistics[0],
        np.maximum(statistics[1], _LEAST_DEVIATION),
        ahead,
    )
    if contrast.frames < manifest.fps:
        raise UserError(
            f"loss.contrastive needs segments of at least a second, but model.segment_frames="
            f"{config.model.segment_frames} and model.lookahead_frames={ahead} leave "
            f"{contrast.frames} frames at {manifest.fps} a second; make segments longer"
        )
    if config.training.lanes == 1 and contrast.has_no_rival_within:
        raise UserError(
            "loss.contrastive compares the speech of lanes, and training.lanes=1 has no other; "
            "use at least 2"
        )
    return contrast
