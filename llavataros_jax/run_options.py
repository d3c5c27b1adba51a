"""Options that may be changed on a trained run: this machine's tools, places and films.

Everything else is part of what the run computes and stays as it was trained.
"""

import dataclasses
from collections.abc import Sequence

from llavataros_jax.config import Config
from llavataros_jax.config.file import config_to_dict, with_overrides
from llavataros_jax.errors import UserError
from llavataros_jax.trained import TrainedRun

# Each sample is written before the next is drawn; more than this are a data set.
MOST_SAMPLES = 100
SECTIONS = ("film", "words")
# How samples are drawn, of a run with a head that is sampled.
SAMPLING = ("flow.steps", "flow.temperature", "flow.guidance")
OPTIONS = (
    *SAMPLING,
    *("audio.pase", "text.model", "text.batch"),
    *("data.folder", "data.records", "data.words_folder", "data.workers"),
)
# How the model reads words on frames is part of what it learned.
_FIXED = ("words.frame_rule",)


def with_run_options(run: TrainedRun, overrides: Sequence[str]) -> TrainedRun:
    """Returns the run with some of its options changed.

    Raises:
        UserError: When an option is unknown or belongs to what the run computes, or is about
            samples, which this run does not draw.
    """
    if not overrides:
        return run
    names = [override.partition("=")[0] for override in overrides]
    require_sampled(run, [name for name in names if name in SAMPLING])
    config = with_overrides(run.config, overrides)
    for key in changed_options(run.config, config):
        if key in _FIXED or (key not in OPTIONS and key.split(".")[0] not in SECTIONS):
            raise UserError(
                f"{key} is part of what the run computes and cannot be changed after training; "
                f"what can: {', '.join((*(f'{section}.…' for section in SECTIONS), *OPTIONS))}"
            )
    return dataclasses.replace(run, config=config)


def require_sampled(run: TrainedRun, options: Sequence[str], *, name: str = "this run") -> None:
    """Refuses options about samples where a run draws none.

    Args:
        run: The run.
        options: Those that were given, as the user wrote them.
        name: What the run is called.

    Raises:
        UserError: When there are such options and the run has no sampled head.
    """
    if options and not run.is_sampled:
        have, them = ("has", "it") if len(options) == 1 else ("have", "them")
        raise UserError(
            f"{name} answers with one motion (model.head={run.config.model.head}), so "
            f"{', '.join(options)} {have} nothing to act on; train with model.head=flow or leave "
            f"{them} out"
        )


def changed_options(before: Config, after: Config) -> list[str]:
    """Lists the options, as `section.key`, that differ."""
    old, new = config_to_dict(before), config_to_dict(after)
    return [
        f"{section}.{key}"
        for section, options in new.items()
        for key, value in options.items()
        if old[section][key] != value
    ]
