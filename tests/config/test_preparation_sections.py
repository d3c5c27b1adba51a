"""Options of preparation that make no sense are refused where they are written, by their name."""

import pytest

from llavataros_jax.config.file import config_from_dict
from llavataros_jax.errors import UserError


def config(option: str, value: object, **others: object) -> None:
    section, key = option.split(".")
    config_from_dict({section: {key: value, **others}})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("audio.mels", 0),
        ("audio.mels", -3),
        ("audio.sample_rate", 0),
        ("audio.sample_rate", -16000),
        ("audio.sample_rate", 999),
        ("text.size", 0),
        ("text.ngram_min", 0),
        ("text.ngram_max", 2),
        ("text.layer", -1),
        ("text.batch", 0),
        ("text.context_tokens", -16),
        ("text.context_tokens", 15),
        ("motion.fps", 0),
        ("motion.source_fps", 0.0),
        ("motion.source_fps", -60.0),
        ("motion.bvh_metres_per_unit", 0.0),
        ("motion.bvh_metres_per_unit", -0.01),
        ("motion.rigid_tolerance_metres", -1e-5),
        ("motion.scale_floor", 0.0),
        ("motion.scale_floor", -1.0),
        ("words.mfa_jobs", -1),
        ("words.language", ""),
        ("words.device", "gpu"),
        ("words.device", "cuda:"),
        ("words.mfa", " "),
        ("data.workers", -1),
        ("data.shard_megabytes", 0),
        ("data.holdout_fraction", 1.0),
        ("data.holdout_fraction", -0.1),
        ("data.folder", ""),
        ("data.records", " "),
        ("data.records", "gs:/bucket/records"),
        ("augmentation.copies", -1),
        ("augmentation.copies", 1001),
        ("augmentation.time_warp", 0.5),
        ("augmentation.time_warp", -0.1),
        ("augmentation.amplitude", 1.0),
        ("augmentation.gain_decibels", 1e9),
        ("augmentation.filter_decibels", 25.0),
        ("augmentation.noise_decibels", -1.0),
        ("augmentation.pitch_semitones", 7.0),
        ("augmentation.seed", -1),
        ("film.width", 0),
        ("film.height", -480),
    ],
)
def test_nonsense_is_refused_by_name(option: str, value: object) -> None:
    with pytest.raises(UserError) as refusal:
        config(option, value)
    assert str(refusal.value).startswith(f"config: {option} must")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("audio.mels", 1),
        ("audio.sample_rate", 1000),
        ("text.ngram_min", 5),
        ("text.ngram_max", 3),
        ("text.layer", 0),
        ("text.layer", None),
        ("text.context_tokens", 16),
        ("motion.source_fps", 23.976),
        ("motion.source_fps", None),
        ("motion.rigid_tolerance_metres", 0.0),
        ("words.mfa_jobs", 0),
        ("words.device", "cuda"),
        ("words.device", "cuda:1"),
        ("words.device", "mps"),
        ("augmentation.copies", 1000),
        ("augmentation.time_warp", 0.0),
        ("augmentation.noise_decibels", None),
        ("augmentation.noise_decibels", 0.0),
        ("data.workers", 0),
        ("data.holdout_fraction", 0.0),
        ("film.width", 1),
    ],
)
def test_the_edges_of_sense_are_allowed(option: str, value: object) -> None:
    config(option, value)


def test_ngrams_have_an_order() -> None:
    with pytest.raises(UserError, match=r"text\.ngram_max must be at least text\.ngram_min"):
        config("text.ngram_min", 6)
    config("text.ngram_min", 6, ngram_max=6)
