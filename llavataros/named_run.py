"""The run that a command is given, or the one that comes along."""

from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.errors import UserError
from llavataros_jax.trained import TrainedRun, open_trained

STARTER = "starter"
STARTER_NAME = "the model that comes along"


def open_named(checkpoint: str | None) -> TrainedRun:
    """Opens the run that the user named, or the one that comes along.

    Raises:
        UserError: When it is no run, is damaged, or does not come along in this install.
    """
    if checkpoint is not None:
        return open_trained(checkpoint)
    starter = shipped_folder(STARTER)
    if not starter.is_dir():
        raise UserError(
            f"{STARTER_NAME} is missing from {starter}; install llavataros again, or name a run "
            "with --checkpoint"
        )
    return open_trained(starter)


def name_of_run(checkpoint: str | None) -> str:
    """Returns what a run is called in sentences."""
    return STARTER_NAME if checkpoint is None else f"run {checkpoint}"
