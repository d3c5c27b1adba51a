"""Whether a run may go on with a config, and what of the config it began with stays."""

import dataclasses
from pathlib import Path
from typing import Any

from llavataros_jax.config import Config
from llavataros_jax.config.file import config_to_dict
from llavataros_jax.errors import UserError

# Options that do not change what the steps done so far have computed: those of this machine, its
# places and tools, and how often something is shown. That the data is the same is known by what
# the records contain, wherever they and the programs and weights that made them lie.
_MAY_CHANGE = (
    *("training.run", "training.steps", "training.patience", "training.steps_per_call"),
    "training.deterministic",
    "model.remat",
    *("training.log_every", "training.validate_every", "training.checkpoint_every"),
    *("training.sample_every", "training.sample_seconds"),
    *("flow.steps", "flow.temperature", "flow.guidance"),
    *("data.folder", "data.records", "data.words_folder", "data.source"),
    *("data.audio_glob", "data.motion_glob", "data.words_glob"),
    *("data.workers", "data.strict", "data.shard_megabytes", "data.resident"),
    *("audio.pase", "text.model", "text.batch", "loss.contrastive_encoder"),
)
_MAY_CHANGE_SECTIONS = ("parallel", "film", "words")
# How words fall on frames is part of what the model learned.
_STAYS = ("words.frame_rule",)
# Weights whose content cannot be compared here; they compute the features of new recordings, or
# a term of the loss.
_WEIGHTS = ("audio.pase", "text.model", "loss.contrastive_encoder")
_SHOWN = 5


def continued(run: Path, before: Config, now: Config) -> tuple[Config, list[str]]:
    """Returns the config with which a run goes on: `now`, with what stays as it began.

    That are the learning rate's schedule and the way in which clips are dealt to lanes. What it
    started from is needed no more, so that it may be left out; it stays on record.

    Args:
        run: The run directory, for messages.
        before: The config that it was last trained with.
        now: The config that it shall go on with.

    Returns:
        The config, and sentences about what differs.

    Raises:
        UserError: When an option differs that belongs to what the steps so far have computed.
    """
    now = _with_start(now, before.training.start_from)
    now, dealt = with_dealing(now, before)
    old, new = _flatten(config_to_dict(before)), _flatten(config_to_dict(now))
    length = before.schedule_steps
    old["optimizer.decay_steps"] = length
    new["optimizer.decay_steps"] = now.optimizer.decay_steps or length
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    if differing := [
        f"{key} was {old.get(key)!r} and is now {new.get(key)!r}"
        for key in changed
        if not _may_change(key)
    ]:
        more = " …" if len(differing) > _SHOWN else ""
        raise UserError(
            f"run {run} belongs to another config: {'; '.join(differing[:_SHOWN])}{more}; "
            "choose another training.run or remove that folder"
        )
    notes = [
        f"{key} is now {new[key]!r}, which must hold the weights of {old[key]!r}"
        for key in _WEIGHTS
        if key in changed
    ]
    notes += dealt
    modes = before.parallel.mode, now.parallel.mode
    if modes[0] != modes[1]:
        notes.append(
            f"parallel.mode was {modes[0]} and is now {modes[1]}, which draws other random bits, "
            "such as those of dropout, from here on"
        )
    steps = now.training.steps
    now = with_schedule(now, length)
    if steps != length and now.optimizer.final_fraction != 1:
        rest = (
            "it stays at its final value from there on"
            if steps > length
            else "it does not come to its final value"
        )
        notes.append(
            f"training.steps={steps}, but the learning rate keeps the schedule of {length} steps "
            f"with which this run began: {rest}"
        )
    return now, notes


def with_schedule(config: Config, steps: int) -> Config:
    """Returns the config with the learning rate's schedule made for `steps`."""
    decay = 0 if steps == config.training.steps else steps
    return dataclasses.replace(
        config, optimizer=dataclasses.replace(config.optimizer, decay_steps=decay)
    )


def with_dealing(config: Config, before: Config) -> tuple[Config, list[str]]:
    """Returns the config with the dealing that a run began with, and a sentence if it is another.

    Steps done so far have read by its plan, and the next ones read on where those ended.
    """
    asked, began = config.training.dealing, before.training.dealing
    if asked == began:
        return config, []
    training = dataclasses.replace(config.training, dealing=began)
    return dataclasses.replace(config, training=training), [
        f"training.dealing={began}, with which this run began, instead of {asked}"
    ]


def _with_start(config: Config, began: str | None) -> Config:
    """Returns the config with the start that is on record, unless it asks for another."""
    asked = config.training.start_from
    if asked is not None and (began is None or Path(asked).resolve() != Path(began).resolve()):
        return config
    return dataclasses.replace(
        config, training=dataclasses.replace(config.training, start_from=began)
    )


def _may_change(key: str) -> bool:
    return key not in _STAYS and (key in _MAY_CHANGE or key.split(".")[0] in _MAY_CHANGE_SECTIONS)


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
