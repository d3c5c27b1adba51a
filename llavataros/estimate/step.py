"""The training step of a run that is estimated."""

import functools
from collections.abc import Callable
from typing import Any

from llavataros.estimate.workload import Workload
from llavataros_jax.training.liveliness import Liveliness
from llavataros_jax.training.optimizer import build_optimizer
from llavataros_jax.training.step import train_step


def step_of(workload: Workload) -> Callable[..., Any]:
    """Returns the function of state and batch that training compiles, for one device.

    The frozen encoder of `loss.contrastive` is left out: its file may not be there yet.
    """
    config = workload.config
    return functools.partial(
        train_step,
        model=workload.model,
        codec=workload.codec,
        optimizer=build_optimizer(config.optimizer, config.schedule_steps),
        loss=config.loss,
        liveliness=_liveliness(workload),
        ema_decay=config.optimizer.ema_decay,
        accumulate=config.training.accumulate_segments,
    )


def _liveliness(workload: Workload) -> Liveliness | None:
    loss, model = workload.config.loss, workload.config.model
    terms = tuple(term for term in ("energy", "variance", "voice") if getattr(loss, term))
    return Liveliness(terms, workload.fps, model.lookahead_frames) if terms else None
