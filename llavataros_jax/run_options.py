"""Options that may be changed on a trained run: this machine's tools, places and films.

Everything else is part of what the run computes and stays as it was trained.
"""

import dataclasses
from collections.abc import Sequence

from llavataros_jax.config import Config
from llavataros_jax.config.file import config_to_dict, with_overrides
from llavataros_jax.errors import UserError
from llavataros_jax.trained import TrainedRun

SECTIONS = ("film", "words")
OPTIONS = (
    *("audio.pase", "text.model", "text.batch"),
    *("data.folder", "data.records", "data.words_folder", "data.workers"),
)
# How the model reads words on frames is part of what it learned.
_FIXED = ("words.frame_rule",)


def with_run_options(run: TrainedRun, overrides: Sequence[str]) -> TrainedRun:
    """Returns the run with some of its options changed.

    Raises:
        UserError: When an option is unknown or belongs to what the run computes.
    """
    if not overrides:
        return run
    config = with_overrides(run.config, overrides)
    for key in changed_options(run.config, config):
        if key in _FIXED or (key not in OPTIONS and key.split(".")[0] not in SECTIONS):
            raise UserError(
                f"{key} is part of what the run computes and cannot be changed after training; "
                f"what can: {', '.join((*(f'{section}.…' for section in SECTIONS), *OPTIONS))}"
            )
    return dataclasses.replace(run, config=config)


def changed_options(before: Config, after: Config) -> list[str]:
    """Lists the options, as `section.key`, that differ."""
    old, new = config_to_dict(before), config_to_dict(after)
    return [
        f"{section}.{key}"
        for section, options in new.items()
        for key, value in options.items()
        if old[section][key] != value
    ]
