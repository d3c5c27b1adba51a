"""Numbers that make no sense are refused where they are written, by their option's name."""

import pytest

from llavataros_jax.config import (
    Config,
    FilmConfig,
    FlowConfig,
    LossConfig,
    OptimizerConfig,
    ParallelConfig,
    TrainingConfig,
)
from llavataros_jax.config.file import config_from_dict
from llavataros_jax.errors import UserError

SECTIONS = {
    "loss": LossConfig,
    "optimizer": OptimizerConfig,
    "parallel": ParallelConfig,
    "training": TrainingConfig,
}
TERMS = (
    *("rotation", "position", "root_position", "velocity", "root_velocity"),
    *("acceleration", "kinetic"),
)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("parallel.devices", -1),
        ("optimizer.learning_rate", 0.0),
        ("optimizer.learning_rate", -1e-4),
        ("optimizer.warmup_steps", -1),
        ("optimizer.decay_steps", -1),
        ("optimizer.final_fraction", -0.1),
        ("optimizer.final_fraction", 1.5),
        ("optimizer.beta1", 1.0),
        ("optimizer.beta1", -0.1),
        ("optimizer.beta2", 1.0),
        ("optimizer.beta2", -0.1),
        ("optimizer.epsilon", 0.0),
        ("optimizer.weight_decay", -0.01),
        ("optimizer.clip_norm", -1.0),
        *((f"loss.{term}", -0.5) for term in TERMS),
        ("loss.drop_interlocutor", -0.1),
        ("loss.drop_interlocutor", 1.1),
        ("loss.drop_words", -0.1),
        ("loss.drop_words", 1.1),
        ("training.run", ""),
        ("training.steps", -1),
        ("training.lanes", 0),
        ("training.accumulate_segments", 0),
        ("training.seed", -1),
        ("training.piece_segments", -1),
        ("training.log_every", 0),
        ("training.validate_every", -1),
        ("training.checkpoint_every", 0),
        ("training.sample_every", -1),
        ("training.sample_seconds", 0.0),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(option, value):
    section, key = option.split(".")
    with pytest.raises(UserError, match=rf"^a\.yaml: {section}\.{key} must .*{key}="):
        config_from_dict({section: {key: value}}, origin="a.yaml")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("parallel.devices", 0),
        ("optimizer.warmup_steps", 0),
        ("optimizer.final_fraction", 0.0),
        ("optimizer.final_fraction", 1.0),
        ("optimizer.beta1", 0.0),
        ("optimizer.weight_decay", 0.0),
        ("optimizer.clip_norm", 0.0),
        ("loss.velocity", 0.0),
        ("loss.drop_interlocutor", 0.0),
        ("loss.drop_interlocutor", 1.0),
        ("training.steps", 0),
        ("training.seed", 0),
        ("training.validate_every", 0),
        ("training.sample_every", 0),
    ],
)
def test_the_ends_of_what_makes_sense_are_taken(option, value):
    section, key = option.split(".")
    assert getattr(SECTIONS[section](**{key: value}), key) == value


def test_a_loss_of_nothing_is_refused():
    with pytest.raises(UserError, match="every weight of the loss is 0"):
        config_from_dict({"loss": dict.fromkeys(TERMS, 0.0)})


def test_the_warm_up_fits_into_the_schedule():
    with pytest.raises(UserError, match=r"warmup_steps=9 exceeds training\.steps=8"):
        Config(optimizer=OptimizerConfig(warmup_steps=9), training=TrainingConfig(steps=8))
    with pytest.raises(UserError, match=r"warmup_steps=9 exceeds optimizer\.decay_steps=8"):
        Config(optimizer=OptimizerConfig(warmup_steps=9, decay_steps=8))
    # Steps that are still to be chosen leave room for it.
    Config(optimizer=OptimizerConfig(warmup_steps=9), training=TrainingConfig(steps=0))


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        (lambda: FilmConfig(idle=3.0), "film.idle must be from 0 to 1 (got idle=3.0)"),
        (lambda: FlowConfig(steps=0), "flow.steps is 0, but must be from 1 to 100"),
    ],
)
def test_a_refusal_tells_the_value_of_what_it_names_once(section, sentence: str) -> None:
    with pytest.raises(UserError) as refusal:
        section()
    assert str(refusal.value) == sentence
