"""Where the dials of sessions stand, checked, and those of all lanes in one."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from llavataros.live.options import SessionDials
from llavataros_jax.config import FilmConfig, FlowConfig
from llavataros_jax.inference.dials import LiveDials
from llavataros_jax.run_options import require_sampled
from llavataros_jax.trained import TrainedRun

_OF_SAMPLES = ("temperature", "guidance")


def dials_of_run(run: TrainedRun, *, has_words: bool) -> SessionDials:
    """Returns the dials as the run's options have them."""
    return _of_lane(run.live_dials(1, has_words=has_words), 0)


def turned_dials(run: TrainedRun, now: SessionDials, wanted: SessionDials) -> SessionDials:
    """Returns dials of which some are turned.

    Raises:
        UserError: When a dial is out of its range, or turns samples that the run does not draw.
    """
    given = {name: value for name, value in vars(wanted).items() if value is not None}
    require_sampled(run, [name for name in given if name in _OF_SAMPLES])
    FlowConfig(**{name: value for name, value in given.items() if name in _OF_SAMPLES})
    FilmConfig(**{name: value for name, value in given.items() if name not in _OF_SAMPLES})
    return dataclasses.replace(now, **given)


def dials_of_lanes(usual: LiveDials, lanes: Sequence[SessionDials | None]) -> LiveDials:
    """Returns the dials of all lanes; `usual` are those of lanes in which there is nobody."""
    names = [name for name in vars(SessionDials()) if hasattr(usual, name)]
    values = {
        name: np.array(
            [
                usual_value if dials is None else getattr(dials, name)
                for usual_value, dials in zip(np.asarray(getattr(usual, name)), lanes, strict=True)
            ],
            np.float32,
        )
        for name in names
    }
    return usual.replace(**values)


def _of_lane(dials: LiveDials, lane: int) -> SessionDials:
    names = [name for name in vars(SessionDials()) if hasattr(dials, name)]
    return SessionDials(**{name: float(np.asarray(getattr(dials, name))[lane]) for name in names})
